//! Properties that hold for all values, tried on random ones.

#[path = "properties/dim.rs"]
mod dim;
#[path = "properties/floats.rs"]
mod floats;
#[path = "properties/packed.rs"]
mod packed;

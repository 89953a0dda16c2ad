//! The innermost steps of attention, softmax(q·k) · v, over blocks of keys: the table of scores is never made
//! as a whole.
//!
//! For every block of [`KEYS`] keys, in order: [`pack_keys`] once, then, for any rows of queries, [`scores`];
//! the caller scales, biases and masks them (a masked score is -inf); then [`Rows::absorb`] adds the block's
//! values to what these rows have so far. A row's result depends only on where blocks begin, not on the rows
//! beside it. What a reader would get wrong: values of keys with a share of zero are left out, so that a NaN
//! that lies there never reaches the result.

mod absorb;
mod scores;
#[cfg(test)]
mod tests;

pub use absorb::Rows;
pub use scores::{pack_keys, scores};

/// Keys of a block.
pub const KEYS: usize = 64;

//! What a node has to do at least, and how long that takes.

use crate::rates::Rates;
use serde::Serialize;

/// Bytes that have to be moved, and operations that have to be done, of which a product and a sum are two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    pub bytes: usize,
    /// On f32s.
    pub floats: usize,
    /// On packed bytes.
    pub packed: usize,
}

/// What holds a kernel back at best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    Memory,
    Floats,
    Bytes,
}

impl Bound {
    pub fn name(self) -> &'static str {
        match self {
            Bound::Memory => "memory",
            Bound::Floats => "floats",
            Bound::Bytes => "bytes",
        }
    }
}

impl Work {
    /// Elements that are only moved.
    pub fn moving(bytes: usize) -> Work {
        Work { bytes, ..Work::default() }
    }

    /// The same with so many products of f32s that are added up.
    pub fn of_floats(self, products: usize) -> Work {
        Work { floats: 2 * products, ..self }
    }

    /// The same with so many products of bytes that are added up.
    pub fn of_bytes(self, products: usize) -> Work {
        Work { packed: 2 * products, ..self }
    }

    /// The least microseconds at those rates, and what they are due to.
    pub fn floor(&self, rates: &Rates) -> (f64, Bound) {
        let all = [
            (self.bytes as f64 / rates.bytes_per_us(), Bound::Memory),
            (self.floats as f64 / rates.floats_per_us, Bound::Floats),
            (self.packed as f64 / rates.packed_per_us, Bound::Bytes),
        ];
        let [first, rest @ ..] = all;
        rest.into_iter().fold(first, |most, next| if next.0 > most.0 { next } else { most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_part_is_the_floor() {
        let rates =
            Rates { read_per_us: 100.0, copied_per_us: 50.0, floats_per_us: 10.0, packed_per_us: 40.0 };
        let moved = Work::moving(1000);
        assert_eq!(moved.floor(&rates), (10.0, Bound::Memory));
        assert_eq!(moved.of_floats(25).floor(&rates), (10.0, Bound::Memory));
        assert_eq!(moved.of_floats(100).floor(&rates), (20.0, Bound::Floats));
        assert_eq!(moved.of_bytes(400).floor(&rates), (20.0, Bound::Bytes));
    }
}

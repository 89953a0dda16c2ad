//! Squares of numbers turned around in registers: what packing is made of.
//!
//! Compilers find the instructions for it on machines; for WebAssembly they are written out. There it counts most:
//! packing is over before an engine has compiled it well.

/// Lines become columns.
#[inline(always)]
pub fn turned(lines: [[u32; 4]; 4]) -> [[u32; 4]; 4] {
    #[cfg(target_arch = "wasm32")]
    {
        use std::arch::wasm32::*;
        let [a, b, c, d] = lines.map(from_words);
        let (low_ab, high_ab) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (low_cd, high_cd) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        let low = |x, y| i64x2_shuffle::<0, 2>(x, y);
        let high = |x, y| i64x2_shuffle::<1, 3>(x, y);
        [low(low_ab, low_cd), high(low_ab, low_cd), low(high_ab, high_cd), high(high_ab, high_cd)]
            .map(to_words)
    }
    #[cfg(not(target_arch = "wasm32"))]
    std::array::from_fn(|i| lines.map(|line| line[i]))
}

/// The bytes of four lines, column by column, as they lie in memory. Compilers make vectors of this everywhere.
#[inline(always)]
pub fn zipped([a, b, c, d]: [[u8; 16]; 4]) -> [u32; 16] {
    let mut columns = [0; 16];
    for (i, column) in columns.iter_mut().enumerate() {
        *column = u32::from_le_bytes([a[i], b[i], c[i], d[i]]).to_le();
    }
    columns
}

#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn from_words(words: [u32; 4]) -> std::arch::wasm32::v128 {
    // SAFETY: both are 16 bytes, of which all are values.
    unsafe { std::mem::transmute(words) }
}

#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn to_words(vector: std::arch::wasm32::v128) -> [u32; 4] {
    // SAFETY: both are 16 bytes, of which all are values.
    unsafe { std::mem::transmute(vector) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_columns() {
        let lines = std::array::from_fn(|i| std::array::from_fn(|j| (10 * i + j) as u32));
        let columns = turned(lines);
        assert!((0..16).all(|at| columns[at / 4][at % 4] == lines[at % 4][at / 4]), "{columns:?}");
    }

    #[test]
    fn bytes_are_zipped() {
        let lines = std::array::from_fn(|i| std::array::from_fn(|j| (16 * i + j) as u8));
        let columns = zipped(lines);
        assert!(
            (0..64).all(|at| columns[at / 4].to_ne_bytes()[at % 4] == lines[at % 4][at / 4]),
            "{columns:?}"
        );
    }
}

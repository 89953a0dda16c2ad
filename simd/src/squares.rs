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

/// The bytes of four lines, column by column.
#[inline(always)]
pub fn zipped(lines: [[u8; 16]; 4]) -> [[u8; 4]; 16] {
    #[cfg(target_arch = "wasm32")]
    {
        use std::arch::wasm32::*;
        let low = |x, y| i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(x, y);
        let high = |x, y| i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(x, y);
        let low_pairs = |x, y| i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(x, y);
        let high_pairs = |x, y| i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(x, y);
        // SAFETY: both are 16 bytes, of which all are values.
        let [a, b, c, d] = lines.map(|line| unsafe { std::mem::transmute::<[u8; 16], v128>(line) });
        let (ab, cd, ab_high, cd_high) = (low(a, b), low(c, d), high(a, b), high(c, d));
        let quads = [
            low_pairs(ab, cd),
            high_pairs(ab, cd),
            low_pairs(ab_high, cd_high),
            high_pairs(ab_high, cd_high),
        ];
        // SAFETY: both are 64 bytes, of which all are values.
        unsafe { std::mem::transmute::<[v128; 4], [[u8; 4]; 16]>(quads) }
    }
    #[cfg(not(target_arch = "wasm32"))]
    std::array::from_fn(|i| lines.map(|line| line[i]))
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
        assert!((0..64).all(|at| columns[at / 4][at % 4] == lines[at % 4][at / 4]), "{columns:?}");
    }
}

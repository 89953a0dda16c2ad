//! The inverse cosine transform of a block: the accurate integer one of the Independent JPEG Group (Loeffler,
//! Ligtenberg and Moschytz), with 13 fractional bits, since its rounding is what everybody compares with.

const BITS: u32 = 13;
/// Fractional bits between the passes.
const BETWEEN: u32 = 2;

/// The samples of a block of coefficients.
pub fn inverse(block: &[i16; 64], quantizer: &[u16; 64]) -> [u8; 64] {
    let mut work = [0i64; 64];
    for column in 0..8 {
        let x =
            std::array::from_fn(|i| i64::from(block[i * 8 + column]) * i64::from(quantizer[i * 8 + column]));
        for (i, y) in line(x).into_iter().enumerate() {
            work[i * 8 + column] = round_shift(y, BITS - BETWEEN);
        }
    }
    let mut samples = [0; 64];
    for (row, samples) in work.as_chunks::<8>().0.iter().zip(samples.chunks_mut(8)) {
        for (sample, y) in samples.iter_mut().zip(line(*row)) {
            *sample = (round_shift(y, BITS + BETWEEN + 3) + 128).clamp(0, 255) as u8;
        }
    }
    samples
}

fn round_shift(x: i64, bits: u32) -> i64 {
    (x + (1 << (bits - 1))) >> bits
}

/// Eight values, with `BITS` more fractional bits than they came with.
fn line(x: [i64; 8]) -> [i64; 8] {
    // Cosines and their sums in 13 fractional bits.
    let even = (x[2] + x[6]) * 4433;
    let (low, high) = (even + x[2] * 6270, even - x[6] * 15137);
    let (sum, difference) = ((x[0] + x[4]) << BITS, (x[0] - x[4]) << BITS);
    let even = [sum + low, difference + high, difference - high, sum - low];

    let (a, b, c, d) = (x[7], x[5], x[3], x[1]);
    let all = (a + b + c + d) * 9633;
    let (ad, bc) = ((a + d) * -7373, (b + c) * -20995);
    let (ac, bd) = ((a + c) * -16069 + all, (b + d) * -3196 + all);
    let odd = [d * 12299 + ad + bd, c * 25172 + bc + ac, b * 16819 + bc + bd, a * 2446 + ad + ac];

    std::array::from_fn(|i| if i < 4 { even[i] + odd[i] } else { even[7 - i] - odd[7 - i] })
}

//! Functions of bytes as tables of all 256 values.

use crate::Isa;

/// `y = table[x]` for every byte. Panics where the two have different lengths.
pub fn look_up(isa: Isa, table: &[u8; 256], x: &[u8], y: &mut [u8]) {
    assert_eq!(x.len(), y.len());
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx512 && isa.is_supported() && std::arch::is_x86_feature_detected!("avx512vbmi") {
        // SAFETY: the machine was asked.
        return unsafe { avx512(table, x, y) };
    }
    let _ = isa;
    for (x, y) in x.iter().zip(y) {
        *y = table[usize::from(*x)];
    }
}

/// 64 bytes at a time: the table lies in four registers, of which an instruction looks through two.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn avx512(table: &[u8; 256], x: &[u8], y: &mut [u8]) {
    use std::arch::x86_64::*;
    // SAFETY: the table has four times 64 bytes.
    let [a, b, c, d] = [0, 64, 128, 192].map(|at| unsafe { _mm512_loadu_si512(table[at..].as_ptr().cast()) });
    for (x, y) in x.chunks(64).zip(y.chunks_mut(64)) {
        let there = if x.len() == 64 { !0 } else { (1 << x.len()) - 1 };
        // SAFETY: the mask lets through as many bytes as there are on both sides.
        unsafe {
            let x = _mm512_maskz_loadu_epi8(there, x.as_ptr().cast());
            let low = _mm512_permutex2var_epi8(a, x, b);
            let high = _mm512_permutex2var_epi8(c, x, d);
            let found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
            _mm512_mask_storeu_epi8(y.as_mut_ptr().cast(), there, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        let table: [u8; 256] = std::array::from_fn(|i| (i * 167 + 13) as u8);
        for isa in Isa::supported() {
            for len in (0..200).chain([1000]) {
                let x: Vec<u8> = (0..len).map(|i| (i * 3 + len) as u8).collect();
                let mut y = vec![9; len + 1];
                look_up(isa, &table, &x, &mut y[..len]);
                assert!(x.iter().zip(&y).all(|(x, y)| *y == table[usize::from(*x)]), "{isa:?} {len}");
                assert_eq!(y[len], 9);
            }
        }
    }
}

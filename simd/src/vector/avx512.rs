//! AVX-512: 16 lanes, masks for the ends of rows.

use super::{Simd, Task};
use std::arch::x86_64::*;

/// 16 lanes; with VPDPBUSD where `VNNI` says so.
#[derive(Clone, Copy)]
pub struct Avx512<const VNNI: bool> {
    _private: (),
}

/// # Safety
/// The machine must have AVX-512 F, BW, DQ and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run(Avx512::<false> { _private: () })
}

/// # Safety
/// As [`run`], and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,avx512vnni")]
pub unsafe fn run_vnni<T: Task>(task: T) -> T::Output {
    task.run(Avx512::<true> { _private: () })
}

/// The first `n` lanes, or all.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    if n >= 16 { !0 } else { (1 << n) - 1 }
}

/// The dot product without VNNI: even and odd bytes as 16-bit numbers, whose products cannot saturate.
#[inline(always)]
unsafe fn split_dot(acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the caller holds a token.
    unsafe {
        let even = _mm512_madd_epi16(
            _mm512_and_si512(a, _mm512_set1_epi16(0xff)),
            _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(b)),
        );
        let odd = _mm512_madd_epi16(_mm512_srli_epi16::<8>(a), _mm512_srai_epi16::<8>(b));
        _mm512_add_epi32(acc, _mm512_add_epi32(even, odd))
    }
}

impl<const VNNI: bool> Simd for Avx512<VNNI> {
    type F = __m512;
    type I = __m512i;
    type M = __mmask16;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn splat_i(self, x: i32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_set1_epi32(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..16];
            _mm512_loadu_ps(from.as_ptr())
        }
    }

    #[inline(always)]
    fn load_i(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..16];
            _mm512_loadu_si512(from.as_ptr().cast())
        }
    }

    #[inline(always)]
    fn load_some(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn load_i_some(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_maskz_loadu_epi32(first(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(from.len()), from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_i8(self, from: &[i8]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(from.len()), from.as_ptr())) }
    }

    #[inline(always)]
    fn store(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..16];
            _mm512_storeu_ps(to.as_mut_ptr(), x)
        }
    }

    #[inline(always)]
    fn store_i(self, x: Self::I, to: &mut [i32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..16];
            _mm512_storeu_si512(to.as_mut_ptr().cast(), x)
        }
    }

    #[inline(always)]
    fn store_some(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), x) }
    }

    #[inline(always)]
    fn store_bytes(self, x: Self::I, to: &mut [u8]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(x);
            // A store through a mask is slow on some machines.
            match to.first_chunk_mut::<16>() {
                Some(to) => _mm_storeu_si128(to.as_mut_ptr().cast(), bytes),
                None => _mm_mask_storeu_epi8(to.as_mut_ptr().cast(), first(to.len()), bytes),
            }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_roundscale_ps::<0x08>(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn is_nan(self, a: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a) }
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_mask_blend_ps(mask, no, yes) }
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_castps_si512(a) }
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_castsi512_ps(a) }
    }

    #[inline(always)]
    fn to_f32(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cvtepi32_ps(a) }
    }

    #[inline(always)]
    fn to_i32(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_cvtps_epi32(a) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_reduce_max_ps(a) }
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_sub_epi32(a, b) }
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_mullo_epi32(a, b) }
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_min_epi32(a, b) }
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_max_epi32(a, b) }
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    fn shl<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_slli_epi32::<BITS>(a) }
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_srai_epi32::<BITS>(a) }
    }

    #[inline(always)]
    fn shr_by(self, a: Self::I, bits: u32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_sra_epi32(a, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn dot(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { if VNNI { _mm512_dpbusd_epi32(acc, a, b) } else { split_dot(acc, a, b) } }
    }

    const PAIRS: bool = !VNNI;

    #[inline(always)]
    fn dot_pairs(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        if VNNI {
            return self.dot(acc, a, b);
        }
        // SAFETY: the token proves the instructions.
        self.widen_pairs(acc, unsafe { _mm512_maddubs_epi16(a, b) })
    }

    #[inline(always)]
    fn add_pairs(self, sums: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_add_epi16(sums, _mm512_maddubs_epi16(a, b)) }
    }

    #[inline(always)]
    fn widen_pairs(self, acc: Self::I, sums: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm512_add_epi32(acc, _mm512_madd_epi16(sums, _mm512_set1_epi16(1))) }
    }

    #[inline(always)]
    fn zip4(self, [a, b, c, d]: [Self::I; 4]) -> [Self::I; 4] {
        // SAFETY: the token proves the instructions.
        unsafe {
            let (ab, cd) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
            [
                _mm512_unpacklo_epi16(ab, cd),
                _mm512_unpackhi_epi16(ab, cd),
                _mm512_unpacklo_epi16(ab_high, cd_high),
                _mm512_unpackhi_epi16(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, [a, b, c, d]: [Self::I; 4]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let (ab, cd) = (_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            let bytes = if SIGNED { _mm512_packs_epi16(ab, cd) } else { _mm512_packus_epi16(ab, cd) };
            if ZIPPED {
                return bytes;
            }
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_permutexvar_epi32(order, bytes)
        }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_i_at(self, from: *const i32) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_at(self, x: Self::F, to: *mut f32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_storeu_ps(to, x) }
    }

    #[inline(always)]
    unsafe fn store_i_at(self, x: Self::I, to: *mut i32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_storeu_si512(to.cast(), x) }
    }

    #[inline(always)]
    unsafe fn load_i16_at(self, from: *const u16) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_cvtepi16_epi32(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_i16_at(self, x: Self::I, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(x)) }
    }

    #[inline(always)]
    unsafe fn load_f16_at(self, from: *const u16) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_f16_at(self, x: Self::F, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }
}

//! AVX2 with FMA: 8 lanes.

use super::{Simd, Task, first_bytes, store_first};
use std::arch::x86_64::*;

/// 8 lanes; with VPDPBUSD where `VNNI` says so.
#[derive(Clone, Copy)]
pub struct Avx2<const VNNI: bool> {
    _private: (),
}

/// # Safety
/// The machine must have AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run(Avx2::<false> { _private: () })
}

/// # Safety
/// As [`run`], and AVX-VNNI.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub unsafe fn run_vnni<T: Task>(task: T) -> T::Output {
    task.run(Avx2::<true> { _private: () })
}

/// All bits set in the first `n` lanes.
#[inline(always)]
fn first(n: usize) -> __m256i {
    // SAFETY: whoever comes here holds a token.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(n.min(8) as i32), lanes)
    }
}

/// The dot product without VNNI: even and odd bytes as 16-bit numbers, whose products cannot saturate.
#[inline(always)]
unsafe fn split_dot(acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller holds a token.
    unsafe {
        let even = _mm256_madd_epi16(
            _mm256_and_si256(a, _mm256_set1_epi16(0xff)),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b)),
        );
        let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(a), _mm256_srai_epi16::<8>(b));
        _mm256_add_epi32(acc, _mm256_add_epi32(even, odd))
    }
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = __m256;
    type I = __m256i;
    type M = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn splat_i(self, x: i32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_set1_epi32(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..8];
            _mm256_loadu_ps(from.as_ptr())
        }
    }

    #[inline(always)]
    fn load_i(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..8];
            _mm256_loadu_si256(from.as_ptr().cast())
        }
    }

    #[inline(always)]
    fn load_some(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_maskload_ps(from.as_ptr(), first(from.len())) }
    }

    #[inline(always)]
    fn load_i_some(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_maskload_epi32(from.as_ptr(), first(from.len())) }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(first_bytes(from)))) }
    }

    #[inline(always)]
    fn load_i8(self, from: &[i8]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(first_bytes(from)))) }
    }

    #[inline(always)]
    fn store(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..8];
            _mm256_storeu_ps(to.as_mut_ptr(), x)
        }
    }

    #[inline(always)]
    fn store_i(self, x: Self::I, to: &mut [i32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..8];
            _mm256_storeu_si256(to.as_mut_ptr().cast(), x)
        }
    }

    #[inline(always)]
    fn store_some(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_maskstore_ps(to.as_mut_ptr(), first(to.len()), x) }
    }

    #[inline(always)]
    fn store_bytes(self, x: Self::I, to: &mut [u8]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let at = _mm256_setr_epi8(
                0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1,
                -1, -1, -1, -1, -1, -1, -1,
            );
            let halves = _mm256_shuffle_epi8(x, at);
            let low = _mm_cvtsi128_si32(_mm256_castsi256_si128(halves)) as u32;
            let high = _mm_cvtsi128_si32(_mm256_extracti128_si256::<1>(halves)) as u32;
            let bytes = (u64::from(high) << 32 | u64::from(low)).to_le_bytes();
            store_first(bytes, to)
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sqrt_ps(a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_round_ps::<0x08>(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn is_nan(self, a: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a) }
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_blendv_ps(no, yes, mask) }
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_castps_si256(a) }
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_castsi256_ps(a) }
    }

    #[inline(always)]
    fn to_f32(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cvtepi32_ps(a) }
    }

    #[inline(always)]
    fn to_i32(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cvtps_epi32(a) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe {
            let half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe {
            let half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pair = _mm_max_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sub_epi32(a, b) }
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_mullo_epi32(a, b) }
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_min_epi32(a, b) }
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_max_epi32(a, b) }
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_and_si256(a, b) }
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_or_si256(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_xor_si256(a, b) }
    }

    #[inline(always)]
    fn shl<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sll_epi32(a, _mm_cvtsi32_si128(BITS as i32)) }
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sra_epi32(a, _mm_cvtsi32_si128(BITS as i32)) }
    }

    #[inline(always)]
    fn shr_by(self, a: Self::I, bits: u32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_sra_epi32(a, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn dot(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { if VNNI { _mm256_dpbusd_avx_epi32(acc, a, b) } else { split_dot(acc, a, b) } }
    }

    const PAIRS: bool = !VNNI;

    #[inline(always)]
    fn dot_pairs(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        if VNNI {
            return self.dot(acc, a, b);
        }
        // SAFETY: the token proves the instructions.
        self.widen_pairs(acc, unsafe { _mm256_maddubs_epi16(a, b) })
    }

    #[inline(always)]
    fn add_pairs(self, sums: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_add_epi16(sums, _mm256_maddubs_epi16(a, b)) }
    }

    #[inline(always)]
    fn widen_pairs(self, acc: Self::I, sums: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_add_epi32(acc, _mm256_madd_epi16(sums, _mm256_set1_epi16(1))) }
    }

    #[inline(always)]
    fn zip4(self, [a, b, c, d]: [Self::I; 4]) -> [Self::I; 4] {
        // SAFETY: the token proves the instructions.
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
            [
                _mm256_unpacklo_epi16(ab, cd),
                _mm256_unpackhi_epi16(ab, cd),
                _mm256_unpacklo_epi16(ab_high, cd_high),
                _mm256_unpackhi_epi16(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, [a, b, c, d]: [Self::I; 4]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let (ab, cd) = (_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            let bytes = if SIGNED { _mm256_packs_epi16(ab, cd) } else { _mm256_packus_epi16(ab, cd) };
            if ZIPPED {
                return bytes;
            }
            _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
        }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_i_at(self, from: *const i32) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_at(self, x: Self::F, to: *mut f32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_storeu_ps(to, x) }
    }

    #[inline(always)]
    unsafe fn store_i_at(self, x: Self::I, to: *mut i32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_storeu_si256(to.cast(), x) }
    }

    #[inline(always)]
    unsafe fn load_i16_at(self, from: *const u16) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_cvtepi16_epi32(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_i16_at(self, x: Self::I, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe {
            let low = _mm256_setr_epi8(
                0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 4, 5, 8, 9, 12, 13, -1, -1,
                -1, -1, -1, -1, -1, -1,
            );
            let halves = _mm256_permute4x64_epi64::<0b1000>(_mm256_shuffle_epi8(x, low));
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(halves))
        }
    }

    #[inline(always)]
    unsafe fn load_f16_at(self, from: *const u16) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_f16_at(self, x: Self::F, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { _mm_storeu_si128(to.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }
}

//! WebAssembly's 128-bit vectors: 4 lanes. The engine keeps about 16 in registers, of which a kernel should
//! use no more than nine for its sums.

use super::{Simd, Task, first_bytes, store_first};
use std::arch::wasm32::*;

/// 4 lanes; products of bytes by widening (0), or by the relaxed instructions, which are exact in this engine
/// for i8 (1) or for u8 (2) by i8, or for u8 as long as 16 bits hold two products (3); such an engine's
/// multiply-add rounds once, too.
#[derive(Clone, Copy)]
pub struct Wasm<const DOT: u8> {
    _private: (),
}

/// The whole module has the instructions or none of it is compiled. Not inlined, and neither are its
/// siblings: engines compile and improve whole functions, so what does not run had better not be in them.
#[inline(never)]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(Wasm::<0> { _private: () })
}

/// [`run`] where [`exact_dot`] is [`Isa::RelaxedSigned`](crate::Isa::RelaxedSigned).
#[inline(never)]
pub fn run_signed<T: Task>(task: T) -> T::Output {
    task.run(Wasm::<1> { _private: () })
}

/// [`run`] where [`exact_dot`] is [`Isa::RelaxedUnsigned`](crate::Isa::RelaxedUnsigned).
#[inline(never)]
pub fn run_unsigned<T: Task>(task: T) -> T::Output {
    task.run(Wasm::<2> { _private: () })
}

/// [`run`] where [`exact_dot`] is [`Isa::RelaxedPairs`](crate::Isa::RelaxedPairs).
#[inline(never)]
pub fn run_pairs<T: Task>(task: T) -> T::Output {
    task.run(Wasm::<3> { _private: () })
}

/// The relaxed dot product; engines differ where a byte of `a` has its top bit set, and may then saturate.
#[inline(always)]
fn relaxed_dot(acc: v128, a: v128, b: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return i32x4_relaxed_dot_i8x16_i7x16_add(b, a, acc);
    // Whoever asks has not looked whether there is one.
    #[cfg(not(target_feature = "relaxed-simd"))]
    return dot(acc, a, b);
}

/// The relaxed sums of two neighboring products; engines differ as for [`relaxed_dot`], and some saturate.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
fn relaxed_pairs(a: v128, b: v128) -> v128 {
    i16x8_relaxed_dot_i8x16_i7x16(b, a)
}

/// What this engine's relaxed dot products are exact for: found out on the bytes where engines differ, and
/// where sums of two products pass 16 bits. None where multiply-adds round twice: no machine has the dot
/// product and not them.
#[cfg(target_feature = "relaxed-simd")]
pub fn exact_dot() -> Option<crate::Isa> {
    use std::hint::black_box;
    let [a, b, c] = [1.0 + f32::EPSILON, 1.0 - f32::EPSILON, -1.0].map(|x| black_box(f32x4_splat(x)));
    // The product is short of 1 by less than a number near 1 can be.
    if !i32x4_all_true(f32x4_ne(mul_add(a, b, c), f32x4_splat(0.0))) {
        return None;
    }
    let is = |a: i8, b: i8, product: i32| {
        let (a, b) = (black_box(i8x16_splat(a)), black_box(i8x16_splat(b)));
        let sums = relaxed_dot(black_box(i32x4_splat(7)), a, b);
        i32x4_all_true(i32x4_eq(sums, i32x4_splat(7 + 4 * product)))
    };
    let all = |values: [i32; 2]| {
        [-1i8, -128]
            .into_iter()
            .zip(values)
            .all(|(a, value)| [-128i8, -1, 1, 127].into_iter().all(|b| is(a, b, value * i32::from(b))))
    };
    if all([255, 128]) {
        Some(crate::Isa::RelaxedUnsigned)
    } else if all([-1, -128]) {
        Some(crate::Isa::RelaxedSigned)
    } else if pairs_are_exact() {
        Some(crate::Isa::RelaxedPairs)
    } else {
        None
    }
}

/// Whether [`relaxed_pairs`] is exact for u8 by such i8 as [`Simd::dot_pairs`] takes.
#[cfg(target_feature = "relaxed-simd")]
fn pairs_are_exact() -> bool {
    use std::hint::black_box;
    let neighbors = |[even, odd]: [u8; 2]| i16x8_splat(i16::from_le_bytes([even, odd]));
    let weights = [[127, 1], [1, 127], [64, 64], [-128, 0], [0, -128], [-64, -64], [127, -128], [-1, 127]];
    [[255u8, 255], [128, 255], [255, 0], [127, 128]].into_iter().all(|a| {
        weights.into_iter().all(|b: [i8; 2]| {
            let sums = relaxed_pairs(black_box(neighbors(a)), black_box(neighbors(b.map(|b| b as u8))));
            let sum = i32::from(a[0]) * i32::from(b[0]) + i32::from(a[1]) * i32::from(b[1]);
            i16x8_all_true(i16x8_eq(sums, i16x8_splat(sum as i16)))
        })
    })
}

/// `a` where the mask is true, `b` elsewhere; for masks that comparisons make.
///
/// The smaller of two could be `f32x4_pmin`, but where there are relaxed instructions compilers take that for the
/// relaxed minimum, which forgets NaN.
#[inline(always)]
fn where_true(mask: v128, a: v128, b: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return i32x4_relaxed_laneselect(a, b, mask);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return v128_bitselect(a, b, mask);
}

#[inline(always)]
fn mul_add(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return f32x4_add(f32x4_mul(a, b), c);
}

/// Exact on every engine: even and odd bytes as 16-bit numbers.
#[inline(always)]
fn dot(acc: v128, a: v128, b: v128) -> v128 {
    let even = i32x4_dot_i16x8(v128_and(a, i16x8_splat(0xff)), i16x8_shr(i16x8_shl(b, 8), 8));
    let odd = i32x4_dot_i16x8(u16x8_shr(a, 8), i16x8_shr(b, 8));
    i32x4_add(acc, i32x4_add(even, odd))
}

impl<const DOT: u8> Simd for Wasm<DOT> {
    type F = v128;
    type I = v128;
    type M = v128;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        f32x4_splat(x)
    }

    #[inline(always)]
    fn splat_i(self, x: i32) -> Self::I {
        i32x4_splat(x)
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..4];
            v128_load(from.as_ptr().cast())
        }
    }

    #[inline(always)]
    fn load_i(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..4];
            v128_load(from.as_ptr().cast())
        }
    }

    #[inline(always)]
    fn load_some(self, from: &[f32]) -> Self::F {
        if from.len() >= 4 {
            return self.load(from);
        }
        let mut lanes = [0f32; 4];
        lanes.iter_mut().zip(from).for_each(|(lane, &x)| *lane = x);
        self.load(&lanes)
    }

    #[inline(always)]
    fn load_i_some(self, from: &[i32]) -> Self::I {
        if from.len() >= 4 {
            return self.load_i(from);
        }
        let mut lanes = [0; 4];
        lanes.iter_mut().zip(from).for_each(|(lane, &x)| *lane = x);
        self.load_i(&lanes)
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> Self::I {
        u32x4_extend_low_u16x8(u16x8_extend_low_u8x16(i32x4(i32::from_le_bytes(first_bytes(from)), 0, 0, 0)))
    }

    #[inline(always)]
    fn load_i8(self, from: &[i8]) -> Self::I {
        i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(i32x4(i32::from_le_bytes(first_bytes(from)), 0, 0, 0)))
    }

    #[inline(always)]
    fn store(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..4];
            v128_store(to.as_mut_ptr().cast(), x)
        }
    }

    #[inline(always)]
    fn store_i(self, x: Self::I, to: &mut [i32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..4];
            v128_store(to.as_mut_ptr().cast(), x)
        }
    }

    #[inline(always)]
    fn store_some(self, x: Self::F, to: &mut [f32]) {
        if to.len() >= 4 {
            return self.store(x, to);
        }
        let mut lanes = [0f32; 4];
        self.store(x, &mut lanes);
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = lane);
    }

    #[inline(always)]
    fn store_bytes(self, x: Self::I, to: &mut [u8]) {
        let bytes = i8x16_shuffle::<0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12>(x, x);
        let bytes = i32x4_extract_lane::<0>(bytes).to_le_bytes();
        store_first(bytes, to)
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_sub(a, b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        f32x4_div(a, b)
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        where_true(f32x4_lt(a, b), a, b)
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        where_true(f32x4_gt(a, b), a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        mul_add(a, b, c)
    }

    #[inline(always)]
    fn fused(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        if DOT != 0 {
            return mul_add(a, b, c);
        }
        let two = |a, b, c| {
            let wide = f64x2_promote_low_f32x4;
            f32x4_demote_f64x2_zero(f64x2_add(f64x2_mul(wide(a), wide(b)), wide(c)))
        };
        let upper = |x| i64x2_shuffle::<1, 1>(x, x);
        i64x2_shuffle::<0, 2>(two(a, b, c), two(upper(a), upper(b), upper(c)))
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        f32x4_sqrt(a)
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        f32x4_nearest(a)
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        f32x4_lt(a, b)
    }

    #[inline(always)]
    fn is_nan(self, a: Self::F) -> Self::M {
        f32x4_ne(a, a)
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        v128_bitselect(yes, no, mask)
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        a
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        a
    }

    #[inline(always)]
    fn to_f32(self, a: Self::I) -> Self::F {
        f32x4_convert_i32x4(a)
    }

    #[inline(always)]
    fn to_i32(self, a: Self::F) -> Self::I {
        i32x4_trunc_sat_f32x4(f32x4_nearest(a))
    }

    #[inline(always)]
    fn to_small_i32(self, a: Self::F) -> Self::I {
        // Where numbers are so large that neighbors are 1 apart, a sum rounds to an integer.
        const LARGE: f32 = 12_582_912.0;
        i32x4_sub(f32x4_add(a, f32x4_splat(LARGE)), i32x4_splat(LARGE.to_bits() as i32))
    }

    #[inline(always)]
    fn without_nan(self, a: Self::F) -> Self::F {
        v128_and(a, f32x4_eq(a, a))
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let pair = f32x4_add(a, i32x4_shuffle::<2, 3, 2, 3>(a, a));
        f32x4_extract_lane::<0>(pair) + f32x4_extract_lane::<1>(pair)
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        let pair = f32x4_pmax(a, i32x4_shuffle::<2, 3, 2, 3>(a, a));
        f32x4_extract_lane::<0>(pair).max(f32x4_extract_lane::<1>(pair))
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        i32x4_add(a, b)
    }

    #[inline(always)]
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I {
        i32x4_sub(a, b)
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        i32x4_mul(a, b)
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        i32x4_min(a, b)
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        i32x4_max(a, b)
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        v128_and(a, b)
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        v128_or(a, b)
    }

    #[inline(always)]
    fn xor(self, a: Self::I, b: Self::I) -> Self::I {
        v128_xor(a, b)
    }

    #[inline(always)]
    fn shl<const BITS: u32>(self, a: Self::I) -> Self::I {
        i32x4_shl(a, BITS)
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self, a: Self::I) -> Self::I {
        i32x4_shr(a, BITS)
    }

    #[inline(always)]
    fn shr_by(self, a: Self::I, bits: u32) -> Self::I {
        i32x4_shr(a, bits)
    }

    #[inline(always)]
    fn dot(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        if DOT == 2 { relaxed_dot(acc, a, b) } else { dot(acc, a, b) }
    }

    const SIGNED_DOT: bool = DOT == 1;

    #[inline(always)]
    fn dot_native(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        if DOT == 1 { relaxed_dot(acc, a, b) } else { self.dot(acc, a, b) }
    }

    const PAIRS: bool = DOT == 3;

    #[inline(always)]
    fn dot_pairs(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        #[cfg(target_feature = "relaxed-simd")]
        if DOT == 3 {
            return self.widen_pairs(acc, relaxed_pairs(a, b));
        }
        self.dot(acc, a, b)
    }

    #[inline(always)]
    fn add_pairs(self, sums: Self::I, a: Self::I, b: Self::I) -> Self::I {
        #[cfg(target_feature = "relaxed-simd")]
        if DOT == 3 {
            return i16x8_add(sums, relaxed_pairs(a, b));
        }
        self.dot_small(sums, a, b)
    }

    #[inline(always)]
    fn widen_pairs(self, acc: Self::I, sums: Self::I) -> Self::I {
        i32x4_add(acc, if DOT == 3 { i32x4_dot_i16x8(sums, i16x8_splat(1)) } else { sums })
    }

    #[inline(always)]
    fn dot_small(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        relaxed_dot(acc, a, b)
    }

    #[inline(always)]
    fn zip4(self, [a, b, c, d]: [Self::I; 4]) -> [Self::I; 4] {
        let low = |x, y| i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(x, y);
        let high = |x, y| i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(x, y);
        let low_pairs = |x, y| i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(x, y);
        let high_pairs = |x, y| i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(x, y);
        let (ab, cd, ab_high, cd_high) = (low(a, b), low(c, d), high(a, b), high(c, d));
        [low_pairs(ab, cd), high_pairs(ab, cd), low_pairs(ab_high, cd_high), high_pairs(ab_high, cd_high)]
    }

    #[inline(always)]
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, [a, b, c, d]: [Self::I; 4]) -> Self::I {
        // No intrinsic that saturates 32 bits: LLVM makes comparisons of two such steps.
        if SIGNED {
            // The upper half is all sign: as a byte, it makes 16 bits of the lower half's byte.
            return i8x16_narrow_i16x8(i8x16_narrow_i16x8(a, b), i8x16_narrow_i16x8(c, d));
        }
        let ab = i16x8_shuffle::<0, 2, 4, 6, 8, 10, 12, 14>(a, b);
        let cd = i16x8_shuffle::<0, 2, 4, 6, 8, 10, 12, 14>(c, d);
        i8x16_shuffle::<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(ab, cd)
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_i_at(self, from: *const i32) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_at(self, x: Self::F, to: *mut f32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { v128_store(to.cast(), x) }
    }

    #[inline(always)]
    unsafe fn store_i_at(self, x: Self::I, to: *mut i32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { v128_store(to.cast(), x) }
    }

    #[inline(always)]
    unsafe fn load_i16_at(self, from: *const u16) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { i32x4_load_extend_i16x4(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_i16_at(self, x: Self::I, to: *mut u16) {
        let halves = i16x8_shuffle::<0, 2, 4, 6, 0, 2, 4, 6>(x, x);
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { v128_store64_lane::<0>(halves, to.cast()) }
    }
}

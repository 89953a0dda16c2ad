//! NEON: 4 lanes.

use super::{Simd, Task, first_bytes, store_first};
use std::arch::aarch64::*;

/// 4 lanes; sums of products of bytes by widening (0), by SDOT (1) or by USDOT (2).
#[derive(Clone, Copy)]
pub struct Neon<const LEVEL: u8> {
    _private: (),
}

/// # Safety
/// The machine must have NEON.
#[target_feature(enable = "neon")]
pub unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run(Neon::<0> { _private: () })
}

/// # Safety
/// As [`run`], and dot products.
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn run_dot<T: Task>(task: T) -> T::Output {
    task.run(Neon::<1> { _private: () })
}

/// # Safety
/// As [`run_dot`], and products of 8-bit matrices.
#[target_feature(enable = "neon,dotprod,i8mm")]
pub unsafe fn run_i8mm<T: Task>(task: T) -> T::Output {
    task.run(Neon::<2> { _private: () })
}

/// The first 4 bytes in the low half.
#[inline(always)]
fn four<B: Copy>(from: &[B]) -> u64 {
    u32::from_le_bytes(first_bytes(from)).into()
}

/// Sums of neighbors, those of `a` first. The intrinsic is two shuffles and a sum, which the compiler likes to
/// take apart.
#[inline(always)]
fn add_pairs(a: int32x4_t, b: int32x4_t) -> int32x4_t {
    let sums;
    // SAFETY: every such machine has it.
    unsafe {
        std::arch::asm!(
            "addp {sums:v}.4s, {a:v}.4s, {b:v}.4s",
            sums = lateout(vreg) sums, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// `acc + Σ a·b`, both signed. SDOT and USDOT are written as assembly: their intrinsics are not stable.
///
/// # Safety
/// The machine must have dot products where the level is not 0.
#[inline(always)]
unsafe fn signed_dot<const LEVEL: u8>(mut acc: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        if LEVEL == 0 {
            let (a, b) = (vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
            // Two products may be 2¹⁵ together, so pairs are 32 bits wide.
            let low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
            let high = vpaddlq_s16(vmull_high_s8(a, b));
            return vaddq_s32(acc, add_pairs(low, high));
        }
        std::arch::asm!(
            "sdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
            acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

/// `acc + Σ a·b`, the bytes of `a` from 0 to 255.
///
/// # Safety
/// The machine must have what the level says.
#[inline(always)]
unsafe fn dot<const LEVEL: u8>(mut acc: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        match LEVEL {
            2 => {
                std::arch::asm!(
                    "usdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
                    acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b,
                    options(pure, nomem, nostack, preserves_flags),
                );
                acc
            }
            _ => {
                // a = 128 + (a ^ 0x80) as signed, so 128 Σ b is added.
                let signed = veorq_s32(a, vdupq_n_s32(0x8080_8080_u32 as i32));
                let acc = signed_dot::<LEVEL>(acc, signed, b);
                if LEVEL == 1 {
                    let half = vdupq_n_s32(0x4040_4040);
                    return signed_dot::<1>(signed_dot::<1>(acc, half, b), half, b);
                }
                vaddq_s32(acc, vshlq_n_s32::<7>(vpaddlq_s16(vpaddlq_s8(vreinterpretq_s8_s32(b)))))
            }
        }
    }
}

/// `acc + Σ a·b`, the bytes of `a` from 0 to 127.
///
/// # Safety
/// The machine must have what the level says.
#[inline(always)]
unsafe fn dot_small<const LEVEL: u8>(acc: int32x4_t, a: int32x4_t, b: int32x4_t) -> int32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        if LEVEL != 0 {
            return signed_dot::<LEVEL>(acc, a, b);
        }
        // Two products are more than -2¹⁵ together.
        let (a, b) = (vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
        let low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
        let mut acc = acc;
        // As in `add_pairs`.
        std::arch::asm!(
            "addp {pairs:v}.8h, {low:v}.8h, {high:v}.8h",
            "sadalp {acc:v}.4s, {pairs:v}.8h",
            acc = inout(vreg) acc, low = in(vreg) low, high = in(vreg) vmull_high_s8(a, b), pairs = out(vreg) _,
            options(pure, nomem, nostack, preserves_flags),
        );
        acc
    }
}

/// `acc + Σ a·b`, `a` being one lane; its sign is that of [`Simd::dot_native`].
///
/// # Safety
/// The machine must have what the level says.
#[inline(always)]
unsafe fn dot_lane<const LEVEL: u8, const LANE: i32>(
    mut acc: int32x4_t,
    a: int32x4_t,
    b: int32x4_t,
) -> int32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        match LEVEL {
            2 => std::arch::asm!(
                "sudot {acc:v}.4s, {b:v}.16b, {a:v}.4b[{lane}]",
                acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b, lane = const LANE,
                options(pure, nomem, nostack, preserves_flags),
            ),
            1 => std::arch::asm!(
                "sdot {acc:v}.4s, {b:v}.16b, {a:v}.4b[{lane}]",
                acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b, lane = const LANE,
                options(pure, nomem, nostack, preserves_flags),
            ),
            _ => acc = signed_dot::<0>(acc, vdupq_laneq_s32::<LANE>(a), b),
        }
    }
    acc
}

impl<const LEVEL: u8> Simd for Neon<LEVEL> {
    type F = float32x4_t;
    type I = int32x4_t;
    type M = uint32x4_t;
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn splat_i(self, x: i32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vdupq_n_s32(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..4];
            vld1q_f32(from.as_ptr())
        }
    }

    #[inline(always)]
    fn load_i(self, from: &[i32]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let from = &from[..4];
            vld1q_s32(from.as_ptr())
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
        // SAFETY: the token proves the instructions.
        unsafe { vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four(from)))))) }
    }

    #[inline(always)]
    fn load_i8(self, from: &[i8]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(four(from))))) }
    }

    #[inline(always)]
    fn store(self, x: Self::F, to: &mut [f32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..4];
            vst1q_f32(to.as_mut_ptr(), x)
        }
    }

    #[inline(always)]
    fn store_i(self, x: Self::I, to: &mut [i32]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let to = &mut to[..4];
            vst1q_s32(to.as_mut_ptr(), x)
        }
    }

    #[inline(always)]
    fn store_some(self, x: Self::F, to: &mut [f32]) {
        if to.len() >= 4 {
            return self.store(x, to);
        }
        let mut lanes = [0f32; 4];
        self.store(x, &mut lanes);
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = lane)
    }

    #[inline(always)]
    fn store_bytes(self, x: Self::I, to: &mut [u8]) {
        // SAFETY: the token proves the instructions.
        unsafe {
            let narrow = vmovn_s32(x);
            let bytes = vmovn_s16(vcombine_s16(narrow, narrow));
            let bytes = vget_lane_u32::<0>(vreinterpret_u32_s8(bytes)).to_le_bytes();
            store_first(bytes, to)
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vfmaq_f32(c, a, b) }
    }

    const BY_LANE: bool = true;

    #[inline(always)]
    fn mul_add_lane<const LANE: i32>(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vfmaq_laneq_f32::<LANE>(c, b, a) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vsqrtq_f32(a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vrndnq_f32(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { vcltq_f32(a, b) }
    }

    #[inline(always)]
    fn is_nan(self, a: Self::F) -> Self::M {
        // SAFETY: the token proves the instructions.
        unsafe { vmvnq_u32(vceqq_f32(a, a)) }
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vbslq_f32(mask, yes, no) }
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vreinterpretq_s32_f32(a) }
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vreinterpretq_f32_s32(a) }
    }

    #[inline(always)]
    fn to_f32(self, a: Self::I) -> Self::F {
        // SAFETY: the token proves the instructions.
        unsafe { vcvtq_f32_s32(a) }
    }

    #[inline(always)]
    fn to_i32(self, a: Self::F) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vcvtnq_s32_f32(a) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe { vpadds_f32(vadd_f32(vget_low_f32(a), vget_high_f32(a))) }
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        // SAFETY: the token proves the instructions.
        unsafe { vmaxnmvq_f32(a) }
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vaddq_s32(a, b) }
    }

    #[inline(always)]
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vsubq_s32(a, b) }
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vmulq_s32(a, b) }
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vminq_s32(a, b) }
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vmaxq_s32(a, b) }
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vandq_s32(a, b) }
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vorrq_s32(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { veorq_s32(a, b) }
    }

    #[inline(always)]
    fn shl<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vshlq_s32(a, vdupq_n_s32(BITS as i32)) }
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self, a: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vshlq_s32(a, vdupq_n_s32(-(BITS as i32))) }
    }

    #[inline(always)]
    fn shr_by(self, a: Self::I, bits: u32) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { vshlq_s32(a, vdupq_n_s32(-(bits as i32))) }
    }

    #[inline(always)]
    fn dot(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { dot::<LEVEL>(acc, a, b) }
    }

    const SIGNED_DOT: bool = LEVEL < 2;

    #[inline(always)]
    fn dot_native(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { if Self::SIGNED_DOT { signed_dot::<LEVEL>(acc, a, b) } else { dot::<LEVEL>(acc, a, b) } }
    }

    const DOT_BY_LANE: bool = LEVEL > 0;

    #[inline(always)]
    fn dot_lane<const LANE: i32>(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { dot_lane::<LEVEL, LANE>(acc, a, b) }
    }

    #[inline(always)]
    fn dot_small(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe { dot_small::<LEVEL>(acc, a, b) }
    }

    #[inline(always)]
    fn dot_small_lane<const LANE: i32>(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            match LEVEL {
                // The product of signed bytes, whose factors may change places.
                1 | 2 => dot_lane::<1, LANE>(acc, b, a),
                _ => dot_small::<LEVEL>(acc, a, vdupq_laneq_s32::<LANE>(b)),
            }
        }
    }

    #[inline(always)]
    fn zip4(self, rows: [Self::I; 4]) -> [Self::I; 4] {
        // SAFETY: the token proves the instructions.
        unsafe {
            let [a, b, c, d] = [rows[0], rows[1], rows[2], rows[3]].map(|row| vreinterpretq_u8_s32(row));
            let pairs = |x: uint8x16_t| vreinterpretq_u16_u8(x);
            let (ab, cd) = (pairs(vzip1q_u8(a, b)), pairs(vzip1q_u8(c, d)));
            let (ab_high, cd_high) = (pairs(vzip2q_u8(a, b)), pairs(vzip2q_u8(c, d)));
            [
                vreinterpretq_s32_u16(vzip1q_u16(ab, cd)),
                vreinterpretq_s32_u16(vzip2q_u16(ab, cd)),
                vreinterpretq_s32_u16(vzip1q_u16(ab_high, cd_high)),
                vreinterpretq_s32_u16(vzip2q_u16(ab_high, cd_high)),
            ]
        }
    }

    #[inline(always)]
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, [a, b, c, d]: [Self::I; 4]) -> Self::I {
        // SAFETY: the token proves the instructions.
        unsafe {
            let ab = vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
            let cd = vcombine_s16(vqmovn_s32(c), vqmovn_s32(d));
            if SIGNED {
                vreinterpretq_s32_s8(vcombine_s8(vqmovn_s16(ab), vqmovn_s16(cd)))
            } else {
                vreinterpretq_s32_u8(vcombine_u8(vqmovun_s16(ab), vqmovun_s16(cd)))
            }
        }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Self::F {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn load_i_at(self, from: *const i32) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vld1q_s32(from) }
    }

    #[inline(always)]
    unsafe fn store_at(self, x: Self::F, to: *mut f32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vst1q_f32(to, x) }
    }

    #[inline(always)]
    unsafe fn store_i_at(self, x: Self::I, to: *mut i32) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vst1q_s32(to, x) }
    }

    #[inline(always)]
    unsafe fn load_i16_at(self, from: *const u16) -> Self::I {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vmovl_s16(vld1_s16(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_i16_at(self, x: Self::I, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe { vst1_s16(to.cast(), vmovn_s32(x)) }
    }

    /// As assembly: the intrinsics' type is not stable.
    #[inline(always)]
    unsafe fn load_f16_at(self, from: *const u16) -> Self::F {
        let wide;
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe {
            std::arch::asm!(
                "fcvtl {wide:v}.4s, {halves:v}.4h",
                wide = lateout(vreg) wide, halves = in(vreg) vld1_u16(from),
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        wide
    }

    /// See [`load_f16_at`](Simd::load_f16_at).
    #[inline(always)]
    unsafe fn store_f16_at(self, x: Self::F, to: *mut u16) {
        // SAFETY: the token proves the instructions, the caller the pointer.
        unsafe {
            let halves: uint16x4_t;
            std::arch::asm!(
                "fcvtn {halves:v}.4h, {x:v}.4s",
                halves = lateout(vreg) halves, x = in(vreg) x,
                options(pure, nomem, nostack, preserves_flags),
            );
            vst1_u16(to, halves)
        }
    }
}

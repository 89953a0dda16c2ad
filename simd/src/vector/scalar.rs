//! No vectors: a lane at a time. The reference that every other set is compared with.

use super::{Simd, Task};

/// One lane.
#[derive(Clone, Copy)]
pub struct Scalar;

/// Not inlined: compilers for wasm improve whole functions, and this is never the one that counts.
#[inline(never)]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(Scalar)
}

impl Simd for Scalar {
    type F = f32;
    type I = i32;
    type M = bool;
    const LANES: usize = 1;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn splat_i(self, x: i32) -> i32 {
        x
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32 {
        from[0]
    }
    #[inline(always)]
    fn load_i(self, from: &[i32]) -> i32 {
        from[0]
    }
    #[inline(always)]
    fn load_some(self, from: &[f32]) -> f32 {
        from.first().copied().unwrap_or(0.0)
    }
    #[inline(always)]
    fn load_i_some(self, from: &[i32]) -> i32 {
        from.first().copied().unwrap_or(0)
    }
    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> i32 {
        from.first().map_or(0, |&x| x.into())
    }
    #[inline(always)]
    fn load_i8(self, from: &[i8]) -> i32 {
        from.first().map_or(0, |&x| x.into())
    }
    #[inline(always)]
    fn store(self, x: f32, to: &mut [f32]) {
        to[0] = x;
    }
    #[inline(always)]
    fn store_i(self, x: i32, to: &mut [i32]) {
        to[0] = x;
    }
    #[inline(always)]
    fn store_some(self, x: f32, to: &mut [f32]) {
        to.iter_mut().take(1).for_each(|to| *to = x);
    }
    #[inline(always)]
    fn store_bytes(self, x: i32, to: &mut [u8]) {
        to.iter_mut().take(1).for_each(|to| *to = x as u8);
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        // A call of the library's fma where the target has no instruction would be a hundred times slower.
        a * b + c
    }
    #[inline(always)]
    fn fused(self, a: f32, b: f32, c: f32) -> f32 {
        (f64::from(a) * f64::from(b) + f64::from(c)) as f32
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        a.sqrt()
    }
    #[inline(always)]
    fn round(self, a: f32) -> f32 {
        a.round_ties_even()
    }
    #[inline(always)]
    fn lt(self, a: f32, b: f32) -> bool {
        a < b
    }
    #[inline(always)]
    fn is_nan(self, a: f32) -> bool {
        a.is_nan()
    }
    #[inline(always)]
    fn select(self, mask: bool, yes: f32, no: f32) -> f32 {
        if mask { yes } else { no }
    }
    #[inline(always)]
    fn bits(self, a: f32) -> i32 {
        a.to_bits() as i32
    }
    #[inline(always)]
    fn of_bits(self, a: i32) -> f32 {
        f32::from_bits(a as u32)
    }
    #[inline(always)]
    fn to_f32(self, a: i32) -> f32 {
        a as f32
    }
    #[inline(always)]
    fn to_i32(self, a: f32) -> i32 {
        a.round_ties_even() as i32
    }
    #[inline(always)]
    fn sum(self, a: f32) -> f32 {
        a
    }
    #[inline(always)]
    fn largest(self, a: f32) -> f32 {
        a
    }
    #[inline(always)]
    fn add_i(self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn sub_i(self, a: i32, b: i32) -> i32 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn mul_i(self, a: i32, b: i32) -> i32 {
        a.wrapping_mul(b)
    }
    #[inline(always)]
    fn min_i(self, a: i32, b: i32) -> i32 {
        a.min(b)
    }
    #[inline(always)]
    fn max_i(self, a: i32, b: i32) -> i32 {
        a.max(b)
    }
    #[inline(always)]
    fn and(self, a: i32, b: i32) -> i32 {
        a & b
    }
    #[inline(always)]
    fn or(self, a: i32, b: i32) -> i32 {
        a | b
    }
    #[inline(always)]
    fn xor(self, a: i32, b: i32) -> i32 {
        a ^ b
    }
    #[inline(always)]
    fn shl<const BITS: u32>(self, a: i32) -> i32 {
        a << BITS
    }
    #[inline(always)]
    fn shr<const BITS: u32>(self, a: i32) -> i32 {
        a >> BITS
    }
    #[inline(always)]
    fn shr_by(self, a: i32, bits: u32) -> i32 {
        a >> bits
    }
    #[inline(always)]
    fn dot(self, acc: i32, a: i32, b: i32) -> i32 {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        a.into_iter().zip(b).fold(acc, |acc, (a, b)| acc.wrapping_add(i32::from(a) * i32::from(b as i8)))
    }
    #[inline(always)]
    fn zip4(self, rows: [i32; 4]) -> [i32; 4] {
        let rows = rows.map(i32::to_le_bytes);
        [0, 1, 2, 3].map(|i| i32::from_le_bytes(rows.map(|row| row[i])))
    }
    #[inline(always)]
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, x: [i32; 4]) -> i32 {
        i32::from_le_bytes(x.map(|x| if SIGNED { x.clamp(-128, 127) as u8 } else { x.clamp(0, 255) as u8 }))
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { from.read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_i_at(self, from: *const i32) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { from.read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_at(self, x: f32, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn store_i_at(self, x: i32, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { to.write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn load_i16_at(self, from: *const u16) -> i32 {
        // SAFETY: the caller's promise.
        i32::from(unsafe { from.read_unaligned() } as i16)
    }
    #[inline(always)]
    unsafe fn store_i16_at(self, x: i32, to: *mut u16) {
        // SAFETY: the caller's promise.
        unsafe { to.write_unaligned(x as u16) }
    }
}

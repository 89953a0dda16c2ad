//! Vectors: one trait that kernels are written against, one file per instruction set that implements it.
//!
//! A value of a [`Simd`] type is a proof that the instructions are there: only [`dispatch`] makes one, after
//! [`Isa`] has looked. So its operations are safe functions. Kernels must be `#[inline(always)]` all the way
//! from [`Task::run`] down to the operations: that is how they come to be compiled for the set. In WebAssembly
//! every function is, and tiles are functions of their own there: an engine makes small ones fast long before it is
//! done with a large one, which matters for a model's first run.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "wasm32")]
pub(crate) mod wasm;

use crate::Isa;
use crate::narrow::{bits_of_f16, f16_of_bits};

/// An instruction set: `F` holds [`LANES`](Simd::LANES) f32 and `I` as many i32.
///
/// Arithmetic on integers wraps. Loads and stores take the first elements of a slice and panic where it is
/// too short; the `_some` forms take as many as the slice has, up to a vector: lanes past its end load as
/// zero and are not stored.
pub trait Simd: Copy + Send + Sync {
    /// A vector of f32.
    type F: Copy;
    /// A vector of i32.
    type I: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// How many elements a vector holds.
    const LANES: usize;
    /// How many vectors the machine has registers for.
    const REGISTERS: usize;

    /// Every lane `x`.
    fn splat(self, x: f32) -> Self::F;
    /// Every lane `x`.
    fn splat_i(self, x: i32) -> Self::I;

    /// The first elements.
    fn load(self, from: &[f32]) -> Self::F;
    /// The first elements.
    fn load_i(self, from: &[i32]) -> Self::I;
    /// The elements there are, then zeros.
    fn load_some(self, from: &[f32]) -> Self::F;
    /// The elements there are, then zeros.
    fn load_i_some(self, from: &[i32]) -> Self::I;
    /// Bytes from 0 to 255, as many as there are, then zeros.
    fn load_u8(self, from: &[u8]) -> Self::I;
    /// Bytes from -128 to 127, as many as there are, then zeros.
    fn load_i8(self, from: &[i8]) -> Self::I;
    /// Writes every lane.
    fn store(self, x: Self::F, to: &mut [f32]);
    /// Writes every lane.
    fn store_i(self, x: Self::I, to: &mut [i32]);
    /// Writes as many lanes as there is room for.
    fn store_some(self, x: Self::F, to: &mut [f32]);
    /// Writes the low byte of as many lanes as there is room for.
    fn store_bytes(self, x: Self::I, to: &mut [u8]);

    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`, rounded as IEEE says.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the machine can, else twice.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Whether factors are best loaded a vector of four at a time and taken from its lanes.
    const BY_LANE: bool = false;
    /// [`mul_add`](Simd::mul_add) of one lane of `a`, from 0 to 3, and every lane of `b`.
    #[inline(always)]
    fn mul_add_lane<const LANE: i32>(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        let mut lanes = [0.0; 16];
        self.store(a, &mut lanes);
        self.mul_add(self.splat(lanes[LANE as usize]), b, c)
    }
    /// `a * b + c`, rounded once on every machine, if the sum is exact in f64.
    #[inline(always)]
    fn fused(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.mul_add(a, b, c)
    }
    /// The smaller; where one is NaN, `b`.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The larger; where one is NaN, `b`.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// To the nearest integer, halves to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `a < b`; false for NaN.
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// Whether the lane is NaN.
    fn is_nan(self, a: Self::F) -> Self::M;
    /// `yes` where the mask says so, else `no`.
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F;
    /// The same bits as integers.
    fn bits(self, a: Self::F) -> Self::I;
    /// The same bits as numbers.
    fn of_bits(self, a: Self::I) -> Self::F;
    /// Without its sign.
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.of_bits(self.and(self.bits(a), self.splat_i(i32::MAX)))
    }
    /// With the other sign.
    #[inline(always)]
    fn neg(self, a: Self::F) -> Self::F {
        self.of_bits(self.xor(self.bits(a), self.splat_i(i32::MIN)))
    }
    /// The nearest f32, halves to even.
    fn to_f32(self, a: Self::I) -> Self::F;
    /// The integer that a lane within ±2³⁰ is; halves to even. For NaN and others: some integer.
    fn to_i32(self, a: Self::F) -> Self::I;
    /// [`to_i32`](Simd::to_i32) of a lane within ±2²², which some sets do faster.
    #[inline(always)]
    fn to_small_i32(self, a: Self::F) -> Self::I {
        self.to_i32(a)
    }
    /// 0 where the lane is NaN.
    #[inline(always)]
    fn without_nan(self, a: Self::F) -> Self::F {
        self.select(self.is_nan(a), self.splat(0.0), a)
    }
    /// The sum of all lanes: one half is added to the other until one is left.
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane; NaN lanes may be passed over.
    fn largest(self, a: Self::F) -> f32;

    /// `a + b`.
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b`.
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a * b`.
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The smaller.
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The larger.
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a & b`.
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a | b`.
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a ^ b`.
    fn xor(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a << BITS`.
    fn shl<const BITS: u32>(self, a: Self::I) -> Self::I;
    /// `a >> BITS`, the sign kept.
    fn shr<const BITS: u32>(self, a: Self::I) -> Self::I;
    /// `a >> bits`, the sign kept; `bits` from 0 to 31.
    fn shr_by(self, a: Self::I, bits: u32) -> Self::I;

    /// `acc + Σ a·b` over the four bytes of each lane, those of `a` from 0 to 255, those of `b` from -128 to
    /// 127. Exact: nothing saturates on the way.
    fn dot(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// Whether [`dot_native`](Simd::dot_native) takes its first factor as bytes from -128 to 127.
    const SIGNED_DOT: bool = false;
    /// [`dot`](Simd::dot) with the first factor's sign that the set is fastest with; as exact.
    #[inline(always)]
    fn dot_native(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        self.dot(acc, a, b)
    }
    /// Whether factors of [`dot_native`](Simd::dot_native) and [`dot_small`](Simd::dot_small) are best loaded a
    /// vector of four at a time and taken from its lanes.
    const DOT_BY_LANE: bool = false;
    /// [`dot_native`](Simd::dot_native) of one lane of `a`, from 0 to 3, and every lane of `b`.
    #[inline(always)]
    fn dot_lane<const LANE: i32>(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        let mut lanes = [0; 16];
        self.store_i(a, &mut lanes);
        self.dot_native(acc, self.splat_i(lanes[LANE as usize]), b)
    }
    /// Whether [`dot_pairs`](Simd::dot_pairs) takes fewer instructions than [`dot_native`](Simd::dot_native),
    /// and sums of [`add_pairs`](Simd::add_pairs) fewer than [`dot_small`](Simd::dot_small). Such a set has
    /// no signed dot product.
    const PAIRS: bool = false;
    /// [`dot`](Simd::dot) where of every two neighboring bytes of `b` that a number of 16 bits holds the
    /// products of, neither the positive ones nor the negative ones add up to more than 128.
    #[inline(always)]
    fn dot_pairs(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        self.dot(acc, a, b)
    }
    /// Adds products to sums that [`widen_pairs`](Simd::widen_pairs) adds up; the bytes of `a` are from 0 to
    /// 127. Every two neighboring products may be added in 16 bits, and must fit with all those before.
    #[inline(always)]
    fn add_pairs(self, sums: Self::I, a: Self::I, b: Self::I) -> Self::I {
        self.dot_small(sums, a, b)
    }
    /// `acc` and the sums of each lane, which began at zero.
    #[inline(always)]
    fn widen_pairs(self, acc: Self::I, sums: Self::I) -> Self::I {
        self.add_i(acc, sums)
    }

    /// [`dot`](Simd::dot) where the bytes of `a` are from 0 to 127: one instruction on more sets.
    #[inline(always)]
    fn dot_small(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        self.dot(acc, a, b)
    }
    /// [`dot_small`](Simd::dot_small) of every lane of `a` and one lane of `b`, from 0 to 3.
    #[inline(always)]
    fn dot_small_lane<const LANE: i32>(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        let mut lanes = [0; 16];
        self.store_i(b, &mut lanes);
        self.dot_small(acc, a, self.splat_i(lanes[LANE as usize]))
    }

    /// The bytes of four vectors, one of each after the other: quads of bytes. Those of the first four bytes
    /// of every 16 are in the first vector, the next four in the second, and so on.
    fn zip4(self, rows: [Self::I; 4]) -> [Self::I; 4];
    /// The integers of four vectors, which must be such bytes, as bytes, i8 where `SIGNED`, else u8: vector
    /// after vector, or where `ZIPPED` in the order from which [`zip4`](Simd::zip4) made the four.
    fn narrow<const SIGNED: bool, const ZIPPED: bool>(self, x: [Self::I; 4]) -> Self::I;

    /// Writes the integers of four vectors as [`narrow`](Simd::narrow) makes bytes of them, vector after
    /// vector.
    #[inline(always)]
    fn store_four<const SIGNED: bool>(self, x: [Self::I; 4], to: &mut [u8]) {
        let to = &mut to[..4 * Self::LANES];
        // SAFETY: there is room for as many bytes as four vectors have lanes: those of one vector.
        unsafe { self.store_i_at(self.narrow::<SIGNED, false>(x), to.as_mut_ptr().cast()) }
    }

    /// Asks for what lies there to be brought into the second cache; it may lie anywhere.
    #[inline(always)]
    fn prefetch<T>(self, _at: *const T) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint reads nothing, and every such machine has it.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(_at.cast())
        }
    }

    /// The first elements, from a pointer.
    ///
    /// # Safety
    /// `from` must be valid for reads of a whole vector.
    unsafe fn load_at(self, from: *const f32) -> Self::F;
    /// The first elements, from a pointer.
    ///
    /// # Safety
    /// `from` must be valid for reads of a whole vector.
    unsafe fn load_i_at(self, from: *const i32) -> Self::I;
    /// Writes every lane.
    ///
    /// # Safety
    /// `to` must be valid for writes of a whole vector.
    unsafe fn store_at(self, x: Self::F, to: *mut f32);
    /// Writes every lane.
    ///
    /// # Safety
    /// `to` must be valid for writes of a whole vector.
    unsafe fn store_i_at(self, x: Self::I, to: *mut i32);
    /// Integers of 16 bits, the sign kept, from a pointer.
    ///
    /// # Safety
    /// `from` must be valid for reads of as many as there are lanes.
    unsafe fn load_i16_at(self, from: *const u16) -> Self::I;
    /// Writes the low 16 bits of every lane.
    ///
    /// # Safety
    /// `to` must be valid for writes of as many as there are lanes.
    unsafe fn store_i16_at(self, x: Self::I, to: *mut u16);
    /// The numbers that the bits of so many [`F16`](crate::narrow::F16) are.
    ///
    /// # Safety
    /// As for [`load_i16_at`](Simd::load_i16_at).
    #[inline(always)]
    unsafe fn load_f16_at(self, from: *const u16) -> Self::F {
        // SAFETY: the caller's promise.
        f16_of_bits(self, unsafe { self.load_i16_at(from) })
    }
    /// Writes the bits of the nearest [`F16`](crate::narrow::F16) of every lane.
    ///
    /// # Safety
    /// As for [`store_i16_at`](Simd::store_i16_at).
    #[inline(always)]
    unsafe fn store_f16_at(self, x: Self::F, to: *mut u16) {
        // SAFETY: the caller's promise.
        unsafe { self.store_i16_at(bits_of_f16(self, x), to) }
    }
}

/// Work that is compiled for every instruction set. Its `run` must be `#[inline(always)]`.
pub trait Task {
    /// What comes out.
    type Output;
    /// Does it.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs the task's instance for `isa`; an instruction set that the machine does not have means the best one
/// that it does.
#[inline]
#[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for every arm: the set is supported")]
pub fn dispatch<T: Task>(isa: Isa, task: T) -> T::Output {
    let isa = if isa.is_supported() { isa } else { Isa::best() };
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2::run(task) },
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni => unsafe { avx2::run_vnni(task) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::run(task) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni | Isa::Amx => unsafe { avx512::run_vnni(task) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { neon::run(task) },
        #[cfg(target_arch = "aarch64")]
        Isa::NeonDot => unsafe { neon::run_dot(task) },
        #[cfg(target_arch = "aarch64")]
        Isa::NeonI8mm => unsafe { neon::run_i8mm(task) },
        #[cfg(target_arch = "wasm32")]
        Isa::Simd128 | Isa::Relaxed => wasm::run(task),
        #[cfg(target_arch = "wasm32")]
        Isa::RelaxedPairs => wasm::run_pairs(task),
        #[cfg(target_arch = "wasm32")]
        Isa::RelaxedSigned => wasm::run_signed(task),
        #[cfg(target_arch = "wasm32")]
        Isa::RelaxedUnsigned => wasm::run_unsigned(task),
        _ => scalar::run(task),
    }
}

/// [`dispatch`] for work that multiplies no bytes: sets that differ in that alone share an instance.
#[inline]
#[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for every arm: the set is supported")]
pub fn dispatch_plain<T: Task>(isa: Isa, task: T) -> T::Output {
    let isa = if isa.is_supported() { isa } else { Isa::best() };
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::AvxVnni => unsafe { avx2::run(task) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx512Vnni | Isa::Amx => unsafe { avx512::run(task) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::NeonDot | Isa::NeonI8mm => unsafe { neon::run(task) },
        #[cfg(target_arch = "wasm32")]
        Isa::Simd128 | Isa::Relaxed | Isa::RelaxedPairs | Isa::RelaxedSigned | Isa::RelaxedUnsigned => {
            wasm::run(task)
        }
        _ => scalar::run(task),
    }
}

/// The first bytes, zeros where there are fewer.
#[inline(always)]
#[allow(dead_code, reason = "not every architecture lacks the instruction")]
fn first_bytes<const N: usize, B: Copy>(from: &[B]) -> [u8; N] {
    const { assert!(size_of::<B>() == 1) };
    let mut bytes = [0; N];
    if from.len() >= N {
        // SAFETY: N bytes are there on both sides; any byte is a u8.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().cast(), bytes.as_mut_ptr(), N) };
    } else {
        // SAFETY: fewer than N bytes are there.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().cast(), bytes.as_mut_ptr(), from.len()) };
    }
    bytes
}

/// Writes as many bytes as there is room for.
#[inline(always)]
#[allow(dead_code, reason = "not every architecture lacks the instruction")]
fn store_first<const N: usize>(bytes: [u8; N], to: &mut [u8]) {
    match to.first_chunk_mut::<N>() {
        Some(to) => *to = bytes,
        None => to.copy_from_slice(&bytes[..to.len()]),
    }
}

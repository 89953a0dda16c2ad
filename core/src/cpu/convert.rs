//! From any element type to any other, strings included.
//!
//! Elements are read into f64, i64 or u64, each of which holds its sources exactly, and written from there,
//! so that every pair of types rounds once. What a reader would get wrong: out of range, 32- and 64-bit
//! integers saturate, while smaller ones keep the low bits of what 32 bits hold.

use super::RunContext;
use super::broadcast::CHUNK;
use super::vector::LIGHT;
use crate::ops::cast::CastRule;
use crate::{
    DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, E8M0, Num, Result, Tensor, Truth, View, ViewMut, minifloat,
};
use edgewise_simd::Isa;
use edgewise_simd::narrow::{self, BF16, F16};
use half::{bf16, f16};

/// Writes the elements of `x` into `y`, which has as many, in its type.
pub fn convert(cx: &RunContext<'_>, x: View<'_>, y: ViewMut<'_>, rule: CastRule) -> Result<()> {
    ensure!(x.len() == y.len(), Internal, "{x:?} does not fill {} elements", y.len());
    if x.dtype() == y.dtype() {
        return y.copy_from(x);
    }
    let (from, to) = (x.dtype(), y.dtype());
    match (from, to) {
        (DType::Str, _) => {
            let parsed = parse(x.strings()?, to)?;
            let numbers = parsed.tensor(x.shape())?;
            return convert(cx, numbers.view(), y, rule);
        }
        (_, DType::Str) => return print(x, y.into_strings()?),
        // The narrow types and bool all fit into f32.
        _ if from == DType::Bool || from.bits() < 16 && !matches!(from, DType::U8 | DType::I8) => {
            let wide = Tensor::new(x.shape(), &x.to_f32s()?)?;
            return convert(cx, wide.view(), y, rule);
        }
        _ => {}
    }
    match (from, to) {
        // What models do all the time goes straight.
        (DType::I32, DType::F32) => return straight(cx, x.slice()?, y.into_slice()?, |x: i32| x as f32),
        (DType::I64, DType::F32) => return straight(cx, x.slice()?, y.into_slice()?, |x: i64| x as f32),
        (DType::I32, DType::I64) => return straight(cx, x.slice()?, y.into_slice()?, |x: i32| x as i64),
        (DType::I64, DType::I32) => return straight(cx, x.slice()?, y.into_slice()?, |x: i64| x as i32),
        (DType::F16 | DType::BF16, DType::F32) => return widen(cx, x, y.into_slice()?),
        (DType::F32, DType::F16 | DType::BF16) => return narrow(cx, x.slice()?, y),
        _ => {}
    }
    match to {
        DType::Bool => write::<Truth>(cx, x, y.into_slice()?, rule),
        DType::F8E4M3FN => write::<E4M3Fn>(cx, x, y.into_slice()?, rule),
        DType::F8E4M3FNUZ => write::<E4M3FnUz>(cx, x, y.into_slice()?, rule),
        DType::F8E5M2 => write::<E5M2>(cx, x, y.into_slice()?, rule),
        DType::F8E5M2FNUZ => write::<E5M2FnUz>(cx, x, y.into_slice()?, rule),
        DType::F8E8M0 => write::<E8M0>(cx, x, y.into_slice()?, rule),
        DType::F4E2M1 => {
            let mut codes = vec![F4(0); x.len()];
            write(cx, x, &mut codes, rule)?;
            y.pack(&codes.into_iter().map(|code| code.0).collect::<Vec<i16>>())
        }
        _ if to.is_packed() => {
            let mut codes = vec![0i16; x.len()];
            write(cx, x, &mut codes, rule)?;
            y.pack(&codes)
        }
        _ => for_num!(to, T => write::<T>(cx, x, y.into_slice()?, rule)),
    }
}

/// The code of a 4-bit float.
#[derive(Clone, Copy)]
struct F4(i16);

/// A number of the three types that hold all others.
trait Wide: Copy {
    fn f32(self) -> f32;
    fn f64(self) -> f64;
    /// Truncated and saturated.
    fn i64(self) -> i64;
    /// Truncated and saturated upward; a negative number wraps.
    fn u64(self) -> u64;
    /// The low 32 bits of an integer; a float truncated and saturated.
    fn i32(self) -> i32;
    /// As i32 does for u32.
    fn u32(self) -> u32;
}

impl Wide for f64 {
    fn f32(self) -> f32 {
        self as f32
    }
    fn f64(self) -> f64 {
        self
    }
    fn i64(self) -> i64 {
        self as i64
    }
    fn u64(self) -> u64 {
        if self < 0.0 { self as i64 as u64 } else { self as u64 }
    }
    fn i32(self) -> i32 {
        self as i32
    }
    fn u32(self) -> u32 {
        if self < 0.0 { self as i32 as u32 } else { self as u32 }
    }
}

macro_rules! wide_integers {
    ($($type:ident),*) => {
        $(impl Wide for $type {
            fn f32(self) -> f32 { self as f32 }
            fn f64(self) -> f64 { self as f64 }
            fn i64(self) -> i64 { self as i64 }
            fn u64(self) -> u64 { self as u64 }
            fn i32(self) -> i32 { self as i32 }
            fn u32(self) -> u32 { self as u32 }
        })*
    };
}
wide_integers!(i64, u64);

/// A type that numbers are written in.
trait Target: Copy + Send {
    fn of(x: impl Wide, rule: CastRule) -> Self;
}

macro_rules! targets {
    ($($type:ty: |$x:ident, $rule:ident| $of:expr;)*) => {
        $(impl Target for $type {
            fn of($x: impl Wide, $rule: CastRule) -> $type { $of }
        })*
    };
}
targets! {
    f32: |x, _rule| x.f32();
    f64: |x, _rule| x.f64();
    f16: |x, _rule| Num::from_f64(x.f64());
    bf16: |x, _rule| Num::from_f64(x.f64());
    i64: |x, _rule| x.i64();
    u64: |x, _rule| x.u64();
    i32: |x, _rule| x.i32();
    u32: |x, _rule| x.u32();
    i16: |x, _rule| x.i32() as i16;
    u16: |x, _rule| x.i32() as u16;
    i8: |x, _rule| x.i32() as i8;
    u8: |x, _rule| x.i32() as u8;
    Truth: |x, _rule| Truth::from(x.f64() != 0.0);
    E4M3Fn: |x, rule| E4M3Fn::from_f64(x.f64(), rule.saturate);
    E4M3FnUz: |x, rule| E4M3FnUz::from_f64(x.f64(), rule.saturate);
    E5M2: |x, rule| E5M2::from_f64(x.f64(), rule.saturate);
    E5M2FnUz: |x, rule| E5M2FnUz::from_f64(x.f64(), rule.saturate);
    E8M0: |x, rule| E8M0::from_f64(x.f64(), rule.saturate, rule.round);
    F4: |x, _rule| F4(minifloat::f4e2m1_from_f64(x.f64()).into());
}

/// Elements on their way.
enum Wides {
    Floats(Vec<f64>),
    Ints(Vec<i64>),
    Uints(Vec<u64>),
}

impl Wides {
    fn read(x: View<'_>, at: usize, len: usize) -> Result<Wides> {
        match x.dtype() {
            DType::U64 => Ok(Wides::Uints(x.slice::<u64>()?[at..at + len].to_vec())),
            d if d.is_float() => for_float!(d, S => {
                Ok(Wides::Floats(x.slice::<S>()?[at..at + len].iter().map(|&x| Num::to_f64(x)).collect()))
            }),
            d => for_int!(d, S => {
                Ok(Wides::Ints(x.slice::<S>()?[at..at + len].iter().map(|&x| Num::to_i64(x)).collect()))
            }),
        }
    }

    fn tensor(self, shape: &[usize]) -> Result<Tensor> {
        match self {
            Wides::Floats(x) => Tensor::new(shape, &x),
            Wides::Ints(x) => Tensor::new(shape, &x),
            Wides::Uints(x) => Tensor::new(shape, &x),
        }
    }
}

fn write<T: Target>(cx: &RunContext<'_>, x: View<'_>, y: &mut [T], rule: CastRule) -> Result<()> {
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        match Wides::read(x, i * CHUNK, y.len())? {
            Wides::Floats(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = T::of(x, rule)),
            Wides::Ints(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = T::of(x, rule)),
            Wides::Uints(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = T::of(x, rule)),
        }
        Ok(())
    })
}

/// Floats of 16 bits as f32.
pub fn widen(cx: &RunContext<'_>, x: View<'_>, y: &mut [f32]) -> Result<()> {
    ensure!(x.len() == y.len(), Internal, "{x:?} does not fill {} elements", y.len());
    let bits = x.units::<u16>();
    cx.pool.chunks(y, LIGHT, |i, y| {
        cx.check()?;
        let bits = bits.get(i * LIGHT..).unwrap_or(&[]);
        match x.dtype() {
            DType::F16 => narrow::widen(Isa::current(), F16::of_bits(bits), y),
            DType::BF16 => narrow::widen(Isa::current(), BF16::of_bits(bits), y),
            other => bail!(Internal, "expected floats of 16 bits, got {other}"),
        }
        Ok(())
    })
}

/// f32s as floats of 16 bits, each rounded once.
pub fn narrow(cx: &RunContext<'_>, x: &[f32], y: ViewMut<'_>) -> Result<()> {
    ensure!(x.len() == y.len(), Internal, "{} elements do not fill {}", x.len(), y.len());
    let dtype = y.dtype();
    cx.pool.chunks(y.into_units::<u16>()?, LIGHT, |i, y| {
        cx.check()?;
        let x = x.get(i * LIGHT..).unwrap_or(&[]);
        match dtype {
            DType::F16 => narrow::narrow(Isa::current(), x, F16::of_bits_mut(y)),
            DType::BF16 => narrow::narrow(Isa::current(), x, BF16::of_bits_mut(y)),
            other => bail!(Internal, "expected floats of 16 bits, got {other}"),
        }
        Ok(())
    })
}

fn straight<X: Copy + Sync, Y: Send>(
    cx: &RunContext<'_>,
    x: &[X],
    y: &mut [Y],
    f: impl Fn(X) -> Y + Sync,
) -> Result<()> {
    cx.pool.chunks(y, LIGHT, |i, y| {
        cx.check()?;
        y.iter_mut().zip(&x[i * LIGHT..]).for_each(|(y, &x)| *y = f(x));
        Ok(())
    })
}

/// Numbers out of strings, as wide as `to` needs them.
fn parse(strings: &[String], to: DType) -> Result<Wides> {
    let float = |s: &String| match s.trim().parse::<f64>() {
        Ok(x) => Ok(x),
        Err(_) => Err(err!(InvalidInput, "the string '{s}' is not a number")),
    };
    Ok(match to {
        DType::U64 => Wides::Uints(
            strings
                .iter()
                .map(|s| s.trim().parse::<u64>().or_else(|_| float(s).map(Wide::u64)))
                .collect::<Result<_>>()?,
        ),
        to if to.is_integer() => Wides::Ints(
            strings
                .iter()
                .map(|s| s.trim().parse::<i64>().or_else(|_| float(s).map(Wide::i64)))
                .collect::<Result<_>>()?,
        ),
        _ => Wides::Floats(strings.iter().map(float).collect::<Result<_>>()?),
    })
}

/// Numbers as plain text, no longer than it takes to read them back.
fn print(x: View<'_>, y: &mut [String]) -> Result<()> {
    let special = |x: f64| match x {
        x if x.is_nan() => Some("NaN".to_string()),
        f64::INFINITY => Some("INF".into()),
        f64::NEG_INFINITY => Some("-INF".into()),
        _ => None,
    };
    match x.dtype() {
        DType::F64 => {
            y.iter_mut()
                .zip(x.slice::<f64>()?)
                .for_each(|(y, &x)| *y = special(x).unwrap_or_else(|| x.to_string()));
        }
        DType::U64 => y.iter_mut().zip(x.slice::<u64>()?).for_each(|(y, x)| *y = x.to_string()),
        d if d.is_integer() || d == DType::Bool => {
            y.iter_mut().zip(x.to_i64s()?).for_each(|(y, x)| *y = x.to_string());
        }
        _ => {
            y.iter_mut()
                .zip(x.to_f32s()?)
                .for_each(|(y, x)| *y = special(x.into()).unwrap_or_else(|| x.to_string()));
        }
    }
    Ok(())
}

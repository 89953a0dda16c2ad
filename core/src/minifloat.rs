//! The 8- and 4-bit floating-point formats: conversions to and from f32.
//!
//! `FN` formats have no infinity; `FNUZ` formats have no negative zero either, and their one NaN is 0x80.
//! What a reader would get wrong: without `saturate`, a value that is too large becomes NaN (infinity in
//! E5M2), it does not become the largest number.

/// How a format lays out its bits.
struct Format {
    mantissa: u32,
    bias: i32,
    /// Largest finite magnitude's code.
    max: u8,
    /// What an overflow becomes without saturation.
    overflow: u8,
    /// The code of NaN.
    nan: u8,
    /// Whether 0x80 is NaN and not negative zero.
    unsigned_zero: bool,
}

impl Format {
    fn decode(&self, code: u8, width: u32) -> f32 {
        let sign = if code >> (width - 1) & 1 == 1 { -1.0 } else { 1.0 };
        let magnitude = (code & ((1 << (width - 1)) - 1)) as i32;
        let (e, m) = (magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1));
        let (m, e) = match e {
            0 => (m, 1 - self.bias),
            e => (m + (1 << self.mantissa), e - self.bias),
        };
        (sign * m as f64 * 2f64.powi(e - self.mantissa as i32)) as f32
    }

    /// Rounds to nearest even.
    fn encode(&self, x: f64, saturate: bool, width: u32) -> u8 {
        let sign = (x.is_sign_negative() as u8) << (width - 1);
        if x.is_nan() {
            return if self.unsigned_zero { self.nan } else { self.nan | sign };
        }
        let code = if x.is_infinite() { u32::MAX } else { self.magnitude(x.abs()) };
        match code {
            0 if self.unsigned_zero => 0,
            code if code <= self.max as u32 => code as u8 | sign,
            _ if saturate => self.max | sign,
            _ if self.unsigned_zero => self.overflow,
            _ => self.overflow | sign,
        }
    }

    fn magnitude(&self, x: f64) -> u32 {
        if x == 0.0 {
            return 0;
        }
        let exponent = (((x.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(1 - self.bias);
        // Dividing by a power of two is exact, so this rounds once.
        let units = (x / 2f64.powi(exponent - self.mantissa as i32)).round_ties_even() as u32;
        // A carry out of the mantissa runs into the exponent by itself.
        (((exponent + self.bias - 1) as u32) << self.mantissa) + units
    }
}

macro_rules! minifloats {
    ($($(#[$doc:meta])* $name:ident = $format:expr, nan $is_nan:expr, infinite $is_inf:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
            #[repr(transparent)]
            pub struct $name(pub u8);

            impl $name {
                const FORMAT: Format = $format;

                /// The value, exact.
                pub fn to_f32(self) -> f32 {
                    let (is_nan, is_inf): (fn(u8) -> bool, fn(u8) -> bool) = ($is_nan, $is_inf);
                    match self.0 {
                        c if is_nan(c) => f32::NAN,
                        c if is_inf(c) => if c & 0x80 == 0 { f32::INFINITY } else { f32::NEG_INFINITY },
                        c => Self::FORMAT.decode(c, 8),
                    }
                }

                /// The nearest value, ties to even; too large a value becomes the largest finite one if
                /// `saturate`, the format's overflow (NaN or infinity) if not.
                pub fn from_f32(x: f32, saturate: bool) -> $name {
                    $name::from_f64(x.into(), saturate)
                }

                /// The same from f64, rounded once.
                pub fn from_f64(x: f64, saturate: bool) -> $name {
                    $name(Self::FORMAT.encode(x, saturate, 8))
                }
            }
        )*
    };
}

minifloats! {
    /// 4 exponent bits, 3 mantissa bits, no infinity.
    E4M3Fn = Format { mantissa: 3, bias: 7, max: 0x7e, overflow: 0x7f, nan: 0x7f, unsigned_zero: false },
        nan |c| c & 0x7f == 0x7f, infinite |_| false;
    /// 4 exponent bits, 3 mantissa bits, no infinity, no negative zero.
    E4M3FnUz = Format { mantissa: 3, bias: 8, max: 0x7f, overflow: 0x80, nan: 0x80, unsigned_zero: true },
        nan |c| c == 0x80, infinite |_| false;
    /// 5 exponent bits, 2 mantissa bits, as IEEE.
    E5M2 = Format { mantissa: 2, bias: 15, max: 0x7b, overflow: 0x7c, nan: 0x7e, unsigned_zero: false },
        nan |c| c & 0x7f > 0x7c, infinite |c| c & 0x7f == 0x7c;
    /// 5 exponent bits, 2 mantissa bits, no infinity, no negative zero.
    E5M2FnUz = Format { mantissa: 2, bias: 16, max: 0x7f, overflow: 0x80, nan: 0x80, unsigned_zero: true },
        nan |c| c == 0x80, infinite |_| false;
}

/// A power of two from 2^-127 to 2^127: the scale type of microscaling formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(transparent)]
pub struct E8M0(pub u8);

impl E8M0 {
    /// The value, exact; 0xff is NaN.
    pub fn to_f32(self) -> f32 {
        match self.0 {
            0xff => f32::NAN,
            0 => f32::from_bits(0x0040_0000),
            e => f32::from_bits((e as u32) << 23),
        }
    }

    /// A power of two beside `x`, whose sign is ignored. Beyond the limits, and for zero, it is the limit
    /// if `saturate`, NaN if not.
    pub fn from_f64(x: f64, saturate: bool, round: PowerRound) -> E8M0 {
        if x.is_nan() {
            return E8M0(0xff);
        }
        let (exponent, fraction) = ((x.to_bits() >> 52 & 0x7ff) as i32 - 1023, x.to_bits() << 12);
        let up = match round {
            PowerRound::Up => fraction != 0,
            PowerRound::Down => false,
            PowerRound::Nearest => fraction >> 63 == 1,
        };
        match exponent + up as i32 + 127 {
            code @ 0..=0xfe => E8M0(code as u8),
            _ if !saturate => E8M0(0xff),
            code => E8M0(if code < 0 { 0 } else { 0xfe }),
        }
    }
}

/// Which power of two beside a number is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PowerRound {
    /// The larger one.
    #[default]
    Up,
    /// The smaller one.
    Down,
    /// The nearer one; from the middle on the larger one.
    Nearest,
}

const E2M1: Format = Format { mantissa: 1, bias: 1, max: 7, overflow: 7, nan: 8, unsigned_zero: false };

/// The value of a 4-bit float (its code in the low bits).
pub fn f4e2m1_to_f32(code: u8) -> f32 {
    E2M1.decode(code & 0xf, 4)
}

/// The nearest 4-bit float, ties to even, saturating at ±6; NaN, which the format lacks, is -0.
pub fn f4e2m1_from_f32(x: f32) -> u8 {
    f4e2m1_from_f64(x.into())
}

/// The same from f64, rounded once.
pub fn f4e2m1_from_f64(x: f64) -> u8 {
    E2M1.encode(x, true, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for c in 0..=255u8 {
            let same = |back: u8, x: f32| assert!(x.is_nan() || back == c, "{c:#x} → {x} → {back:#x}");
            let x = E4M3Fn(c).to_f32();
            same(E4M3Fn::from_f32(x, true).0, x);
            let x = E4M3FnUz(c).to_f32();
            same(E4M3FnUz::from_f32(x, true).0, x);
            let x = E5M2(c).to_f32();
            same(E5M2::from_f32(x, false).0, x);
            let x = E5M2FnUz(c).to_f32();
            same(E5M2FnUz::from_f32(x, true).0, x);
        }
        for c in 0..16 {
            assert_eq!(f4e2m1_from_f32(f4e2m1_to_f32(c)), c);
        }
    }

    #[test]
    fn powers_of_two_round_as_asked() {
        use PowerRound::*;
        let code = |x, round| E8M0::from_f64(x, true, round).0;
        assert_eq!([Up, Down, Nearest].map(|r| code(1.25, r)), [128, 127, 127]);
        assert_eq!([Up, Down, Nearest].map(|r| code(1.5, r)), [128, 127, 128]);
        assert_eq!([0.0, 1e-300, 1e300, f64::INFINITY].map(|x| code(x, Up)), [0, 0, 0xfe, 0xfe]);
        assert_eq!([0.0, 1e300, f64::NAN].map(|x| E8M0::from_f64(x, false, Up).0), [0xff; 3]);
        for c in 0..0xff {
            assert_eq!(code(E8M0(c).to_f32().into(), Up), c);
        }
    }

    #[test]
    fn limits_are_those_of_the_formats() {
        assert_eq!(E4M3Fn(0x7e).to_f32(), 448.0);
        assert_eq!(E4M3FnUz(0x7f).to_f32(), 240.0);
        assert_eq!(E5M2(0x7b).to_f32(), 57344.0);
        assert_eq!(E5M2FnUz(0x7f).to_f32(), 57344.0);
        assert_eq!(f4e2m1_to_f32(7), 6.0);
        assert!(E4M3Fn::from_f32(1e6, false).to_f32().is_nan());
        assert_eq!(E5M2::from_f32(-1e6, false).to_f32(), f32::NEG_INFINITY);
        assert_eq!(E4M3Fn::from_f32(f32::INFINITY, true).to_f32(), 448.0);
    }
}

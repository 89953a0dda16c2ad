//! The element types of ONNX tensors.

use std::fmt;

/// The type of a tensor's elements; the discriminants are ONNX's `TensorProto.DataType` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DType {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    U16 = 4,
    I16 = 5,
    I32 = 6,
    I64 = 7,
    Str = 8,
    Bool = 9,
    F16 = 10,
    F64 = 11,
    U32 = 12,
    U64 = 13,
    C64 = 14,
    C128 = 15,
    BF16 = 16,
    F8E4M3FN = 17,
    F8E4M3FNUZ = 18,
    F8E5M2 = 19,
    F8E5M2FNUZ = 20,
    U4 = 21,
    I4 = 22,
    F4E2M1 = 23,
    F8E8M0 = 24,
    U2 = 25,
    I2 = 26,
}

use DType::*;

impl DType {
    /// Every type, in ONNX's order.
    pub const ALL: [DType; 26] = [
        F32, U8, I8, U16, I16, I32, I64, Str, Bool, F16, F64, U32, U64, C64, C128, BF16, F8E4M3FN,
        F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, U4, I4, F4E2M1, F8E8M0, U2, I2,
    ];

    /// The type with ONNX's number, if there is one.
    pub fn from_onnx(number: i64) -> Option<DType> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        DType::ALL.get(at).copied()
    }

    /// The type of that [name](DType::name), if there is one.
    pub fn named(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bits of one element; 0 for strings, which do not lie in a byte buffer.
    pub fn bits(self) -> usize {
        match self {
            Str => 0,
            U2 | I2 => 2,
            U4 | I4 | F4E2M1 => 4,
            U8 | I8 | Bool | F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0 => 8,
            U16 | I16 | F16 | BF16 => 16,
            F32 | I32 | U32 => 32,
            F64 | I64 | U64 | C64 => 64,
            C128 => 128,
        }
    }

    /// Bytes that `len` elements take; types under 8 bits are packed, the last byte filled up.
    /// `None` when that overflows.
    pub fn bytes_for(self, len: usize) -> Option<usize> {
        Some(len.checked_mul(self.bits())?.div_ceil(8))
    }

    /// Whether elements are smaller than a byte.
    pub fn is_packed(self) -> bool {
        matches!(self.bits(), 2 | 4)
    }

    /// A floating-point type of any width.
    pub fn is_float(self) -> bool {
        matches!(self, F32 | F64 | F16 | BF16 | F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0 | F4E2M1)
    }

    /// An integer type of any width, bool not included.
    pub fn is_integer(self) -> bool {
        matches!(self, U2 | I2 | U4 | I4 | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
    }

    /// The smallest and largest value of an integer type.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        let bits = self.bits() as u32;
        match self {
            U2 | U4 | U8 | U16 | U32 | U64 => Some((0, (1i128 << bits) - 1)),
            I2 | I4 | I8 | I16 | I32 | I64 => Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)),
            _ => None,
        }
    }

    /// The name that people read: `f32`, `i64`, `u8`, `string`.
    pub fn name(self) -> &'static str {
        match self {
            F32 => "f32",
            U8 => "u8",
            I8 => "i8",
            U16 => "u16",
            I16 => "i16",
            I32 => "i32",
            I64 => "i64",
            Str => "string",
            Bool => "bool",
            F16 => "f16",
            F64 => "f64",
            U32 => "u32",
            U64 => "u64",
            C64 => "complex64",
            C128 => "complex128",
            BF16 => "bf16",
            F8E4M3FN => "f8e4m3fn",
            F8E4M3FNUZ => "f8e4m3fnuz",
            F8E5M2 => "f8e5m2",
            F8E5M2FNUZ => "f8e5m2fnuz",
            U4 => "u4",
            I4 => "i4",
            F4E2M1 => "f4e2m1",
            F8E8M0 => "f8e8m0",
            U2 => "u2",
            I2 => "i2",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

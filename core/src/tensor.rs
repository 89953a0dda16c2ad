//! Tensors: owned ([`Tensor`]), borrowed ([`View`]) and borrowed for writing ([`ViewMut`]).
//!
//! All are dense, row-major and `Linear`. Elements under 8 bits are packed, low bits first, without gaps
//! between rows. Strings do not lie in bytes, so they have their own arm everywhere.

use crate::{Buffer, DType, Element, Result};
use smallvec::SmallVec;
use std::sync::Arc;

/// Sizes of the axes; empty for a scalar.
pub type Shape = SmallVec<[usize; 6]>;

/// Steps between neighbors along each axis of a dense row-major tensor.
pub fn strides(shape: &[usize]) -> Shape {
    let mut out = Shape::from_elem(1, shape.len());
    for i in (1..shape.len()).rev() {
        out[i - 1] = out[i] * shape[i];
    }
    out
}

/// Elements of a tensor of that shape, or an error where the product overflows.
pub fn element_count(shape: &[usize]) -> Result<usize> {
    // A zero makes it empty, but the other sizes must fit all the same: kernels multiply parts of a shape
    // and rely on that no part overflows.
    shape
        .iter()
        .filter(|d| **d != 0)
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|&n| isize::try_from(n).is_ok())
        .map(|n| if shape.contains(&0) { 0 } else { n })
        .ok_or_else(|| err!(LimitExceeded, "shape {shape:?} has more elements than this machine can address"))
}

/// Bytes of a tensor of that type and shape, or an error where that overflows.
pub fn byte_count(dtype: DType, shape: &[usize]) -> Result<usize> {
    dtype
        .bytes_for(element_count(shape)?)
        .ok_or_else(|| err!(LimitExceeded, "{dtype}{shape:?} has more bytes than this machine can address"))
}

/// An owned tensor; clones share the elements.
#[derive(Clone)]
pub struct Tensor {
    dtype: DType,
    shape: Shape,
    data: Data,
}

#[derive(Clone)]
enum Data {
    Bytes(Arc<Buffer>),
    Strings(Arc<Vec<String>>),
}

impl Tensor {
    /// All zeros (empty strings for [`DType::Str`]).
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Tensor> {
        let data = match dtype {
            DType::Str => {
                let mut strings = Vec::new();
                let len = element_count(shape)?;
                strings
                    .try_reserve_exact(len)
                    .map_err(|_| err!(OutOfMemory, "no memory for {len} strings"))?;
                strings.resize(len, String::new());
                Data::Strings(Arc::new(strings))
            }
            _ => Data::Bytes(Arc::new(Buffer::zeroed(byte_count(dtype, shape)?)?)),
        };
        Ok(Tensor { dtype, shape: shape.into(), data })
    }

    /// From elements in row-major order.
    pub fn new<T: Element>(shape: &[usize], elements: &[T]) -> Result<Tensor> {
        Tensor::from_bytes(T::DTYPE, shape, bytemuck::cast_slice(elements))
    }

    /// A scalar.
    pub fn scalar<T: Element>(x: T) -> Tensor {
        Tensor::new(&[], &[x]).expect("one element is one element")
    }

    /// From little-endian bytes as ONNX's `raw_data` has them.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Tensor> {
        Tensor::from_buffer(dtype, shape, Buffer::copy_of(bytes)?)
    }

    /// From a buffer that holds exactly the elements.
    pub fn from_buffer(dtype: DType, shape: &[usize], buffer: Buffer) -> Result<Tensor> {
        ensure!(dtype != DType::Str, Internal, "strings do not lie in a buffer");
        let expected = byte_count(dtype, shape)?;
        ensure!(
            buffer.len() == expected,
            InvalidInput,
            "{dtype}{shape:?} takes {expected} bytes, got {}",
            buffer.len()
        );
        Ok(Tensor { dtype, shape: shape.into(), data: Data::Bytes(Arc::new(buffer)) })
    }

    /// From strings in row-major order.
    pub fn from_strings(shape: &[usize], strings: Vec<String>) -> Result<Tensor> {
        let expected = element_count(shape)?;
        ensure!(
            strings.len() == expected,
            InvalidInput,
            "string{shape:?} takes {expected} elements, got {}",
            strings.len()
        );
        Ok(Tensor { dtype: DType::Str, shape: shape.into(), data: Data::Strings(Arc::new(strings)) })
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that its elements take (for strings, their characters).
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::Bytes(b) => b.len(),
            Data::Strings(s) => s.iter().map(String::len).sum(),
        }
    }

    /// The same elements under another shape of the same size.
    pub fn reshaped(mut self, shape: &[usize]) -> Result<Tensor> {
        let (have, want) = (self.len(), element_count(shape)?);
        ensure!(have == want, InvalidInput, "cannot see {have} elements as {shape:?}, which has {want}");
        self.shape = shape.into();
        Ok(self)
    }

    /// To read.
    pub fn view(&self) -> View<'_> {
        let data = match &self.data {
            Data::Bytes(b) => Raw::Bytes((**b).as_ref()),
            Data::Strings(s) => Raw::Strings(s),
        };
        View { dtype: self.dtype, shape: &self.shape, data }
    }

    /// To write; copies first if the elements are shared.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let data = match &mut self.data {
            Data::Bytes(b) => RawMut::Bytes(Arc::make_mut(b).as_mut()),
            Data::Strings(s) => RawMut::Strings(Arc::make_mut(s).as_mut_slice()),
        };
        ViewMut { dtype: self.dtype, shape: &self.shape, data }
    }

    /// The elements, where `T` is their type.
    pub fn slice<T: Element>(&self) -> Result<&[T]> {
        self.view().slice()
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape.as_slice())
    }
}

/// A borrowed tensor.
#[derive(Clone, Copy)]
pub struct View<'a> {
    dtype: DType,
    shape: &'a [usize],
    data: Raw<'a>,
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    Bytes(&'a [u8]),
    Strings(&'a [String]),
}

impl<'a> View<'a> {
    /// Over bytes that hold exactly the elements and are aligned for them.
    pub fn over(dtype: DType, shape: &'a [usize], bytes: &'a [u8]) -> View<'a> {
        debug_assert_eq!(byte_count(dtype, shape).ok(), Some(bytes.len()));
        View { dtype, shape, data: Raw::Bytes(bytes) }
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same elements under another shape of the same size.
    pub fn reshaped(self, shape: &'a [usize]) -> View<'a> {
        debug_assert_eq!(self.len(), shape.iter().product::<usize>());
        View { shape, ..self }
    }

    /// The elements; an error names both types where `T` is not theirs.
    pub fn slice<T: Element>(&self) -> Result<&'a [T]> {
        ensure!(T::DTYPE == self.dtype, Unsupported, "expected {} elements, got {}", T::DTYPE, self.dtype);
        Ok(self.units())
    }

    /// The elements as units of the same width (see [`for_width!`](crate::for_width)).
    pub fn units<T: bytemuck::Pod>(&self) -> &'a [T] {
        match self.bytes() {
            // No bytes may lie anywhere, unaligned too.
            [] => &[],
            bytes => bytemuck::cast_slice(bytes),
        }
    }

    /// The raw bytes; empty for strings.
    pub fn bytes(&self) -> &'a [u8] {
        match self.data {
            Raw::Bytes(b) => b,
            Raw::Strings(_) => &[],
        }
    }

    /// The strings; an error for other types.
    pub fn strings(&self) -> Result<&'a [String]> {
        match self.data {
            Raw::Strings(s) => Ok(s),
            Raw::Bytes(_) => Err(err!(Unsupported, "expected string elements, got {}", self.dtype)),
        }
    }

    /// Elements of any integer type or bool (packed ones too) as i64; u64 wraps.
    pub fn to_i64s(&self) -> Result<Vec<i64>> {
        match self.dtype {
            DType::Bool => Ok(self.bytes().iter().map(|&b| (b != 0) as i64).collect()),
            dtype if dtype.is_packed() && dtype.is_integer() => {
                Ok(self.unpacked()?.iter().map(|&x| x as i64).collect())
            }
            dtype => {
                for_int!(dtype, T => Ok(self.slice::<T>()?.iter().map(|&x| crate::Num::to_i64(x)).collect()))
            }
        }
    }

    /// Elements of any real type (8- and 4-bit floats and packed integers too) as f32.
    pub fn to_f32s(&self) -> Result<Vec<f32>> {
        use crate::{E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, E8M0, Num, minifloat};
        Ok(match self.dtype {
            DType::F8E4M3FN => self.units::<E4M3Fn>().iter().map(|x| x.to_f32()).collect(),
            DType::F8E4M3FNUZ => self.units::<E4M3FnUz>().iter().map(|x| x.to_f32()).collect(),
            DType::F8E5M2 => self.units::<E5M2>().iter().map(|x| x.to_f32()).collect(),
            DType::F8E5M2FNUZ => self.units::<E5M2FnUz>().iter().map(|x| x.to_f32()).collect(),
            DType::F8E8M0 => self.units::<E8M0>().iter().map(|x| x.to_f32()).collect(),
            DType::F4E2M1 => self.unpacked()?.iter().map(|&x| minifloat::f4e2m1_to_f32(x as u8)).collect(),
            DType::Bool => self.bytes().iter().map(|&b| (b != 0) as u8 as f32).collect(),
            dtype if dtype.is_packed() => self.unpacked()?.iter().map(|&x| x as f32).collect(),
            DType::F32 => self.units::<f32>().to_vec(),
            dtype => {
                for_num!(dtype, T => Ok(self.slice::<T>()?.iter().map(|&x| x.to_f64() as f32).collect()))?
            }
        })
    }

    /// Elements under 8 bits, one per i16, sign-extended where the type is signed; 4-bit floats keep their code.
    pub fn unpacked(&self) -> Result<Vec<i16>> {
        let bits = self.dtype.bits();
        ensure!(self.dtype.is_packed(), Internal, "{} is not packed", self.dtype);
        let signed = matches!(self.dtype, DType::I4 | DType::I2);
        let (per, mask) = (8 / bits, (1u8 << bits) - 1);
        let bytes = self.bytes();
        Ok((0..self.len())
            .map(|i| {
                let code = (bytes[i / per] >> (i % per * bits)) & mask;
                if signed { ((code as i16) << (16 - bits)) >> (16 - bits) } else { code as i16 }
            })
            .collect())
    }

    /// The one element of a tensor that must have exactly one, as f32.
    pub fn scalar_f32(&self) -> Result<f32> {
        self.only_one()?;
        Ok(self.to_f32s()?[0])
    }

    /// The one element of a tensor that must have exactly one, as i64.
    pub fn scalar_i64(&self) -> Result<i64> {
        self.only_one()?;
        Ok(self.to_i64s()?[0])
    }

    fn only_one(&self) -> Result<()> {
        ensure!(self.len() == 1, InvalidInput, "expected one element, got {}{:?}", self.dtype, self.shape);
        Ok(())
    }

    /// An owned copy.
    pub fn to_tensor(&self) -> Result<Tensor> {
        match self.data {
            Raw::Bytes(b) => Tensor::from_bytes(self.dtype, self.shape, b),
            Raw::Strings(s) => Tensor::from_strings(self.shape, s.to_vec()),
        }
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape)
    }
}

/// A tensor borrowed for writing.
pub struct ViewMut<'a> {
    dtype: DType,
    shape: &'a [usize],
    data: RawMut<'a>,
}

enum RawMut<'a> {
    Bytes(&'a mut [u8]),
    Strings(&'a mut [String]),
}

impl<'a> ViewMut<'a> {
    /// Over bytes that hold exactly the elements and are aligned for them.
    pub fn over(dtype: DType, shape: &'a [usize], bytes: &'a mut [u8]) -> ViewMut<'a> {
        debug_assert_eq!(byte_count(dtype, shape).ok(), Some(bytes.len()));
        ViewMut { dtype, shape, data: RawMut::Bytes(bytes) }
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, for as long as the memory lives; an error names both types where `T` is not theirs.
    pub fn into_slice<T: Element>(self) -> Result<&'a mut [T]> {
        ensure!(T::DTYPE == self.dtype, Unsupported, "expected {} elements, got {}", T::DTYPE, self.dtype);
        self.into_units()
    }

    /// The elements as units of the same width.
    pub fn into_units<T: bytemuck::Pod>(self) -> Result<&'a mut [T]> {
        match self.data {
            RawMut::Bytes([]) => Ok(&mut []),
            RawMut::Bytes(b) => Ok(bytemuck::cast_slice_mut(b)),
            RawMut::Strings(_) => Err(err!(Unsupported, "strings do not lie in bytes")),
        }
    }

    /// The strings; an error for other types.
    pub fn into_strings(self) -> Result<&'a mut [String]> {
        match self.data {
            RawMut::Strings(s) => Ok(s),
            RawMut::Bytes(_) => Err(err!(Unsupported, "expected string elements, got {}", self.dtype)),
        }
    }

    /// Copies everything from a tensor of the same type and size.
    pub fn copy_from(self, from: View<'_>) -> Result<()> {
        ensure!(
            self.dtype == from.dtype && self.len() == from.len(),
            Internal,
            "cannot copy {from:?} into {}{:?}",
            self.dtype,
            self.shape
        );
        match (self.data, from.data) {
            (RawMut::Bytes(to), Raw::Bytes(from)) => to.copy_from_slice(from),
            (RawMut::Strings(to), Raw::Strings(from)) => to.clone_from_slice(from),
            _ => bail!(Internal, "strings and bytes do not mix"),
        }
        Ok(())
    }

    /// Writes elements under 8 bits from one code per i16 (the high bits are cut off).
    pub fn pack(self, codes: &[i16]) -> Result<()> {
        let bits = self.dtype.bits();
        ensure!(
            self.dtype.is_packed() && codes.len() == self.len(),
            Internal,
            "cannot pack into {}",
            self.dtype
        );
        let (per, mask) = (8 / bits, (1i16 << bits) - 1);
        let bytes: &mut [u8] = self.into_units()?;
        for (byte, codes) in bytes.iter_mut().zip(codes.chunks(per)) {
            *byte = codes.iter().enumerate().fold(0, |b, (i, &c)| b | ((c & mask) as u8) << (i * bits));
        }
        Ok(())
    }
}

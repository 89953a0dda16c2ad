//! NumPy's `.npy`: one array in a file, read and written.
//!
//! What a reader would get wrong: element types that NumPy lacks travel in the next wider one. [`write()`]
//! turns bf16, 8- and 4-bit floats into f32 and packed integers into i8 or u8; [`narrow`] turns them back.

use crate::py::{Literal, parse};
use edgewise_core::{
    DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, E8M0, PowerRound, Result, Tensor, bail, ensure, err,
};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Decodes a file. Pickled objects are refused: reading them could run code.
pub fn read(bytes: &[u8]) -> Result<Tensor> {
    let (header, data) = split(bytes)?;
    let header = Header::parse(header)?;
    match header.element()? {
        Element::Number { dtype, part_bytes, big_endian } => {
            let mut data = header.payload(data, dtype.bits() / 8)?;
            if big_endian {
                data.chunks_exact_mut(part_bytes).for_each(<[u8]>::reverse);
            }
            if dtype == DType::Bool {
                data.iter_mut().for_each(|b| *b = (*b != 0) as u8);
            }
            Tensor::from_bytes(dtype, &header.shape, &data)
        }
        Element::Text { chars, wide, big_endian } => {
            let bytes = chars.checked_mul(if wide { 4 } else { 1 });
            let bytes = bytes.ok_or_else(|| err!(InvalidInput, "its strings are too long"))?;
            let data = header.payload(data, bytes)?;
            let text = |i: usize| {
                let cell = &data[i * bytes..(i + 1) * bytes];
                if wide { wide_text(cell, big_endian) } else { narrow_text(cell) }
            };
            let strings = (0..header.count()?).map(text).collect::<Result<_>>()?;
            Tensor::from_strings(&header.shape, strings)
        }
    }
}

/// Encodes a tensor, format version 1, little-endian, in C order.
pub fn write(tensor: &Tensor) -> Result<Vec<u8>> {
    let tensor = widen(tensor)?;
    let view = tensor.view();
    let (descr, data) = match tensor.dtype() {
        DType::Str => wide_strings(view.strings()?),
        dtype => (descr(dtype)?.to_string(), view.bytes().to_vec()),
    };
    let sizes: String = tensor.shape().iter().map(|d| format!("{d}, ")).collect();
    // A tuple of one needs its comma; longer ones read better without the last.
    let sizes = if tensor.shape().len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let len = u16::try_from(header.len()).map_err(|_| err!(Unsupported, "too many axes for a .npy file"))?;
    let mut out = Vec::with_capacity(MAGIC.len() + 4 + header.len() + data.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&data);
    Ok(out)
}

/// A tensor as read from a file, in a type that NumPy lacks where a model asks for one; unchanged where the
/// types are not such a pair.
pub fn narrow(tensor: Tensor, to: DType) -> Result<Tensor> {
    if widened(to) != Some(tensor.dtype()) {
        return Ok(tensor);
    }
    let view = tensor.view();
    let mut out = Tensor::zeros(to, tensor.shape())?;
    if to.is_packed() {
        let codes: Vec<i16> = match to {
            DType::F4E2M1 => bail!(Unsupported, "4-bit floats cannot be read from a .npy file"),
            _ => view.to_i64s()?.into_iter().map(|x| x as i16).collect(),
        };
        let (low, high) = to.integer_range().unwrap_or_default();
        let outside = codes.iter().find(|&&c| (c as i128) < low || c as i128 > high);
        ensure!(outside.is_none(), InvalidInput, "{} does not fit {to}", outside.unwrap_or(&0));
        out.view_mut().pack(&codes)?;
        return Ok(out);
    }
    let floats = tensor.slice::<f32>()?;
    if to == DType::BF16 {
        let bytes: Vec<u8> = floats.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
        return Tensor::from_bytes(to, tensor.shape(), &bytes);
    }
    let bytes: Vec<u8> = floats.iter().map(|&x| small_float(x, to)).collect();
    Tensor::from_bytes(to, tensor.shape(), &bytes)
}

fn small_float(x: f32, to: DType) -> u8 {
    match to {
        DType::F8E4M3FN => E4M3Fn::from_f32(x, true).0,
        DType::F8E4M3FNUZ => E4M3FnUz::from_f32(x, true).0,
        DType::F8E5M2 => E5M2::from_f32(x, true).0,
        DType::F8E5M2FNUZ => E5M2FnUz::from_f32(x, true).0,
        _ => E8M0::from_f64(x.into(), true, PowerRound::Nearest).0,
    }
}

/// The type in which NumPy carries elements of a type that it lacks.
fn widened(dtype: DType) -> Option<DType> {
    match dtype {
        DType::I4 | DType::I2 => Some(DType::I8),
        DType::U4 | DType::U2 => Some(DType::U8),
        _ if descr(dtype).is_err() && dtype != DType::Str => Some(DType::F32),
        _ => None,
    }
}

fn widen(tensor: &Tensor) -> Result<Tensor> {
    match widened(tensor.dtype()) {
        None => Ok(tensor.clone()),
        Some(DType::F32) => Tensor::new(tensor.shape(), &tensor.view().to_f32s()?),
        Some(dtype) => {
            let bytes: Vec<u8> = tensor.view().unpacked()?.into_iter().map(|x| x as u8).collect();
            Tensor::from_bytes(dtype, tensor.shape(), &bytes)
        }
    }
}

fn descr(dtype: DType) -> Result<&'static str> {
    Ok(match dtype {
        DType::Bool => "|b1",
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I16 => "<i2",
        DType::U16 => "<u2",
        DType::I32 => "<i4",
        DType::U32 => "<u4",
        DType::I64 => "<i8",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::C64 => "<c8",
        DType::C128 => "<c16",
        other => bail!(Unsupported, "NumPy has no type for {other}"),
    })
}

/// The header's text, and what follows it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8])> {
    let cut = || err!(InvalidInput, "the .npy file ends within its header");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| err!(InvalidInput, "this is not a .npy file"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (len, rest) = match version[0] {
        1 => {
            let (len, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (u16::from_le_bytes(*len) as usize, rest)
        }
        2 | 3 => {
            let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_le_bytes(*len) as usize, rest)
        }
        other => bail!(Unsupported, "version {other} of the .npy format is not known"),
    };
    let (header, data) = rest.split_at_checked(len).ok_or_else(cut)?;
    let header = std::str::from_utf8(header);
    Ok((header.map_err(|_| err!(InvalidInput, "the .npy header is not text"))?, data))
}

struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

enum Element {
    /// Complex numbers have two parts, each with its own byte order.
    Number {
        dtype: DType,
        part_bytes: usize,
        big_endian: bool,
    },
    Text {
        chars: usize,
        wide: bool,
        big_endian: bool,
    },
}

impl Header {
    fn parse(text: &str) -> Result<Header> {
        let Literal::Dict(entries) = parse(text)? else {
            bail!(InvalidInput, "the .npy header must be a dictionary");
        };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("descr", Literal::Text(text)) => descr = Some(text),
                ("descr", _) => bail!(Unsupported, "records in a .npy file are not supported"),
                ("fortran_order", Literal::Bool(b)) => fortran_order = Some(b),
                ("shape", Literal::Tuple(sizes)) => shape = Some(sizes),
                (key, _) => bail!(InvalidInput, "the .npy header's '{key}' is unknown or has a wrong value"),
            }
        }
        let missing = |key: &str| err!(InvalidInput, "the .npy header has no '{key}'");
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }

    fn element(&self) -> Result<Element> {
        let descr = self.descr.as_str();
        let bare = descr.trim_start_matches(['<', '>', '=', '|']);
        let big_endian = descr.starts_with('>');
        ensure!(
            !bare.starts_with('O'),
            Unsupported,
            "the .npy file holds pickled Python objects, which are refused because reading them could run code"
        );
        let dtype = match bare {
            "b1" => DType::Bool,
            "i1" => DType::I8,
            "u1" => DType::U8,
            "i2" => DType::I16,
            "u2" => DType::U16,
            "i4" => DType::I32,
            "u4" => DType::U32,
            "i8" => DType::I64,
            "u8" => DType::U64,
            "f2" => DType::F16,
            "f4" => DType::F32,
            "f8" => DType::F64,
            "c8" => DType::C64,
            "c16" => DType::C128,
            text => {
                let wide = text.starts_with('U');
                let chars = text.strip_prefix(['U', 'S']).and_then(|n| n.parse().ok());
                let chars =
                    chars.ok_or_else(|| err!(Unsupported, "NumPy's type '{descr}' is not supported"))?;
                return Ok(Element::Text { chars, wide, big_endian });
            }
        };
        let parts = if matches!(dtype, DType::C64 | DType::C128) { 2 } else { 1 };
        Ok(Element::Number { dtype, part_bytes: dtype.bits() / 8 / parts, big_endian })
    }

    fn count(&self) -> Result<usize> {
        let count = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        count.ok_or_else(|| err!(LimitExceeded, "shape {:?} has too many elements", self.shape))
    }

    /// The elements in C order.
    fn payload(&self, data: &[u8], element_bytes: usize) -> Result<Vec<u8>> {
        let expected = self.count()?.checked_mul(element_bytes);
        ensure!(
            expected == Some(data.len()),
            InvalidInput,
            "the .npy file holds {} bytes of elements, but its header promises {} of {:?}",
            data.len(),
            self.descr,
            self.shape
        );
        if self.fortran_order && self.shape.len() > 1 {
            return Ok(to_c_order(data, &self.shape, element_bytes));
        }
        Ok(data.to_vec())
    }
}

/// Reorders elements whose first axis runs fastest.
fn to_c_order(data: &[u8], shape: &[usize], element_bytes: usize) -> Vec<u8> {
    let mut steps = vec![1; shape.len()];
    for axis in 1..shape.len() {
        steps[axis] = steps[axis - 1] * shape[axis - 1];
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0; shape.len()];
    while out.len() < data.len() {
        let at: usize = index.iter().zip(&steps).map(|(i, step)| i * step).sum();
        out.extend_from_slice(&data[at * element_bytes..(at + 1) * element_bytes]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// UTF-32, filled up with zeros.
fn wide_text(cell: &[u8], big_endian: bool) -> Result<String> {
    let codes = cell.chunks_exact(4).map(|b| {
        let b = [b[0], b[1], b[2], b[3]];
        if big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    });
    let text: Option<String> = codes.map(char::from_u32).collect();
    let text = text.ok_or_else(|| err!(InvalidInput, "a string of the .npy file is not Unicode"))?;
    Ok(text.trim_end_matches('\0').to_string())
}

fn narrow_text(cell: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(cell);
    let text = text.map_err(|_| err!(InvalidInput, "a string of the .npy file is not UTF-8"))?;
    Ok(text.trim_end_matches('\0').to_string())
}

fn wide_strings(strings: &[String]) -> (String, Vec<u8>) {
    let chars = strings.iter().map(|s| s.chars().count()).max().unwrap_or(0).max(1);
    let mut data = Vec::with_capacity(strings.len() * chars * 4);
    for s in strings {
        let padded = s.chars().chain(std::iter::repeat('\0')).take(chars);
        data.extend(padded.flat_map(|c| (c as u32).to_le_bytes()));
    }
    (format!("<U{chars}"), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn back(tensor: &Tensor) -> Tensor {
        let bytes = write(tensor).unwrap();
        assert_eq!((bytes.len() - tensor.bytes()) % 64, 0, "NumPy aligns the elements to 64 bytes");
        read(&bytes).unwrap()
    }

    #[test]
    fn every_type_of_numpy_comes_back() {
        for dtype in DType::ALL {
            if descr(dtype).is_err() {
                continue;
            }
            for shape in [&[][..], &[0], &[3], &[2, 0, 3], &[2, 3]] {
                let mut tensor = Tensor::zeros(dtype, shape).unwrap();
                let bytes: &mut [u8] = tensor.view_mut().into_units().unwrap();
                bytes.iter_mut().enumerate().for_each(|(i, b)| {
                    *b = if dtype == DType::Bool { (i % 2) as u8 } else { i as u8 };
                });
                let got = back(&tensor);
                assert_eq!((got.dtype(), got.shape()), (dtype, shape));
                assert_eq!(got.view().bytes(), tensor.view().bytes());
            }
        }
    }

    #[test]
    fn strings_come_back() {
        let strings = vec!["".to_string(), "naïve".into(), "𝄞".into(), "a\0b".into()];
        let tensor = Tensor::from_strings(&[2, 2], strings.clone()).unwrap();
        let got = read(&write(&tensor).unwrap()).unwrap();
        assert_eq!(got.view().strings().unwrap(), strings);
        assert_eq!(got.shape(), [2, 2]);
    }

    #[test]
    fn types_that_numpy_lacks_come_back_through_wider_ones() {
        let mut packed = Tensor::zeros(DType::I4, &[3]).unwrap();
        packed.view_mut().pack(&[-8, 7, -1]).unwrap();
        let wide = read(&write(&packed).unwrap()).unwrap();
        assert_eq!(wide.slice::<i8>().unwrap(), [-8, 7, -1]);
        assert_eq!(narrow(wide, DType::I4).unwrap().view().bytes(), packed.view().bytes());
        let brain = narrow(Tensor::new(&[2], &[1.5f32, -3e38]).unwrap(), DType::BF16).unwrap();
        assert_eq!(back_f32(&brain)[0], 1.5);
        assert!(narrow(Tensor::new(&[1], &[9i8]).unwrap(), DType::I4).is_err());
        assert_eq!(narrow(Tensor::scalar(1i64), DType::F32).unwrap().dtype(), DType::I64);
    }

    fn back_f32(tensor: &Tensor) -> Vec<f32> {
        read(&write(tensor).unwrap()).unwrap().slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn order_and_byte_order_are_heeded() {
        let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let tensor = read(&file(fortran, &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(tensor.slice::<u8>().unwrap(), [1, 2, 3, 4, 5, 6]);
        let big = "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(read(&file(big, &[1, 2, 255, 254])).unwrap().slice::<i16>().unwrap(), [258, -2]);
        let bytes = "{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(read(&file(bytes, b"ab\0xyz")).unwrap().view().strings().unwrap(), ["ab", "xyz"]);
        let truth = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(read(&file(truth, &[0, 7])).unwrap().view().bytes(), [0, 1]);
    }

    #[test]
    fn nonsense_is_refused_in_a_sentence() {
        let head = |descr: &str, shape: &str| {
            file(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8])
        };
        for (bytes, says) in [
            (b"PK\x03\x04".to_vec(), "not a .npy file"),
            (MAGIC.to_vec(), "ends within its header"),
            (file("{'descr'", &[]), "header"),
            (head("'|O'", "(1,)"), "pickled"),
            (head("[('a', '<f4')]", "(1,)"), "records"),
            (head("'<f16'", "(1,)"), "'<f16'"),
            (head("'<M8[ns]'", "(1,)"), "not supported"),
            (head("'<f4'", "(3,)"), "8 bytes"),
            (head("'<f4'", "(18446744073709551615, 2)"), "too many"),
            (head("'<f4'", "(-1,)"), "header"),
            ([MAGIC, &[9, 0, 0, 0]].concat(), "version 9"),
        ] {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
    }
}

//! Protobuf's wire format: numbered fields of four kinds.

use super::skim::Head;
use crate::Result;
use std::ops::Range;

/// The kind of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A number of one to ten bytes.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// A length and that many bytes.
    Bytes,
    /// Four bytes.
    Fixed32,
}

impl Wire {
    /// The field number and kind that a key (at byte `at`) names.
    pub fn of_key(key: u64, at: u64) -> Result<(u32, Wire)> {
        let number = u32::try_from(key >> 3).ok().filter(|n| *n > 0);
        let wire = match key & 7 {
            0 => Some(Wire::Varint),
            1 => Some(Wire::Fixed64),
            2 => Some(Wire::Bytes),
            5 => Some(Wire::Fixed32),
            _ => None,
        };
        number
            .zip(wire)
            .ok_or_else(|| err!(InvalidModel, "the field key {key} at byte {at} is not valid protobuf"))
    }
}

/// The number at the start of `bytes` and how many bytes it takes.
pub fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().take(10).enumerate() {
        value |= ((byte & 0x7f) as u64).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// One field of a message.
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Where its value begins, for messages.
    pub at: u64,
    value: FieldValue<'a>,
}

enum FieldValue<'a> {
    Number(u64, Wire),
    Bytes(&'a Head, Range<u64>),
}

impl<'a> Field<'a> {
    /// An integer.
    pub fn int(&self) -> Result<i64> {
        match self.value {
            FieldValue::Number(n, Wire::Varint) => Ok(n as i64),
            _ => Err(self.mismatch("an integer")),
        }
    }

    /// A float.
    pub fn float(&self) -> Result<f32> {
        match self.value {
            FieldValue::Number(n, Wire::Fixed32) => Ok(f32::from_bits(n as u32)),
            _ => Err(self.mismatch("a float")),
        }
    }

    /// The range of a length-delimited value.
    pub fn range(&self) -> Result<Range<u64>> {
        match &self.value {
            FieldValue::Bytes(_, range) => Ok(range.clone()),
            _ => Err(self.mismatch("a message")),
        }
    }

    /// Bytes that were not skipped.
    pub fn bytes(&self) -> Result<&'a [u8]> {
        match &self.value {
            FieldValue::Bytes(head, range) => head.bytes(range.clone()).ok_or_else(|| {
                err!(InvalidModel, "field {} at byte {} is too large here", self.number, self.at)
            }),
            _ => Err(self.mismatch("bytes")),
        }
    }

    /// Text.
    pub fn text(&self) -> Result<String> {
        let bytes = self.bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(err!(InvalidModel, "field {} at byte {} is not UTF-8 text", self.number, self.at)),
        }
    }

    /// The message in it.
    pub fn message(&self) -> Result<Fields<'a>> {
        match &self.value {
            FieldValue::Bytes(head, range) => Ok(Fields { head, at: range.start, end: range.end }),
            _ => Err(self.mismatch("a message")),
        }
    }

    /// Appends the integers of a repeated field, packed or not.
    pub fn ints(&self, into: &mut Vec<i64>) -> Result<()> {
        let FieldValue::Bytes(..) = self.value else {
            into.push(self.int()?);
            return Ok(());
        };
        let mut bytes = self.bytes()?;
        while !bytes.is_empty() {
            let (value, len) = varint(bytes).ok_or_else(|| self.mismatch("packed integers"))?;
            into.push(value as i64);
            bytes = &bytes[len..];
        }
        Ok(())
    }

    /// Appends the little-endian bytes of a repeated float or double field, packed or not.
    pub fn fixed(&self, into: &mut Vec<u8>) -> Result<()> {
        match self.value {
            FieldValue::Number(n, Wire::Fixed32) => into.extend((n as u32).to_le_bytes()),
            FieldValue::Number(n, Wire::Fixed64) => into.extend(n.to_le_bytes()),
            FieldValue::Number(..) => return Err(self.mismatch("floats")),
            FieldValue::Bytes(..) => into.extend(self.bytes()?),
        }
        Ok(())
    }

    fn mismatch(&self, expected: &str) -> crate::Error {
        err!(InvalidModel, "field {} at byte {} must be {expected}", self.number, self.at)
    }
}

/// The fields of a message, one after the other.
pub struct Fields<'a> {
    head: &'a Head,
    at: u64,
    end: u64,
}

impl<'a> Fields<'a> {
    /// Those of the whole file.
    pub fn of(head: &'a Head, len: u64) -> Fields<'a> {
        Fields { head, at: 0, end: len }
    }

    fn number(&mut self) -> Result<u64> {
        let bytes = self.head.from(self.at);
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let (value, len) = varint(&bytes[..bytes.len().min(left)])
            .ok_or_else(|| err!(InvalidModel, "the number at byte {} is cut off or too long", self.at))?;
        self.at += len as u64;
        Ok(value)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let end = self.at + N as u64;
        let bytes = self.head.bytes(self.at..end).filter(|_| end <= self.end);
        let bytes = bytes.and_then(|b| b.try_into().ok());
        let bytes = bytes.ok_or_else(|| err!(InvalidModel, "the number at byte {} is cut off", self.at))?;
        self.at = end;
        Ok(bytes)
    }

    fn field(&mut self) -> Result<Field<'a>> {
        let key_at = self.at;
        let (number, wire) = Wire::of_key(self.number()?, key_at)?;
        let mut at = self.at;
        let value = match wire {
            Wire::Varint => FieldValue::Number(self.number()?, wire),
            Wire::Fixed64 => FieldValue::Number(u64::from_le_bytes(self.fixed()?), wire),
            Wire::Fixed32 => FieldValue::Number(u32::from_le_bytes(self.fixed()?) as u64, wire),
            Wire::Bytes => {
                let len = self.number()?;
                at = self.at;
                let end = at.checked_add(len).filter(|end| *end <= self.end);
                let end = end
                    .ok_or_else(|| err!(InvalidModel, "field {number} at byte {at} runs past its message"))?;
                self.at = end;
                FieldValue::Bytes(self.head, at..end)
            }
        };
        Ok(Field { number, at, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Result<Field<'a>>> {
        if self.at >= self.end {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.end;
        }
        Some(field)
    }
}

//! A protobuf message as a tree, so that a mutation can change one field and leave the lengths around it
//! right: bytes changed blindly seldom get past the decoder.

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its number in the message.
    pub number: u32,
    /// What is in it.
    pub value: Value,
}

/// What is in a field.
#[derive(Clone, Debug)]
pub enum Value {
    /// A whole number.
    Varint(u64),
    /// 4 bytes.
    Fixed32([u8; 4]),
    /// 8 bytes.
    Fixed64([u8; 8]),
    /// Bytes or text.
    Bytes(Vec<u8>),
    /// Bytes that read as a message.
    Message(Vec<Field>),
}

/// The fields of a message; `None` where the bytes are none. `depth` bounds how far bytes are taken for
/// messages: anything that reads as one is, since a mutation need not be right about it.
pub fn parse(mut bytes: &[u8], depth: usize) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = u32::try_from(key >> 3).ok().filter(|n| (1..1000).contains(n))?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut bytes)?),
            1 => Value::Fixed64(take(&mut bytes, 8)?.try_into().ok()?),
            5 => Value::Fixed32(take(&mut bytes, 4)?.try_into().ok()?),
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let inner = take(&mut bytes, len)?;
                let message = if depth > 0 && len > 1 { parse(inner, depth - 1) } else { None };
                message.map_or_else(|| Value::Bytes(inner.to_vec()), Value::Message)
            }
            _ => return None,
        };
        fields.push(Field { number, value });
    }
    Some(fields)
}

/// The bytes of a message.
pub fn encode(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        let mut key = |wire: u64| put(&mut out, (field.number as u64) << 3 | wire);
        match &field.value {
            Value::Varint(n) => {
                key(0);
                put(&mut out, *n);
            }
            Value::Fixed64(bytes) => {
                key(1);
                out.extend(bytes);
            }
            Value::Fixed32(bytes) => {
                key(5);
                out.extend(bytes);
            }
            Value::Bytes(bytes) => {
                key(2);
                put(&mut out, bytes.len() as u64);
                out.extend(bytes);
            }
            Value::Message(fields) => {
                key(2);
                let inner = encode(fields);
                put(&mut out, inner.len() as u64);
                out.extend(inner);
            }
        }
    }
    out
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= ((byte & 0x7f) as u64) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

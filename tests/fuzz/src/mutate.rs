//! Breaks a model in the ways in which files are broken, by accident and on purpose.

use crate::random::Random;
use crate::wire::{Field, Value, encode, parse};

/// Numbers at which something tends to give way.
const NUMBERS: [i64; 18] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    16,
    31,
    255,
    65_536,
    -1,
    -2,
    -3,
    i32::MAX as i64,
    i32::MIN as i64,
    i64::MAX,
    i64::MIN,
];
const FLOATS: [f32; 8] = [0.0, -0.0, 1.0, -1.0, f32::MAX, f32::INFINITY, f32::NAN, 1e-40];
/// How deep messages nest in the models that are mutated.
const DEPTH: usize = 12;

/// A few changes to `bytes`: to its fields, lengths kept right, or to the bytes themselves. `other` is where
/// spliced fields come from.
pub fn mutate(random: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let Some(mut fields) = parse(bytes, DEPTH) else { return mutate_bytes(random, bytes.to_vec()) };
    let other = parse(other, DEPTH).unwrap_or_default();
    for _ in 0..1 + random.below(3) {
        mutate_fields(random, &mut fields, &other);
    }
    let bytes = encode(&fields);
    if random.below(4) == 0 { mutate_bytes(random, bytes) } else { bytes }
}

/// Walks down to a random message and changes one of its fields.
fn mutate_fields(random: &mut Random, fields: &mut Vec<Field>, other: &[Field]) {
    let at = random.below(fields.len());
    if let Some(Field { value: Value::Message(inner), .. }) = fields.get_mut(at)
        && random.below(8) != 0
    {
        return mutate_fields(random, inner, other);
    }
    if fields.is_empty() {
        return;
    }
    match random.below(10) {
        0 => {
            fields.remove(at);
        }
        1 => {
            let copy = fields[at].clone();
            fields.insert(random.below(fields.len() + 1), copy);
        }
        2 => {
            let with = random.below(fields.len());
            fields.swap(at, with);
        }
        3 => fields[at].number = 1 + random.below(25) as u32,
        4 => {
            if let Some(stranger) = pick(random, other, fields[at].number) {
                fields[at] = stranger;
            }
        }
        5 => {
            // Fields of one message trade values: names, mostly, so that edges lead elsewhere.
            let with = random.below(fields.len());
            fields[at].value = fields[with].value.clone();
        }
        _ => mutate_value(random, &mut fields[at].value),
    }
}

/// A field of another model; one of the same number where a few tries find it.
fn pick(random: &mut Random, from: &[Field], number: u32) -> Option<Field> {
    let mut found = None;
    for _ in 0..8 {
        let mut level = from;
        while !level.is_empty() {
            let field = &level[random.below(level.len())];
            if field.number == number {
                return Some(field.clone());
            }
            found = Some(field.clone());
            level = match &field.value {
                Value::Message(inner) => inner,
                _ => &[],
            };
        }
    }
    found
}

fn mutate_value(random: &mut Random, value: &mut Value) {
    match value {
        Value::Varint(n) if random.below(3) == 0 => *n = n.wrapping_add(random.of(&[1, u64::MAX])),
        Value::Varint(n) => *n = random.of(&NUMBERS) as u64,
        Value::Fixed32(bytes) => *bytes = random.of(&FLOATS).to_le_bytes(),
        Value::Fixed64(bytes) => *bytes = f64::from(random.of(&FLOATS)).to_le_bytes(),
        Value::Message(fields) => {
            fields.truncate(random.below(fields.len()));
        }
        Value::Bytes(bytes) => *bytes = mutate_payload(random, std::mem::take(bytes)),
    }
}

/// Text, packed numbers, or elements.
fn mutate_payload(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => bytes.extend(random.bytes(8)),
        2 if bytes.len() >= 8 => {
            let at = random.below(bytes.len() / 8) * 8;
            bytes[at..at + 8].copy_from_slice(&random.of(&NUMBERS).to_le_bytes());
        }
        _ => return mutate_bytes(random, bytes),
    }
    bytes
}

/// Without regard to structure: flips, cuts, lengths that lie, pieces moved about.
fn mutate_bytes(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return random.bytes(4);
    }
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.of(&[0, 1, 0x7f, 0x80, 0xff]),
            2 => bytes[at] = bytes[at].wrapping_add(random.of(&[1, 0xff])),
            3 => bytes.truncate(at.max(1)),
            4 => {
                let len = random.below(16);
                let piece = random.bytes(len);
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = (at + random.below(32)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

//! NumPy's `.npz`: a zip archive of `.npy` files, stored or deflated.
//!
//! The archive is read here rather than by a zip library: of zip only the directory, one method and a
//! checksum are needed, and the inflater is in the tree already.

use crate::npy;
use edgewise_core::{Result, Tensor, bail, ensure, err};
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// A deflated array may not become larger than this.
const MAX_INFLATED_BYTES: usize = 4 << 30;

/// The arrays of an archive, in its order, with their names.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let mut arrays = Vec::new();
    for entry in directory(bytes)? {
        let array = entry.contents(bytes).and_then(|data| npy::read(&data));
        let array = array.map_err(|e| {
            edgewise_core::Error::new(e.kind(), format!("array '{}': {}", entry.name, e.what()))
        })?;
        arrays.push((entry.name.trim_end_matches(".npy").to_string(), array));
    }
    Ok(arrays)
}

/// One array of an archive.
pub fn get(bytes: &[u8], name: &str) -> Result<Tensor> {
    let entry = directory(bytes)?.into_iter().find(|e| e.name.trim_end_matches(".npy") == name);
    let entry = entry.ok_or_else(|| err!(NotFound, "the archive has no array '{name}'"))?;
    npy::read(&entry.contents(bytes)?)
}

/// A file in the archive.
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed_bytes: u64,
    bytes: u64,
    /// Of its local header.
    offset: u64,
}

fn cut() -> edgewise_core::Error {
    err!(InvalidInput, "the .npz file is cut off or is not a zip archive")
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    let b = bytes.get(at..).and_then(|b| b.first_chunk::<2>()).ok_or_else(cut)?;
    Ok(u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let b = bytes.get(at..).and_then(|b| b.first_chunk::<4>()).ok_or_else(cut)?;
    Ok(u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let b = bytes.get(at..).and_then(|b| b.first_chunk::<8>()).ok_or_else(cut)?;
    Ok(u64::from_le_bytes(*b))
}

/// The central directory, which is what counts: local headers may leave sizes out.
fn directory(bytes: &[u8]) -> Result<Vec<Entry>> {
    const END: &[u8] = b"PK\x05\x06";
    const END_BYTES: usize = 22;
    // A comment of up to 64 KiB may follow.
    let from = bytes.len().saturating_sub(END_BYTES + u16::MAX as usize);
    let tail = &bytes[from..];
    let end = tail.windows(4).rposition(|w| w == END).map(|i| from + i).ok_or_else(cut)?;
    ensure!(bytes.len() - end >= END_BYTES, InvalidInput, "the .npz file is cut off");
    let (mut count, mut at) = (u16_at(bytes, end + 10)? as u64, u32_at(bytes, end + 16)? as u64);
    if count == u16::MAX as u64 || at == u32::MAX as u64 {
        // Zip64: a locator before the end points at a record with wide numbers.
        let locator = end.checked_sub(20).ok_or_else(cut)?;
        ensure!(bytes[locator..].starts_with(b"PK\x06\x07"), InvalidInput, "the .npz file is not complete");
        let record = usize::try_from(u64_at(bytes, locator + 8)?).map_err(|_| cut())?;
        (count, at) = (u64_at(bytes, record + 32)?, u64_at(bytes, record + 48)?);
    }
    let mut at = usize::try_from(at).map_err(|_| cut())?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, next) = entry(bytes, at)?;
        entries.push(entry);
        at = next;
    }
    Ok(entries)
}

/// The entry of the central directory at that byte, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Result<(Entry, usize)> {
    let head = bytes.get(at..).ok_or_else(cut)?;
    ensure!(head.starts_with(b"PK\x01\x02"), InvalidInput, "the .npz file's directory is damaged");
    let (name, extra, comment) =
        (u16_at(head, 28)? as usize, u16_at(head, 30)? as usize, u16_at(head, 32)? as usize);
    let text = head.get(46..46 + name).ok_or_else(cut)?;
    let mut entry = Entry {
        name: String::from_utf8_lossy(text).into_owned(),
        flags: u16_at(head, 8)?,
        method: u16_at(head, 10)?,
        crc: u32_at(head, 16)?,
        packed_bytes: u32_at(head, 20)? as u64,
        bytes: u32_at(head, 24)? as u64,
        offset: u32_at(head, 42)? as u64,
    };
    entry.widen(head.get(46 + name..46 + name + extra).ok_or_else(cut)?)?;
    Ok((entry, at + 46 + name + extra + comment))
}

impl Entry {
    /// Takes the numbers that did not fit 32 bits from the extra field of zip64.
    fn widen(&mut self, mut extra: &[u8]) -> Result<()> {
        while extra.len() >= 4 {
            let (id, len) = (u16_at(extra, 0)?, u16_at(extra, 2)? as usize);
            let field = extra.get(4..4 + len).ok_or_else(cut)?;
            if id == 1 {
                let mut at = 0;
                for number in [&mut self.bytes, &mut self.packed_bytes, &mut self.offset] {
                    if *number == u32::MAX as u64 {
                        *number = u64_at(field, at)?;
                        at += 8;
                    }
                }
            }
            extra = &extra[4 + len..];
        }
        Ok(())
    }

    fn contents(&self, archive: &[u8]) -> Result<Vec<u8>> {
        ensure!(self.flags & 1 == 0, Unsupported, "it is encrypted");
        let offset = usize::try_from(self.offset).map_err(|_| cut())?;
        let head = archive.get(offset..).ok_or_else(cut)?;
        ensure!(head.starts_with(b"PK\x03\x04"), InvalidInput, "its header is damaged");
        let start = 30 + u16_at(head, 26)? as usize + u16_at(head, 28)? as usize;
        let end = usize::try_from(self.packed_bytes).ok().and_then(|n| start.checked_add(n));
        let packed = end.and_then(|end| head.get(start..end)).ok_or_else(cut)?;
        let data = match self.method {
            0 => packed.to_vec(),
            8 => {
                let limit = usize::try_from(self.bytes).unwrap_or(usize::MAX).min(MAX_INFLATED_BYTES);
                decompress_to_vec_with_limit(packed, limit)
                    .map_err(|e| err!(InvalidInput, "it cannot be inflated: {e}"))?
            }
            other => {
                bail!(Unsupported, "it is packed by zip's method {other}; stored or deflated is expected")
            }
        };
        ensure!(
            data.len() as u64 == self.bytes,
            InvalidInput,
            "it has {} bytes of {}",
            data.len(),
            self.bytes
        );
        ensure!(crc32fast::hash(&data) == self.crc, InvalidInput, "its checksum does not agree");
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one entry.
    fn archive(name: &str, method: u16, data: &[u8], packed: &[u8]) -> Vec<u8> {
        let sizes = [crc32fast::hash(data), packed.len() as u32, data.len() as u32];
        let sizes: Vec<u8> = sizes.iter().flat_map(|n| n.to_le_bytes()).collect();
        let lens = [(name.len() as u16).to_le_bytes(), [0, 0]].concat();
        let mut out = [b"PK\x03\x04\x14\0\0\0", &method.to_le_bytes()[..], &[0; 4], &sizes, &lens].concat();
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(packed);
        let at = out.len() as u32;
        out.extend_from_slice(b"PK\x01\x02\x14\0\x14\0\0\0");
        out.extend_from_slice(&[&method.to_le_bytes()[..], &[0; 4], &sizes, &lens, &[0; 14]].concat());
        out.extend_from_slice(name.as_bytes());
        let len = out.len() as u32 - at;
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        out.extend_from_slice(&[len.to_le_bytes(), at.to_le_bytes()].concat());
        out.extend_from_slice(&[0, 0]);
        out
    }

    #[test]
    fn stored_and_deflated_arrays_are_read() {
        let tensor = Tensor::new(&[3], &[1.0f32, 2.0, 3.0]).unwrap();
        let data = npy::write(&tensor).unwrap();
        let packed = miniz_oxide::deflate::compress_to_vec(&data, 6);
        for zip in [archive("x.npy", 0, &data, &data), archive("x.npy", 8, &data, &packed)] {
            let arrays = read(&zip).unwrap();
            assert_eq!(arrays[0].0, "x");
            assert_eq!(arrays[0].1.slice::<f32>().unwrap(), [1.0, 2.0, 3.0]);
            assert_eq!(get(&zip, "x").unwrap().len(), 3);
            assert!(get(&zip, "y").is_err());
        }
    }

    #[test]
    fn damage_is_found() {
        let data = npy::write(&Tensor::scalar(1u8)).unwrap();
        let good = archive("x.npy", 0, &data, &data);
        for len in 0..good.len() {
            assert!(read(&good[..len]).is_err(), "cut to {len} bytes");
        }
        let mut flipped = good.clone();
        flipped[30 + 5 + data.len() - 1] ^= 1;
        assert!(read(&flipped).unwrap_err().to_string().contains("checksum"));
        assert!(read(&archive("x.npy", 12, &data, &data)).unwrap_err().to_string().contains("method 12"));
        let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 1 << 20], 6);
        assert!(read(&archive("x.npy", 8, &data, &bomb)).is_err());
    }
}

//! Reads a model file without its weights.
//!
//! Exporters write megabytes of `raw_data` between the few kilobytes that say what the model is. Skimming
//! walks the nested messages, keeps what is small and jumps over large payloads, so that a model of any size
//! is understood after a few reads. What a reader would get wrong: offsets are those of the file throughout,
//! so a payload that was skipped is known by its range and can be read later.
//!
//! Some payloads are taken along as they pass: those of attributes, which operators want to see at once, and all
//! of a source that [streams](Source::streams), which cannot be jumped about in.

use super::Source;
use super::wire::{self, Wire};
use crate::{Buffer, Limits, Result};
use std::collections::BTreeMap;
use std::ops::Range;

/// Payloads from this size on are skipped.
const SKIP_FROM: u64 = 1024;
/// How much is read at a time: little after a jump, since the next one is often near; more and more as
/// reading goes on.
const WINDOW: std::ops::RangeInclusive<u64> = 1024..=64 * 1024;

/// How much of a payload is read at a time.
const PIECE: usize = 1 << 18;

/// Large payloads that were taken along, by their offset.
pub type Payloads = BTreeMap<u64, Buffer>;

/// The bytes of a file that were read, by their offset.
pub struct Head {
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Head {
    /// A file that is in memory.
    pub fn whole(bytes: &[u8]) -> Head {
        Head { pieces: BTreeMap::from([(0, bytes.to_vec())]) }
    }

    /// The bytes of a range; `None` where it was skipped.
    pub fn bytes(&self, range: Range<u64>) -> Option<&[u8]> {
        if range.is_empty() {
            return Some(&[]);
        }
        let (start, piece) = self.pieces.range(..=range.start).next_back()?;
        let at = usize::try_from(range.start - start).ok()?;
        let len = usize::try_from(range.end - range.start).ok()?;
        piece.get(at..at.checked_add(len)?)
    }

    /// The bytes from an offset on, as far as they were read in one piece.
    pub fn from(&self, offset: u64) -> &[u8] {
        self.pieces
            .range(..=offset)
            .next_back()
            .and_then(|(start, piece)| piece.get(usize::try_from(offset - start).ok()?..))
            .unwrap_or(&[])
    }
}

/// The messages on the way to a payload.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Function,
}

/// What a length-delimited field holds, as far as skimming cares.
enum Field {
    Message(Message),
    Payload,
    Other,
}

fn field(of: Message, number: u32) -> Field {
    use Message::*;
    match (of, number) {
        (Model, 7) => Field::Message(Graph),
        (Model, 25) => Field::Message(Function),
        (Graph, 1) | (Function, 7) => Field::Message(Node),
        (Graph, 5) | (Sparse, 1 | 2) | (Attribute, 5 | 10) => Field::Message(Tensor),
        (Graph, 15) | (Attribute, 22 | 23) => Field::Message(Sparse),
        (Node, 5) => Field::Message(Attribute),
        (Attribute, 6 | 11) => Field::Message(Graph),
        // Packed floats, raw bytes and packed doubles are the elements themselves.
        (Tensor, 4 | 9 | 10) => Field::Payload,
        _ => Field::Other,
    }
}

/// Reads everything; large payloads only where they are taken along.
pub async fn skim(source: &dyn Source, limits: &Limits) -> Result<(Head, Payloads)> {
    let head = Head { pieces: BTreeMap::new() };
    let mut reader = Skimmer { source, head, payloads: Payloads::new(), piece: 0, kept: 0, limits };
    let mut open = vec![(Message::Model, source.len())];
    let mut at = 0;
    while let Some(&(message, end)) = open.last() {
        ensure!(at <= end, InvalidModel, "a message ends at byte {end}, its last field at {at}");
        if at == end {
            open.pop();
            continue;
        }
        let (key, after) = reader.varint(at, end).await?;
        at = match Wire::of_key(key, at)? {
            (_, Wire::Varint) => reader.varint(after, end).await?.1,
            (_, Wire::Fixed64) => after + 8,
            (_, Wire::Fixed32) => after + 4,
            (number, Wire::Bytes) => {
                let (len, start) = reader.varint(after, end).await?;
                let stop = start.checked_add(len).filter(|stop| *stop <= end).ok_or_else(|| {
                    err!(
                        InvalidModel,
                        "field {number} at byte {at} claims {len} bytes, {} are left",
                        end - start
                    )
                })?;
                match field(message, number) {
                    Field::Message(inner) => {
                        let depth = open.len();
                        ensure!(
                            depth < limits.max_depth * 3,
                            LimitExceeded,
                            "messages nest deeper than {depth}"
                        );
                        open.push((inner, stop));
                        start
                    }
                    Field::Payload if len >= SKIP_FROM => {
                        let parent = open.len().checked_sub(2).map(|i| open[i].0);
                        if source.streams() || matches!(parent, Some(Message::Attribute | Message::Sparse)) {
                            reader.take_along(start, stop).await?;
                        }
                        stop
                    }
                    _ => {
                        reader.need(start, stop).await?;
                        stop
                    }
                }
            }
        };
    }
    Ok((reader.head, reader.payloads))
}

struct Skimmer<'a> {
    source: &'a dyn Source,
    head: Head,
    payloads: Payloads,
    /// Where the piece begins that is being grown.
    piece: u64,
    kept: u64,
    limits: &'a Limits,
}

impl Skimmer<'_> {
    async fn varint(&mut self, at: u64, end: u64) -> Result<(u64, u64)> {
        self.need(at, (at + 10).min(end)).await?;
        let len = usize::try_from(end - at).unwrap_or(usize::MAX);
        let bytes = self.head.from(at);
        wire::varint(&bytes[..bytes.len().min(len)])
            .map(|(value, len)| (value, at + len as u64))
            .ok_or_else(|| err!(InvalidModel, "the number at byte {at} is cut off or too long"))
    }

    /// Reads a payload to where it belongs.
    async fn take_along(&mut self, start: u64, end: u64) -> Result<()> {
        if self.head.bytes(start..end).is_some() {
            return Ok(());
        }
        let no_memory = || err!(OutOfMemory, "no memory for {} bytes of weights", end - start);
        let len = usize::try_from(end - start).map_err(|_| no_memory())?;
        let mut buffer = Buffer::with_room(len)?;
        let read = self.head.from(start);
        buffer.grow(read.len())?;
        buffer.as_mut().copy_from_slice(read);
        // Not all at once: whoever sends a stream would wait while memory is touched for the first time.
        let mut done = read.len();
        while done < len {
            buffer.grow(len.min(done + PIECE))?;
            let piece = &mut buffer.as_mut()[done..];
            self.source.read(start + done as u64, piece).await?;
            done += piece.len();
        }
        self.payloads.insert(start, buffer);
        Ok(())
    }

    /// Reads on until `start..end` is in one piece.
    async fn need(&mut self, start: u64, end: u64) -> Result<()> {
        if start >= end || self.head.bytes(start..end).is_some() {
            return Ok(());
        }
        // Go on with the current piece where it reaches `start`; begin a new one after a jump.
        let reached = self.head.pieces.get(&self.piece).map_or(0, |p| self.piece + p.len() as u64);
        if !(self.piece..=reached).contains(&start) {
            self.piece = start;
        }
        let piece = self.head.pieces.entry(self.piece).or_default();
        let from = self.piece + piece.len() as u64;
        let window = (piece.len() as u64).clamp(*WINDOW.start(), *WINDOW.end());
        let to = end.max(from + window).min(self.source.len());
        let more = to - from;
        self.kept += more;
        ensure!(
            self.kept <= self.limits.max_bytes,
            LimitExceeded,
            "the model without its weights is larger than the limit of {} bytes",
            self.limits.max_bytes
        );
        let old = piece.len();
        piece
            .try_reserve_exact(more as usize)
            .map_err(|_| err!(OutOfMemory, "no memory for {more} bytes of the model"))?;
        piece.resize(old + more as usize, 0);
        self.source.read(from, &mut piece[old..]).await
    }
}

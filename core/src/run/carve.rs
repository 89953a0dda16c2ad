//! Borrows several parts of one arena at once, without unsafe code.

use crate::Result;
use crate::plan::Slot;

/// A borrowed part.
pub enum Part<'a> {
    /// To read; several may be the same.
    Shared(&'a [u8]),
    /// To write; nobody else has it.
    Mut(&'a mut [u8]),
}

/// The parts of `arena` that are asked for, in that order. Those to write must meet no other; those to read
/// may begin at the same byte.
pub fn carve<'a>(arena: &'a mut [u8], asked: &[(Slot, bool)]) -> Result<Vec<Part<'a>>> {
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|&i| (asked[i].0.bytes == 0, asked[i].0.offset, std::cmp::Reverse(asked[i].0.bytes)));
    let mut parts: Vec<Option<Part<'a>>> = asked.iter().map(|_| None).collect();
    let mut rest = arena;
    let mut at = 0;
    let mut shared: Option<(usize, &'a [u8])> = None;
    for i in order {
        let (slot, write) = asked[i];
        parts[i] = Some(match (slot.bytes, write) {
            (0, true) => Part::Mut(&mut []),
            (0, false) => Part::Shared(&[]),
            (bytes, write) => {
                if let (Some((offset, part)), false) = (shared, write)
                    && offset == slot.offset
                {
                    parts[i] = Some(Part::Shared(&part[..bytes]));
                    continue;
                }
                let skip = slot.offset.checked_sub(at);
                let skip = skip.filter(|skip| skip.saturating_add(bytes) <= rest.len());
                let skip =
                    skip.ok_or_else(|| err!(Internal, "parts of the arena overlap at {}", slot.offset))?;
                let (part, after) = rest.split_at_mut(skip).1.split_at_mut(bytes);
                (rest, at) = (after, slot.offset + bytes);
                if write {
                    Part::Mut(part)
                } else {
                    let part: &'a [u8] = part;
                    shared = Some((slot.offset, part));
                    Part::Shared(part)
                }
            }
        });
    }
    parts.into_iter().map(|part| part.ok_or_else(|| err!(Internal, "a part was not carved"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(offset: usize, bytes: usize) -> Slot {
        Slot { offset, bytes }
    }

    #[test]
    fn parts_come_in_the_order_asked() {
        let mut arena: Vec<u8> = (0..10).collect();
        let parts = carve(
            &mut arena,
            &[(slot(6, 2), true), (slot(1, 3), false), (slot(1, 2), false), (slot(9, 0), true)],
        );
        let parts = parts.unwrap();
        assert!(matches!(&parts[0], Part::Mut([6, 7])));
        assert!(matches!(&parts[1], Part::Shared([1, 2, 3])));
        assert!(matches!(&parts[2], Part::Shared([1, 2])));
        assert!(matches!(&parts[3], Part::Mut([])));
    }

    #[test]
    fn what_overlaps_is_refused() {
        let mut arena = vec![0u8; 10];
        assert!(carve(&mut arena, &[(slot(0, 4), false), (slot(2, 4), true)]).is_err());
        assert!(carve(&mut arena, &[(slot(8, 4), true)]).is_err());
    }
}

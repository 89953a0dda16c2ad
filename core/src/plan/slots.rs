//! Gives buffers on a device to what lies there, in as few bytes as it can.
//!
//! A call may not bind one buffer for reading and for writing, so there is no arena: what is alive at the same
//! time lies in buffers of its own.

/// A buffer that is needed from one node to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// First node.
    pub first: usize,
    /// Last node.
    pub last: usize,
    /// How many bytes.
    pub bytes: u64,
    /// Which buffer it lies in already, if it does; that one has so many bytes.
    pub fixed: Option<usize>,
    /// Whether its buffer is given away in the end: then nothing else lies in it, and it is as small as can be.
    pub alone: bool,
}

/// A buffer for each stay, such that those that meet in time do not share one; and the bytes of each buffer.
///
/// The largest come first, so that a buffer never has to grow; each goes to the smallest buffer that is free.
pub fn assign(stays: &[Stay]) -> (Vec<usize>, Vec<u64>) {
    let mut slots: Vec<(u64, Vec<usize>)> = Vec::new();
    let mut given = vec![0; stays.len()];
    for (i, stay) in stays.iter().enumerate() {
        let Some(slot) = stay.fixed else { continue };
        if slots.len() <= slot {
            slots.resize(slot + 1, (0, Vec::new()));
        }
        slots[slot].0 = slots[slot].0.max(stay.bytes);
        slots[slot].1.push(i);
        given[i] = slot;
    }
    let mut order: Vec<usize> = (0..stays.len()).filter(|&i| stays[i].fixed.is_none()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(stays[i].bytes), stays[i].first));
    for i in order {
        let stay = &stays[i];
        let meets = |&other: &usize| {
            let other = &stays[other];
            stay.alone || other.alone || other.first <= stay.last && stay.first <= other.last
        };
        let free = (0..slots.len())
            .filter(|&s| slots[s].0 >= stay.bytes && !slots[s].1.iter().any(meets))
            .min_by_key(|&s| slots[s].0);
        // A number that nothing lives in may be given anew, at any size.
        let unused = || slots.iter().position(|(_, all)| all.is_empty());
        let slot = free.or_else(unused).unwrap_or_else(|| {
            slots.push((0, Vec::new()));
            slots.len() - 1
        });
        slots[slot].0 = slots[slot].0.max(stay.bytes);
        slots[slot].1.push(i);
        given[i] = slot;
    }
    (given, slots.into_iter().map(|(bytes, _)| bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(first: usize, last: usize, bytes: u64) -> Stay {
        Stay { first, last, bytes, fixed: None, alone: false }
    }

    #[test]
    fn a_chain_takes_two_buffers() {
        let chain = [stay(0, 1, 8), stay(1, 2, 64), stay(2, 3, 16), stay(3, 4, 64)];
        let (given, bytes) = assign(&chain);
        assert_eq!(given[1], given[3]);
        assert_eq!(given[0], given[2]);
        assert_eq!(bytes, [64, 16]);
    }

    #[test]
    fn what_meets_lies_apart_and_what_lies_already_stays() {
        let some =
            [Stay { fixed: Some(2), ..stay(0, 5, 64) }, stay(0, 5, 128), stay(5, 6, 64), stay(6, 9, 64)];
        let (given, bytes) = assign(&some);
        assert_eq!(given[0], 2);
        for (i, a) in some.iter().enumerate() {
            assert!(bytes[given[i]] >= a.bytes);
            for (j, b) in some.iter().enumerate().skip(i + 1) {
                assert!(a.last < b.first || b.last < a.first || given[i] != given[j]);
            }
        }
    }

    #[test]
    fn what_is_given_away_shares_no_buffer() {
        let chain = [stay(0, 1, 64), Stay { alone: true, ..stay(2, 9, 8) }, stay(10, 11, 4)];
        let (given, bytes) = assign(&chain);
        assert_eq!((given[0], given[1], given[2]), (0, 1, 0));
        assert_eq!(bytes, [64, 8]);
    }

    #[test]
    fn nothing_takes_nothing() {
        assert_eq!(assign(&[]), (vec![], vec![]));
    }
}

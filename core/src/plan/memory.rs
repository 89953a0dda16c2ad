//! Lays intervals of time out in as few bytes as it can.

use crate::Result;
use crate::buffer::ALIGN;
use std::cmp::Reverse;

/// Bytes that are needed from one step to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First step.
    pub first: usize,
    /// Last step.
    pub last: usize,
    /// How many bytes; a multiple of the alignment.
    pub bytes: usize,
    /// Where it lies already, if it does.
    pub fixed: Option<usize>,
}

impl Interval {
    fn meets(&self, other: &Interval) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Rounded up to the alignment.
pub fn aligned(bytes: usize) -> Result<usize> {
    bytes
        .checked_next_multiple_of(ALIGN)
        .ok_or_else(|| err!(LimitExceeded, "{bytes} bytes are more than this machine can address"))
}

/// The largest sum of bytes alive at one step.
pub fn live_bytes(intervals: &[Interval]) -> usize {
    let mut changes: Vec<(usize, bool, usize)> = Vec::new();
    for i in intervals.iter().filter(|i| i.bytes > 0) {
        changes.push((i.first, true, i.bytes));
        changes.push((i.last.saturating_add(1), false, i.bytes));
    }
    // Ends come before beginnings of the same step.
    changes.sort_unstable();
    let (mut now, mut most) = (0usize, 0);
    for (_, begins, bytes) in changes {
        now = if begins { now.saturating_add(bytes) } else { now.saturating_sub(bytes) };
        most = most.max(now);
    }
    most
}

/// What is placed first: what sorts first by this.
type Order = fn(&Interval) -> (Reverse<u128>, usize);

/// Several orders are tried, and the best result is taken: large ones first, large and long ones first, as
/// they come.
const ORDERS: [Order; 3] = [
    |i| (Reverse(i.bytes as u128), i.first),
    |i| (Reverse(i.bytes as u128 * (i.last.saturating_sub(i.first) as u128 + 1)), i.first),
    |i| (Reverse(0), i.first),
];

/// An offset for each interval, such that those that meet in time do not meet in space; and the end of the
/// last one. Each is placed at the lowest gap that fits, which on real models is within a few percent of the
/// least possible.
pub fn lay_out(intervals: &[Interval]) -> Result<(Vec<usize>, usize)> {
    let least = live_bytes(intervals);
    let mut best = place(intervals, ORDERS[0])?;
    for order in &ORDERS[1..] {
        if best.1 <= least {
            break;
        }
        let other = place(intervals, *order)?;
        if other.1 < best.1 {
            best = other;
        }
    }
    Ok(best)
}

fn place(intervals: &[Interval], order: Order) -> Result<(Vec<usize>, usize)> {
    let mut offsets = vec![0; intervals.len()];
    let mut free: Vec<usize> = (0..intervals.len()).filter(|&i| intervals[i].fixed.is_none()).collect();
    free.sort_by_key(|&i| order(&intervals[i]));
    // Indices of what is placed, by offset.
    let mut placed: Vec<usize> = Vec::with_capacity(intervals.len());
    for (i, interval) in intervals.iter().enumerate() {
        if let Some(offset) = interval.fixed {
            offsets[i] = offset;
            placed.push(i);
        }
    }
    placed.sort_by_key(|&i| offsets[i]);
    for i in free {
        let mut at = 0usize;
        for &other in placed.iter().filter(|&&o| intervals[o].bytes > 0 && intervals[o].meets(&intervals[i]))
        {
            if at.checked_add(intervals[i].bytes).is_some_and(|end| end <= offsets[other]) {
                break;
            }
            at = at.max(offsets[other] + intervals[other].bytes);
        }
        let end = at.checked_add(intervals[i].bytes);
        ensure!(end.is_some(), LimitExceeded, "the intermediate results are larger than memory");
        offsets[i] = at;
        let position = placed.partition_point(|&o| offsets[o] <= at);
        placed.insert(position, i);
    }
    let end = intervals.iter().zip(&offsets).map(|(i, at)| at + i.bytes).max().unwrap_or(0);
    Ok((offsets, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(first: usize, last: usize, bytes: usize) -> Interval {
        Interval { first, last, bytes, fixed: None }
    }

    #[test]
    fn a_chain_takes_its_two_largest_neighbors() {
        let chain = [interval(0, 1, 64), interval(1, 2, 640), interval(2, 3, 128), interval(3, 4, 64)];
        let (offsets, end) = lay_out(&chain).unwrap();
        assert_eq!(end, 768);
        assert_eq!(end, live_bytes(&chain));
        for (i, a) in chain.iter().enumerate() {
            for (j, b) in chain.iter().enumerate().skip(i + 1) {
                let apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                assert!(!a.meets(b) || apart);
            }
        }
    }

    #[test]
    fn what_lies_already_stays() {
        let some =
            [Interval { fixed: Some(64), ..interval(0, 5, 64) }, interval(0, 5, 128), interval(0, 5, 64)];
        assert_eq!(lay_out(&some).unwrap().0, [64, 128, 0]);
    }

    #[test]
    fn nothing_takes_nothing() {
        assert_eq!(lay_out(&[]).unwrap(), (vec![], 0));
    }
}

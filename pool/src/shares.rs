//! Who takes which index: everyone their own share, and then what others have left.
//!
//! The indices of one call after another mostly are the same parts of an image or of a matrix's rows. So
//! whoever takes the same share each time finds in its own cache what it wrote there the last time; what
//! another core wrote takes longer to fetch than a small step takes to do.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The indices of a call, in as many stretches as may be at it.
pub struct Shares {
    count: usize,
    /// Of each share, the first index that nobody has taken, or some number past its end.
    next: Box<[AtomicUsize]>,
}

impl Shares {
    pub fn new(count: usize, shares: usize) -> Shares {
        let start = |share| AtomicUsize::new(bound(count, shares, share));
        Shares { count, next: (0..shares).map(start).collect() }
    }

    /// An index that nobody has taken, of the share of that number if there are any left.
    pub fn take(&self, share: usize) -> Option<usize> {
        let shares = self.next.len();
        (0..shares).find_map(|ahead| {
            let share = (share + ahead) % shares;
            let open = self.next[share].load(Ordering::Relaxed) < self.end(share);
            let index = open.then(|| self.next[share].fetch_add(1, Ordering::Relaxed));
            index.filter(|index| *index < self.end(share))
        })
    }

    /// Whether there is an index left.
    pub fn open(&self) -> bool {
        (0..self.next.len()).any(|share| self.next[share].load(Ordering::Relaxed) < self.end(share))
    }

    /// Takes all that is left.
    pub fn close(&self) {
        self.next.iter().for_each(|next| next.store(self.count, Ordering::Relaxed));
    }

    fn end(&self, share: usize) -> usize {
        bound(self.count, self.next.len(), share + 1)
    }
}

/// Where a share begins.
fn bound(count: usize, shares: usize, share: usize) -> usize {
    // The first ones have one more.
    share * (count / shares) + share.min(count % shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_a_share_and_then_the_others() {
        let shares = Shares::new(7, 3);
        let taken = |share| shares.take(share);
        assert_eq!([taken(1), taken(1), taken(0), taken(1)], [Some(3), Some(4), Some(0), Some(5)]);
        assert_eq!([taken(1), taken(1), taken(4), taken(2)], [Some(6), Some(1), Some(2), None]);
        assert!(!shares.open());
    }

    #[test]
    fn few_indices_and_an_early_end() {
        let shares = Shares::new(2, 5);
        assert!(shares.open());
        assert_eq!([4, 4, 4].map(|share| shares.take(share)), [Some(0), Some(1), None]);
        let shares = Shares::new(100, 2);
        shares.close();
        assert_eq!((shares.take(0), shares.take(1), shares.open()), (None, None, false));
    }
}

//! Right factors of products as they lie before they are packed.

/// Where the elements of a right factor lie: at `tap * tap_step + depth * depth_step + col * col_step`. A plain
/// matrix has one tap.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// From one tap to the next.
    pub tap_step: usize,
    /// From one depth of a tap to the next.
    pub depth_step: usize,
    /// From one column to the next.
    pub col_step: usize,
}

impl<T> Source<'_, T> {
    /// Panics where the factor has elements that are not there.
    pub(crate) fn check(&self, size: [usize; 3]) {
        let steps = [self.tap_step, self.depth_step, self.col_step];
        let last = size.iter().zip(steps).try_fold(0usize, |sum, (&n, step)| {
            // Nothing lies nowhere.
            let last = n.checked_sub(1)?;
            Some(sum.saturating_add(last.saturating_mul(step)))
        });
        let there = last.is_none_or(|last| last < self.data.len());
        assert!(there, "a factor of {size:?} reaches past the {} elements of its source", self.data.len());
    }
}

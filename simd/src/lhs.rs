//! Left factors of products: rows somewhere in memory, never copied as a whole.

/// The rows of a left factor.
#[derive(Clone, Copy, Debug)]
pub enum Lhs<'a, T> {
    /// Row `r` is `data[r * stride..]`.
    Rows {
        /// The elements, from the first row on.
        data: &'a [T],
        /// Elements from one row to the next.
        stride: usize,
    },
    /// An image with its channels last, seen through the windows of a convolution: row `r` is what window `r`
    /// sees, tap after tap, `width` channels of each.
    Taps {
        /// The image, from the first channel of the group on.
        image: &'a [T],
        /// Where each tap of each window begins in `image`; [`OUTSIDE`] where the window reaches past it.
        offsets: &'a [u32],
        /// How many taps a window has.
        taps: usize,
        /// How many channels of a tap count.
        width: usize,
        /// What lies outside the image.
        pad: T,
    },
}

/// The offset of a tap outside the image.
pub const OUTSIDE: u32 = u32::MAX;

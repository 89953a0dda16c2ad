//! Bytes read as decisions, so that whatever a fuzzer makes up means some graph.

/// What is left of the bytes; when they are used up, every decision is the first one.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// Over those bytes.
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    /// Below `n`, which is at most 256; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        if n == 0 { 0 } else { *first as usize % n }
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        !self.0.is_empty() && self.below(n) == 0
    }

    /// Sixty-four yeses and noes.
    pub fn bits(&mut self) -> u64 {
        (0..8).fold(0, |bits, _| bits << 8 | self.below(256) as u64)
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

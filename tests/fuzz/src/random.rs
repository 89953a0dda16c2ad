//! Numbers that only look random: the same seed gives the same run, on every machine.

/// SplitMix64: one word of state, and good enough to choose what to break.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// For one case of one seed.
    pub fn new(seed: u64, case: u64) -> Random {
        let mut mixed = Random(seed);
        let start = mixed.word() ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Random(start)
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.word() % n as u64) as usize }
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.word() as u8).collect()
    }
}

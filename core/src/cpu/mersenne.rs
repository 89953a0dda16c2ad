//! The Mersenne Twister MT19937, with numpy's way of drawing from it.
//!
//! ONNX fixes no generator; its cases were made with numpy's, so under a seed we draw the same numbers.

const SIZE: usize = 624;

/// A random generator.
pub struct Mersenne {
    state: [u32; SIZE],
    next: usize,
    /// The second of the pair in which normal numbers come.
    spare: Option<f64>,
}

impl Mersenne {
    /// Begins at a seed.
    pub fn new(seed: u32) -> Mersenne {
        let mut state = [seed; SIZE];
        for i in 1..SIZE {
            let last = state[i - 1];
            state[i] = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Mersenne { state, next: SIZE, spare: None }
    }

    /// Begins at the seed of an attribute, or elsewhere each time.
    pub fn seeded(seed: Option<f32>, io: &super::Io<'_>) -> Mersenne {
        Mersenne::new(match seed {
            None => (io.draw_seed() >> 16) as u32,
            Some(seed) if seed >= 0.0 && seed.fract() == 0.0 => seed as u32,
            Some(seed) => seed.to_bits(),
        })
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        if self.next == SIZE {
            self.refill();
        }
        let mut x = self.state[self.next];
        self.next += 1;
        x ^= x >> 11;
        x ^= x << 7 & 0x9d2c_5680;
        x ^= x << 15 & 0xefc6_0000;
        x ^ x >> 18
    }

    /// At least 0 and below 1, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (u64::from(self.bits() >> 5), u64::from(self.bits() >> 6));
        ((high << 26) + low) as f64 / (1u64 << 53) as f64
    }

    /// Normally distributed around 0 with deviation 1, by the polar method.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(scale * x);
                return scale * y;
            }
        }
    }

    fn refill(&mut self) {
        for i in 0..SIZE {
            let x = self.state[i] & 0x8000_0000 | self.state[(i + 1) % SIZE] & 0x7fff_ffff;
            let twist = if x & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + 397) % SIZE] ^ (x >> 1) ^ twist;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut random = Mersenne::new(5489);
        let ten_thousandth = (0..10_000).map(|_| random.bits()).last();
        assert_eq!(ten_thousandth, Some(4_123_659_995));
        assert_eq!(Mersenne::new(0).unit(), 0.5488135039273248);
        assert_eq!(Mersenne::new(0).normal(), 1.764052345967664);
    }
}

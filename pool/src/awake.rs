//! How long a worker stays awake without work: longer than what lies between two steps of a model that are
//! worth sharing, shorter than anyone would notice on a bill.

pub use here::Awake;

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod here {
    use std::time::{Duration, Instant};

    const AWAKE: Duration = Duration::from_micros(60);

    /// Since when a worker is.
    pub struct Awake(Instant);

    impl Awake {
        pub fn from_now() -> Awake {
            Awake(Instant::now())
        }

        /// Whether it stays so. Asked after every few dozen looks.
        pub fn still(&mut self) -> bool {
            self.0.elapsed() <= AWAKE
        }
    }
}

/// There is no clock to be had in a browser without asking JavaScript, which takes longer than a look.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod here {
    /// Each of a few dozen looks.
    const AWAKE: u32 = 1000;

    /// How often a worker has asked.
    pub struct Awake(u32);

    impl Awake {
        pub fn from_now() -> Awake {
            Awake(0)
        }

        pub fn still(&mut self) -> bool {
            self.0 += 1;
            self.0 <= AWAKE
        }
    }
}

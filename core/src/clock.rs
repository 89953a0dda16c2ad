//! Moments in time, also where the standard library has no clock: on the web the host gives one.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use std::time::Instant;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use web::{Instant, set_clock};

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod web {
    use std::ops::Add;
    use std::sync::OnceLock;
    use std::time::Duration;

    static CLOCK: OnceLock<fn() -> f64> = OnceLock::new();

    /// Gives the clock: a function that tells the milliseconds since some moment. Without one, time stands
    /// still: nothing takes long and no deadline passes. The first clock stays.
    pub fn set_clock(now_ms: fn() -> f64) {
        let _ = CLOCK.set(now_ms);
    }

    /// A moment, as `std::time::Instant`.
    #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
    pub struct Instant(Duration);

    impl Instant {
        /// This moment.
        pub fn now() -> Instant {
            let ms = CLOCK.get().map_or(0.0, |now_ms| now_ms());
            Instant(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default())
        }

        /// How long ago it was.
        pub fn elapsed(self) -> Duration {
            Instant::now().duration_since(self)
        }

        /// How long after `earlier` it was; zero if it was before.
        pub fn duration_since(self, earlier: Instant) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Instant;

        fn add(self, duration: Duration) -> Instant {
            Instant(self.0.saturating_add(duration))
        }
    }
}

//! Two clocks, two types, so that nobody subtracts one from the other.
//!
//! [`Mono`] is nanoseconds of `CLOCK_MONOTONIC`, the clock V4L2 and GStreamer stamp with; it never jumps and means
//! nothing after a restart. [`Wall`] is Unix time for people and for headers; it may jump. Everything below the
//! shell takes time as an argument where that is possible; the functions here are the only callers of a clock.

use std::time::Duration;

/// A moment on the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Mono(u64);

impl Mono {
    /// The beginning of the clock; also the value of a stamp that was not set.
    pub const ZERO: Mono = Mono(0);

    /// Now.
    pub fn now() -> Mono {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Mono(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
    }

    /// From nanoseconds of `CLOCK_MONOTONIC`.
    pub const fn from_ns(ns: u64) -> Mono {
        Mono(ns)
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// How long after `earlier`; zero if it was not after.
    pub const fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later.
    pub fn plus(self, span: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A moment on the wall clock: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Wall(u64);

impl Wall {
    /// Now, as this box believes it to be. By the C library, so that a test can stand between it and the kernel.
    pub fn now() -> Wall {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_unix_ms(ms: u64) -> Wall {
        Wall(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }
}

/// Processor time that the calling thread has used.
pub fn thread_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

/// Processor time that all threads of this process have used.
pub fn process_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

/// How long the machine slept since it was started; the monotonic clock stood still meanwhile.
pub fn asleep() -> Duration {
    let awake = Mono::now();
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Mono(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64).since(awake)
}

/// Milliseconds as a fraction, for JSON and headers.
pub fn as_ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_never_goes_below_zero() {
        let (a, b) = (Mono::from_ns(5), Mono::from_ns(9));
        assert_eq!(b.since(a), Duration::from_nanos(4));
        assert_eq!(a.since(b), Duration::ZERO);
        assert_eq!(a.plus(Duration::from_nanos(4)), b);
        assert_eq!(Mono::from_ns(u64::MAX).plus(Duration::MAX), Mono::from_ns(u64::MAX));
    }

    #[test]
    fn the_monotonic_clock_is_the_kernels() {
        let uptime: f64 = std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
        // CLOCK_MONOTONIC leaves suspend out, so it may only be behind the uptime.
        assert!(Mono::now().as_ns() as f64 / 1e9 <= uptime + 1.0);
    }
}

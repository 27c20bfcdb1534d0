//! How long to wait before a lost source is opened again: doubling, capped, and forgotten at the first good frame.

use std::time::Duration;

/// The first wait and the longest one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Retry {
    /// After the first failure.
    pub first: Duration,
    /// After many.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { first: Duration::from_millis(500), most: Duration::from_secs(10) }
    }
}

/// Where one source stands.
pub struct Backoff {
    retry: Retry,
    next: Duration,
}

impl Backoff {
    /// At the beginning.
    pub fn new(retry: Retry) -> Backoff {
        Backoff { retry, next: retry.first }
    }

    /// A good frame came.
    pub fn reset(&mut self) {
        self.next = self.retry.first;
    }

    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let now = self.next.min(self.retry.most);
        self.next = now.saturating_mul(2);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_the_cap_and_begins_anew_after_a_good_frame() {
        let mut backoff = Backoff::new(Retry::default());
        let waits: Vec<_> = (0..7).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        backoff.reset();
        assert_eq!(backoff.wait().as_millis(), 500);
    }
}

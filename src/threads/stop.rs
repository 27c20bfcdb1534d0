//! The stop flag: raised once, seen by all, and it wakes those who sleep on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Raised once when the box shall end. Clones are the same flag.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    raised: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    /// Raises it and wakes everyone in [`Stop::wait`].
    pub fn raise(&self) {
        // Release: what the raiser did before is seen by whoever sees the flag (Acquire in `is_raised`).
        self.0.raised.store(true, Ordering::Release);
        // Taking the lock closes the gap between a waiter's look at the flag and its sleep.
        drop(self.0.lock.lock());
        self.0.bell.notify_all();
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::Acquire)
    }

    /// Sleeps until it is raised or `timeout` has passed; true when it is raised.
    pub fn wait(&self, timeout: Duration) -> bool {
        let guard = self.0.lock.lock().expect("nothing panics under this lock");
        let waited = self.0.bell.wait_timeout_while(guard, timeout, |()| !self.is_raised());
        drop(waited);
        self.is_raised()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_wakes_the_sleeper_and_stays() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let sleeper = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        stop.raise();
        assert!(sleeper.join().unwrap());
        assert!(stop.wait(Duration::ZERO));
    }
}

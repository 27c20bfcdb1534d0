//! The primitives the mailbox is built from, and the only file of it that names them.
//!
//! `tests/mailbox_loom.rs` puts a module with the same face and loom's primitives in its place. Here everything is
//! std's and costs nothing more.

pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicU32, Ordering};
pub use std::thread::{Thread, current};
use std::time::{Duration, Instant};

/// std's cell with loom's face: the pointer is lent to a closure, so that loom can see when it is in use.
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub fn with_mut<R>(&self, work: impl FnOnce(*mut T) -> R) -> R {
        work(self.0.get())
    }
}

/// Until when a sleep lasts; a timeout too long for the clock is for ever.
pub struct Deadline(Option<Instant>);

impl Deadline {
    pub fn after(timeout: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(timeout))
    }

    pub fn passed(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }

    /// Sleeps until this thread is unparked or the deadline passes; may also return for no reason.
    pub fn park(&self) {
        match self.0 {
            Some(end) => std::thread::park_timeout(end.saturating_duration_since(Instant::now())),
            None => std::thread::park(),
        }
    }
}

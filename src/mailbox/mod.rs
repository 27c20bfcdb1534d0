//! One slot, one writer, one reader; a newer value replaces an unread one, and the writer never waits for the reader.
//!
//! (Provisional body, same face: the lock-free one replaces it.)

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What became of a posted value.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Posted<T> {
    /// The slot was empty.
    Fresh,
    /// The slot held this unread value.
    Replaced(T),
    /// The mailbox is closed; the value comes back.
    Closed(T),
}

/// What a take found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing came within the timeout.
    Nothing,
    /// The mailbox is closed and empty.
    Closed,
}

struct Inner<T> {
    slot: Mutex<(Option<T>, bool)>,
    bell: Condvar,
}

/// The writer's end.
pub struct Poster<T>(Arc<Inner<T>>);
/// The reader's end.
pub struct Taker<T>(Arc<Inner<T>>);

/// A new, empty mailbox.
pub fn mailbox<T: Send>() -> (Poster<T>, Taker<T>) {
    let inner = Arc::new(Inner { slot: Mutex::new((None, false)), bell: Condvar::new() });
    (Poster(inner.clone()), Taker(inner))
}

impl<T: Send> Poster<T> {
    /// Puts `value` into the slot, wakes the reader and returns what was replaced. Never waits.
    pub fn post(&mut self, value: T) -> Posted<T> {
        let mut slot = self.0.slot.lock().unwrap();
        if slot.1 {
            return Posted::Closed(value);
        }
        let old = slot.0.replace(value);
        drop(slot);
        self.0.bell.notify_all();
        match old {
            Some(v) => Posted::Replaced(v),
            None => Posted::Fresh,
        }
    }

    /// Sleeps until the slot is empty (true), or until `timeout` or a close (false): for sources that must lose nothing.
    pub fn wait_room(&mut self, timeout: Duration) -> bool {
        let slot = self.0.slot.lock().unwrap();
        let (slot, _) = self.0.bell.wait_timeout_while(slot, timeout, |s| s.0.is_some() && !s.1).unwrap();
        slot.0.is_none() && !slot.1
    }

    /// Closes it: the reader wakes, takes what is left, then sees the end.
    pub fn close(&mut self) {
        self.0.slot.lock().unwrap().1 = true;
        self.0.bell.notify_all();
    }
}

impl<T: Send> Taker<T> {
    /// The newest value; sleeps up to `timeout` for one.
    pub fn take(&mut self, timeout: Duration) -> Taken<T> {
        let slot = self.0.slot.lock().unwrap();
        let (mut slot, _) = self.0.bell.wait_timeout_while(slot, timeout, |s| s.0.is_none() && !s.1).unwrap();
        let taken = match (slot.0.take(), slot.1) {
            (Some(v), _) => Taken::Value(v),
            (None, true) => Taken::Closed,
            (None, false) => Taken::Nothing,
        };
        drop(slot);
        self.0.bell.notify_all();
        taken
    }

    /// Closes it from the reader's side: the next post comes back.
    pub fn close(&mut self) {
        self.0.slot.lock().unwrap().1 = true;
        self.0.bell.notify_all();
    }
}

impl<T> Drop for Poster<T> {
    fn drop(&mut self) {
        self.0.slot.lock().unwrap().1 = true;
        self.0.bell.notify_all();
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.slot.lock().unwrap().1 = true;
        self.0.bell.notify_all();
    }
}

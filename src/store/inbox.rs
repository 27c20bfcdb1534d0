//! Where sets wait for the store thread, and questions for their answers. Whoever counts puts a set here and goes on at
//! once; only the store thread ever waits for the disk.
//!
//! *push*: hand a set over · *full*: as many wait as may, because the disk takes none · *work*: something that wants the
//! open database.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::Shared;
use super::clock::Reading;
use super::fault::StoreFault;
use crate::time::Mono;
use crate::workout;

/// Pictures that may wait for the disk; one has some hundred kilobytes.
const PICTURES: usize = 64;

/// As many sets wait as may. The one that came is not kept; it was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the log cannot be written, and no more sets can wait")]
pub struct Full;

/// What is kept beside a set.
#[derive(Default)]
pub struct Beside {
    /// A JPEG of it.
    pub picture: Option<Vec<u8>>,
    /// How its movement looked, as JSON that its maker understands.
    pub form: Option<String>,
}

/// A set on its way to the disk.
pub(super) struct Waiting {
    pub(super) key: String,
    pub(super) camera: String,
    pub(super) set: workout::Set,
    pub(super) beside: Beside,
    /// The end of the set, on this machine's monotonic clock.
    pub(super) ended: Mono,
    /// By how much the wall clock was ahead when it came.
    pub(super) gap_ms: i64,
}

/// Something that wants the open database, or is told why there is none. It says whether the disk failed it.
pub(super) type Work = Box<dyn FnOnce(Result<&mut rusqlite::Connection, StoreFault>) -> Result<(), StoreFault> + Send>;

/// What lies before the store thread.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) sets: VecDeque<Arc<Waiting>>,
    pub(super) work: VecDeque<Work>,
}

/// The desk with its bell.
#[derive(Default)]
pub(super) struct Queue {
    desk: Mutex<Desk>,
    bell: Condvar,
    /// Inboxes in other hands. While there are any, a stopping store waits a little for the last sets.
    pub(super) inboxes: AtomicUsize,
}

impl Queue {
    pub(super) fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nothing panics under this lock")
    }

    pub(super) fn ring(&self) {
        // Taking the lock closes the gap between the store thread's look and its sleep.
        drop(self.lock());
        self.bell.notify_all();
    }

    /// Sleeps until `is_news` or `timeout` is over.
    pub(super) fn wait(&self, timeout: Duration, is_news: impl Fn(&Desk) -> bool) {
        let desk = self.lock();
        drop(
            self.bell.wait_timeout_while(desk, timeout, |desk| !is_news(desk)).expect("nothing panics under this lock"),
        );
    }
}

/// The way in for closed sets. Clones lead to the same log.
pub struct Inbox(Arc<Shared>);

impl Inbox {
    pub(super) fn new(shared: &Arc<Shared>) -> Inbox {
        shared.queue.inboxes.fetch_add(1, Ordering::SeqCst);
        Inbox(shared.clone())
    }

    /// Hands over a set of `camera` that ended `age` before `now` (of a recording: no time before). Never waits for a disk.
    ///
    /// # Errors
    /// When as many wait as may.
    pub fn push(&self, camera: &str, set: workout::Set, age: Duration, now: Reading) -> Result<(), Full> {
        self.push_with(camera, set, Beside::default(), age, now)
    }

    /// The same with what is kept beside it. Beyond [`PICTURES`] sets that wait the picture is let go: the count is worth more.
    ///
    /// # Errors
    /// When as many wait as may.
    pub fn push_with(
        &self,
        camera: &str,
        set: workout::Set,
        beside: Beside,
        age: Duration,
        now: Reading,
    ) -> Result<(), Full> {
        let ended_ns = now.mono.since(Mono::ZERO).saturating_sub(age).as_nanos();
        let mut waiting = Waiting {
            key: self.0.keys.next(),
            camera: camera.to_string(),
            set,
            beside,
            ended: Mono::from_ns(u64::try_from(ended_ns).unwrap_or(u64::MAX)),
            gap_ms: now.gap_ms(),
        };
        let mut desk = self.0.queue.lock();
        if desk.sets.len() >= self.0.settings.waiting {
            drop(desk);
            self.0.metrics.refused.inc();
            return Err(Full);
        }
        if desk.sets.len() >= PICTURES {
            waiting.beside.picture = None;
        }
        desk.sets.push_back(Arc::new(waiting));
        self.0.metrics.waiting.set(desk.sets.len() as i64);
        drop(desk);
        self.0.queue.bell.notify_all();
        Ok(())
    }
}

impl Clone for Inbox {
    fn clone(&self) -> Self {
        Inbox::new(&self.0)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.queue.inboxes.fetch_sub(1, Ordering::SeqCst);
        self.0.queue.ring();
    }
}

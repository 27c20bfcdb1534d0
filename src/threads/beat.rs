//! A thread's heartbeat: one store per turn of its loop, read by the supervisor.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::{Member, Post};
use crate::time::Mono;

/// How a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It was started and has not run yet.
    Starting,
    /// It beats as its post demands.
    Well,
    /// It has not beaten for longer than its post allows.
    Hung,
    /// It returned.
    Ended,
}

/// The sign of life of one thread.
pub struct Beat {
    limit: Duration,
    /// Nanoseconds of the last beat; 0 before the first. Relaxed: it orders nothing else.
    last_ns: AtomicU64,
    tid: AtomicU32,
    priority: AtomicU32,
    ended: Mutex<bool>,
    bell: Condvar,
}

impl Beat {
    pub(super) fn new(limit: Duration) -> Beat {
        Beat {
            limit,
            last_ns: AtomicU64::new(0),
            tid: AtomicU32::new(0),
            priority: AtomicU32::new(0),
            ended: Mutex::new(false),
            bell: Condvar::new(),
        }
    }

    /// A beat that belongs to no crew, for tests and benches that run a thread's body themselves.
    pub fn detached() -> Beat {
        Beat::new(Duration::MAX)
    }

    pub(super) fn begin(&self, tid: u32, priority: Option<u8>, now: Mono) {
        self.tid.store(tid, Ordering::Relaxed);
        self.priority.store(priority.unwrap_or(0).into(), Ordering::Relaxed);
        self.mark(now);
    }

    /// The kernel's id of its thread; nothing before it has begun or after it has ended.
    pub(super) fn tid(&self) -> Option<u32> {
        let ended = *self.ended.lock().expect("nothing panics under this lock");
        Some(self.tid.load(Ordering::Relaxed)).filter(|tid| *tid > 0 && !ended)
    }

    /// "I live." To be called at every turn of the thread's loop.
    pub fn mark(&self, now: Mono) {
        self.last_ns.store(now.as_ns(), Ordering::Relaxed);
    }

    /// The longest a loop may sleep before it marks again: a third of what the post allows, and never over a second.
    pub fn turn(&self) -> Duration {
        (self.limit / 3).min(Duration::from_secs(1))
    }

    pub(super) fn end(&self) {
        *self.ended.lock().expect("nothing panics under this lock") = true;
        self.bell.notify_all();
    }

    pub(super) fn wait_end(&self, patience: Duration) -> bool {
        let ended = self.ended.lock().expect("nothing panics under this lock");
        let (ended, _) =
            self.bell.wait_timeout_while(ended, patience, |e| !*e).expect("nothing panics under this lock");
        *ended
    }

    pub(super) fn health(&self, now: Mono) -> Health {
        if *self.ended.lock().expect("nothing panics under this lock") {
            return Health::Ended;
        }
        match self.last_ns.load(Ordering::Relaxed) {
            0 => Health::Starting,
            last if now.since(Mono::from_ns(last)) > self.limit => Health::Hung,
            _ => Health::Well,
        }
    }

    pub(super) fn member(&self, post: &Post, now: Mono) -> Member {
        let last = self.last_ns.load(Ordering::Relaxed);
        let priority = self.priority.load(Ordering::Relaxed);
        Member {
            name: post.name.clone(),
            tid: self.tid.load(Ordering::Relaxed),
            cores: post.cores.clone(),
            priority: u8::try_from(priority).ok().filter(|p| *p > 0),
            beat_age_ms: if last == 0 { 0 } else { now.since(Mono::from_ns(last)).as_millis() as u64 },
            health: self.health(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_follows_the_beat() {
        let beat = Beat::new(Duration::from_secs(3));
        let at = |s: u64| Mono::from_ns(s * 1_000_000_000);
        assert_eq!(beat.health(at(9)), Health::Starting);
        beat.begin(7, None, at(10));
        assert_eq!(beat.health(at(13)), Health::Well);
        assert_eq!(beat.health(at(14)), Health::Hung);
        beat.mark(at(14));
        assert_eq!(beat.health(at(14)), Health::Well);
        beat.end();
        assert_eq!(beat.health(at(99)), Health::Ended);
    }

    #[test]
    fn a_loop_beats_three_times_within_its_limit() {
        assert_eq!(Beat::new(Duration::from_secs(1)).turn(), Duration::from_secs(1) / 3);
        assert_eq!(Beat::new(Duration::from_secs(60)).turn(), Duration::from_secs(1));
    }
}

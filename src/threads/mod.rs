//! The crew: every thread of the box, by name, with its cores, its priority and its heartbeat.
//!
//! Threads are started once, at boot, and joined in reverse order at the end. The crew knows no room; it runs
//! closures. A thread that cannot get the cores or the priority it was given says so once and goes on without.
//!
//! *post*: what a thread is to be · *beat*: its sign of life · *hung*: it has not beaten for longer than its post allows.

mod beat;
mod signals;
mod stop;
mod sys;
mod systemd;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use beat::{Beat, Health};
pub use signals::Signals;
pub use stop::Stop;
pub use sys::{give_memory_back, keep_memory_together, settle};
pub use systemd::Systemd;

use crate::time::Mono;

/// What a thread is to be.
#[derive(Clone, Debug)]
pub struct Post {
    /// Shown by the kernel, which keeps 15 bytes of it.
    pub name: String,
    /// The cores it may run on; empty: any.
    pub cores: Vec<usize>,
    /// SCHED_FIFO priority 1..=99; nothing: the ordinary scheduler.
    pub priority: Option<u8>,
    /// It must beat at least this often or it counts as hung.
    pub beat_limit: Duration,
}

impl Post {
    /// A post with any core and ordinary priority that beats within 10 s.
    pub fn named(name: impl Into<String>) -> Post {
        Post { name: name.into(), cores: Vec::new(), priority: None, beat_limit: Duration::from_secs(10) }
    }
}

/// A member as the admin page shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Member {
    /// The post's name.
    pub name: String,
    /// The kernel's id of the thread; 0 until it runs.
    pub tid: u32,
    /// The cores it was given; empty: any.
    pub cores: Vec<usize>,
    /// The priority it really has.
    pub priority: Option<u8>,
    /// Milliseconds since its last beat.
    pub beat_age_ms: u64,
    /// Whether it beats as its post demands.
    pub health: Health,
}

struct Seat {
    post: Post,
    beat: Arc<Beat>,
    handle: Option<JoinHandle<()>>,
}

/// All threads of the box.
#[derive(Default)]
pub struct Crew {
    seats: Mutex<Vec<Seat>>,
}

impl Crew {
    /// Starts a thread. `work` gets the beat that it must mark; it must return soon after its stop flag is raised.
    ///
    /// # Errors
    /// When the machine has no thread left, in one sentence, as [`std::io::ErrorKind::WouldBlock`].
    pub fn start(&self, post: Post, work: impl FnOnce(&Beat) + Send + 'static) -> std::io::Result<()> {
        let beat = Arc::new(Beat::new(post.beat_limit));
        let (own_beat, own_post) = (beat.clone(), post.clone());
        let handle = std::thread::Builder::new().name(post.name.clone()).spawn(move || {
            let priority = sys::settle(&own_post);
            own_beat.begin(sys::thread_id(), priority, Mono::now());
            work(&own_beat);
            own_beat.end();
        });
        let handle = handle.map_err(|why| {
            let said = format!("the machine has no thread left for {}: {why}", post.name);
            std::io::Error::new(std::io::ErrorKind::WouldBlock, said)
        })?;
        self.seats.lock().expect("no thread panics: panics abort").push(Seat { post, beat, handle: Some(handle) });
        Ok(())
    }

    /// Everyone, in the order of their start.
    pub fn members(&self, now: Mono) -> Vec<Member> {
        let seats = self.seats.lock().expect("no thread panics: panics abort");
        seats.iter().map(|s| s.beat.member(&s.post, now)).collect()
    }

    /// True when every member has begun and none is hung.
    pub fn all_beat(&self, now: Mono) -> bool {
        let seats = self.seats.lock().expect("no thread panics: panics abort");
        seats.iter().all(|s| matches!(s.beat.health(now), Health::Well | Health::Ended))
    }

    /// The names of those that are hung.
    pub fn hung(&self, now: Mono) -> Vec<String> {
        let seats = self.seats.lock().expect("no thread panics: panics abort");
        seats.iter().filter(|s| s.beat.health(now) == Health::Hung).map(|s| s.post.name.clone()).collect()
    }

    /// Puts every thread that runs back onto its cores. When the last of a thread's cores goes away the kernel lets it run on any,
    /// and leaves it there when the core is back.
    pub fn put_back(&self) {
        let seats = self.seats.lock().expect("no thread panics: panics abort");
        for seat in seats.iter().filter(|seat| !seat.post.cores.is_empty()) {
            sys::put(seat.beat.tid(), &seat.post);
        }
    }

    /// Joins in reverse order of the start, and gives those up that have not ended `patience` from now; their names come back.
    pub fn join(&self, patience: Duration) -> Vec<String> {
        let deadline = Mono::now().plus(patience);
        let seats = std::mem::take(&mut *self.seats.lock().expect("no thread panics: panics abort"));
        let mut left = Vec::new();
        for seat in seats.into_iter().rev() {
            match seat.handle {
                Some(handle) if seat.beat.wait_end(deadline.since(Mono::now())) => {
                    // A panic aborts the process, so an error here cannot carry news.
                    let _ = handle.join();
                }
                _ => left.push(seat.post.name),
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_crew_names_its_threads_and_joins_in_reverse() {
        let (crew, stop) = (Crew::default(), Stop::default());
        let (tell, told) = mpsc::channel();
        for name in ["first", "second"] {
            let (stop, tell) = (stop.clone(), tell.clone());
            crew.start(Post::named(name), move |_| {
                let kernel_name = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
                tell.send(kernel_name.trim().to_string()).unwrap();
                stop.wait(Duration::from_secs(60));
            })
            .unwrap();
        }
        let mut names = [told.recv().unwrap(), told.recv().unwrap()];
        names.sort();
        assert_eq!(names, ["first", "second"]);
        stop.raise();
        assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
    }

    #[test]
    fn a_thread_that_never_ends_is_given_up_by_name() {
        let (crew, never) = (Crew::default(), Stop::default());
        let held = never.clone();
        crew.start(Post::named("stubborn"), move |_| {
            held.wait(Duration::from_secs(600));
        })
        .unwrap();
        assert_eq!(crew.join(Duration::from_millis(1)), ["stubborn"]);
        never.raise();
    }

    #[test]
    fn a_thread_pinned_to_a_core_runs_there() {
        let crew = Crew::default();
        let (tell, told) = mpsc::channel();
        let post = Post { cores: vec![0], ..Post::named("pinned") };
        crew.start(post, move |_| {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = status.lines().find(|l| l.starts_with("Cpus_allowed_list")).unwrap().to_string();
            tell.send(line).unwrap();
        })
        .unwrap();
        assert_eq!(told.recv().unwrap().split_whitespace().last(), Some("0"));
        crew.join(Duration::from_secs(20));
    }
}

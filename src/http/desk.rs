//! What one worker has at hand to answer a request: the house, the limits, the clock of this turn, the counters it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use mio::Waker;
use prometheus_client::metrics::counter::Counter;

use super::auth::Gate;
use super::clerk::{Answer, Counter as Clerks, Tray};
use super::clip::{Clip, Clips};
use super::limits::{Limits, Seat, Ticket};
use super::reply::{self, Body, Date, Lines, Reply};
use super::tls::Tls;
use super::transport::Transport;
use super::{House, Settings, stamp};
use crate::camera::View;
use crate::events::Bell;
use crate::jpeg::Variant;
use crate::metrics::RouteClass;
use crate::time::{Mono, Wall};

/// What all workers share.
pub struct Shared {
    /// The limits.
    pub settings: Settings,
    /// The box.
    pub house: Arc<House>,
    /// The key.
    pub gate: Gate,
    /// What TLS is spoken with, where it is.
    pub tls: Option<Arc<Tls>>,
    /// Who is here.
    pub limits: Arc<Limits>,
    /// Where errands are handed in.
    pub clerks: Clerks,
    /// Where recorded clips are brought.
    pub clips: Clips,
}

/// Where a thread is handed connections, and by which it is woken.
pub struct Post<T> {
    queue: Mutex<Vec<T>>,
    most: usize,
    waker: Waker,
    /// Connections of this thread that wait for a picture or an event. Raised before the look that finds nothing, so
    /// that whoever delivers after that look sees it (the look and the delivery take the same lock).
    pub waiting: AtomicUsize,
    /// Connections of this thread, for the choice of the least busy.
    pub load: AtomicUsize,
}

impl<T> Post<T> {
    /// An empty one.
    pub fn new(waker: Waker, most: usize) -> Post<T> {
        let queue = Mutex::new(Vec::with_capacity(most));
        Post { queue, most, waker, waiting: AtomicUsize::new(0), load: AtomicUsize::new(0) }
    }

    fn queue(&self) -> MutexGuard<'_, Vec<T>> {
        self.queue.lock().expect("nothing panics under this lock")
    }

    /// Hands something over and wakes the thread; it comes back when the queue is full.
    pub fn hand(&self, thing: T) -> Result<(), T> {
        let mut queue = self.queue();
        if queue.len() >= self.most {
            return Err(thing);
        }
        queue.push(thing);
        drop(queue);
        self.load.fetch_add(1, Ordering::Relaxed);
        self.wake();
        Ok(())
    }

    /// Moves what was handed over to the end of `into`.
    pub fn collect(&self, into: &mut Vec<T>) {
        into.append(&mut self.queue());
    }

    fn wake(&self) {
        if let Err(why) = self.waker.wake() {
            // The thread looks at its queue four times a second anyway.
            log::warn!("a worker cannot be woken: {why}");
        }
    }
}

impl<T: Send> Bell for Post<T> {
    fn ring(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.wake();
        }
    }
}

/// The post with the fewest connections.
pub fn least_busy<T>(posts: &[Arc<Post<T>>]) -> usize {
    let load = |at: &usize| posts[*at].load.load(Ordering::Relaxed);
    (0..posts.len()).min_by_key(load).unwrap_or(0)
}

/// A picture that somebody waits for.
#[derive(Clone)]
pub struct Wish {
    /// Of this camera.
    pub view: Arc<View>,
    /// Its place among the cameras, for the ETag.
    pub camera: usize,
    /// As this.
    pub variant: Variant,
    /// Showing this frame or a later one.
    pub at_least: u64,
}

/// An answer that the clerk owes.
pub struct Owed {
    /// Where it will lie.
    pub tray: Arc<Tray>,
    /// What it is counted as.
    pub class: RouteClass,
    /// How long it is waited for.
    pub patience: Duration,
}

/// What a connection waits for.
pub enum Awaited {
    /// A picture.
    Picture(Wish),
    /// The clerk's answer.
    Errand(Owed),
}

/// What a stream worker is to do with a connection.
pub enum Hand {
    /// Send pictures: at most one in this many nanoseconds, or all.
    Pictures(Seat, Arc<View>, Variant, Option<Duration>),
    /// Send events.
    Events(Seat),
}

impl Hand {
    /// What it is counted as.
    pub fn class(&self) -> RouteClass {
        match self {
            Hand::Pictures(..) => RouteClass::Stream,
            Hand::Events(_) => RouteClass::Events,
        }
    }
}

/// A connection's memory, which outlives it.
#[derive(Default)]
pub struct Buffers {
    /// What comes in.
    pub input: Vec<u8>,
    /// A request's body.
    pub body: Vec<u8>,
    /// An answer's head.
    pub out: Vec<u8>,
}

/// A connection that leaves its request worker for ever. Its response head stands in `out`.
pub struct Handover {
    /// The connection.
    pub socket: Transport,
    /// Its place.
    pub ticket: Ticket,
    /// What is to be sent.
    pub hand: Hand,
    /// The head of the answer.
    pub out: Vec<u8>,
}

/// What the worker is to do with the connection now.
pub enum Step {
    /// Keep it until there is news.
    Stay,
    /// Keep it and call again without news: its turn was used up.
    Again,
    /// Drop it.
    Close,
    /// Give it to a stream worker.
    Leave(Hand),
    /// Give it to the thread of clips.
    Bring(Box<Clip>),
}

/// One worker's desk.
pub struct Desk {
    /// What all share.
    pub shared: Arc<Shared>,
    /// This turn.
    pub now: Mono,
    /// The same for people.
    pub wall: Wall,
    /// The box is ending: every answer closes its connection.
    pub stopping: bool,
    /// What wakes this worker.
    pub bell: Arc<dyn Bell>,
    date: Date,
    counted: Vec<(RouteClass, u16, Counter)>,
}

impl Desk {
    /// A tidy one.
    pub fn new(shared: Arc<Shared>, bell: Arc<dyn Bell>) -> Desk {
        let (now, wall) = (Mono::now(), Wall::now());
        Desk { shared, now, wall, stopping: false, bell, date: Date::default(), counted: Vec::with_capacity(16) }
    }

    /// Reads the clocks for the next turn.
    pub fn turn(&mut self) {
        (self.now, self.wall) = (Mono::now(), Wall::now());
    }

    /// Begins an answer's head in `out`.
    pub fn begin<'a>(&mut self, out: &'a mut Vec<u8>, status: u16) -> Lines<'a> {
        Lines::begin(out, status, self.date.at(self.wall))
    }

    /// Begins a picture's head in `out`.
    pub fn begin_picture<'a>(&mut self, out: &'a mut Vec<u8>, status: u16) -> Lines<'a> {
        Lines::begin_picture(out, status, self.date.at(self.wall))
    }

    /// Begins a page's head in `out`.
    pub fn begin_page<'a>(&mut self, out: &'a mut Vec<u8>, status: u16) -> Lines<'a> {
        Lines::begin_page(out, status, self.date.at(self.wall))
    }

    /// An answer that says in one sentence why there is no other.
    pub fn refuse(&mut self, out: &mut Vec<u8>, class: RouteClass, status: u16, why: &str, close: bool) -> Reply {
        let body = reply::detail(why);
        let mut lines = self.begin(out, status);
        lines.fixed("Content-Type: application/json").fixed("Cache-Control: no-store");
        if status == 503 {
            lines.fixed("Retry-After: 1");
        }
        lines.end(body.len(), close);
        Reply { class, status, body: Body::Owned(body), close }
    }

    /// The answer to who brought too many wrong keys.
    pub fn slow(&mut self, out: &mut Vec<u8>, class: RouteClass, wait: Duration, close: bool) -> Reply {
        let body = reply::detail("too many wrong keys came from this address; wait and try again");
        let mut lines = self.begin(out, 429);
        lines.fixed("Content-Type: application/json").fixed("Cache-Control: no-store");
        lines.with("Retry-After", |out| stamp::number(out, wait.as_secs() + 1)).end(body.len(), close);
        Reply { class, status: 429, body: Body::Owned(body), close }
    }

    /// What the clerk came back with.
    pub fn deliver(&mut self, out: &mut Vec<u8>, class: RouteClass, answer: Answer, close: bool) -> Reply {
        let is_picture = answer.content_type.starts_with("Content-Type: image/");
        let mut lines =
            if is_picture { self.begin_picture(out, answer.status) } else { self.begin(out, answer.status) };
        lines.fixed(answer.content_type).fixed("Cache-Control: no-store");
        if answer.status == 503 {
            lines.fixed("Retry-After: 1");
        }
        if let Some(name) = answer.file_name {
            lines.line("Content-Disposition", format!("attachment; filename=\"{name}\"").as_bytes());
        }
        lines.end(answer.body.len(), close);
        let body = match answer.held {
            Some(held) => Body::Held { bytes: answer.body, _until_sent: held },
            None => Body::Owned(answer.body),
        };
        Reply { class, status: answer.status, body, close }
    }

    /// Counts an answer.
    pub fn count(&mut self, class: RouteClass, status: u16) {
        if let Some((.., counter)) = self.counted.iter().find(|(c, s, _)| (*c, *s) == (class, status)) {
            counter.inc();
            return;
        }
        let counter = self.shared.house.metrics.http.status_counter(class, status);
        counter.inc();
        self.counted.push((class, status, counter));
    }
}

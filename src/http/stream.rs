//! A stream worker: one thread that sends pictures as they come, and events, to all connections handed to it.
//!
//! A viewer is shown the newest picture whenever its socket has taken the one before: a slow one skips pictures, which are
//! counted, and never holds up another. The boundary that ends a picture is sent with it, because a browser shows a
//! picture only when it has seen its end.
//!
//! When the camera is lost the stream is ended rather than left open: a viewer that sees the end asks again and is told
//! by a 404 why there is no picture; one that is left open would show a stale picture and not know.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use super::desk::{Desk, Hand, Handover, Post, Shared};
use super::events::Ear;
use super::limits::{Seat, Ticket};
use super::reply::Body;
use super::stamp;
use super::transport::Transport;
use super::worker::{GRACE, TURN, WAKER};
use crate::camera::View;
use crate::jpeg::{Look, ShotRef, Variant};
use crate::metrics::Drop;
use crate::threads::{Beat, Stop};
use crate::time::{Mono, Wall};

/// The head line of every stream.
pub const CONTENT_TYPE: &str = "Content-Type: multipart/x-mixed-replace; boundary=frame";
const FIRST: &[u8] = b"--frame\r\n";
const BETWEEN: &[u8] = b"\r\n--frame\r\n";
const LAST: &[u8] = b"\r\n--frame--\r\n";
/// Bytes that the kernel may hold for one viewer: about two pictures. More would only make a slow viewer see older ones.
const KERNEL_BYTES: usize = 256 * 1024;
/// How soon a full variant table is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Who watches a camera, and how far they are.
struct Pictures {
    view: Arc<View>,
    variant: Variant,
    period: Option<Duration>,
    /// The frame sent last.
    last: u64,
    /// The frame wished for; 0: none yet.
    wish: u64,
    /// Not before this.
    due: Mono,
    /// The variant table had no place for it.
    full: bool,
    /// Its socket did not take the last picture at once.
    slow: bool,
}

enum Feed {
    Pictures(Pictures),
    Events(Ear),
}

struct Viewer {
    socket: Transport,
    /// It stands before the seat, because it is dropped in this order: who takes the seat next finds the board's place free.
    feed: Feed,
    _ticket: Ticket,
    _seat: Seat,
    out: Vec<u8>,
    body: Body,
    tail: &'static [u8],
    sent: usize,
    /// The socket took less than it was given, since this moment.
    blocked: Option<Mono>,
    /// It may take more now.
    writable: bool,
    ending: bool,
}

/// What a stream worker is made of.
pub struct Streamer {
    desk: Desk,
    poll: Poll,
    post: Arc<Post<Handover>>,
    viewers: Vec<Option<Box<Viewer>>>,
    handed: Vec<Handover>,
}

impl Streamer {
    /// With no viewer.
    pub fn new(shared: Arc<Shared>, poll: Poll, post: Arc<Post<Handover>>) -> Streamer {
        Streamer { desk: Desk::new(shared, post.clone()), poll, post, viewers: Vec::new(), handed: Vec::new() }
    }

    /// The thread's body.
    pub fn work(mut self, beat: &Beat, stop: &Stop) {
        let mut events = Events::with_capacity(256);
        let (mut end, mut sweep) = (None, Mono::ZERO);
        loop {
            beat.mark(self.desk.now);
            let sleep = self.sleep();
            let next = self.desk.now.plus(sleep).min(sweep);
            if let Err(why) = self.poll.poll(&mut events, Some(sleep))
                && why.kind() != ErrorKind::Interrupted
            {
                log::error!("a stream worker cannot wait for its connections: {why}");
                stop.wait(TURN);
            }
            self.desk.turn();
            let stopping = stop.is_raised();
            let mut all = stopping || self.desk.now >= next;
            for event in &events {
                match event.token() {
                    WAKER => all = true,
                    Token(index) => {
                        if event.is_readable() || event.is_error() {
                            self.hear(index);
                        }
                        if let Some(viewer) = self.viewers.get_mut(index).and_then(Option::as_mut) {
                            viewer.writable |= event.is_writable();
                        }
                        self.drive(index, stopping);
                    }
                }
            }
            self.adopt();
            if all {
                sweep = self.desk.now.plus(TURN);
                (0..self.viewers.len()).for_each(|index| self.drive(index, stopping));
            }
            if stopping {
                let end = *end.get_or_insert_with(|| self.desk.now.plus(GRACE));
                if self.desk.now >= end || self.viewers.iter().all(Option::is_none) {
                    return;
                }
            }
        }
    }

    /// Until the next pace, ping or retry is due.
    fn sleep(&self) -> Duration {
        let now = self.desk.now;
        let until = |viewer: &Viewer| match &viewer.feed {
            _ if viewer.blocked.is_some() => TURN,
            Feed::Pictures(p) if p.full => RETRY,
            Feed::Pictures(p) if p.due > now => p.due.since(now),
            Feed::Pictures(_) => TURN,
            Feed::Events(ear) => ear.next_ping().since(now),
        };
        let soonest = self.viewers.iter().flatten().map(|v| until(v)).min();
        soonest.unwrap_or(TURN).clamp(Duration::from_millis(1), TURN)
    }

    /// A viewer says nothing after its request: what comes is thrown away, and an end is an end.
    fn hear(&mut self, index: usize) {
        let Some(viewer) = self.viewers.get_mut(index).and_then(Option::as_mut) else { return };
        let mut waste = [0u8; 1024];
        // Bounded: one who sends without end is cut off.
        for _ in 0..16 {
            match viewer.socket.read(&mut waste) {
                Ok(n) if n > 0 => {}
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                _ => break,
            }
        }
        self.remove(index);
    }

    fn remove(&mut self, index: usize) {
        if self.viewers[index].take().is_some() {
            self.post.waiting.fetch_sub(1, Ordering::SeqCst);
            self.post.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn adopt(&mut self) {
        let mut handed = std::mem::take(&mut self.handed);
        self.post.collect(&mut handed);
        for handover in handed.drain(..) {
            // First this, then the first look: see `Post::waiting`.
            self.post.waiting.fetch_add(1, Ordering::SeqCst);
            if !self.seat(handover) {
                self.post.waiting.fetch_sub(1, Ordering::SeqCst);
                self.post.load.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.handed = handed;
    }

    /// Makes a viewer of a connection. False: it could not be, and is dropped.
    fn seat(&mut self, handover: Handover) -> bool {
        let index = self.viewers.iter().position(Option::is_none).unwrap_or(self.viewers.len());
        let Handover { mut socket, ticket, hand, mut out } = handover;
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(why) = self.poll.registry().register(&mut socket.socket, Token(index), interest) {
            log::warn!("a stream cannot be watched: {why}");
            return false;
        }
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket.socket, KERNEL_BYTES);
        let (feed, seat) = match hand {
            Hand::Pictures(seat, view, variant, period) => {
                out.extend_from_slice(FIRST);
                let due = self.desk.now;
                (
                    Feed::Pictures(Pictures { view, variant, period, last: 0, wish: 0, due, full: false, slow: false }),
                    seat,
                )
            }
            Hand::Events(seat) => {
                let Some(ear) = Ear::open(&self.desk, &mut out) else { return false };
                (Feed::Events(ear), seat)
            }
        };
        let viewer = Viewer {
            socket,
            feed,
            _ticket: ticket,
            _seat: seat,
            out,
            body: Body::Empty,
            tail: b"",
            sent: 0,
            blocked: None,
            writable: true,
            ending: false,
        };
        if index == self.viewers.len() {
            self.viewers.push(None);
        }
        self.viewers[index] = Some(Box::new(viewer));
        true
    }

    fn drive(&mut self, index: usize, stopping: bool) {
        let Some(viewer) = self.viewers.get_mut(index).and_then(Option::as_mut) else { return };
        if !viewer.go_on(&mut self.desk, stopping) {
            self.remove(index);
        }
    }
}

impl Viewer {
    /// Sends as much as there is and as the socket takes. False: it is over.
    fn go_on(&mut self, desk: &mut Desk, stopping: bool) -> bool {
        loop {
            match self.flush(desk) {
                Flush::Blocked => return true,
                Flush::Broken => return false,
                Flush::Done => {}
            }
            if self.ending {
                self.socket.finish();
                return false;
            }
            let more = match &mut self.feed {
                Feed::Pictures(p) => match p.next(desk.now, desk.wall, stopping) {
                    Next::Nothing => false,
                    Next::End => {
                        self.out.extend_from_slice(LAST);
                        self.ending = true;
                        true
                    }
                    Next::Picture(shot) => {
                        p.head(&mut self.out, &shot);
                        self.body = Body::Shot(shot);
                        self.tail = BETWEEN;
                        true
                    }
                },
                Feed::Events(ear) => {
                    ear.hear(desk.now, &mut self.out);
                    self.ending = stopping;
                    stopping || !self.out.is_empty()
                }
            };
            if !more {
                return true;
            }
        }
    }

    fn flush(&mut self, desk: &mut Desk) -> Flush {
        let (head, body, tail) = (&self.out[..], self.body.bytes(), self.tail);
        let (to_body, to_tail) = (head.len(), head.len() + body.len());
        let whole = to_tail + tail.len();
        if let Some(since) = self.blocked
            && !self.writable
        {
            let patience = desk.shared.settings.write_timeout;
            return if desk.now.since(since) >= patience { Flush::Broken } else { Flush::Blocked };
        }
        while self.sent < whole {
            let rest = [
                IoSlice::new(&head[self.sent.min(to_body)..]),
                IoSlice::new(&body[self.sent.saturating_sub(to_body).min(body.len())..]),
                IoSlice::new(&tail[self.sent.saturating_sub(to_tail)..]),
            ];
            match self.socket.write_vectored(&rest) {
                Ok(0) => return Flush::Broken,
                Ok(n) => {
                    self.sent += n;
                    self.blocked = None;
                    desk.shared.house.metrics.http.sent_bytes.inc_by(n as u64);
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return self.wait(desk.now),
                Err(_) => return Flush::Broken,
            }
        }
        // What a TLS session holds is part of this picture; the next one is not begun behind it.
        match self.socket.settle() {
            Ok(0) => {}
            Ok(_) => self.blocked = None,
            Err(_) => return Flush::Broken,
        }
        if self.socket.owes() {
            return self.wait(desk.now);
        }
        self.out.clear();
        self.body = Body::Empty;
        self.tail = b"";
        self.sent = 0;
        Flush::Done
    }

    /// The socket takes no more for now.
    fn wait(&mut self, now: Mono) -> Flush {
        self.blocked.get_or_insert(now);
        self.writable = false;
        if let Feed::Pictures(p) = &mut self.feed {
            p.slow = true;
        }
        Flush::Blocked
    }
}

enum Flush {
    Done,
    Blocked,
    Broken,
}

enum Next {
    Nothing,
    Picture(ShotRef),
    End,
}

impl Pictures {
    fn next(&mut self, now: Mono, wall: Wall, stopping: bool) -> Next {
        let newest_id = self.view.newest_id_at(now, wall);
        if stopping || newest_id == 0 {
            return Next::End;
        }
        if now < self.due {
            return Next::Nothing;
        }
        if self.wish == 0 {
            // The newest there is, fixed here: an encoder slower than the camera would never meet a wish that moves.
            self.wish = newest_id.max(self.last + 1);
        }
        self.full = false;
        match self.view.look(self.variant, self.wish) {
            Look::Ready(shot) => {
                if std::mem::take(&mut self.slow) && self.last > 0 {
                    self.count_skipped(shot.frame_id, now);
                }
                self.last = shot.frame_id;
                self.wish = 0;
                if let Some(period) = self.period {
                    let next = self.due.plus(period);
                    self.due = if next > now { next } else { now.plus(period) };
                }
                Next::Picture(shot)
            }
            Look::Soon => Next::Nothing,
            Look::Full => {
                self.full = true;
                Next::Nothing
            }
            Look::Lost => Next::End,
        }
    }

    /// Counts what this viewer was not sent because its socket had not taken the picture before. What an encoder or a
    /// pace leaves out is not its doing.
    fn count_skipped(&self, frame_id: u64, now: Mono) {
        let skipped = match self.period {
            None => frame_id.saturating_sub(self.last + 1),
            Some(period) => (now.since(self.due).as_nanos() / period.as_nanos().max(1)) as u64,
        };
        self.view.metrics().drop_of(Drop::SlowViewer).inc_by(skipped);
    }

    fn head(&self, out: &mut Vec<u8>, shot: &ShotRef) {
        out.extend_from_slice(b"Content-Type: image/jpeg\r\nContent-Length: ");
        stamp::number(out, shot.bytes.len() as u64);
        out.extend_from_slice(b"\r\nX-Frame-Id: ");
        stamp::number(out, shot.frame_id);
        out.extend_from_slice(b"\r\nX-Timestamp: ");
        stamp::unix_seconds(out, shot.captured_wall);
        out.extend_from_slice(b"\r\n\r\n");
    }
}

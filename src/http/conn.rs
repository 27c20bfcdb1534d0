//! One connection as a small state machine: it reads a head, maybe a body, maybe waits for a picture, writes, and begins
//! again. It never blocks: where the socket has no more to give or take, it returns and is called again.
//!
//! Requests that come in a row are answered in that order. Readiness is edge-triggered, so a connection reads until the
//! socket gave less than there was room for; only then may it rely on being told about more.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::answer::{self, Outcome, Request};
use super::clip::Clip;
use super::desk::{Awaited, Buffers, Desk, Hand, Handover, Post, Step};
use super::head::{self, Head, Method, Refusal};
use super::limits::Ticket;
use super::reply::{Body, Reply};
use super::snapshot::{self, NotYet};
use super::transport::{self, Transport};
use crate::metrics::RouteClass;
use crate::time::Mono;

/// Steps in a row, of which a request takes two or three, before others get their turn.
const BUDGET: usize = 32;
/// How long a client whose last answer is out may go on sending before the connection is cut; without it the answer could be lost.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// A head is to come, or part of it is here.
    Head,
    /// The head is here, the body is not.
    Body,
    /// A picture or the clerk's answer is to come.
    Wait,
    /// The answer goes out.
    Write,
    /// The answer is out; what still comes in is thrown away.
    Linger,
}

/// Reads once: how many bytes came, 0 at the end; else what the caller returns, and nothing means to go on.
fn receive(socket: &mut Transport, room: &mut [u8], readable: &mut bool) -> Result<usize, Option<Step>> {
    socket.read(room).map_err(|why| match why.kind() {
        ErrorKind::Interrupted => None,
        ErrorKind::WouldBlock => {
            *readable = false;
            Some(Step::Stay)
        }
        _ => Some(Step::Close),
    })
}

/// One connection.
pub struct Conn {
    /// The socket, with or without TLS.
    pub socket: Transport,
    /// Its place.
    ticket: Ticket,
    phase: Phase,
    /// All of it is initialised; `start..filled` is not yet answered.
    input: Vec<u8>,
    start: usize,
    filled: usize,
    scanned: usize,
    head: Option<Head>,
    body_in: Vec<u8>,
    body_filled: usize,
    /// Bytes of `input` that the request takes: its head, and what of its body came with it.
    taken: usize,
    awaited: Option<Awaited>,
    /// It is waiting for a place in the variant table, for which no bell rings.
    pub full: bool,
    out: Vec<u8>,
    reply: Option<Reply>,
    sent: usize,
    /// The socket may have more to read.
    readable: bool,
    /// The client has said all it will.
    half_closed: bool,
    deadline: Mono,
    /// When the request was whole.
    began: Mono,
}

impl Conn {
    /// A fresh one, with its first head to come within the head's time.
    pub fn new(socket: Transport, ticket: Ticket, buffers: Buffers, desk: &Desk) -> Conn {
        let settings = &desk.shared.settings;
        let mut input = buffers.input;
        input.resize(settings.head_bytes, 0);
        Conn {
            socket,
            ticket,
            phase: Phase::Head,
            input,
            start: 0,
            filled: 0,
            scanned: 0,
            head: None,
            body_in: buffers.body,
            body_filled: 0,
            taken: 0,
            awaited: None,
            full: false,
            out: buffers.out,
            reply: None,
            sent: 0,
            readable: true,
            half_closed: false,
            deadline: desk.now.plus(settings.head_timeout),
            began: desk.now,
        }
    }

    /// Gives the memory back.
    pub fn end(self) -> Buffers {
        Buffers { input: self.input, body: Vec::new(), out: self.out }
    }

    /// Becomes a stream worker's.
    pub fn leave(self, hand: Hand) -> (Handover, Buffers) {
        let (socket, ticket, out) = (self.socket, self.ticket, self.out);
        (Handover { socket, ticket, hand, out }, Buffers { input: self.input, ..Buffers::default() })
    }

    /// Becomes the clip thread's.
    pub fn part(self) -> (Transport, Ticket, Buffers) {
        (self.socket, self.ticket, Buffers { input: self.input, out: self.out, ..Buffers::default() })
    }

    /// Whether it waits for a picture or the clerk.
    pub fn waits(&self) -> bool {
        self.phase == Phase::Wait
    }

    /// Whether an answer is due or under way.
    pub fn is_busy(&self) -> bool {
        !matches!(self.phase, Phase::Head | Phase::Linger)
    }

    /// When it is given up if nothing happens.
    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// There is news of the socket.
    pub fn hear(&mut self, event: &mio::event::Event) {
        self.readable |= event.is_readable() || event.is_error();
        self.half_closed |= event.is_read_closed();
    }

    /// Goes on as far as it can.
    pub fn run<T>(&mut self, desk: &mut Desk, post: &Post<T>) -> Step {
        // A part of a handshake that the socket had no room for.
        if self.phase != Phase::Write && self.socket.owes() && self.socket.settle().is_err() {
            return Step::Close;
        }
        for _ in 0..BUDGET {
            let wrote = self.phase == Phase::Write;
            let done = match self.phase {
                Phase::Head => self.read_head(desk, post),
                Phase::Body => self.read_body(desk, post),
                Phase::Wait if self.readable => self.notice_close(),
                Phase::Wait => Some(Step::Stay),
                Phase::Write => self.write(desk),
                Phase::Linger => self.drain(),
            };
            if let Some(step) = done {
                return step;
            }
            // One answer a turn: who asks for a hundred in a row waits with the others after each of them.
            if wrote && self.start < self.filled {
                break;
            }
        }
        Step::Again
    }

    /// Reads into `input` behind `filled`. Nothing when there is more to do, else what the worker is to do.
    fn read(&mut self) -> Option<Step> {
        if self.filled == self.input.len() {
            self.input.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        let room = self.input.len() - self.filled;
        match receive(&mut self.socket, &mut self.input[self.filled..], &mut self.readable) {
            Ok(0) => Some(Step::Close),
            Ok(n) => {
                // Less than there was room for: the socket is empty, and more will be told.
                self.readable = self.socket.may_have_more(n, room) || self.half_closed;
                self.filled += n;
                None
            }
            Err(step) => step,
        }
    }

    fn read_head<T>(&mut self, desk: &mut Desk, post: &Post<T>) -> Option<Step> {
        let bytes = &self.input[self.start..self.filled];
        match head::find_end(bytes, self.scanned) {
            Err(refusal) => return self.refuse(desk, refusal),
            Ok(Some(end)) => match head::parse(&bytes[..end]) {
                Err(refusal) => return self.refuse(desk, refusal),
                Ok(head) => return self.take_head(desk, post, head),
            },
            Ok(None) => self.scanned = bytes.len(),
        }
        if bytes.len() >= self.input.len() {
            let refusal = head::too_long(bytes);
            return self.refuse(desk, refusal);
        }
        // Behind the last byte that a client will ever send stands its end, of which nobody tells twice.
        if !self.readable && !self.half_closed {
            return Some(Step::Stay);
        }
        let was_idle = self.start == self.filled;
        let step = self.read();
        if was_idle && self.filled > self.start {
            self.deadline = desk.now.plus(desk.shared.settings.head_timeout);
        }
        step
    }

    fn take_head<T>(&mut self, desk: &mut Desk, post: &Post<T>, head: Head) -> Option<Step> {
        if self.socket.is_stray() {
            return self.refuse(desk, Refusal { status: 400, detail: transport::STRAY });
        }
        let caller = (self.ticket.peer(), self.socket.is_secure());
        if head.method == Method::Post
            && let Some(judged) = answer::clip(desk, caller, &head, &self.input[self.start..], &mut self.out)
        {
            return self.take_clip(desk, &head, judged);
        }
        let length = head.content_length;
        if length > desk.shared.settings.body_bytes as u64 {
            return self.refuse(desk, Refusal { status: 413, detail: "the request's body is too long" });
        }
        let here = &self.input[self.start + head.len..self.filled];
        // At most `body_bytes`, so it fits a usize.
        let here = &here[..here.len().min(length as usize)];
        self.body_in.clear();
        self.body_in.extend_from_slice(here);
        self.body_filled = here.len();
        self.taken = head.len + here.len();
        self.body_in.resize(length as usize, 0);
        let whole = self.body_filled == self.body_in.len();
        if !whole && head.expects_continue {
            // A fresh connection's send buffer always has room for these few bytes; if not, the client goes on anyway.
            let _ = self.socket.write(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.head = Some(head);
        if whole {
            return self.answer(desk, post);
        }
        self.deadline = desk.now.plus(desk.shared.settings.head_timeout);
        self.phase = Phase::Body;
        None
    }

    /// What of the clip came with its head goes along. A refusal goes out before the body is read, and is the last answer.
    fn take_clip(&mut self, desk: &Desk, head: &Head, judged: Result<Box<Clip>, Reply>) -> Option<Step> {
        match judged {
            Ok(mut clip) => {
                let here = &self.input[self.start + head.len..self.filled];
                let whole = usize::try_from(head.content_length).unwrap_or(usize::MAX);
                clip.begun.extend_from_slice(&here[..here.len().min(whole)]);
                Some(Step::Bring(clip))
            }
            Err(reply) => {
                self.began = desk.now;
                self.begin_write(desk, reply);
                None
            }
        }
    }

    fn read_body<T>(&mut self, desk: &mut Desk, post: &Post<T>) -> Option<Step> {
        if self.body_filled == self.body_in.len() {
            return self.answer(desk, post);
        }
        if !self.readable {
            return Some(Step::Stay);
        }
        match receive(&mut self.socket, &mut self.body_in[self.body_filled..], &mut self.readable) {
            Ok(0) => Some(Step::Close),
            Ok(n) => {
                self.body_filled += n;
                None
            }
            Err(step) => step,
        }
    }

    fn answer<T>(&mut self, desk: &mut Desk, post: &Post<T>) -> Option<Step> {
        let Some(head) = self.head.as_ref() else { return Some(Step::Close) };
        self.began = desk.now;
        let close = !head.keep_alive || desk.stopping;
        let bytes = &self.input[self.start..self.start + head.len];
        let (peer, secure) = (self.ticket.peer(), self.socket.is_secure());
        let request = Request { head, bytes, body: &self.body_in, peer, secure, close };
        match answer::answer(desk, &request, &mut self.out) {
            Outcome::Reply(reply) => self.begin_write(desk, reply),
            Outcome::Wait(awaited) => {
                let patience = match &awaited {
                    Awaited::Picture(_) => desk.shared.settings.shot_timeout,
                    Awaited::Errand(owed) => owed.patience,
                };
                self.awaited = Some(awaited);
                self.phase = Phase::Wait;
                self.deadline = desk.now.plus(patience);
                // First this, then the look: see `Post::waiting`.
                post.waiting.fetch_add(1, Ordering::SeqCst);
                self.look_again(desk, post);
            }
            Outcome::Hand(hand) => {
                desk.count(hand.class(), 200);
                return Some(Step::Leave(hand));
            }
        }
        None
    }

    fn closes(&self, desk: &Desk) -> bool {
        desk.stopping || self.head.as_ref().is_none_or(|h| !h.keep_alive)
    }

    /// The bell rang.
    pub fn look_again<T>(&mut self, desk: &mut Desk, post: &Post<T>) {
        let close = self.closes(desk);
        match &self.awaited {
            None => {}
            Some(Awaited::Picture(wish)) => match snapshot::look(desk, wish, &mut self.out, close) {
                Ok(reply) => self.end_wait(desk, post, reply),
                Err(why) => self.full = why == NotYet::Full,
            },
            Some(Awaited::Errand(owed)) => {
                if let Some(answer) = owed.tray.take() {
                    let reply = desk.deliver(&mut self.out, owed.class, answer, close);
                    self.end_wait(desk, post, reply);
                }
            }
        }
    }

    fn end_wait<T>(&mut self, desk: &Desk, post: &Post<T>, reply: Reply) {
        post.waiting.fetch_sub(1, Ordering::SeqCst);
        self.awaited = None;
        self.full = false;
        self.begin_write(desk, reply);
    }

    /// The wait ends although nothing came, because of the deadline or the box's end.
    pub fn give_up<T>(&mut self, desk: &mut Desk, post: &Post<T>) {
        let close = self.closes(desk);
        let reply = match &self.awaited {
            Some(Awaited::Errand(owed)) => {
                let why = "the answer was not ready in time; what was asked may still be done";
                desk.refuse(&mut self.out, owed.class, 503, why, close)
            }
            _ => snapshot::late(desk, &mut self.out, close),
        };
        self.end_wait(desk, post, reply);
    }

    /// To be called before a connection is dropped in whatever phase.
    pub fn forget_wish<T>(&mut self, post: &Post<T>) {
        if self.awaited.take().is_some() {
            post.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn refuse(&mut self, desk: &mut Desk, refusal: Refusal) -> Option<Step> {
        self.began = desk.now;
        self.head = None;
        let reply = desk.refuse(&mut self.out, RouteClass::Refused, refusal.status, refusal.detail, true);
        self.begin_write(desk, reply);
        None
    }

    fn begin_write(&mut self, desk: &Desk, mut reply: Reply) {
        if self.head.as_ref().is_some_and(|h| h.method == Method::Head) {
            reply.body = Body::Empty;
        }
        self.reply = Some(reply);
        self.sent = 0;
        self.phase = Phase::Write;
        self.deadline = desk.now.plus(desk.shared.settings.write_timeout);
    }

    fn write(&mut self, desk: &mut Desk) -> Option<Step> {
        let Some(reply) = &self.reply else { return Some(Step::Close) };
        let (head, body) = (&self.out[..], reply.body.bytes());
        let whole = head.len() + body.len();
        while self.sent < whole {
            let rest = [
                IoSlice::new(&head[self.sent.min(head.len())..]),
                IoSlice::new(&body[self.sent.saturating_sub(head.len())..]),
            ];
            match self.socket.write_vectored(&rest) {
                Ok(0) => return Some(Step::Close),
                Ok(n) => {
                    self.sent += n;
                    if self.sent < whole {
                        self.deadline = desk.now.plus(desk.shared.settings.write_timeout);
                    }
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return Some(Step::Stay),
                Err(_) => return Some(Step::Close),
            }
        }
        match self.socket.settle() {
            Ok(0) => {}
            Ok(_) => self.deadline = desk.now.plus(desk.shared.settings.write_timeout),
            Err(_) => return Some(Step::Close),
        }
        if self.socket.owes() {
            return Some(Step::Stay);
        }
        self.finish(desk, whole)
    }

    fn finish(&mut self, desk: &mut Desk, whole: usize) -> Option<Step> {
        let reply = self.reply.take()?;
        desk.count(reply.class, reply.status);
        let http = &desk.shared.house.metrics.http;
        http.seconds(reply.class).observe(Mono::now().since(self.began).as_secs_f64());
        http.sent_bytes.inc_by(whole as u64);
        let refused = self.head.take().is_none();
        if refused || (reply.close && self.readable) {
            // What the client sent or still sends must not be answered by a reset that takes the answer's end with it.
            self.socket.finish();
            self.phase = Phase::Linger;
            self.deadline = desk.now.plus(LINGER);
            return None;
        }
        if reply.close {
            return Some(Step::Close);
        }
        self.start += self.taken;
        self.body_in.clear();
        self.body_in.shrink_to(0);
        self.scanned = 0;
        self.phase = Phase::Head;
        let settings = &desk.shared.settings;
        if self.start == self.filled {
            (self.start, self.filled) = (0, 0);
            self.deadline = desk.now.plus(settings.idle_timeout);
        } else {
            self.deadline = desk.now.plus(settings.head_timeout);
        }
        None
    }

    /// While it waits: is the client still there?
    fn notice_close(&mut self) -> Option<Step> {
        if self.filled == self.input.len() {
            // Full of requests to come: it is there.
            return Some(Step::Stay);
        }
        let room = self.input.len() - self.filled;
        match receive(&mut self.socket, &mut self.input[self.filled..], &mut self.readable) {
            // It said all it will, and may still want the answer.
            Ok(0) => {
                (self.readable, self.half_closed) = (false, true);
                Some(Step::Stay)
            }
            Ok(n) => {
                self.filled += n;
                self.readable = self.socket.may_have_more(n, room);
                None
            }
            Err(step) => step,
        }
    }

    fn drain(&mut self) -> Option<Step> {
        (self.start, self.filled) = (0, 0);
        if !self.readable {
            return Some(Step::Stay);
        }
        self.read()
    }

    /// Its time is over.
    pub fn expire<T>(&mut self, desk: &mut Desk, post: &Post<T>) -> Step {
        match self.phase {
            Phase::Wait => self.give_up(desk, post),
            Phase::Head if self.start == self.filled => return Step::Close,
            Phase::Head | Phase::Body => {
                let late = Refusal { status: 408, detail: "the request did not come in time" };
                self.refuse(desk, late);
            }
            Phase::Write | Phase::Linger => return Step::Close,
        }
        self.run(desk, post)
    }
}

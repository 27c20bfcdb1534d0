//! A request worker: one thread, one poll, a slab of connections.
//!
//! All workers hear the listener; whoever is awake first accepts, and gives the connection to the worker that has the
//! fewest. Deadlines are looked at in one sweep, a few times a second at most, not by a timer for each connection.
//!
//! A turn is short whatever is asked: who has more to be answered than his share stands in a row, from which a slice of time
//! is served each turn, and so is the door. Whoever has news is answered between them.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use super::clip::{Caller, Clip};
use super::conn::Conn;
use super::desk::{Buffers, Desk, Hand, Handover, Post, Shared, Step, least_busy};
use super::limits::Ticket;
use super::transport::Transport;
use crate::metrics::RouteClass;
use crate::threads::{Beat, Stop};
use crate::time::Mono;

/// The waker's token.
pub const WAKER: Token = Token(usize::MAX - 1);
/// The tokens of the doors: that without TLS, that with it.
const DOORS: [Token; 2] = [Token(usize::MAX - 2), Token(usize::MAX - 3)];
/// The longest sleep: stop flag, deadlines and beats are looked at this often.
pub const TURN: Duration = Duration::from_millis(200);
/// How soon a full variant table is tried again.
const RETRY: Duration = Duration::from_millis(10);
/// Time for the row and for the door in each turn.
const SLICE: Duration = Duration::from_millis(4);
/// What is still being sent at the end may take this long.
pub const GRACE: Duration = Duration::from_secs(1);

const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n\
    X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
    Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nConnection: close\r\nContent-Length: 43\r\n\r\n{\"detail\":\"too many connections are open\"}\n";

/// A connection that was accepted.
pub type Newcomer = (Transport, Ticket);

/// Where connections come in.
pub struct Door {
    listener: TcpListener,
    /// TLS is spoken behind it.
    secure: bool,
    /// More may wait at it, and nobody will say so.
    more: bool,
}

impl Door {
    /// Watched by this poll.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn new(listener: std::net::TcpListener, secure: bool, poll: &Poll) -> std::io::Result<Door> {
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, DOORS[usize::from(secure)], Interest::READABLE)?;
        Ok(Door { listener, secure, more: false })
    }
}

#[derive(Default)]
struct Slot {
    /// Part of the token, so that news of a connection that is gone does not reach the next one here.
    generation: u32,
    conn: Option<Box<Conn>>,
    spare: Option<Buffers>,
    /// It stands in `again`, once.
    again: bool,
}

/// What a worker is made of.
pub struct Worker {
    /// Its desk.
    pub desk: Desk,
    /// Its poll.
    pub poll: Poll,
    /// Where connections come in; none after the stop.
    pub doors: Vec<Door>,
    /// Which of `posts` is its own.
    pub index: usize,
    /// The request workers'.
    pub posts: Arc<[Arc<Post<Newcomer>>]>,
    /// The stream workers'.
    pub streams: Arc<[Arc<Post<Handover>>]>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    again: VecDeque<usize>,
    newcomers: Vec<Newcomer>,
    /// No connection can be accepted, which was said once.
    refused: bool,
    next_sweep: Mono,
    any_full: bool,
    waiting: usize,
}

impl Worker {
    /// A worker with no connection.
    pub fn new(
        shared: Arc<Shared>,
        poll: Poll,
        doors: Vec<Door>,
        index: usize,
        posts: Arc<[Arc<Post<Newcomer>>]>,
        streams: Arc<[Arc<Post<Handover>>]>,
    ) -> Worker {
        let desk = Desk::new(shared, posts[index].clone());
        Worker {
            desk,
            poll,
            doors,
            index,
            posts,
            streams,
            slots: Vec::new(),
            free: Vec::new(),
            again: VecDeque::new(),
            newcomers: Vec::new(),
            refused: false,
            next_sweep: Mono::ZERO,
            any_full: false,
            waiting: 0,
        }
    }

    /// The thread's body.
    pub fn work(mut self, beat: &Beat, stop: &Stop) {
        let mut events = Events::with_capacity(256);
        let mut end = None;
        loop {
            beat.mark(self.desk.now);
            if let Err(why) = self.poll.poll(&mut events, Some(self.sleep()))
                && why.kind() != ErrorKind::Interrupted
            {
                log::error!("an HTTP worker cannot wait for its connections: {why}");
                stop.wait(TURN);
            }
            self.desk.turn();
            self.turn(&events);
            if stop.is_raised() {
                let end = *end.get_or_insert_with(|| self.desk.now.plus(GRACE));
                self.wind_down();
                if self.is_empty() || self.desk.now >= end {
                    return;
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len() && self.newcomers.is_empty()
    }

    fn sleep(&self) -> Duration {
        let busy = !self.again.is_empty() || (!self.refused && self.doors.iter().any(|door| door.more));
        match (busy, self.any_full) {
            (true, _) => Duration::ZERO,
            (_, true) => RETRY,
            _ => TURN.min(self.next_sweep.since(self.desk.now)).max(Duration::from_millis(1)),
        }
    }

    fn turn(&mut self, events: &Events) {
        let mut woken = self.any_full;
        let end = Mono::now().plus(SLICE);
        for _ in 0..self.again.len() {
            let Some(index) = self.again.pop_front() else { break };
            self.slots[index].again = false;
            self.drive(index, Conn::run);
            if Mono::now() >= end {
                break;
            }
        }
        for event in events {
            match event.token() {
                WAKER => woken = true,
                token if DOORS.contains(&token) => {
                    let secure = token == DOORS[1];
                    self.doors.iter_mut().filter(|door| door.secure == secure).for_each(|door| door.more = true);
                }
                Token(token) => {
                    let (index, generation) = (token & 0xffff_ffff, (token >> 32) as u32);
                    if let Some(conn) = self.conn(index, generation) {
                        conn.hear(event);
                        // Who stands in the row is not served beside it.
                        if !self.slots[index].again {
                            self.drive(index, Conn::run);
                        }
                    }
                }
            }
        }
        for door in 0..self.doors.len() {
            if self.doors[door].more {
                self.accept(door);
            }
        }
        if woken {
            self.look_again();
        }
        let mut newcomers = std::mem::take(&mut self.newcomers);
        self.posts[self.index].collect(&mut newcomers);
        for newcomer in newcomers.drain(..) {
            self.admit(newcomer);
        }
        self.newcomers = newcomers;
        if self.desk.now >= self.next_sweep {
            self.sweep();
        }
    }

    fn conn(&mut self, index: usize, generation: u32) -> Option<&mut Conn> {
        let slot = self.slots.get_mut(index).filter(|s| s.generation == generation)?;
        slot.conn.as_deref_mut()
    }

    /// Lets one connection go on, and does what it says then.
    fn drive(&mut self, index: usize, go: impl FnOnce(&mut Conn, &mut Desk, &Post<Newcomer>) -> Step) {
        let Some(mut conn) = self.slots.get_mut(index).and_then(|s| s.conn.take()) else { return };
        let post = self.posts[self.index].clone();
        let waited = conn.waits();
        let step = go(&mut conn, &mut self.desk, &post);
        let waits = conn.waits() && matches!(step, Step::Stay | Step::Again);
        self.waiting = self.waiting + usize::from(waits) - usize::from(waited);
        self.any_full |= conn.full;
        match step {
            Step::Stay => self.slots[index].conn = Some(conn),
            Step::Again => {
                let slot = &mut self.slots[index];
                slot.conn = Some(conn);
                if !std::mem::replace(&mut slot.again, true) {
                    self.again.push_back(index);
                }
            }
            Step::Close => {
                if conn.socket.is_shaking_hands() {
                    self.desk.shared.house.metrics.http.handshakes_failed.inc();
                }
                conn.forget_wish(&post);
                let spare = conn.end();
                self.vacate(index, spare);
            }
            Step::Bring(clip) => {
                let spare = self.bring(*conn, clip);
                self.vacate(index, spare);
            }
            Step::Leave(hand) => {
                let spare = self.hand_over(*conn, hand);
                self.vacate(index, spare);
            }
        }
    }

    fn vacate(&mut self, index: usize, spare: Buffers) {
        let slot = &mut self.slots[index];
        slot.generation = slot.generation.wrapping_add(1) & 0x7fff_ffff;
        slot.spare = Some(spare);
        self.free.push(index);
        self.posts[self.index].load.fetch_sub(1, Ordering::Relaxed);
    }

    fn hand_over(&mut self, conn: Conn, hand: Hand) -> Buffers {
        let (mut handover, spare) = conn.leave(hand);
        if let Err(why) = self.poll.registry().deregister(&mut handover.socket.socket) {
            log::warn!("a stream could not be taken over: {why}");
            return spare;
        }
        let to = least_busy(&self.streams);
        if self.streams[to].hand(handover).is_err() {
            // Its place holds as many as there may be connections; this cannot be, and the viewer asks again.
            log::warn!("a stream worker takes no more");
        }
        spare
    }

    fn bring(&mut self, conn: Conn, clip: Box<Clip>) -> Buffers {
        let (mut socket, ticket, spare) = conn.part();
        match self.poll.registry().deregister(&mut socket.socket) {
            Ok(()) => self.desk.shared.clips.bring(Caller { socket, ticket, clip }),
            Err(why) => log::warn!("a clip could not be taken: {why}"),
        }
        spare
    }

    fn accept(&mut self, at: usize) {
        let end = Mono::now().plus(SLICE);
        while Mono::now() < end {
            let door = &mut self.doors[at];
            match door.listener.accept() {
                Ok((socket, peer)) => {
                    let secure = door.secure;
                    self.welcome(socket, peer.ip(), secure);
                }
                Err(why) if matches!(why.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    door.more = false;
                    self.accepts_again();
                    return;
                }
                Err(why) => {
                    // Out of descriptors, most likely. Nobody tells when there are some again, so it is tried each turn.
                    self.desk.shared.house.metrics.http.unaccepted.inc();
                    if !self.refused {
                        log::warn!("no connection can be accepted: {why}");
                    }
                    self.refused = true;
                    return;
                }
            }
        }
    }

    /// Everybody who waited at any door is in. One who gets the descriptor of another who went is no end of it.
    fn accepts_again(&mut self) {
        let all_are_in = !self.doors.iter().any(|door| door.more);
        if all_are_in && std::mem::take(&mut self.refused) {
            log::info!("connections are accepted again");
        }
    }

    fn welcome(&mut self, mut socket: mio::net::TcpStream, peer: std::net::IpAddr, secure: bool) {
        let Some(ticket) = self.desk.shared.limits.connect(peer) else {
            // If the socket cannot take these bytes at once, the client learns it from the close, as one does who expects TLS.
            if !secure {
                let _ = socket.write(REFUSED);
            }
            self.desk.count(RouteClass::Refused, 503);
            return;
        };
        let _ = socket.set_nodelay(true);
        let socket = match self.desk.shared.tls.as_ref().filter(|_| secure) {
            None => Transport::plain(socket),
            Some(tls) => match Transport::tls(socket, tls.config()) {
                Ok(transport) => transport,
                Err(why) => {
                    log::warn!("a connection cannot be encrypted: {why}");
                    return;
                }
            },
        };
        let to = least_busy(&self.posts);
        let load = |at: usize| self.posts[at].load.load(Ordering::Relaxed);
        if to == self.index || load(to) == load(self.index) {
            self.posts[self.index].load.fetch_add(1, Ordering::Relaxed);
            self.newcomers.push((socket, ticket));
        } else if self.posts[to].hand((socket, ticket)).is_err() {
            log::warn!("an HTTP worker takes no more connections");
        }
    }

    fn admit(&mut self, (mut socket, ticket): Newcomer) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        let slot = &mut self.slots[index];
        let token = Token((slot.generation as usize) << 32 | index);
        if let Err(why) =
            self.poll.registry().register(&mut socket.socket, token, Interest::READABLE | Interest::WRITABLE)
        {
            log::warn!("a connection cannot be watched: {why}");
            self.vacate(index, Buffers::default());
            return;
        }
        let buffers = slot.spare.take().unwrap_or_default();
        slot.conn = Some(Box::new(Conn::new(socket, ticket, buffers, &self.desk)));
        self.drive(index, Conn::run);
    }

    fn look_again(&mut self) {
        self.any_full = false;
        if self.waiting == 0 {
            return;
        }
        for index in 0..self.slots.len() {
            if self.slots[index].conn.as_ref().is_some_and(|c| c.waits()) {
                self.drive(index, |conn, desk, post| {
                    conn.look_again(desk, post);
                    conn.run(desk, post)
                });
            }
        }
    }

    /// Ends what has had its time, and finds out when to look next.
    fn sweep(&mut self) {
        let now = self.desk.now;
        let mut next = now.plus(TURN);
        for index in 0..self.slots.len() {
            let Some(deadline) = self.slots[index].conn.as_ref().map(|c| c.deadline()) else { continue };
            if deadline <= now {
                self.drive(index, Conn::expire);
            } else {
                next = next.min(deadline);
            }
        }
        self.next_sweep = next;
    }

    /// The box is ending: nobody new, no waiting, and what is being sent may be sent.
    fn wind_down(&mut self) {
        for mut door in self.doors.drain(..) {
            let _ = self.poll.registry().deregister(&mut door.listener);
        }
        self.desk.stopping = true;
        self.newcomers.clear();
        for index in 0..self.slots.len() {
            self.drive(index, |conn, desk, post| {
                if conn.waits() {
                    conn.give_up(desk, post);
                }
                match conn.run(desk, post) {
                    Step::Stay if !conn.is_busy() => Step::Close,
                    step => step,
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Board;
    use crate::http::auth::Gate;
    use crate::http::limits::Limits;
    use crate::http::{House, Settings, polls};
    use crate::http::{clerk, clip};
    use crate::metrics::Metrics;
    use crate::threads::Crew;

    /// A worker whose stream workers take nothing, and a connection to its listener.
    fn worker() -> (Worker, Newcomer, std::net::TcpStream) {
        let house = House {
            views: Vec::new(),
            events: Box::leak(Box::<Board<_>>::default()),
            orders: Arc::default(),
            store: None,
            sinks: None,
            reference: None,
            metrics: Arc::new(Metrics::default()),
            crew: Arc::new(Crew::default()),
            boot_id: 1,
            config_json: String::new(),
            started: Mono::now(),
        };
        let settings = Settings::default();
        let limits = Arc::new(Limits::new(&settings, house.metrics.http.clone()));
        let shared = Arc::new(Shared {
            settings,
            house: Arc::new(house),
            gate: Gate::new(None, 10),
            tls: None,
            limits,
            clerks: clerk::clerk().0,
            clips: clip::clips().0,
        });
        let (mut requests, posts) = polls(1, 4).unwrap();
        let (_, streams) = polls(1, 0).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, peer) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let ticket = shared.limits.connect(peer.ip()).unwrap();
        posts[0].load.fetch_add(1, Ordering::Relaxed);
        let poll = requests.remove(0);
        let door = Door::new(listener, false, &poll).unwrap();
        let worker = Worker::new(shared, poll, vec![door], 0, posts, streams);
        (worker, (Transport::plain(mio::net::TcpStream::from_std(socket)), ticket), client)
    }

    fn connections(worker: &Worker) -> (i64, usize) {
        let load = worker.posts[0].load.load(Ordering::Relaxed);
        (worker.desk.shared.house.metrics.http.connections.get(), load)
    }

    #[test]
    fn a_connection_that_cannot_be_watched_gives_its_place_back() {
        let (mut worker, mut newcomer, _client) = worker();
        assert_eq!(connections(&worker), (1, 1));
        // What is watched already cannot be watched again.
        worker.poll.registry().register(&mut newcomer.0.socket, Token(9), Interest::READABLE).unwrap();
        worker.admit(newcomer);
        assert_eq!(connections(&worker), (0, 0));
        assert!(worker.is_empty());
    }

    #[test]
    fn a_stream_that_nobody_takes_gives_all_its_places_back() {
        let (mut worker, newcomer, _client) = worker();
        worker.admit(newcomer);
        let conn = *worker.slots[0].conn.take().unwrap();
        let limits = worker.desk.shared.limits.clone();
        let spare = worker.hand_over(conn, Hand::Events(limits.listen(std::net::Ipv4Addr::LOCALHOST.into()).unwrap()));
        worker.vacate(0, spare);
        assert_eq!(connections(&worker), (0, 0));
        assert_eq!(worker.desk.shared.house.metrics.http.listeners.get(), 0);
        assert_eq!(worker.streams[0].load.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_connection_whose_turn_is_used_up_stands_in_the_row_once() {
        use std::io::Read;
        let (mut worker, newcomer, mut client) = worker();
        let many = "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n".repeat(60);
        client.write_all(many.as_bytes()).unwrap();
        let (end, mut seen) = (Mono::now().plus(Duration::from_secs(20)), vec![0; many.len()]);
        while !matches!(newcomer.0.socket.peek(&mut seen), Ok(n) if n == many.len()) {
            assert!(Mono::now() < end, "what was sent is not there");
            std::thread::yield_now();
        }
        worker.admit(newcomer);
        assert_eq!(worker.again, [0]);
        let mut first = [0; 4096];
        let taken = client.read(&mut first).unwrap();
        let first = String::from_utf8_lossy(&first[..taken]);
        assert_eq!(first.matches("HTTP/1.1 204 ").count(), 1, "the others have their turn after each");
        // As news of it does, before its next turn.
        worker.drive(0, Conn::run);
        assert_eq!(worker.again, [0]);
        while !worker.again.is_empty() {
            worker.turn(&Events::with_capacity(1));
        }
        client.shutdown(std::net::Shutdown::Write).unwrap();
        worker.slots[0].conn = None;
        let mut answers = String::new();
        client.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 204 ").count(), 59);
    }
}

//! The face: an HTTP/1.1 server on two fixed groups of threads.
//!
//! Request workers read, answer and keep connections; a stream or a listener of events is handed to a stream worker and
//! stays there. What needs the disk is an errand for the clerk, and the worker goes on meanwhile. A recorded clip has a thread of
//! its own, one at a time. No other thread ever blocks on one connection, so a slow or hostile client costs its own place and nothing else.
//! Everything a client can make grow has a limit in [`Settings`].
//!
//! ```text
//! doors ────► worker (head → route → answer) ──► the client
//!                │          ▲ bell: the picture, or the clerk's answer, is there
//!                ├─ hand ─► stream worker (pictures, events) ──► the client
//!                └─ bring ► clip thread (receive → look → keep) ─► the client
//! ```
//!
//! A connection may come over TLS ([`tls`]), with its handshake in the same loop; [`transport`] hides which it is.
//!
//! The face reads views, events, metrics and the crew's table. It never touches a device.

mod admin;
mod answer;
mod api;
mod auth;
pub mod bench;
mod clerk;
mod clip;
mod conn;
mod desk;
mod events;
#[cfg(fuzzing)]
pub mod fuzz;
mod guess;
mod head;
mod limits;
mod logbook;
mod multipart;
mod openapi;
pub mod pages;
mod query;
mod reply;
mod route;
mod snapshot;
mod stamp;
mod stream;
pub mod tls;
mod transport;
pub mod tuning;
mod worker;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth::Gate;
use desk::Shared;
use limits::Limits;
use stream::Streamer;
use tls::Tls;
use worker::{Door, Worker};

use crate::camera::reference::Reference;
use crate::camera::{Event, View, orders};
use crate::events::Board;
use crate::metrics::Metrics;
use crate::sink::Sinks;
use crate::store::Store;
use crate::threads::{Crew, Post, Stop};
use crate::time::{Mono, Wall};

/// Every limit of the face. Config fills it.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen without TLS, `host:port`; empty: nowhere.
    pub listen: String,
    /// Where to listen with TLS, and what with.
    pub tls: tls::Settings,
    /// The key that `/api` wants; nothing: no key.
    pub api_key: Option<String>,
    /// Wrong keys of one address that are looked at in a minute.
    pub wrong_keys_per_minute: usize,
    /// Names that this box goes by beside its addresses and those of its own network.
    pub hosts: Vec<String>,
    /// Threads for short requests.
    pub workers: usize,
    /// Threads for streams and events.
    pub stream_workers: usize,
    /// Streams open at once, of all cameras.
    pub stream_viewers: usize,
    /// The same of one address.
    pub stream_viewers_per_peer: usize,
    /// Listeners of events at once.
    pub event_viewers: usize,
    /// The same of one address.
    pub event_viewers_per_peer: usize,
    /// Connections open at once.
    pub connections: usize,
    /// Connections open at once from one address.
    pub connections_per_peer: usize,
    /// A request head may be this long.
    pub head_bytes: usize,
    /// A JSON or form body may be this long.
    pub body_bytes: usize,
    /// A recorded clip may be this long; it goes to disk.
    pub clip_bytes: u64,
    /// A whole request head must come within this time.
    pub head_timeout: Duration,
    /// An idle connection is closed after this time.
    pub idle_timeout: Duration,
    /// A write that makes no progress for this time ends the connection.
    pub write_timeout: Duration,
    /// A snapshot that is not there after this time is answered 503.
    pub shot_timeout: Duration,
    /// `/healthz` fails when every live camera's newest frame is older.
    pub stale: Duration,
    /// Cores of the workers.
    pub cores: Vec<usize>,
    /// Where clips are kept while they come in.
    pub data_dir: PathBuf,
}

/// By hand, so that no log ever shows the key.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut all = f.debug_struct("Settings");
        all.field("listen", &self.listen).field("api_key", &self.api_key.as_ref().map(|_| "***"));
        all.field("tls", &self.tls).field("wrong_keys_per_minute", &self.wrong_keys_per_minute);
        all.field("hosts", &self.hosts).field("workers", &self.workers).field("stream_workers", &self.stream_workers);
        all.field("stream_viewers", &self.stream_viewers).field("event_viewers", &self.event_viewers);
        all.field("stream_viewers_per_peer", &self.stream_viewers_per_peer);
        all.field("event_viewers_per_peer", &self.event_viewers_per_peer);
        all.field("connections", &self.connections).field("connections_per_peer", &self.connections_per_peer);
        all.field("head_bytes", &self.head_bytes).field("body_bytes", &self.body_bytes);
        all.field("clip_bytes", &self.clip_bytes).field("head_timeout", &self.head_timeout);
        all.field("idle_timeout", &self.idle_timeout).field("write_timeout", &self.write_timeout);
        all.field("shot_timeout", &self.shot_timeout).field("stale", &self.stale);
        all.field("cores", &self.cores).field("data_dir", &self.data_dir);
        all.finish()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: "127.0.0.1:8080".into(),
            tls: tls::Settings::default(),
            api_key: None,
            wrong_keys_per_minute: 10,
            hosts: Vec::new(),
            workers: default_workers(),
            stream_workers: 2,
            stream_viewers: 24,
            stream_viewers_per_peer: 20,
            event_viewers: 16,
            event_viewers_per_peer: 12,
            connections: 256,
            connections_per_peer: 64,
            head_bytes: 8 * 1024,
            body_bytes: 64 * 1024,
            clip_bytes: 256 * 1024 * 1024,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(10),
            shot_timeout: Duration::from_secs(2),
            stale: Duration::from_secs(10),
            cores: Vec::new(),
            data_dir: PathBuf::from("."),
        }
    }
}

/// Two request workers where there is a core for each and as many for the rest, else one. One alone fills a gigabit many
/// times over; a second that has to share its core with others makes every picture wait for its turn now and then: with
/// 4 connections on 2 cores, 99 of 100 answers came within 0.4 ms from one worker and within 5 ms from two.
fn default_workers() -> usize {
    (std::thread::available_parallelism().map_or(1, usize::from) / 2).clamp(1, 2)
}

/// What the face may know of the box.
pub struct House {
    /// The cameras, in the config's order.
    pub views: Vec<Arc<View>>,
    /// What is announced.
    pub events: &'static Board<Event>,
    /// What people tell the box while it runs.
    pub orders: Arc<orders::House>,
    /// The log; nothing: the box keeps none.
    pub store: Option<Store>,
    /// Where sets are delivered.
    pub sinks: Option<Sinks>,
    /// Who looks at recorded clips; nothing: nobody looks in this box.
    pub reference: Option<Reference>,
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The threads, for the admin page and `/readyz`.
    pub crew: Arc<Crew>,
    /// Different at every start: part of every ETag.
    pub boot_id: u64,
    /// The config as resolved, secrets hidden, as JSON.
    pub config_json: String,
    /// When the box started.
    pub started: Mono,
}

/// Connections that the kernel holds until they are accepted; it takes 4096 at most by default (net.core.somaxconn). With the
/// 128 of the standard library a crowd that dials at once leaves no place, and somebody else's dialling is dropped and tried
/// again a second later.
const BACKLOG: i32 = 4096;

/// Where the face listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// Without TLS.
    pub plain: Option<SocketAddr>,
    /// With it.
    pub tls: Option<SocketAddr>,
}

/// Why the face does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The address is another program's.
    #[error("{address} is in use by another program")]
    InUse {
        /// As the config has it.
        address: String,
    },
    /// The address is root's.
    #[error("no permission to listen on {address}")]
    NoPermission {
        /// As the config has it.
        address: String,
    },
    /// The address is none of this machine's, or something else is wrong with it.
    #[error("cannot listen on {address}: {why}")]
    Address {
        /// As the config has it.
        address: String,
        /// The system's word.
        why: std::io::Error,
    },
    /// There is no thread, which is a whole sentence.
    #[error("{0}")]
    NoThread(std::io::Error),
    /// There is no poll.
    #[error("the face cannot start: {0}")]
    NoPoll(std::io::Error),
}

impl From<std::io::Error> for StartFault {
    fn from(why: std::io::Error) -> StartFault {
        match why.kind() {
            std::io::ErrorKind::WouldBlock => StartFault::NoThread(why),
            _ => StartFault::NoPoll(why),
        }
    }
}

/// A listener that waits for nobody; nothing where none is wanted.
fn bind(address: &str) -> Result<Option<TcpListener>, StartFault> {
    if address.is_empty() {
        return Ok(None);
    }
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(listener)
    });
    let address = address.to_string();
    bound.map(Some).map_err(|why| match why.kind() {
        std::io::ErrorKind::AddrInUse => StartFault::InUse { address },
        std::io::ErrorKind::PermissionDenied => StartFault::NoPermission { address },
        _ => StartFault::Address { address, why },
    })
}

/// Binds and starts the face's threads on `house.crew`. Returns where it listens; with TLS only where `tls` is there.
///
/// # Errors
/// When an address cannot be bound or a thread cannot be started; the sentence names the address.
pub fn start(
    settings: Settings,
    house: Arc<House>,
    tls: Option<Arc<Tls>>,
    stop: Stop,
) -> Result<Addresses, StartFault> {
    let plain = bind(&settings.listen)?;
    let encrypted = if tls.is_some() { bind(&settings.tls.listen)? } else { None };
    let at = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
    let addresses = Addresses { plain: at(&plain)?, tls: at(&encrypted)? };
    let doors = Doors { plain, encrypted };
    start_threads(settings, house, tls, &stop, &doors)?;
    Ok(addresses)
}

/// The listeners, of which every worker has a copy.
struct Doors {
    plain: Option<TcpListener>,
    encrypted: Option<TcpListener>,
}

impl Doors {
    /// Those of one worker.
    fn of(&self, poll: &mio::Poll) -> std::io::Result<Vec<Door>> {
        let both = [(&self.plain, false), (&self.encrypted, true)];
        let there = both.into_iter().filter_map(|(listener, secure)| Some((listener.as_ref()?, secure)));
        there.map(|(listener, secure)| Door::new(listener.try_clone()?, secure, poll)).collect()
    }
}

fn start_threads(
    settings: Settings,
    house: Arc<House>,
    tls: Option<Arc<Tls>>,
    stop: &Stop,
    doors: &Doors,
) -> std::io::Result<()> {
    let most = settings.connections;
    let (requests, posts) = polls(settings.workers.max(1), most)?;
    let (streams, stream_posts) = polls(settings.stream_workers.max(1), most)?;
    for view in &house.views {
        posts.iter().for_each(|post| view.shots().add_bell(post.clone()));
        stream_posts.iter().for_each(|post| view.shots().add_bell(post.clone()));
    }
    stream_posts.iter().for_each(|post| house.events.add_bell(post.clone()));
    let gate = Gate::new(settings.api_key.as_deref(), settings.wrong_keys_per_minute);
    let limits = Arc::new(Limits::new(&settings, house.metrics.http.clone()));
    let cores = settings.cores.clone();
    let (clerks, clerk) = clerk::clerk();
    let (clips, clip_clerk) = clip::clips();
    let shared = Arc::new(Shared { settings, house: house.clone(), gate, tls: tls.clone(), limits, clerks, clips });
    start_clips(clip_clerk, &shared, stop)?;
    let (post, clerk_stop) = (Post { cores: cores.clone(), ..Post::named("clerk") }, stop.clone());
    let own = house.clone();
    let restore = move || own.store.as_ref().is_none_or(|store| tuning::restore(store, &own.orders));
    let tend = move || tls.iter().for_each(|tls| tls.tend(Mono::now(), Wall::now()));
    house.crew.start(post, move |beat| clerk.work(beat, &clerk_stop, restore, tend))?;
    for (index, poll) in streams.into_iter().enumerate() {
        let streamer = Streamer::new(shared.clone(), poll, stream_posts[index].clone());
        let (post, stop) =
            (Post { cores: cores.clone(), ..Post::named(format!("stream-{}", index + 1)) }, stop.clone());
        house.crew.start(post, move |beat| streamer.work(beat, &stop))?;
    }
    for (index, poll) in requests.into_iter().enumerate() {
        let own = doors.of(&poll)?;
        let worker = Worker::new(shared.clone(), poll, own, index, posts.clone(), stream_posts.clone());
        let (post, stop) = (Post { cores: cores.clone(), ..Post::named(format!("http-{}", index + 1)) }, stop.clone());
        house.crew.start(post, move |beat| worker.work(beat, &stop))?;
    }
    Ok(())
}

/// The thread of recorded clips: as patient as the opening of one may take.
fn start_clips(clerk: clip::ClipClerk, shared: &Arc<Shared>, stop: &Stop) -> std::io::Result<()> {
    let opening = shared.house.reference.as_ref().map_or(Duration::ZERO, Reference::stall);
    let beat_limit = opening + Duration::from_secs(60);
    let post = Post { cores: shared.settings.cores.clone(), beat_limit, ..Post::named("clip") };
    let (own, stop) = (shared.clone(), stop.clone());
    shared.house.crew.start(post, move |beat| clerk.work(&own, beat, &stop))
}

type Posts<T> = Arc<[Arc<desk::Post<T>>]>;

/// A poll for each thread, and the post by which it is woken.
fn polls<T>(count: usize, most: usize) -> std::io::Result<(Vec<mio::Poll>, Posts<T>)> {
    let mut polls = Vec::with_capacity(count);
    let mut posts = Vec::with_capacity(count);
    for _ in 0..count {
        let poll = mio::Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), worker::WAKER)?;
        polls.push(poll);
        posts.push(Arc::new(desk::Post::new(waker, most)));
    }
    Ok((polls, posts.into()))
}

/// Whether only this machine can reach what listens there. A name that cannot be found out is not taken for one.
pub fn is_loopback(listen: &str) -> bool {
    let Ok(addresses) = listen.to_socket_addrs() else { return false };
    let all: Vec<SocketAddr> = addresses.collect();
    !all.is_empty() && all.iter().all(|a| a.ip().to_canonical().is_loopback())
}

#[cfg(test)]
mod tests;

//! Where sets are delivered: PUMP, or any program that takes a webhook. One thread tails the log's outbox for all of them.
//!
//! At least once, in order, with a key by which a receiver knows what it has already. Each sink waits for itself: one that is
//! gone for a week does not delay another, and gets everything when it is back. What a receiver refuses is parked and shown, and
//! later sets go on; so is what it fails at again and again while it takes the next one.
//!
//! Keys and secrets are never shown: not in the log, a sentence, the state or the config.
//!
//! *sink*: one receiver · *lane*: its way through the outbox · *park*: set aside for a person.

mod answer;
mod backoff;
mod client;
mod lane;
mod message;
mod sys;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::metrics::Metrics;
use crate::store::{Backlog, Reading, Store, StoreFault};
use crate::threads::{Beat, Crew, Post, Stop};
use crate::time::Wall;
use lane::{Lane, Said};

/// The most sinks of one box.
pub const SINKS: usize = 8;
/// The longest sleep: the stop flag has a bell of its own, which does not ring here.
const LOOK_UP: Duration = Duration::from_millis(250);

/// What a receiver understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// PUMP's API.
    Pump,
    /// Everything as JSON, signed.
    Webhook,
}

/// A word that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `word`.
    pub fn new(word: impl Into<String>) -> Secret {
        Secret(word.into())
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One sink.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its name in the log, the outbox and the state.
    pub name: String,
    /// What it understands.
    pub kind: Kind,
    /// `http://` or `https://`; of PUMP without `/api`.
    pub url: String,
    /// PUMP's API key, or what signs a webhook.
    pub key: Option<Secret>,
    /// How long each step of a request may take.
    pub timeout: Duration,
    /// After so many answers that may be about one delivery alone, the next one is tried.
    pub tries: u32,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} {}", self.name, self.kind, self.shown_url())
    }
}

/// Whether deliveries can be sent to `url`.
pub fn is_address(url: &str, kind: Kind) -> bool {
    let Ok(parsed) = url.parse::<ureq::http::Uri>() else { return false };
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    // A user in the address would be one more place for a secret; there is a key for that.
    let host = parsed.authority().is_some_and(|host| !host.host().is_empty() && !host.as_str().contains('@'));
    is_http && host && !url.contains('#') && (kind == Kind::Webhook || parsed.query().is_none())
}

impl Settings {
    /// Its address as it may be shown: a webhook's path is often a secret of its own.
    pub fn shown_url(&self) -> String {
        let plain = crate::error::redacted(&self.url);
        if self.kind == Kind::Pump {
            return plain;
        }
        let host = plain.find("://").map_or(0, |at| at + 3);
        match plain[host..].find(['/', '?']) {
            Some(at) if plain.len() > host + at + 1 => format!("{}/***", &plain[..host + at]),
            _ => plain,
        }
    }
}

/// How one sink does.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What it understands.
    pub kind: Kind,
    /// Its address, without what is secret in it.
    pub url: String,
    /// Deliveries that wait.
    pub backlog: u64,
    /// How long the oldest of them has waited.
    pub oldest_age_s: Option<f64>,
    /// Deliveries that were refused.
    pub parked: u64,
    /// What goes wrong, one sentence; nothing when nothing does.
    pub error: Option<String>,
    /// When the last delivery was taken, Unix milliseconds.
    pub delivered_ms: Option<u64>,
}

/// All sinks, as others may see them. Clones are the same.
#[derive(Clone)]
pub struct Sinks {
    store: Store,
    list: Arc<[(Settings, Arc<Said>)]>,
}

impl Sinks {
    /// Starts the thread that delivers; without a sink there is none. Nothing is sent before the clock is plausible or
    /// nobody has set it for `clock_wait` since the machine was started.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(
        list: Vec<Settings>,
        clock_wait: Duration,
        store: &Store,
        metrics: &Metrics,
        crew: &Crew,
        stop: &Stop,
    ) -> std::io::Result<Sinks> {
        let seed = Reading::now().mono.as_ns() ^ u64::from(std::process::id()).rotate_left(32);
        let lane = |(at, settings): (usize, &Settings)| {
            let metrics = metrics.sink(&settings.name);
            Lane::new(settings.clone(), store.clone(), metrics, clock_wait, seed.wrapping_add(at as u64))
        };
        let lanes: Vec<Lane> = list.iter().enumerate().map(lane).collect();
        let said: Vec<Arc<Said>> = lanes.iter().map(|lane| lane.said.clone()).collect();
        // Five steps of a request may each take their time, and so may the log; one lane has its turn between two beats.
        let slowest = list.iter().map(|sink| sink.timeout).max().unwrap_or_default();
        let post = Post { beat_limit: slowest * 5 + Duration::from_secs(60), ..Post::named("sink") };
        if !lanes.is_empty() {
            let (store, stop) = (store.clone(), stop.clone());
            crew.start(post, move |beat| run(lanes, &store, beat, &stop))?;
        }
        Ok(Sinks { store: store.clone(), list: list.into_iter().zip(said).collect() })
    }

    /// How each does, in the config's order.
    ///
    /// # Errors
    /// Why the log cannot be asked.
    pub fn status(&self, now: Reading) -> Result<Vec<Status>, StoreFault> {
        let status = |(settings, said): &(Settings, Arc<Said>)| {
            Ok(Status::of(settings, said, self.store.backlog(&settings.name)?, now.wall))
        };
        self.list.iter().map(status).collect()
    }

    /// Puts all that the sink of this name refused back in its place, but for sets that were deleted since, and ends its pause;
    /// says how many, or nothing when there is no such sink.
    ///
    /// # Errors
    /// Why that cannot be noted in the log.
    pub fn retry(&self, name: &str) -> Option<Result<usize, StoreFault>> {
        let (settings, said) = self.list.iter().find(|(settings, _)| settings.name == name)?;
        said.hurry();
        let count = self.store.unpark(&settings.name, true);
        if let Ok(count @ 1..) = count {
            log::info!("{name}: {count} deliveries that were refused are tried again, as somebody wished");
        }
        Some(count)
    }

    /// The same as the sinks' thread last counted, for those who must not wait for the disk.
    pub fn counted(&self, now: Wall) -> Vec<Status> {
        self.list.iter().map(|(settings, said)| Status::of(settings, said, said.counted(), now)).collect()
    }
}

impl Status {
    fn of(settings: &Settings, said: &Said, backlog: Backlog, now: Wall) -> Status {
        let age = |ms: u64| Duration::from_millis(now.unix_ms().saturating_sub(ms)).as_secs_f64();
        Status {
            name: settings.name.clone(),
            kind: settings.kind,
            url: settings.shown_url(),
            backlog: backlog.waiting,
            oldest_age_s: backlog.oldest_ms.map(age),
            parked: backlog.parked,
            error: said.sentence(),
            delivered_ms: backlog.delivered_ms,
        }
    }
}

/// The thread's body.
fn run(mut lanes: Vec<Lane>, store: &Store, beat: &Beat, stop: &Stop) {
    let mut seen = 0;
    while !stop.is_raised() {
        let mut rest = LOOK_UP;
        for lane in &mut lanes {
            beat.mark(Reading::now().mono);
            if stop.is_raised() {
                return;
            }
            rest = rest.min(lane.turn(&Reading::now));
        }
        let rung = store.wait_for_news(seen, rest);
        if rung != seen {
            seen = rung;
            lanes.iter_mut().for_each(Lane::wake);
        }
    }
}

#[cfg(test)]
mod tests;

//! One sink's way through the outbox: the oldest delivery first, again and again until it is taken or parked, then the next.
//!
//! What became of an attempt is noted in the log before anything else is attempted. If that cannot be written, it is kept
//! here and tried again; if the box dies first, the delivery is made once more with its key.
//!
//! A fault is said when it begins, when it changes and when it ends, not at each attempt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer::{Verdict, judge};
use super::backoff::{self, Backoff};
use super::client::Client;
use super::{Settings, message};
use crate::metrics::SinkMetrics;
use crate::store::{Backlog, Reading, Store, StoreFault};
use crate::time::Mono;

/// The pause while the log cannot be read or written, or the clock is not set.
const HOLD: Duration = Duration::from_secs(1);

/// What others may see of a lane.
#[derive(Default)]
pub(super) struct Said {
    sentence: Mutex<Option<String>>,
    counted: Mutex<Backlog>,
}

impl Said {
    /// What goes wrong now, one sentence.
    pub(super) fn sentence(&self) -> Option<String> {
        self.sentence.lock().expect("nothing panics under this lock").clone()
    }

    /// How much there was to deliver when the lane last counted.
    pub(super) fn counted(&self) -> Backlog {
        self.counted.lock().expect("nothing panics under this lock").clone()
    }

    /// Changes the sentence; true when it was different.
    fn change(&self, to: Option<String>) -> bool {
        let mut said = self.sentence.lock().expect("nothing panics under this lock");
        let is_other = *said != to;
        *said = to;
        is_other
    }
}

/// What became of an attempt and is not in the log yet.
struct Outcome {
    id: i64,
    verdict: Verdict,
    pause: Duration,
}

/// One sink at work.
pub(super) struct Lane {
    settings: Settings,
    store: Store,
    client: Client,
    metrics: SinkMetrics,
    backoff: Backoff,
    clock_wait: Duration,
    due: Mono,
    /// Nothing waits until there is news.
    is_idle: bool,
    /// There may be more to deliver than was counted.
    is_news: bool,
    is_begun: bool,
    unnoted: Option<Outcome>,
    pub(super) said: Arc<Said>,
}

impl Lane {
    pub(super) fn new(settings: Settings, store: Store, metrics: SinkMetrics, clock_wait: Duration, seed: u64) -> Lane {
        Lane {
            client: Client::new(&settings),
            settings,
            store,
            metrics,
            backoff: Backoff::new(seed),
            clock_wait,
            due: Mono::ZERO,
            is_idle: false,
            is_news: false,
            is_begun: false,
            unnoted: None,
            said: Arc::default(),
        }
    }

    /// There is something new in the outbox.
    pub(super) fn wake(&mut self) {
        self.is_idle = false;
        self.is_news = true;
    }

    /// Makes at most one attempt; how long nothing is to be done here if there is no news.
    pub(super) fn turn(&mut self, clock: &dyn Fn() -> Reading) -> Duration {
        let now = clock();
        if self.is_idle && self.unnoted.is_none() {
            return Duration::MAX;
        }
        if now.mono < self.due {
            // A sink that is waited for counts what gathers meanwhile.
            if std::mem::take(&mut self.is_news)
                && let Err(fault) = self.count()
            {
                log::debug!("{}: {fault}", self.settings.name);
            }
            return self.due.since(now.mono);
        }
        if let Err(fault) = self.step(now, clock) {
            // The log says itself what is wrong with it.
            log::debug!("{}: {fault}", self.settings.name);
            self.due = clock().mono.plus(HOLD);
        }
        if self.is_idle { Duration::MAX } else { self.due.since(clock().mono) }
    }

    fn step(&mut self, now: Reading, clock: &dyn Fn() -> Reading) -> Result<(), StoreFault> {
        if self.unnoted.is_some() {
            return self.note(now);
        }
        if !self.is_begun {
            let back = self.store.unpark(&self.settings.name, false)?;
            if back > 0 {
                log::info!("{}: {back} deliveries that were refused are tried once more", self.settings.name);
            }
            self.is_begun = true;
        }
        if !now.is_settled(self.clock_wait) {
            self.due = now.mono.plus(HOLD);
            return self.count();
        }
        let Some(delivery) = self.store.next_delivery(&self.settings.name)? else {
            self.is_idle = true;
            return self.count();
        };
        let answer = self.client.send(message::of(&self.settings, &delivery));
        let verdict = judge(&self.settings, delivery.op, answer);
        let pause = match &verdict {
            Verdict::Again { after, .. } => self.backoff.pause(*after),
            Verdict::AutoLogOff { .. } => backoff::MOST,
            Verdict::Taken { .. } | Verdict::Parked { .. } => {
                self.backoff.reset();
                Duration::ZERO
            }
        };
        self.tell(&verdict);
        let now = clock();
        self.due = now.mono.plus(pause);
        self.unnoted = Some(Outcome { id: delivery.id, verdict, pause });
        self.note(now)
    }

    /// Writes down what became of the last attempt.
    fn note(&mut self, now: Reading) -> Result<(), StoreFault> {
        let Some(Outcome { id, verdict, pause }) = &self.unnoted else { return Ok(()) };
        match verdict {
            Verdict::Taken { remote } => self.store.delivered(*id, remote.clone(), now)?,
            Verdict::Parked { status, why } => self.store.parked(*id, *status, why.clone())?,
            Verdict::Again { why, .. } | Verdict::AutoLogOff { why } => {
                self.store.delayed(*id, why.clone(), *pause, now)?;
            }
        }
        self.unnoted = None;
        self.count()
    }

    fn count(&self) -> Result<(), StoreFault> {
        let backlog = self.store.backlog(&self.settings.name)?;
        self.metrics.backlog.set(i64::try_from(backlog.waiting).unwrap_or(i64::MAX));
        self.metrics.parked.set(i64::try_from(backlog.parked).unwrap_or(i64::MAX));
        *self.said.counted.lock().expect("nothing panics under this lock") = backlog;
        Ok(())
    }

    fn tell(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Taken { .. } => {
                self.metrics.delivered.inc();
                if self.said.change(None) {
                    log::info!("{} takes deliveries again", self.settings.name);
                }
            }
            Verdict::Again { why, .. } | Verdict::AutoLogOff { why } => {
                self.metrics.failed.inc();
                if self.said.change(Some(why.clone())) {
                    log::warn!("{why}");
                }
            }
            Verdict::Parked { why, .. } => {
                if self.said.change(Some(why.clone())) {
                    log::warn!("{why}; this delivery waits for a person, later ones go on");
                }
            }
        }
    }
}

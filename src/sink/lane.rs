//! One sink's way through the outbox: the oldest delivery first, again and again until it is taken or parked, then the next.
//!
//! A delivery that is answered so often and never taken is stuck: the next one is tried once. If that is taken, the fault lies
//! with the first, which is parked; if not, it lies with the receiver, and both wait in their order.
//!
//! What became of an attempt is noted in the log before anything else is attempted. If that cannot be written, it is kept
//! here and tried again; if the box dies first, the delivery is made once more with its key.
//!
//! A fault is said when it begins, when it changes and when it ends, not at each attempt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer::{Verdict, judge};
use super::backoff::{self, Backoff};
use super::client::Client;
use super::{Settings, message};
use crate::metrics::SinkMetrics;
use crate::store::{Backlog, Delivery, Reading, Store, StoreFault};
use crate::time::Mono;

/// The pause while the log cannot be read or written, or the clock is not set.
const HOLD: Duration = Duration::from_secs(1);

/// What others may see of a lane.
#[derive(Default)]
pub(super) struct Said {
    sentence: Mutex<Option<String>>,
    counted: Mutex<Backlog>,
    hurries: AtomicBool,
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

    /// The pause of the lane is over when there is news next: somebody has put right what was wrong.
    pub(super) fn hurry(&self) {
        self.hurries.store(true, Ordering::Release);
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
    /// What is parked because of it.
    aside: Option<Stuck>,
}

/// A delivery that was answered and not taken.
struct Stuck {
    id: i64,
    failures: u32,
    /// Of the last answer.
    status: u16,
    why: String,
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
    stuck: Option<Stuck>,
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
            stuck: None,
            said: Arc::default(),
        }
    }

    /// There is something new in the outbox.
    pub(super) fn wake(&mut self) {
        self.is_idle = false;
        self.is_news = true;
        if self.said.hurries.swap(false, Ordering::AcqRel) {
            self.due = Mono::ZERO;
        }
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
        let Some(delivery) = self.next()? else {
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
        let aside = self.reckon(delivery.id, &verdict);
        self.tell(&verdict);
        if let Some(Stuck { status, why, .. }) = &aside {
            self.tell(&Verdict::Parked { status: *status, why: why.clone() });
        }
        let now = clock();
        self.due = now.mono.plus(pause);
        self.unnoted = Some(Outcome { id: delivery.id, verdict, pause, aside });
        self.note(now)
    }

    /// The oldest that waits; or, while that one is stuck, one behind it.
    fn next(&mut self) -> Result<Option<Delivery>, StoreFault> {
        let name = &self.settings.name;
        if let Some(stuck) = self.stuck.as_ref().filter(|stuck| stuck.failures >= self.settings.tries)
            && let Some(behind) = self.store.delivery_behind(name, stuck.id)?
        {
            return Ok(Some(behind));
        }
        let head = self.store.next_delivery(name)?;
        // What was stuck may be gone, or have something before it again.
        self.stuck.take_if(|stuck| head.as_ref().is_none_or(|head| head.id != stuck.id));
        Ok(head)
    }

    /// Counts what was answered and not taken; what is to be parked because the one behind it was taken.
    fn reckon(&mut self, id: i64, verdict: &Verdict) -> Option<Stuck> {
        if let Some(stuck) = self.stuck.as_mut().filter(|stuck| stuck.id != id) {
            // If it was not taken either, the receiver gets as many answers again before it is asked so a second time.
            stuck.failures = 0;
            return self.stuck.take_if(|_| matches!(verdict, Verdict::Taken { .. }));
        }
        match verdict {
            Verdict::Again { status: Some(status), why, .. } => {
                let failures = self.stuck.as_ref().map_or(0, |stuck| stuck.failures).saturating_add(1);
                self.stuck = Some(Stuck { id, failures, status: *status, why: why.clone() });
            }
            // It says nothing of this delivery.
            Verdict::Again { .. } | Verdict::AutoLogOff { .. } => {}
            Verdict::Taken { .. } | Verdict::Parked { .. } => self.stuck = None,
        }
        None
    }

    /// Writes down what became of the last attempt.
    fn note(&mut self, now: Reading) -> Result<(), StoreFault> {
        let Some(Outcome { id, verdict, pause, aside }) = &self.unnoted else { return Ok(()) };
        match verdict {
            Verdict::Taken { remote } => self.store.delivered(*id, remote.clone(), now)?,
            Verdict::Parked { status, why } => self.store.parked(*id, *status, why.clone())?,
            Verdict::Again { why, .. } | Verdict::AutoLogOff { why } => {
                self.store.delayed(*id, why.clone(), *pause, now)?;
            }
        }
        if let Some(Stuck { id, status, why, .. }) = aside {
            self.store.parked(*id, *status, why.clone())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_when_it_begins_changes_and_ends_and_not_in_between() {
        let said = Said::default();
        let news = [None, Some("a"), Some("a"), Some("b"), None, None].map(|to| said.change(to.map(String::from)));
        assert_eq!(news, [false, true, false, true, true, false]);
    }
}

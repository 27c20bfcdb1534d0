//! The clerk: one thread for what a request worker must not wait for, such as the log on its disk. A worker hands it an
//! errand and goes on with other connections; the answer is laid into a tray, and the worker's bell is rung.
//!
//! Errands are done in the order of asking, one at a time. Their number is bounded; one more is refused at once. An errand
//! whose client has gone is done all the same, since it may be a change that was asked for.
//!
//! *errand*: what is to be done, with all it needs · *tray*: where the answer is laid.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::reply;
use crate::events::Bell;
use crate::threads::{Beat, Stop};
use crate::time::Mono;

/// Errands that wait at once; more than connections would ask in a second.
const MOST: usize = 64;
/// How soon what comes first is tried again.
const SOON: Duration = Duration::from_millis(50);

/// What an errand comes back with.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole line `Content-Type: …`.
    pub content_type: &'static str,
    /// The name under which a browser is to save it.
    pub file_name: Option<&'static str>,
    /// What follows the head.
    pub body: Vec<u8>,
    /// Let go when the body is sent.
    pub held: Option<Arc<()>>,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: u16, value: &impl serde::Serialize) -> Answer {
        Answer {
            status,
            content_type: "Content-Type: application/json",
            file_name: None,
            body: reply::json(value),
            held: None,
        }
    }

    /// One sentence why not.
    pub fn refusal(status: u16, why: &str) -> Answer {
        Answer { body: reply::detail(why), ..Answer::json(status, &()) }
    }
}

/// Where one answer is laid.
#[derive(Default)]
pub struct Tray(Mutex<Option<Answer>>);

impl Tray {
    /// The answer, once it is there, once.
    pub fn take(&self) -> Option<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn lay(&self, answer: Answer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

type Work = Box<dyn FnOnce(&Beat) -> Answer + Send>;

struct Errand {
    work: Work,
    tray: Arc<Tray>,
    bell: Arc<dyn Bell>,
}

/// Where errands are handed in.
#[derive(Clone)]
pub struct Counter(SyncSender<Errand>);

/// The thread's side.
pub struct Clerk(Receiver<Errand>);

/// A clerk and the counter before which the workers stand.
pub fn clerk() -> (Counter, Clerk) {
    let (sender, receiver) = sync_channel(MOST);
    (Counter(sender), Clerk(receiver))
}

impl Counter {
    /// Hands an errand in; `bell` rings when its answer lies in the tray. Nothing when too many wait. An errand of many
    /// seconds marks the beat that it is given.
    pub fn ask(&self, bell: Arc<dyn Bell>, work: impl FnOnce(&Beat) -> Answer + Send + 'static) -> Option<Arc<Tray>> {
        let tray = Arc::new(Tray::default());
        let errand = Errand { work: Box::new(work), tray: tray.clone(), bell };
        match self.0.try_send(errand) {
            Ok(()) => Some(tray),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }
}

impl Clerk {
    /// The thread's body. `first` is tried again and again between errands until it says that it is done, `always` is done
    /// between errands for ever.
    pub fn work(self, beat: &Beat, stop: &Stop, mut first: impl FnMut() -> bool, mut always: impl FnMut()) {
        let mut is_done = false;
        while !stop.is_raised() {
            beat.mark(Mono::now());
            is_done = is_done || first();
            always();
            match self.0.recv_timeout(if is_done { beat.turn() } else { SOON }) {
                Ok(errand) => {
                    errand.tray.lay((errand.work)(beat));
                    errand.bell.ring();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Bell for Count {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn said(text: String) -> Answer {
        Answer {
            status: 200,
            content_type: "Content-Type: text/plain",
            file_name: None,
            body: text.into_bytes(),
            held: None,
        }
    }

    #[test]
    fn errands_are_done_in_order_and_the_bell_rings_after_each() {
        let ((counter, clerk), bell) = (clerk(), Arc::new(Count::default()));
        let trays: Vec<_> = (0..3)
            .map(|n| {
                let rung = bell.clone();
                let work = move |_: &Beat| said(format!("{n} after {}", rung.0.load(Ordering::SeqCst)));
                counter.ask(bell.clone(), work).unwrap()
            })
            .collect();
        assert!(trays[0].take().is_none(), "nobody has worked yet");
        drop(counter);
        let mut tries = 0;
        let first = || {
            tries += 1;
            tries == 2
        };
        let mut rounds = 0;
        clerk.work(&Beat::detached(), &Stop::default(), first, || rounds += 1);
        assert_eq!(tries, 2, "it was tried until it was done");
        assert_eq!(rounds, 4, "once before each errand and before the end");
        let answers: Vec<_> = trays.iter().map(|t| String::from_utf8(t.take().unwrap().body).unwrap()).collect();
        assert_eq!(answers, ["0 after 0", "1 after 1", "2 after 2"]);
        assert_eq!(bell.0.load(Ordering::SeqCst), 3);
        assert!(trays[0].take().is_none(), "an answer is given once");
    }

    #[test]
    fn an_errand_too_many_is_refused_at_once() {
        let ((counter, clerk), bell) = (clerk(), Arc::new(Count::default()));
        let ask = || counter.ask(bell.clone(), |_| said(String::new()));
        assert!((0..MOST).all(|_| ask().is_some()));
        assert!(ask().is_none());
        drop(clerk);
        assert!(ask().is_none(), "nor does one without a clerk wait for ever");
    }
}

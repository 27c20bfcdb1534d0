//! The switch: another version is put on trial, and either becomes what runs or is taken back.
//!
//! The state on the disk is right at every moment of it: until the last line the version before is what runs, and the trial
//! has only a few starts in this boot. So it does not matter where this process is killed.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::fault::{Fault, Reason};
use super::place::Place;
use super::service::Service;
use super::state::{STARTS, State, Trial, name};

/// The pause between two looks at the box.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a box without a live camera is looked at before that is believed.
const SETTLE: Duration = Duration::from_secs(10);

/// Puts `version` on trial and says how many cameras were live in the end. `most`: how long it has for that.
///
/// # Errors
/// It was taken back.
pub(super) fn try_out(place: &Place, service: &Service, version: Option<&str>, most: Duration) -> Result<usize, Fault> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // Where a signal cannot be taken it ends this process, and the trial with the boot.
        let _ = signal_hook::flag::register(signal, interrupted.clone());
    }
    let wanted = live_before(service);
    let trial = Trial { version: version.map(str::to_string), starts_left: STARTS, boot: place.boot() };
    State::change(place, |state| state.trial = Some(trial))?;
    let watch = Watch::new(place, service, most);
    let outcome = service.restart().map_err(Reason::Service).and_then(|()| watch.trial(version, wanted, &interrupted));
    match outcome {
        Ok(live) => {
            let told = format!("{} was installed and runs; live cameras: {live}", name(version));
            let kept = State::change(place, |state| {
                state.commit();
                state.told = told;
            });
            let unkept = |why: Fault| take_back(place, service, version, Reason::Unkept(why.to_string()), most);
            kept.map(|_| live).map_err(unkept)
        }
        Err(reason) => Err(take_back(place, service, version, reason, most)),
    }
}

/// How many cameras are live in what runs now. A box that has just been started is given a moment.
fn live_before(service: &Service) -> usize {
    let begun = Instant::now();
    loop {
        let live = service.live();
        if live > 0 || begun.elapsed() >= SETTLE {
            return live;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends a trial that nobody watches any more, since its updater was killed. Gives the sentence for it.
///
/// # Errors
/// The state cannot be written.
pub(super) fn end_abandoned(place: &Place, service: &Service, most: Duration) -> Result<Option<String>, Fault> {
    let Some(trial) = State::read(place).trial else { return Ok(None) };
    let version = trial.version.as_deref();
    let fault = take_back(place, service, version, Reason::Interrupted, most);
    Ok(Some(fault.to_string()))
}

/// Back to what ran before, and waits for it.
fn take_back(place: &Place, service: &Service, version: Option<&str>, reason: Reason, most: Duration) -> Fault {
    let version = name(version).to_string();
    // A start that found the trial over has gone back already.
    let has_begun = State::read(place).trial.is_none();
    let ended = State::change(place, |state| state.trial = None);
    let state = ended.unwrap_or_else(|_| State { trial: None, ..State::read(place) });
    let back = name(state.runs.as_deref()).to_string();
    let watch = Watch::new(place, service, most);
    let is_back = (has_begun || service.restart().is_ok()) && watch.until_ready(state.runs.as_deref());
    let fault = match is_back {
        true => Fault::TakenBack { version, back, reason },
        false => Fault::NotBack { version, back, reason },
    };
    // Only for people who ask later; the sentence itself was heard.
    let _ = State::change(place, |state| state.told = fault.to_string());
    fault
}

struct Watch<'a> {
    place: &'a Place,
    service: &'a Service,
    begun: Instant,
    most: Duration,
    /// When the last start before it was.
    last_start: Option<SystemTime>,
}

impl<'a> Watch<'a> {
    fn new(place: &'a Place, service: &'a Service, most: Duration) -> Watch<'a> {
        Watch { place, service, begun: Instant::now(), most, last_start: last_start(place) }
    }

    /// Waits until the version on trial is ready and as many cameras are live as were `wanted`.
    fn trial(&self, version: Option<&str>, wanted: usize, interrupted: &AtomicBool) -> Result<usize, Reason> {
        let mut seen = None;
        loop {
            // It is looked at only once it was started: before that the version before answers.
            // In this order: what is seen of a start here, the state says already.
            let was_start = last_start(self.place) != self.last_start;
            let is_started = self.is_started(version);
            if is_started && self.service.is_ready() {
                let live = self.service.live();
                if live >= wanted {
                    return Ok(live);
                }
                seen = Some(live);
            }
            if interrupted.load(Ordering::Relaxed) {
                return Err(Reason::Interrupted);
            }
            if State::read(self.place).trial.is_none() {
                return Err(Reason::Ended { starts: STARTS });
            }
            if was_start && !is_started {
                return Err(Reason::NotCounted);
            }
            if is_started && self.service.is_dead() {
                return Err(Reason::Dead);
            }
            if self.begun.elapsed() >= self.most {
                let seconds = self.most.as_secs();
                return Err(match seen {
                    Some(live) => Reason::Blind { seconds, live, wanted },
                    None => Reason::NotReady { seconds },
                });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until `version` is ready.
    fn until_ready(&self, version: Option<&str>) -> bool {
        while self.begun.elapsed() < self.most {
            if self.is_started(version) && self.service.is_ready() {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    /// The last start was of `version`, and what ran before it has ended.
    fn is_started(&self, version: Option<&str>) -> bool {
        let chosen = fs::read_to_string(self.place.chosen()).unwrap_or_default();
        chosen == self.place.program(version).display().to_string()
    }
}

/// When a program was last chosen for a start.
fn last_start(place: &Place) -> Option<SystemTime> {
    fs::metadata(place.chosen()).and_then(|about| about.modified()).ok()
}

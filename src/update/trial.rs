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
use super::service::{CONFIG, Service, Uncounted};
use super::state::{STARTS, State, Trial, name};

/// The pause between two looks at the box.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a box without a live camera is looked at before that is believed.
const SETTLE: Duration = Duration::from_secs(10);

/// The pause while a version that is well must stay so: pictures are fetched at each look.
const PAUSE_SETTLING: Duration = Duration::from_millis(500);
/// How long a box that takes no key for a moment is asked again.
const PATIENCE: Duration = Duration::from_secs(180);
/// What the version before has at least to be ready again, however short the trial may be.
const BACK: Duration = Duration::from_secs(60);

/// A box that is ready and does not take the key of its config could never be seen to be well.
///
/// # Errors
/// It does not.
pub(super) fn countable(place: &Place, service: &Service) -> Result<(), Fault> {
    match service.live() {
        Err(Uncounted::Refused(status)) if service.is_ready() => Err(refused(place, status)),
        _ => Ok(()),
    }
}

fn refused(place: &Place, status: u16) -> Fault {
    Fault::KeyRefused { path: place.at(CONFIG).display().to_string(), status }
}

/// Puts `version` on trial and says how many cameras were live in the end. `most`: how long it has until it is well, `settle`: how
/// long it must then stay so.
///
/// # Errors
/// It was taken back, or never begun.
pub(super) fn try_out(
    place: &Place,
    service: &Service,
    version: Option<&str>,
    most: Duration,
    settle: Duration,
) -> Result<usize, Fault> {
    let wanted = live_before(place, service)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // Where a signal cannot be taken it ends this process, and the trial with the boot.
        let _ = signal_hook::flag::register(signal, interrupted.clone());
    }
    let trial = Trial { version: version.map(str::to_string), starts_left: STARTS, boot: place.boot() };
    State::change(place, |state| state.trial = Some(trial))?;
    let watch = Watch::new(place, service, most);
    let begun = service.restart().map_err(Reason::Service);
    let outcome = begun.and_then(|()| watch.trial(version, wanted, settle, &interrupted));
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
///
/// # Errors
/// It is ready and does not let them be counted.
fn live_before(place: &Place, service: &Service) -> Result<usize, Fault> {
    let begun = Instant::now();
    loop {
        match service.live() {
            Ok(live) if live > 0 || begun.elapsed() >= SETTLE => return Ok(live),
            Ok(_) => std::thread::sleep(PAUSE),
            Err(Uncounted::Later(wait)) if begun.elapsed() + wait <= PATIENCE => std::thread::sleep(wait),
            Err(_) if !service.is_ready() => return Ok(0),
            Err(Uncounted::Later(_)) => return Err(refused(place, 429)),
            Err(Uncounted::Refused(status)) => return Err(refused(place, status)),
        }
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
    let watch = Watch::new(place, service, most.max(BACK));
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

    /// Waits until the version on trial is well: ready, as many cameras live as were `wanted`, and so for all of `settle` in one
    /// start. What is only well for a moment would be kept for ever.
    fn trial(
        &self,
        version: Option<&str>,
        wanted: usize,
        settle: Duration,
        interrupted: &AtomicBool,
    ) -> Result<usize, Reason> {
        // Well since when, and in which start.
        let mut well: Option<(Option<SystemTime>, Instant)> = None;
        let (mut was_well, mut seen) = (false, None);
        loop {
            // It is looked at only once it was started: before that the version before answers.
            // In this order: what is seen of a start here, the state says already.
            let start = last_start(self.place);
            let is_started = self.is_started(version);
            let look = (is_started && self.service.is_ready()).then(|| self.service.live());
            let mut pause = PAUSE;
            match look {
                Some(Ok(live)) if live >= wanted => {
                    let since = well.filter(|(of, _)| *of == start).map_or_else(Instant::now, |(_, since)| since);
                    if since.elapsed() >= settle && last_start(self.place) == start {
                        return Ok(live);
                    }
                    (well, was_well, pause) = (Some((start, since)), true, PAUSE_SETTLING);
                }
                // It says nothing for or against it, as long as there is time.
                Some(Err(Uncounted::Later(wait))) if self.begun.elapsed() + wait < self.most => pause = wait,
                Some(counted) => (well, seen) = (None, Some(counted.unwrap_or(0))),
                None => well = None,
            }
            if interrupted.load(Ordering::Relaxed) {
                return Err(Reason::Interrupted);
            }
            if State::read(self.place).trial.is_none() {
                return Err(Reason::Ended { starts: STARTS });
            }
            if start != self.last_start && !is_started {
                return Err(Reason::NotCounted);
            }
            if is_started && self.service.is_dead() {
                return Err(Reason::Dead);
            }
            if well.is_none() && self.begun.elapsed() >= self.most {
                let seconds = self.most.as_secs();
                return Err(match seen {
                    _ if was_well => Reason::Unsteady { seconds: settle.as_secs() },
                    Some(live) => Reason::Blind { seconds, live, wanted },
                    None => Reason::NotReady { seconds },
                });
            }
            wait(pause, interrupted);
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

/// Waits for `pause`, or until somebody interrupts.
fn wait(pause: Duration, interrupted: &AtomicBool) {
    let begun = Instant::now();
    while begun.elapsed() < pause && !interrupted.load(Ordering::Relaxed) {
        std::thread::sleep(PAUSE);
    }
}

/// When a program was last chosen for a start.
fn last_start(place: &Place) -> Option<SystemTime> {
    fs::metadata(place.chosen()).and_then(|about| about.modified()).ok()
}

//! The store thread: opens the database, writes what waits, answers who asks, minds the clock, clears away what is old.
//!
//! Whatever the disk does, this thread goes on: a fault is said once when it begins and once when it ends, sets wait in
//! memory meanwhile, and the file is tried again with growing pauses. It never deletes a damaged file.
//!
//! Time is an argument of [`Keeper::turn`], which is one turn of the loop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clock::{self, Reading};
use super::export::utc;
use super::fault::StoreFault;
use super::file::{self, Database};
use super::inbox::{Desk, Waiting};
use super::{Shared, pictures, retention, rows, write};
use crate::threads::{Beat, Stop};
use crate::time::Mono;

/// Sets written in one transaction.
const BATCH: usize = 32;
/// The pause after the first failure; it doubles up to the most.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MOST: Duration = Duration::from_secs(15);
/// A write that takes so long is of a disk that is slow: a quick one takes some milliseconds, a worn card some hundred.
const SLOW: Duration = Duration::from_secs(1);
/// The longest sleep: the stop flag has a bell of its own, which does not ring here.
const LOOK_UP: Duration = Duration::from_millis(250);
/// How long a stopping store waits for the last sets of those who count.
const PARTING: Duration = Duration::from_millis(700);
/// Where the gap of the clocks is kept from one start of the program to the next.
const GAP_KEY: &str = "clock";

/// A set that was written, and the place of its picture.
type Pictured = (Arc<Waiting>, String);

/// The store thread's own.
pub struct Keeper {
    shared: Arc<Shared>,
    database: Option<Database>,
    boot: String,
    gap_ms: Option<i64>,
    /// Whether the clock could be right when it was last looked at.
    plausible: bool,
    /// Whether the last write was a slow one.
    slow: bool,
    retry_at: Mono,
    pause: Duration,
    /// Something was seen that the quick check may not find.
    suspicious: bool,
    sweep: retention::Sweep,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, boot: String) -> Keeper {
        let sweep = retention::Sweep::default();
        let (retry_at, pause) = (Mono::ZERO, RETRY_FIRST);
        let (plausible, slow, suspicious) = (true, false, false);
        Keeper { shared, database: None, boot, gap_ms: None, plausible, slow, retry_at, pause, suspicious, sweep }
    }

    /// The thread's body.
    pub(super) fn run(mut self, beat: &Beat, stop: &Stop) {
        while !stop.is_raised() {
            let now = Reading::now();
            beat.mark(now.mono);
            let rest = self.turn(now, &|| beat.mark(Mono::now())).min(LOOK_UP);
            let is_open = self.database.is_some();
            let is_news = |desk: &Desk| stop.is_raised() || !desk.work.is_empty() || is_open && !desk.sets.is_empty();
            self.shared.queue.wait(rest, is_news);
        }
        self.part(beat);
    }

    /// The last sets come from threads that are ending too.
    fn part(&mut self, beat: &Beat) {
        let until = Mono::now().plus(PARTING);
        loop {
            let now = Reading::now();
            beat.mark(now.mono);
            let none_will_come = self.shared.queue.inboxes.load(Ordering::SeqCst) == 0;
            // A disk that failed a moment ago gets one more chance.
            self.retry_at = Mono::ZERO;
            self.turn(now, &|| beat.mark(Mono::now()));
            let lost = self.shared.queue.lock().sets.len();
            if none_will_come || now.mono >= until {
                if lost > 0 {
                    log::error!("{lost} sets could not be written to the log and are lost");
                }
                break;
            }
            let inboxes = &self.shared.queue.inboxes;
            self.shared.queue.wait(until.since(now.mono), |desk| {
                inboxes.load(Ordering::SeqCst) == 0 || lost == 0 && !desk.sets.is_empty()
            });
        }
        self.shared.set_open(false);
        self.shared.let_readers_go();
        // Carries the log of changes over, so that a plain copy of the file is whole; closing does so only where nobody reads.
        if let Some(Err(why)) = self.database.take().map(|database| database.carry_over()) {
            log::warn!("the log of changes stays beside the log; copy both: {why}");
        }
    }

    /// One turn; how long the next may wait if nothing comes. `alive` is called before each step that may take a slow disk seconds.
    pub fn turn(&mut self, now: Reading, alive: &dyn Fn()) -> Duration {
        if self.database.is_none() && now.mono >= self.retry_at {
            self.open(now);
        }
        if let Err(fault) = self.work(now, alive) {
            self.failed(fault, now);
        }
        if self.database.is_none() { self.retry_at.since(now.mono) } else { Duration::MAX }
    }

    fn open(&mut self, now: Reading) {
        let unix_s = now.wall.unix_ms() / 1000;
        match file::open(&self.shared.settings.folder, unix_s, self.suspicious) {
            Ok(opened) => {
                if let Some(moved) = opened.moved {
                    log::error!("the log was damaged; it is now {}, and a new one was begun", moved.display());
                    self.shared.metrics.damaged.inc();
                }
                self.suspicious = false;
                self.gap_ms = None;
                self.database = Some(opened.database);
                self.shared.set_open(true);
            }
            Err(fault) => self.failed(fault, now),
        }
    }

    /// Everything there is to do with an open database; without one, whoever asks is told why.
    fn work(&mut self, now: Reading, alive: &dyn Fn()) -> Result<(), StoreFault> {
        if self.database.as_ref().is_some_and(|database| !database.is_there()) {
            log::warn!("the log's file was taken away while it was open");
            self.close();
            self.open(now);
        }
        self.suspicious |= self.shared.suspicious.swap(false, Ordering::Relaxed);
        if self.suspicious && self.database.is_some() {
            self.close();
            self.open(now);
        }
        self.look_at_clock(now);
        self.mind_clock(now)?;
        self.write_sets(alive)?;
        self.answer(alive)?;
        self.clear_away(now)?;
        if self.database.is_some() {
            self.shared.say(None);
            self.pause = RETRY_FIRST;
        }
        Ok(())
    }

    fn close(&mut self) {
        self.shared.set_open(false);
        self.database = None;
    }

    fn failed(&mut self, fault: StoreFault, now: Reading) {
        self.shared.metrics.failures.inc();
        self.suspicious |= matches!(fault, StoreFault::Damaged { .. });
        self.close();
        let is_full = matches!(fault, StoreFault::DiskFull { .. });
        self.shared.say(Some(fault));
        if is_full {
            let removed = self.sweep.make_room(&self.shared.settings, now);
            if removed > 0 {
                log::warn!("{removed} of the oldest pictures were removed, since the disk is full");
            }
        }
        self.retry_at = now.mono.plus(self.pause);
        self.pause = (self.pause * 2).min(RETRY_MOST);
        // Nobody waits for a disk that is not there.
        let _ = self.answer(&|| ());
    }

    /// Says when the clock shows what cannot be, and when that is over.
    fn look_at_clock(&mut self, now: Reading) {
        let plausible = now.is_plausible();
        self.shared.metrics.clock_plausible.set(plausible.into());
        if std::mem::replace(&mut self.plausible, plausible) == plausible {
            return;
        }
        match plausible {
            true => log::info!("the clock shows a time that can be right"),
            false => {
                let shown = utc(now.wall.unix_ms());
                let day = shown.get(..10).unwrap_or(&shown);
                log::warn!("the clock shows {day}, which cannot be right; times are mended when it is set");
            }
        }
    }

    /// Sees whether the clock was set, now or while the program did not run. To a time that cannot be, it was not: what was
    /// noted before is nearer to the truth.
    fn mind_clock(&mut self, now: Reading) -> Result<(), StoreFault> {
        let gap_ms = now.gap_ms();
        let is_step = |old: i64| now.is_plausible() && clock::step_ms(old, gap_ms).is_some();
        let (boot, is_first) = (self.boot.as_str(), self.gap_ms.is_none());
        if self.gap_ms.is_some_and(|old| clock::is_same(old, gap_ms) || !now.is_plausible()) {
            return Ok(());
        }
        let Some(database) = &mut self.database else { return Ok(()) };
        let path = self.shared.path();
        let now_ms = i64::try_from(now.wall.unix_ms()).unwrap_or(i64::MAX);
        let mended = (|| {
            let transaction = database.connection.transaction()?;
            let kept = rows::recall(&transaction, GAP_KEY)?;
            let kept = kept.as_deref().and_then(|kept| kept.split_once(' ')).filter(|(of, _)| *of == boot);
            let kept: Option<i64> = kept.and_then(|(_, gap)| gap.parse().ok());
            let step = kept.filter(|kept| is_step(*kept)).and_then(|kept| clock::step_ms(kept, gap_ms));
            let mended = match step {
                Some(step) => write::mend(&transaction, boot, step, now_ms)?,
                None => 0,
            };
            if is_first || step.is_some() {
                let known = now.is_plausible().then_some(now_ms);
                let lost = write::mark_lost(&transaction, boot, known)?;
                if lost > 0 {
                    log::warn!("{lost} sets are from a time when the box had no clock; only their order is known");
                }
            }
            // A little more or less is no step, and must not add up to one.
            let valid = kept.filter(|_| !now.is_plausible()).unwrap_or(gap_ms);
            if kept.is_none_or(|kept| !clock::is_same(kept, valid)) {
                rows::keep(&transaction, GAP_KEY, &format!("{boot} {valid}"))?;
            }
            transaction.commit()?;
            Ok((step, mended, valid))
        })();
        let (step, mended, valid) = mended.map_err(|error| StoreFault::of_sqlite(&path, &error))?;
        if let Some(step) = step {
            self.shared.metrics.clock_steps.inc();
            self.sweep.clock_was_set(now);
            log::info!("the clock was set by {:.1} s; the times of {mended} sets were mended", step as f64 / 1e3);
            self.shared.news.ring();
        }
        self.gap_ms = Some(valid);
        Ok(())
    }

    /// Writes the sets that wait, and then their pictures: those are many times larger, and worth less.
    fn write_sets(&mut self, alive: &dyn Fn()) -> Result<(), StoreFault> {
        let mut pictured = Vec::new();
        let written = self.write_batches(&mut pictured, alive);
        // Once there is no room, what is left of it is for sets.
        let mut is_full = matches!(written, Err(StoreFault::DiskFull { .. }));
        let mut let_go = 0;
        for (waiting, place) in pictured {
            alive();
            match is_full {
                true => let_go += 1,
                false => is_full = !keep_picture(&self.shared, &waiting, &place),
            }
        }
        if let_go > 0 {
            log::warn!("{let_go} pictures are not written, since the disk is full");
        }
        written
    }

    /// Writes what waits, and only then takes it off the queue; of what was written, what has a picture is put into `pictured`.
    fn write_batches(&mut self, pictured: &mut Vec<Pictured>, alive: &dyn Fn()) -> Result<(), StoreFault> {
        let Some(database) = &mut self.database else { return Ok(()) };
        loop {
            alive();
            let batch: Vec<Arc<Waiting>> = self.shared.queue.lock().sets.iter().take(BATCH).cloned().collect();
            if batch.is_empty() {
                return Ok(());
            }
            let settings = &self.shared.settings;
            let place =
                write::Place { boot: &self.boot, gap_ms: self.gap_ms.unwrap_or_default(), sinks: &settings.sinks };
            let begun = Mono::now();
            let written = (|| {
                let transaction = database.connection.transaction()?;
                let insert = |waiting: &Arc<Waiting>| write::insert(&transaction, waiting, &place);
                let places = batch.iter().map(insert).collect::<rusqlite::Result<Vec<String>>>()?;
                transaction.commit()?;
                Ok(places)
            })();
            let places = written.map_err(|error| StoreFault::of_sqlite(&self.shared.path(), &error))?;
            let took = Mono::now().since(begun);
            let mut desk = self.shared.queue.lock();
            desk.sets.drain(..batch.len());
            self.shared.metrics.waiting.set(desk.sets.len() as i64);
            drop(desk);
            self.shared.metrics.written.inc_by(batch.len() as u64);
            self.shared.news.ring();
            say_speed(&self.shared, &mut self.slow, took);
            pictured.extend(batch.into_iter().zip(places).filter(|(waiting, _)| waiting.beside.picture.is_some()));
        }
    }

    /// Does what others want of the database, or tells them why it cannot be had.
    fn answer(&mut self, alive: &dyn Fn()) -> Result<(), StoreFault> {
        let mut met = None;
        // Those that come while this goes on are for the next turn.
        let all = std::mem::take(&mut self.shared.queue.lock().work);
        for work in all {
            alive();
            match (&mut self.database, &met) {
                (Some(database), None) => {
                    let begun = Mono::now();
                    met = work(Ok(&mut database.connection)).err();
                    say_speed(&self.shared, &mut self.slow, Mono::now().since(begun));
                }
                // Who comes after a fault in this turn is told of it; it is known to the others only when the turn ends.
                (_, met) => drop(work(Err(met.clone().unwrap_or_else(|| self.shared.fault())))),
            }
        }
        met.map_or(Ok(()), Err)
    }

    fn clear_away(&mut self, now: Reading) -> Result<(), StoreFault> {
        let Some(database) = &self.database else { return Ok(()) };
        self.sweep
            .turn(&database.connection, &self.shared.settings, now)
            .map_err(|error| StoreFault::of_sqlite(&self.shared.path(), &error))
    }
}

/// Says when the disk becomes slow, and when it is quick again.
fn say_speed(shared: &Shared, slow: &mut bool, took: Duration) {
    shared.metrics.write_s.observe(took.as_secs_f64());
    let is_slow = took >= SLOW;
    shared.metrics.slow.set(is_slow.into());
    if std::mem::replace(slow, is_slow) == is_slow {
        return;
    }
    let path = shared.path();
    match is_slow {
        true => {
            let seconds = took.as_secs_f64();
            log::warn!("the disk of {} is slow: a write took {seconds:.1} s; sets wait meanwhile", path.display());
        }
        false => log::info!("the disk of {} is quick again", path.display()),
    }
}

/// A picture that cannot be written is let go: its set is safe. False when there is no room for it.
fn keep_picture(shared: &Shared, waiting: &Waiting, place: &str) -> bool {
    let Some(bytes) = &waiting.beside.picture else { return true };
    let Err(why) = pictures::write(&shared.settings.snapshots, place, bytes) else { return true };
    log::warn!("the picture {place} cannot be written: {why}");
    !matches!(StoreFault::of_io(&shared.settings.snapshots, &why), StoreFault::DiskFull { .. })
}

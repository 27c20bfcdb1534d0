//! Thirty days of a gym in seconds: two athletes before one camera, from the poses of a frame by the real workout to the real
//! log on a real file, with deliveries, pictures and what is cleared away. Time is an argument everywhere.
//!
//! Every set is one of a few sessions that the gym makes, whose truth is known, seen again at another moment. The days pass the
//! end of summer time; some nights somebody trains over midnight; every third morning the machine starts anew with a clock
//! that shows 1970 until the network tells it the time; for some days the receiver is away.

mod gym;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gym::maths::Dice;
use gym::model::Sight;
use gym::moves::Move;
use gym::reps::Effort;
use gym::view::View;
use gym::{BEGIN_S, Gym, Plan, Shot};
use spotter::store::{Beside, ClockMark, Keeper, Op, Page, Reading, Retention, SetRow, Settings, Store};
use spotter::time::{Mono, Wall};
use spotter::workout::{Happening, Settings as Counting, Thresholds, Workout};

const DAYS: usize = 30;
const DAY_MS: u64 = 24 * 3_600_000;
/// 2026-10-12 00:00 in Berlin, where summer is; and when it is over there: at that moment 03:00 becomes 02:00.
const FIRST_MS: u64 = 1_791_756_000_000;
const WINTER_MS: u64 = 1_792_890_000_000;
const SUMMER_AHEAD_MS: u64 = 2 * 3_600_000;
const WINTER_AHEAD_MS: u64 = 3_600_000;
/// What is kept.
const KEEP: Retention = Retention { sets_days: 7, snapshots_days: 5, snapshots_bytes: 1_500_000 };
/// The receiver is away on these days.
const AWAY: std::ops::Range<usize> = 8..19;
const SINK: &str = "webhook";
/// It is looked for what is old this often.
const SWEEP_MS: u64 = 6 * 3_600_000;

/// So long after its last repetition a set is over, seconds; less than a gym has it, since every second is looked at.
const QUIET_S: u64 = 8;

fn counting() -> Workout {
    let thresholds = Thresholds { quiet_seconds: QUIET_S as f32, ..Thresholds::default() };
    Workout::new(Counting { thresholds, ..Counting::default() })
}

/// A session as it was seen, and what was really done in it.
struct Seen {
    size: (usize, usize),
    shots: Vec<Shot>,
    reps: usize,
    /// From its first frame to the end of its set.
    ends: Duration,
}

impl Seen {
    /// One of this movement that can be counted: the count of single sessions is judged elsewhere.
    fn of(movement: Move, seed: u64) -> Seen {
        (seed..).find_map(|seed| Seen::counted(movement, seed)).expect("there are seeds without end")
    }

    fn counted(movement: Move, seed: u64) -> Option<Seen> {
        let mut plan = Plan { rest_s: (2.0, 4.0), after_s: (2.0, 3.0), fps: (6.0, 6.0), ..Plan::new(vec![movement]) };
        plan.effort = Effort { reps: (5, 8), tempo_s: (2.0, 3.0), range: (0.9, 1.1), fails: 0.0, sticks: 0.0 };
        plan.sight = Sight { swaps_per_min: 0.0, wild_per_s: 0.0, ..plan.sight };
        // Somebody else is always there.
        (plan.spotter, plan.passer_every_s) = (1.0, 20.0);
        let gym = Gym::new(&plan, seed);
        let truth = gym.truth.first().filter(|set| !View::hidden(&set.view))?;
        let (reps, ends) = (truth.reps as usize, truth.ended.since(Mono::from_ns((BEGIN_S * 1e9) as u64)));
        let seen = Seen { size: gym.camera.size, shots: gym.shots().collect(), reps, ends };
        let mut workout = counting();
        let mut told = Vec::new();
        for shot in &seen.shots {
            workout.update(shot.at, seen.size, &shot.poses, &mut told);
        }
        workout.finish(&mut told);
        let sets = told.iter().filter_map(|told| if let Happening::SetEnded(set) = told { Some(set) } else { None });
        (sets.map(|set| set.reps.len()).collect::<Vec<_>>() == [reps]).then_some(seen)
    }
}

/// A set that was really done.
#[derive(Clone, Copy)]
struct Done {
    ended_ms: u64,
    reps: usize,
}

/// The box, its gym, and the truth.
struct House {
    keeper: Keeper,
    store: Store,
    settings: Settings,
    workout: Workout,
    /// When the machine was started, by the real time; and how far its clock is behind.
    started_ms: u64,
    behind_ms: u64,
    boots: u32,
    now_ms: u64,
    told: Vec<Happening>,
    done: Vec<Done>,
    /// Every delivery that was taken: a set and its key.
    taken: Vec<(i64, String)>,
    dice: Dice,
    most_pictures: u64,
    log_bytes: Vec<[u64; 2]>,
}

impl House {
    fn new(folder: &Path) -> House {
        let settings = Settings {
            folder: folder.join("data"),
            snapshots: folder.join("snapshots"),
            retention: KEEP,
            sinks: vec![SINK.to_string()],
            ..Settings::default()
        };
        let (store, keeper) = Store::by_hand(settings.clone(), "boot-0");
        let (workout, now_ms) = (counting(), FIRST_MS);
        let (done, taken, told, log_bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (dice, started_ms) = (Dice::new(30, 1), FIRST_MS - 20_000);
        let (behind_ms, boots, most_pictures) = (0, 0, 0);
        #[rustfmt::skip]
        let mut house = House {
            keeper, store, settings, workout, started_ms, behind_ms, boots, now_ms, told, done, taken, dice, most_pictures, log_bytes,
        };
        house.turn();
        house
    }

    fn mono(&self, real_ms: f64) -> Mono {
        Mono::from_ns(((real_ms - self.started_ms as f64) * 1e6) as u64)
    }

    fn reading(&self) -> Reading {
        let wall = Wall::from_unix_ms(self.now_ms.saturating_sub(self.behind_ms));
        Reading { mono: self.mono(self.now_ms as f64), wall, asleep: Duration::ZERO }
    }

    fn turn(&mut self) {
        self.keeper.turn(self.reading(), &|| ());
    }

    /// What `question` gives while the log turns.
    fn ask<T: Send>(&mut self, question: impl FnOnce(&Store) -> T + Send) -> T {
        let (store, now, keeper) = (self.store.clone(), self.reading(), &mut self.keeper);
        std::thread::scope(|scope| {
            let asked = scope.spawn(move || question(&store));
            while !asked.is_finished() {
                keeper.turn(now, &|| ());
                // The other thread wants a core, too.
                std::thread::park_timeout(Duration::from_micros(100));
            }
            asked.join().expect("nobody panics")
        })
    }

    /// The machine is switched off and on, without a battery for its clock.
    fn restart(&mut self) {
        self.boots += 1;
        let (store, keeper) = Store::by_hand(self.settings.clone(), &format!("boot-{}", self.boots));
        (self.store, self.keeper, self.workout) = (store, keeper, counting());
        (self.started_ms, self.behind_ms) = (self.now_ms, self.now_ms);
        self.now_ms += 20_000;
        self.turn();
    }

    /// The network tells it the time.
    fn is_told_the_time(&mut self) {
        self.behind_ms = 0;
        self.turn();
    }

    /// One session from `now_ms` on, and then nobody for as long as a set may be open.
    fn train(&mut self, seen: &Seen) {
        let begun_ms = self.now_ms as f64;
        let begin = Mono::from_ns((BEGIN_S * 1e9) as u64);
        self.done.push(Done { ended_ms: self.now_ms + seen.ends.as_millis() as u64, reps: seen.reps });
        let mut last_ms = begun_ms;
        for shot in &seen.shots {
            last_ms = begun_ms + shot.at.since(begin).as_secs_f64() * 1e3;
            self.workout.update(self.mono(last_ms), seen.size, &shot.poses, &mut self.told);
            self.take(last_ms);
        }
        for second in 1..=QUIET_S + 4 {
            let at_ms = last_ms + 1e3 * second as f64;
            self.workout.update(self.mono(at_ms), seen.size, &[], &mut self.told);
            self.take(at_ms);
        }
        self.now_ms = last_ms as u64 + (QUIET_S + 5) * 1000;
    }

    /// Hands over what is over, as the pose thread does.
    fn take(&mut self, at_ms: f64) {
        for happening in std::mem::take(&mut self.told) {
            let Happening::SetEnded(set) = happening else { continue };
            self.now_ms = at_ms as u64;
            let now = self.reading();
            let bytes = 8_000 + (self.dice.next() % 24_000) as usize;
            let beside = Beside { picture: Some(vec![0xff; bytes]), form: None };
            let age = now.mono.since(set.ended);
            self.store.inbox().push_with("rack", *set, beside, age, now).expect("there is room for it");
            self.turn();
            self.date_picture();
        }
    }

    /// The file system's clock is the real one; the newest picture is given the time of the story.
    fn date_picture(&self) {
        let newest = self.list(1).pop().and_then(|row| row.picture).expect("it was just written");
        let file =
            std::fs::File::options().write(true).open(self.settings.snapshots.join(newest)).expect("it is there");
        let at = UNIX_EPOCH + Duration::from_millis(self.reading().wall.unix_ms());
        file.set_modified(at).expect("it is ours");
    }

    /// The newest sets, the newest first.
    fn list(&self, limit: usize) -> Vec<SetRow> {
        let mut all: Vec<SetRow> = Vec::new();
        loop {
            let page = Page { limit: limit - all.len(), before: all.last().map(|row| row.id), ..Page::default() };
            let rows = self.store.list(&page).expect("the log is open");
            if rows.is_empty() {
                return all;
            }
            all.extend(rows);
        }
    }

    /// The receiver takes all that waits.
    fn deliver(&mut self) {
        while let Some(delivery) = self.ask(|store| store.next_delivery(SINK)).expect("the log is open") {
            let (id, now) = (delivery.id, self.reading());
            self.ask(move |store| store.delivered(id, None, now)).expect("the log is open");
            if delivery.op == Op::Set {
                self.taken.push((delivery.set.id, delivery.set.key));
            }
        }
    }

    /// What lies on the disk: the log and its log of changes, bytes; the pictures, bytes; and the age of the oldest.
    fn disk(&self) -> ([u64; 2], u64, u64) {
        let log = ["spotter.db", "spotter.db-wal"].map(|name| self.settings.folder.join(name).metadata());
        let log = log.map(|found| found.map_or(0, |found| found.len()));
        let days = std::fs::read_dir(&self.settings.snapshots).into_iter().flatten().flatten();
        let files = days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten().flatten());
        let found: Vec<_> = files.map(|file| file.metadata().expect("it is there")).collect();
        let ms = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        // One of before the clock was set is not known to be old.
        let times = found.iter().filter_map(|found| found.modified().ok()).map(ms).filter(|ms| *ms > FIRST_MS - DAY_MS);
        let age_ms = times.min().map_or(0, |oldest| self.now_ms.saturating_sub(oldest));
        (log, found.iter().map(|found| found.len()).sum(), age_ms)
    }
}

/// Midnight of a day where the gym is.
fn midnight_ms(day: usize) -> u64 {
    let summer_ms = FIRST_MS + day as u64 * DAY_MS;
    if summer_ms < WINTER_MS { summer_ms } else { summer_ms + SUMMER_AHEAD_MS - WINTER_AHEAD_MS }
}

/// The day on which something happened where the gym is.
fn day_of(unix_ms: u64) -> usize {
    (0..=DAYS).rev().find(|day| midnight_ms(*day) <= unix_ms).expect("nothing happened before the first day")
}

/// When sets of a day begin, in order: through the day, now and then over midnight, and in the hour that comes twice.
fn moments(day: usize, sets: usize, dice: &mut Dice) -> Vec<u64> {
    let open_ms = midnight_ms(day) + 7 * 3_600_000;
    let apart_ms = 14 * 3_600_000 / sets as u64;
    let mut all: Vec<u64> =
        (0..sets as u64).map(|n| open_ms + n * apart_ms + dice.next() % (apart_ms - 150_000)).collect();
    if day.is_multiple_of(4) {
        all.push(midnight_ms(day + 1) - 15_000);
    }
    if day_of(WINTER_MS) == day {
        all.splice(0..0, [WINTER_MS - 1_800_000, WINTER_MS + 1_800_000]);
    }
    all
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel says it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

/// Each set that the log must still have is there, once, in order, on its day, with its repetitions.
fn holds(house: &House, day: usize) {
    let mut rows = house.list(usize::MAX);
    rows.reverse();
    assert!(rows.windows(2).all(|two| two[0].id < two[1].id && two[0].ended_ms <= two[1].started_ms), "day {day}");
    let kept = &house.done[house.done.len() - rows.len()..];
    let mut days = BTreeMap::<usize, (usize, usize)>::new();
    for (row, done) in rows.iter().zip(kept) {
        assert_eq!(row.reps as usize, done.reps, "set {} of day {}", row.id, day_of(done.ended_ms));
        assert!(row.ended_ms.abs_diff(done.ended_ms) < 2_000, "{row:?} ended at {}", done.ended_ms);
        days.entry(day_of(row.ended_ms)).or_default().0 += 1;
        days.entry(day_of(done.ended_ms)).or_default().1 += 1;
    }
    assert!(days.values().all(|(logged, done)| logged == done), "day {day}: {days:?}");
    // What is old enough to go, what must not, and what nobody has taken yet.
    let oldest_ms = house.now_ms - KEEP.sets_days as u64 * DAY_MS;
    let undelivered = |n: usize| !house.taken.iter().any(|(id, _)| *id == n as i64 + 1);
    let must = |(n, done): (usize, &Done)| done.ended_ms >= oldest_ms + SWEEP_MS || undelivered(n);
    let (must, may): (Vec<_>, Vec<_>) = house.done.iter().enumerate().partition(|all| must(*all));
    let late = may.iter().filter(|(_, done)| done.ended_ms + SWEEP_MS >= oldest_ms).count();
    assert!((must.len()..=must.len() + late).contains(&rows.len()), "day {day}: {} of {}", rows.len(), must.len());
    assert!(rows.iter().all(|row| row.clock == ClockMark::Good), "day {day}");
}

fn thirty_days(sets_a_day: usize) {
    let begun = Instant::now();
    let folder = tempfile::tempdir().expect("there is room");
    let sessions = [Move::Squat, Move::BicepsCurl, Move::OverheadPress].map(|movement| Seen::of(movement, 4000));
    println!(
        "{:.1} s for three sessions, {:?} repetitions",
        begun.elapsed().as_secs_f64(),
        sessions.each_ref().map(|s| s.reps)
    );
    let mut house = House::new(folder.path());
    let mut dice = Dice::new(30, 2);
    let mut warm = 0;
    for day in 0..DAYS {
        let (wakes, mut early) = (day % 3 == 2, false);
        for begin_ms in moments(day, sets_a_day, &mut dice) {
            if wakes && !early && begin_ms > midnight_ms(day) + 7 * 3_600_000 {
                // Switched on by the first who comes; the time is known when he has done his first set.
                house.now_ms = begin_ms.max(house.now_ms) - 25_000;
                house.restart();
                early = true;
            }
            house.now_ms = begin_ms.max(house.now_ms);
            let which = dice.next() as usize % sessions.len();
            house.train(&sessions[which]);
            house.is_told_the_time();
            if !AWAY.contains(&day) {
                house.deliver();
            }
        }
        // The night: whatever is old is cleared away in it.
        for hour in [3, 9] {
            house.now_ms = house.now_ms.max(midnight_ms(day + 1) + hour * 600_000);
            house.turn();
            house.turn();
        }
        holds(&house, day);
        let (log, pictures, age_ms) = house.disk();
        house.log_bytes.push(log);
        house.most_pictures = house.most_pictures.max(pictures);
        assert!(age_ms <= KEEP.snapshots_days as u64 * DAY_MS + DAY_MS, "day {day}: a picture of {age_ms} ms");
        if day + 1 == DAYS / 3 {
            warm = resident_bytes();
        }
    }
    judge(&house, warm, begun);
}

/// What thirty days came to.
fn judge(house: &House, warm: u64, begun: Instant) {
    let grown = resident_bytes() as i64 - warm as i64;
    println!(
        "{} sets in {DAYS} days, {} starts, log {:?} kB, pictures {} kB at most, memory {grown} bytes more than after ten days, {:.1} s",
        house.done.len(),
        house.boots + 1,
        house.log_bytes.iter().map(|[log, changes]| [log / 1000, changes / 1000]).collect::<Vec<_>>(),
        house.most_pictures / 1000,
        begun.elapsed().as_secs_f64()
    );
    let ids: BTreeSet<i64> = house.taken.iter().map(|(id, _)| *id).collect();
    let keys: BTreeSet<&str> = house.taken.iter().map(|(_, key)| key.as_str()).collect();
    assert_eq!(house.taken.len(), house.done.len(), "each set was delivered");
    assert!(ids.len() == house.done.len() && keys.len() == house.done.len(), "once, with a key of its own");
    assert!(house.taken.windows(2).all(|two| two[0].0 < two[1].0), "in order");
    // The log is as long as the weeks in which nobody took what it has; SQLite carries changes over from 4 MB on.
    let (before, after) = house.log_bytes.split_at(AWAY.end);
    let most = |days: &[[u64; 2]], which: usize| days.iter().map(|bytes| bytes[which]).max().unwrap_or(0);
    assert!(most(after, 0) <= most(before, 0) * 5 / 4, "{:?}", house.log_bytes);
    assert!(most(&house.log_bytes, 1) <= 6_000_000, "{:?}", house.log_bytes);
    assert!(house.most_pictures <= KEEP.snapshots_bytes + 32_000 * 60, "{}", house.most_pictures);
    assert!(grown < 8 * 1024 * 1024, "{grown} bytes more");
}

#[test]
fn thirty_days_lose_nothing_keep_no_more_than_they_may_and_know_what_day_it_is() {
    thirty_days(2);
}

#[test]
#[ignore = "minutes, optimised: make test-day"]
fn thirty_days_of_forty_sets_lose_nothing() {
    thirty_days(40);
}

//! The log on a real file. The store thread's turns are made by hand, with times of the test's choosing.

mod deliveries;
mod disk;
mod kept;
mod wrong_clock;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::keeper::Keeper;
use super::*;
use crate::time::{Mono, Wall};
use crate::workout::{Phases, Rep, Set};

/// 2026-11-26 08:00 UTC.
const MORNING_MS: u64 = 1_795_680_000_000;
const PUMP: &str = "pump";
const DAY_S: u64 = 24 * 3600;

fn mono(s: f64) -> Mono {
    Mono::from_ns((s * 1e9) as u64)
}

/// A set of `count` repetitions of 2 s each that begins at `start_s`.
fn set(count: u32, start_s: f64) -> Set {
    let rep = |n: u32| {
        let at = start_s + 2.0 * f64::from(n - 1);
        let phases = Phases { go_s: 0.75, hold_s: 0.25, back_s: 0.5, pause_s: 0.5 };
        Rep {
            n,
            started: mono(at),
            turned: mono(at + 1.0),
            ended: mono(at + 1.5),
            min_deg: 80.5,
            max_deg: 172.25,
            phases,
        }
    };
    let reps: Vec<Rep> = (1..=count).map(rep).collect();
    let ended = reps.last().unwrap().ended;
    Set {
        exercise: Some("Squat".into()),
        chosen: false,
        reps,
        recount: count + 1,
        started: mono(start_s),
        ended,
        confidence: 0.875,
        pending: true,
    }
}

/// A log whose thread does a turn when it is told.
struct Bench {
    keeper: Option<Keeper>,
    store: Store,
    now: Reading,
    settings: Settings,
    dir: Arc<TempDir>,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Bench {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = Settings {
            folder: dir.path().join("data"),
            snapshots: dir.path().join("snapshots"),
            sinks: vec![PUMP.into()],
            ..Settings::default()
        };
        change(&mut settings);
        let now = Reading { mono: mono(1000.0), wall: Wall::from_unix_ms(MORNING_MS), asleep: Duration::ZERO };
        Bench::begin(dir, settings, now, "boot-1")
    }

    fn begin(dir: Arc<TempDir>, settings: Settings, now: Reading, boot: &str) -> Bench {
        let shared = Shared::new(settings.clone(), StoreMetrics::default());
        let keeper = Keeper::new(shared.clone(), boot.into());
        let mut bench = Bench { keeper: Some(keeper), store: Store(shared), now, settings, dir };
        bench.turn();
        bench
    }

    /// The program ends and starts again at `now`.
    fn again(mut self, now: Reading, boot: &str) -> Bench {
        self.keeper = None;
        Bench::begin(self.dir.clone(), self.settings.clone(), now, boot)
    }

    fn turn(&mut self) {
        self.keeper.as_mut().unwrap().turn(self.now, &|| ());
    }

    fn pass(&mut self, seconds: u64) {
        self.now.mono = self.now.mono.plus(Duration::from_secs(seconds));
        self.now.wall = Wall::from_unix_ms(self.now.wall.unix_ms() + seconds * 1000);
        self.turn();
    }

    fn push(&self, count: u32) -> Result<(), Full> {
        self.store.inbox().push("rack", set(count, 10.0), Duration::from_secs(5), self.now)
    }

    /// Pushes and writes one; its number.
    fn write(&mut self, count: u32) -> i64 {
        self.push(count).unwrap();
        self.turn();
        self.list()[0].id
    }

    fn list(&self) -> Vec<SetRow> {
        self.store.list(&Page { limit: usize::MAX, ..Page::default() }).unwrap()
    }

    /// What `question` gives while the store thread turns.
    fn ask<T: Send>(&mut self, question: impl FnOnce(&Store) -> T + Send) -> T {
        let (store, now) = (self.store.clone(), self.now);
        let keeper = self.keeper.as_mut().unwrap();
        std::thread::scope(|scope| {
            let asked = scope.spawn(move || question(&store));
            while !asked.is_finished() {
                keeper.turn(now, &|| ());
                std::thread::yield_now();
            }
            asked.join().unwrap()
        })
    }

    fn file(&self) -> std::path::PathBuf {
        self.settings.folder.join("spotter.db")
    }

    fn fault(&self) -> String {
        self.store.status().fault.unwrap_or_default()
    }

    fn ops(&self, id: i64) -> Vec<(String, String)> {
        self.store.set(id).unwrap().deliveries.into_iter().map(|d| (d.op, d.state)).collect()
    }

    /// Files in the data directory whose name has `part`.
    fn files(&self, part: &str) -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(&self.settings.folder).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.to_str().unwrap().contains(part)).collect()
    }
}

fn words(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
}

#[test]
fn a_set_comes_back_whole_with_its_outbox() {
    let mut bench = Bench::new();
    let id = bench.write(3);
    let found = bench.store.set(id).unwrap();
    let row = found.set;
    assert_eq!((row.camera.as_str(), row.exercise.as_deref(), row.reps, row.recount), ("rack", Some("Squat"), 3, 4));
    assert_eq!((row.confidence, row.pending, row.chosen, row.clock), (0.875, true, false, ClockMark::Good));
    assert_eq!((row.ended_ms, row.started_ms), (MORNING_MS - 5000, MORNING_MS - 5000 - 5500));
    assert_eq!(row.key.len(), 32);
    assert_eq!(
        found.repetitions.iter().map(|r| (r.n, r.started_s)).collect::<Vec<_>>(),
        [(1, 0.0), (2, 2.0), (3, 4.0)]
    );
    let rep = &found.repetitions[1];
    assert_eq!((rep.turned_s, rep.ended_s, rep.min_deg, rep.max_deg), (3.0, 3.5, 80.5, 172.25));
    assert_eq!(rep.phases, Phases { go_s: 0.75, hold_s: 0.25, back_s: 0.5, pause_s: 0.5 });
    assert_eq!(bench.ops(id), words(&[("set", "waiting")]));
    assert_eq!(bench.store.status(), Status { fault: None, waiting: 0, written: 1, refused: 0 });
}

#[test]
fn the_same_set_twice_is_one_and_odd_numbers_do_not_stop_it() {
    let bench = Bench::new();
    let mut odd = set(2, 10.0);
    odd.reps[1].n = 1;
    odd.reps[1].min_deg = f32::NAN;
    odd.reps[1].phases.pause_s = f32::INFINITY;
    bench.store.inbox().push("rack", odd, Duration::MAX, bench.now).unwrap();
    let waiting = bench.store.0.queue.lock().sets[0].clone();
    // As after a write of which the disk did not say whether it came through.
    bench.store.0.queue.lock().sets.push_back(waiting);
    let mut bench = bench;
    bench.turn();
    assert_eq!(bench.list().len(), 1);
    let found = bench.store.set(1).unwrap();
    assert_eq!((found.repetitions.len(), found.repetitions[1].min_deg), (2, 0.0));
    assert_eq!(found.deliveries.len(), 1);
}

#[test]
fn what_the_human_says_stands_beside_what_the_machine_saw() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let said = |text: &str| serde_json::from_str::<Correction>(text).unwrap();
    let all = said(r#"{"exercise":"Front Squat","reps":6,"weight":62.5,"note":"belt"}"#);
    let row = bench.ask(|store| store.correct(id, all, now)).unwrap();
    assert_eq!((row.exercise.as_deref(), row.reps, row.weight), (Some("Front Squat"), 6, Some(62.5)));
    assert_eq!((row.exercise_machine.as_deref(), row.reps_machine), (Some("Squat"), 5));
    let back = said(r#"{"reps":null}"#);
    let row = bench.ask(|store| store.correct(id, back, now)).unwrap();
    assert_eq!((row.exercise.as_deref(), row.reps, row.note.as_deref()), (Some("Front Squat"), 5, Some("belt")));
    assert!(row.pending);
    let row = bench.ask(|store| store.confirm(id, Correction::default(), now)).unwrap();
    assert_eq!((row.pending, row.confirmed_ms), (false, Some(MORNING_MS)));
    assert_eq!(bench.list()[0], row);
    assert_eq!(bench.ask(|store| store.confirm(id + 1, Correction::default(), now)), Err(StoreFault::NoSuchSet));
    assert_eq!(bench.ask(|store| store.correct(id + 1, Correction::default(), now)), Err(StoreFault::NoSuchSet));
    assert_eq!(bench.store.set(id + 1), Err(StoreFault::NoSuchSet));
}

impl Bench {
    /// From now on the file takes no confirmation.
    fn refuse_confirmations(&self) {
        let sql =
            "CREATE TRIGGER refuse BEFORE UPDATE OF confirmed_ms ON sets BEGIN SELECT RAISE(ABORT, 'worn out'); END";
        Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }
}

#[test]
fn a_correction_whose_confirmation_fails_is_not_written_either() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let said = |reps| Correction { reps: Some(Some(reps)), ..Correction::default() };
    let row = bench.ask(|store| store.confirm(id, said(6), now)).unwrap();
    assert_eq!((row.reps, row.confirmed_ms), (6, Some(MORNING_MS)));
    let refused = bench.ask(|store| store.confirm(id, said(1001), now));
    assert!(matches!(refused, Err(StoreFault::Refused { what: "reps", .. })), "{refused:?}");
    let id = bench.write(7);
    bench.refuse_confirmations();
    let failed = bench.ask(|store| store.confirm(id, said(8), now));
    assert!(matches!(failed, Err(StoreFault::Failed { .. })), "{failed:?}");
    bench.pass(60);
    assert_eq!((bench.list()[0].reps, bench.ops(id)), (7, words(&[("set", "waiting")])));
}

#[test]
fn who_asks_in_the_same_turn_as_one_that_failed_is_told_the_same() {
    let mut bench = Bench::with(|settings| settings.patience = Duration::from_secs(60));
    let (id, now) = (bench.write(5), bench.now);
    bench.refuse_confirmations();
    let store = bench.store.clone();
    let ask = || store.confirm(id, Correction::default(), now).unwrap_err();
    let answers: Vec<StoreFault> = std::thread::scope(|scope| {
        let asked = [scope.spawn(ask), scope.spawn(ask)];
        while store.0.queue.lock().work.len() < asked.len() {
            std::thread::yield_now();
        }
        bench.turn();
        asked.map(|asked| asked.join().unwrap()).into()
    });
    assert!(answers[0].to_string().ends_with("worn out"), "{answers:?}");
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn values_that_cannot_be_are_refused_at_the_edge() {
    let check = |text: &str| serde_json::from_str::<Correction>(text).unwrap().check();
    let long = |n: usize| "x".repeat(n);
    for good in [
        r#"{"reps":0}"#.into(),
        r#"{"reps":1000,"weight":2000,"exercise":null}"#.into(),
        format!(r#"{{"exercise":"{}","note":"{}"}}"#, long(64), long(500)),
    ] {
        assert_eq!(check(&good), Ok(()), "{good}");
    }
    for (bad, what) in [
        (r#"{"reps":1001}"#.into(), "reps"),
        (r#"{"weight":-0.5}"#.into(), "weight"),
        (r#"{"weight":2000.5}"#.into(), "weight"),
        (r#"{"exercise":" "}"#.into(), "exercise"),
        (r#"{"exercise":"a\nb"}"#.into(), "exercise"),
        (r#"{"exercise":"Squ\u202eat"}"#.into(), "exercise"),
        (r#"{"exercise":"Squ\u200bat"}"#.into(), "exercise"),
        (format!(r#"{{"exercise":"{}"}}"#, long(65)), "exercise"),
        (format!(r#"{{"note":"{}"}}"#, long(501)), "note"),
    ] {
        assert!(matches!(check(&bad), Err(StoreFault::Refused { what: found, .. }) if found == what), "{bad}");
    }
    for no_correction in [r#"{"repps":1}"#, r#"{"reps":-1}"#, r#"{"reps":1.5}"#, r#"{"id":3}"#] {
        assert!(serde_json::from_str::<Correction>(no_correction).is_err(), "{no_correction}");
    }
}

#[test]
fn who_reads_keeps_no_more_of_the_file_in_memory_than_a_quarter_of_a_megabyte() {
    let bench = Bench::new();
    let kept = |connection: &Connection| connection.query_row("PRAGMA cache_size", [], |row| row.get::<_, i64>(0));
    assert_eq!(bench.store.0.read(kept).unwrap(), -256);
}

impl Bench {
    fn outbox_rows(&self) -> i64 {
        let sql = "SELECT count(*) FROM outbox";
        Connection::open(self.file()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Writes one with a picture; its number and the picture's place.
    fn write_pictured(&mut self) -> (i64, String) {
        let beside = Beside { picture: Some(b"jpeg".to_vec()), form: None };
        self.store.inbox().push_with("rack", set(1, 10.0), beside, Duration::from_secs(5), self.now).unwrap();
        self.turn();
        let row = self.list().swap_remove(0);
        (row.id, row.picture.unwrap())
    }
}

#[test]
fn a_backlog_on_a_slow_card_is_no_hung_thread_and_all_sets_are_written_before_the_first_picture() {
    let mut bench = Bench::new();
    let beside = || Beside { picture: Some(b"jpeg".to_vec()), form: None };
    for _ in 0..40 {
        bench.store.inbox().push_with("rack", set(1, 10.0), beside(), Duration::from_secs(5), bench.now).unwrap();
    }
    // What is there at each sign of life.
    let seen = std::cell::RefCell::new(Vec::new());
    let (store, root) = (bench.store.clone(), bench.settings.snapshots.clone());
    let look = || {
        let days = std::fs::read_dir(&root).into_iter().flatten().map(|day| day.unwrap().path());
        let pictures = days.map(|day| std::fs::read_dir(day).unwrap().count()).sum::<usize>();
        seen.borrow_mut().push((store.status().written, pictures));
    };
    bench.keeper.as_mut().unwrap().turn(bench.now, &look);
    let mut want = vec![(0, 0), (32, 0), (40, 0)];
    want.extend((0..40).map(|pictures| (40, pictures)));
    assert_eq!(seen.into_inner(), want);
    assert_eq!(bench.store.pictures(0, 100).unwrap().len(), 40);
}

#[test]
fn a_question_that_takes_too_long_is_ended() {
    let bench = Bench::with(|settings| settings.patience = Duration::from_millis(20));
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let asked = bench.store.0.read(|connection| connection.query_row(endless, [], |row| row.get::<_, i64>(0)));
    assert_eq!(asked, Err(StoreFault::Late));
    assert_eq!(bench.list(), [], "the next question is answered");
    // Nobody turns the store thread here, so an edit is not done in time either; and not too many wait for it.
    let edit = |_| bench.store.confirm(1, Correction::default(), bench.now);
    assert!((0..QUESTIONS + 1).map(edit).all(|done| done == Err(StoreFault::Late)));
    assert_eq!(bench.store.0.queue.lock().work.len(), QUESTIONS);
}

#[test]
fn words_and_prototypes_outlive_a_restart() {
    let mut bench = Bench::new();
    let now = bench.now;
    assert_eq!(bench.store.recall("thresholds"), Ok(None));
    for word in ["{\"a\":1}", "{\"a\":2}"] {
        bench.ask(|store| store.keep("thresholds", word)).unwrap();
    }
    bench.ask(|store| store.add_prototype("Squat", "[1]", "a.mp4", now)).unwrap();
    bench.ask(|store| store.add_prototype("Row", "[2]", "b.mp4", now)).unwrap();
    bench = bench.again(now, "boot-1");
    assert_eq!(bench.store.recall("thresholds").unwrap().as_deref(), Some("{\"a\":2}"));
    let names = |bench: &Bench| bench.store.prototypes().unwrap().into_iter().map(|p| p.exercise).collect::<Vec<_>>();
    assert_eq!(names(&bench), ["Squat", "Row"]);
    assert_eq!(bench.ask(|store| store.delete_prototypes(Some("Squat"))), Ok(1));
    assert_eq!(names(&bench), ["Row"]);
    assert_eq!(bench.ask(|store| store.delete_prototypes(None)), Ok(1));
    let long = "x".repeat(4 * 1024 * 1024 + 1);
    assert!(matches!(bench.ask(|store| store.keep("a", &long)), Err(StoreFault::Refused { .. })));
    for _ in 0..500 {
        bench.ask(|store| store.add_prototype("Row", "[]", "", now)).unwrap();
    }
    assert!(matches!(bench.ask(|store| store.add_prototype("Row", "[]", "", now)), Err(StoreFault::Refused { .. })));
}

#[test]
fn a_set_that_is_remembered_twice_is_one_example() {
    let mut bench = Bench::new();
    let now = bench.now;
    let mut add = |exercise: &str, features: &str, source: &str| {
        bench.ask(|store| store.add_prototype(exercise, features, source, now))
    };
    let first = add("Squat", "[1]", "set 1").unwrap();
    let another = add("Squat", "[2]", "set 2").unwrap();
    assert_eq!(add("Squat", "[3]", "set 1"), Ok(first));
    assert!(another != first && add("Row", "[4]", "set 1").unwrap() > another);
    assert_ne!(
        add("Squat", "[5]", "clip").unwrap(),
        add("Squat", "[6]", "clip").unwrap(),
        "two clips are two examples"
    );
    for n in 6..=500 {
        add("Row", "[]", &format!("set {n}")).unwrap();
    }
    assert!(matches!(add("Row", "[]", "set 501"), Err(StoreFault::Refused { .. })));
    assert_eq!(add("Squat", "[7]", "set 1"), Ok(first), "there is room for one that is there");
    let features: Vec<String> = bench.store.prototypes().unwrap().into_iter().take(3).map(|p| p.features).collect();
    assert_eq!(features, ["[7]", "[2]", "[4]"]);
}

#[test]
fn the_last_sets_are_waited_for_when_the_box_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (crew, stop) = (Crew::default(), Stop::default());
    let settings = Settings { folder: dir.path().into(), ..Settings::default() };
    let store = Store::start(settings.clone(), StoreMetrics::default(), &crew, &stop).unwrap();
    let inbox = store.inbox();
    stop.raise();
    inbox.push("rack", set(4, 1.0), Duration::ZERO, Reading::now()).unwrap();
    drop(inbox);
    assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
    assert_eq!(store.status().written, 1);
    let folder: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!folder.iter().any(|name| name.to_str().unwrap().ends_with("-wal")), "closed in order: {folder:?}");
}

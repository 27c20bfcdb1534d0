//! The log on a real file. The store thread's turns are made by hand, with times of the test's choosing.

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
fn the_file_is_written_so_that_a_power_cut_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = file::open(folder.path(), 0, false).unwrap().database;
    let asked = |pragma: &str| {
        let sql = format!("SELECT CAST((SELECT * FROM pragma_{pragma}) AS TEXT)");
        database.connection.query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!([asked("journal_mode"), asked("synchronous"), asked("foreign_keys")], ["wal", "2", "1"]);
    assert_eq!(asked("user_version"), schema::VERSION.to_string());
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
fn corrections_are_one_delivery_until_one_was_tried_and_a_confirmation_is_one_for_ever() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    for reps in [6, 7] {
        let said = Correction { reps: Some(Some(reps)), ..Correction::default() };
        bench.ask(|store| store.correct(id, said, now)).unwrap();
        bench.ask(|store| store.confirm(id, Correction::default(), now)).unwrap();
    }
    assert_eq!(bench.ops(id), words(&[("set", "waiting"), ("correct", "waiting"), ("confirm", "waiting")]));
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    let key = bench.list()[0].key.clone();
    assert_eq!((first.op, first.attempts, &first.key), (Op::Set, 1, &key));
    let again = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((again.id, again.attempts, &again.key), (first.id, 2, &key), "not noted as taken, so it comes again");
    bench.ask(|store| store.delivered(first.id, Some("41".into()), now)).unwrap();
    let second = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((second.op, second.set.reps, second.remote.as_deref()), (Op::Correct, 7, Some("41")));
    assert_eq!(second.key, format!("{key}-correct-{}", second.id));
    let said = Correction { note: Some(Some("late".into())), ..Correction::default() };
    bench.ask(|store| store.correct(id, said, now)).unwrap();
    let ops: Vec<String> = bench.ops(id).into_iter().map(|(op, _)| op).collect();
    assert_eq!(ops, ["set", "correct", "confirm", "correct"]);
}

#[test]
fn a_set_that_was_deleted_before_it_was_sent_never_is() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert_eq!(bench.list(), []);
    assert_eq!(bench.ask(|store| store.delete(id, now)), Err(StoreFault::NoSuchSet));
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    bench.pass(7 * 3600);
    let left: i64 =
        Connection::open(bench.file()).unwrap().query_row("SELECT count(*) FROM sets", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0, "the row itself goes with the next clearing");
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
fn the_picture_of_a_deleted_set_is_gone_and_what_lies_in_its_place_is_not_shown() {
    let mut bench = Bench::new();
    let ((id, place), (other, kept)) = (bench.write_pictured(), bench.write_pictured());
    let path = bench.settings.snapshots.join(&place);
    assert_eq!(bench.store.picture(&place).unwrap().as_deref(), Some(&b"jpeg"[..]));
    let now = bench.now;
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert!(!path.exists());
    std::fs::write(&path, "a copy").unwrap();
    assert_eq!(bench.store.picture(&place), Ok(None));
    assert_eq!(bench.store.picture(&kept).unwrap().as_deref(), Some(&b"jpeg"[..]));
    std::fs::remove_file(bench.settings.snapshots.join(&kept)).unwrap();
    assert_eq!(bench.ask(|store| store.delete(other, now)), Ok(()), "one that was cleared away before is no fault");
}

#[test]
fn a_set_that_was_perhaps_sent_is_deleted_there_too_before_its_row_goes() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    let said = Correction { reps: Some(Some(1)), ..Correction::default() };
    bench.ask(|store| store.correct(id, said, now)).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap().id, first.id);
    bench.ask(|store| store.delivered(first.id, Some("9".into()), now)).unwrap();
    let last = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((last.op, last.remote.as_deref()), (Op::Delete, Some("9")));
    bench.ask(|store| store.delivered(last.id, None, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
}

#[test]
fn a_deletion_that_was_refused_for_a_new_key_is_delivered_after_the_restart() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.delivered(first.id, Some("9".into()), now)).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 401, "key".into())).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.store.backlog(PUMP).unwrap().parked, 1);
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(1));
    let again = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((again.id, again.op, again.remote.as_deref()), (refused.id, Op::Delete, Some("9")));
    bench.ask(|store| store.delivered(again.id, None, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
    // A set that was refused itself is not over there.
    let id = bench.write(6);
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 422, "no".into())).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, true)), Ok(0), "nobody is told of it now");
    assert_eq!(bench.outbox_rows(), 2);
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
}

#[test]
fn parked_deliveries_let_others_pass_and_come_back_in_order() {
    let mut bench = Bench::new();
    let (first, now) = (bench.write(1), bench.now);
    let said = Correction { reps: Some(Some(2)), ..Correction::default() };
    bench.ask(|store| store.correct(first, said, now)).unwrap();
    bench.write(2);
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 422, "no".into())).unwrap();
    let passed = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!(passed.set.reps, 2, "the correction of a set that was not taken is passed over");
    bench.ask(|store| store.delivered(passed.id, None, now)).unwrap();
    let backlog = bench.store.backlog(PUMP).unwrap();
    assert_eq!((backlog.waiting, backlog.parked, backlog.delivered_ms), (0, 2, Some(MORNING_MS)));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(0), "422 is the set's own fault");
    assert_eq!(bench.ask(|store| store.unpark(PUMP, true)), Ok(2));
    let back = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!(back.id, refused.id);
    bench.ask(|store| store.parked(back.id, 401, "key".into())).unwrap();
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(2), "a wrong key may be right after a restart");
}

#[test]
fn a_page_is_limited_and_the_next_begins_where_it_ended() {
    let mut bench = Bench::with(|settings| settings.page_most = 3);
    for n in 1..=5 {
        bench.pass(60);
        bench.write(n);
    }
    let page = |since_ms, before, limit| {
        let rows = bench.store.list(&Page { since_ms, before, limit }).unwrap();
        rows.iter().map(|row| row.reps).collect::<Vec<_>>()
    };
    assert_eq!(page(0, None, 100), [5, 4, 3]);
    assert_eq!(page(0, Some(3), 100), [2, 1]);
    assert_eq!(page(0, None, 2), [5, 4]);
    assert!(page(0, None, 0).is_empty());
    let third = bench.store.set(3).unwrap().set.started_ms;
    assert_eq!(page(third, None, 100), [5, 4, 3]);
    assert_eq!(page(third + 1, None, 100), [5, 4]);
    assert!(page(u64::MAX, None, 100).is_empty());
}

#[test]
fn while_another_program_locks_the_file_sets_wait_and_no_more_than_may() {
    let mut bench = Bench::with(|settings| settings.waiting = 3);
    bench.write(1);
    let other = Connection::open(bench.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for n in 2..=4 {
        bench.push(n).unwrap();
    }
    assert_eq!(bench.push(5), Err(Full));
    bench.turn();
    assert!(bench.fault().ends_with("is in use by another program"), "{}", bench.fault());
    assert_eq!(bench.push(5), Err(Full), "what waits is still there");
    assert_eq!(bench.ask(|store| store.keep("a", "b")).map_err(|fault| fault.to_string()), Err(bench.fault()));
    assert_eq!(bench.store.status().refused, 2);
    other.execute_batch("ROLLBACK").unwrap();
    bench.pass(60);
    assert_eq!(bench.fault(), "");
    assert_eq!(bench.list().iter().map(|row| row.reps).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!(bench.store.status().waiting, 0);
}

#[test]
fn two_boxes_cannot_have_one_log_and_the_second_takes_over_when_the_first_ends() {
    let mut first = Bench::new();
    let mut second = Bench::begin(first.dir.clone(), first.settings.clone(), first.now, "boot-1");
    assert!(second.fault().ends_with("is in use by another program"), "{}", second.fault());
    second.push(2).unwrap();
    first.write(1);
    first.keeper = None;
    second.pass(60);
    assert_eq!(second.list().iter().map(|row| row.reps).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_file_that_is_taken_away_is_begun_anew() {
    let mut bench = Bench::new();
    bench.write(1);
    for path in bench.files("spotter.db") {
        std::fs::remove_file(path).unwrap();
    }
    bench.write(2);
    assert!(bench.file().exists());
    assert_eq!(bench.list().iter().map(|row| row.reps).collect::<Vec<_>>(), [2]);
}

/// A log with 200 sets whose file, closed, is changed by `damage`; then the program starts again.
fn after(damage: impl FnOnce(&Path)) -> (Bench, Vec<u8>) {
    let mut bench = Bench::new();
    (0..200).for_each(|_| bench.push(9).unwrap());
    bench.turn();
    bench.keeper = None;
    bench.store.0.readers.lock().unwrap().clear();
    damage(&bench.file());
    let damaged = std::fs::read(bench.file()).unwrap();
    let now = bench.now;
    (bench.again(now, "boot-1"), damaged)
}

#[test]
fn a_damaged_file_is_moved_aside_and_a_new_one_begun() {
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].iter_mut().for_each(|byte| *byte ^= 0x55);
        std::fs::write(path, bytes).unwrap();
    };
    let truncate = |path: &Path| {
        let half = path.metadata().unwrap().len() / 2;
        std::fs::File::options().write(true).open(path).unwrap().set_len(half).unwrap();
    };
    let no_database = |path: &Path| std::fs::write(path, "a shopping list\n".repeat(100)).unwrap();
    let damages: [&dyn Fn(&Path); 3] = [&flip, &truncate, &no_database];
    for damage in damages {
        let (mut bench, damaged) = after(damage);
        let aside = bench.settings.folder.join(format!("spotter.db.corrupt-{}", MORNING_MS / 1000));
        assert_eq!(std::fs::read(aside).unwrap(), damaged, "nothing of it is lost");
        assert_eq!((bench.fault().as_str(), bench.list().len()), ("", 0));
        bench.write(1);
        assert_eq!(bench.list().len(), 1);
        assert_eq!(bench.store.0.metrics.damaged.get(), 1);
    }
}

#[test]
fn damage_that_a_reader_meets_is_seen_to_and_two_at_one_moment_are_two_files() {
    let mut bench = Bench::new();
    for round in 1..=2 {
        (0..200).for_each(|_| bench.push(9).unwrap());
        bench.turn();
        let other = Connection::open(bench.file()).unwrap();
        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(other);
        let pages = bench.file().metadata().unwrap().len() / 4096;
        let file = std::fs::File::options().write(true).open(bench.file()).unwrap();
        for page in 2..pages {
            std::os::unix::fs::FileExt::write_all_at(&file, &[0x77; 4096], page * 4096).unwrap();
        }
        bench.store.0.readers.lock().unwrap().clear();
        let met = bench.store.list(&Page { limit: 10, ..Page::default() });
        assert!(matches!(met, Err(StoreFault::Damaged { .. })), "{met:?}");
        bench.turn();
        bench.pass(60);
        assert_eq!((bench.fault().as_str(), bench.list().len()), ("", 0), "round {round}");
        let asides = bench.files("corrupt-");
        let databases = asides.iter().filter(|path| !path.to_str().unwrap().ends_with(['l', 'm'])).count();
        assert_eq!(databases, round, "{asides:?}");
        bench.now.wall = Wall::from_unix_ms(MORNING_MS);
    }
}

#[test]
fn a_file_of_a_newer_spotter_is_refused_and_not_touched() {
    let newer = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    };
    let (mut bench, bytes) = after(newer);
    let want = format!(
        "{} was written by a newer spotter (schema {}, this one knows {}); it is left untouched",
        bench.file().display(),
        schema::VERSION + 1,
        schema::VERSION
    );
    assert_eq!(bench.fault(), want);
    bench.push(1).unwrap();
    bench.pass(60);
    assert_eq!(std::fs::read(bench.file()).unwrap(), bytes);
    assert_eq!((bench.fault(), bench.store.status().waiting), (want, 1), "counting goes on");
    let refused = bench.store.list(&Page::default());
    assert!(matches!(refused, Err(StoreFault::Newer { .. })), "{refused:?}");
}

fn in_1970(uptime_s: f64) -> Reading {
    Reading { mono: mono(uptime_s), wall: Wall::from_unix_ms((uptime_s * 1e3) as u64), asleep: Duration::ZERO }
}

#[test]
fn a_set_of_before_1970_is_in_the_list_in_the_export_and_among_the_pictures() {
    let early = Reading { mono: mono(1000.0), ..in_1970(2.0) };
    let mut bench = Bench::new().again(early, "boot-2");
    let (id, place) = bench.write_pictured();
    let sql = "SELECT started_ms FROM sets";
    let started_ms: i64 = Connection::open(bench.file()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(started_ms < 0, "{started_ms}");
    for (since_ms, want) in [(0, vec![id]), (1, vec![])] {
        let listed = bench.store.list(&Page { since_ms, limit: 9, ..Page::default() }).unwrap();
        assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), want);
        let pictures = bench.store.pictures(since_ms, 9).unwrap();
        assert_eq!(pictures.iter().map(|row| row.set).collect::<Vec<_>>(), want);
        assert!(pictures.iter().all(|row| row.path == place));
        let (mut export, mut out) = (bench.store.export(Format::Json, since_ms), Vec::new());
        while export.next_piece(&mut out).unwrap() {}
        let exported: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
        assert_eq!(exported.iter().map(|set| set["id"].as_i64().unwrap()).collect::<Vec<_>>(), want);
    }
}

fn set_right(uptime_s: f64) -> Reading {
    Reading { wall: Wall::from_unix_ms(MORNING_MS + (uptime_s * 1e3) as u64), ..in_1970(uptime_s) }
}

#[test]
fn when_the_clock_is_set_the_sets_of_this_boot_are_mended() {
    let mut bench = Bench::new().again(in_1970(1000.0), "boot-2");
    let written = bench.write(1);
    let tried = bench.write(2);
    for _ in 0..2 {
        let next = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
        let now = bench.now;
        bench.ask(|store| store.delivered(next.id, Some("1".into()), now)).unwrap();
    }
    assert_eq!(bench.store.set(written).unwrap().set.ended_ms, 995_000);
    assert_eq!(bench.store.set(written).unwrap().set.clock, ClockMark::Unsure);
    bench.push(3).unwrap();
    bench.now = set_right(1060.0);
    bench.turn();
    for (id, ended_s) in [(written, 995), (tried, 995), (tried + 1, 995)] {
        let row = bench.store.set(id).unwrap().set;
        assert_eq!((row.ended_ms, row.clock), (MORNING_MS + ended_s * 1000, ClockMark::Good), "{id}");
        assert_eq!(row.ended_ms - row.started_ms, u64::from(row.reps - 1) * 2000 + 1500);
    }
    assert_eq!(bench.ops(written), words(&[("set", "delivered"), ("correct", "waiting")]), "who has it is told");
    bench.turn();
    assert_eq!(bench.store.set(written).unwrap().set.ended_ms, MORNING_MS + 995_000, "once is enough");
    bench.now = in_1970(1100.0);
    let late = bench.write(4);
    bench.now = set_right(1200.0);
    bench.turn();
    let ended = |id| bench.store.set(id).unwrap().set.ended_ms - MORNING_MS;
    assert_eq!((ended(written), ended(late)), (995_000, 1_095_000), "a clock that falls back is not believed");
}

#[test]
fn a_clock_that_is_set_while_the_program_does_not_run_mends_as_well_and_one_that_was_never_set_is_marked() {
    let mut bench = Bench::new().again(in_1970(100.0), "boot-2");
    bench.write(1);
    bench = bench.again(set_right(200.0), "boot-2");
    assert_eq!(bench.list()[0].ended_ms, MORNING_MS + 95_000);
    bench = bench.again(in_1970(300.0), "boot-3");
    bench.write(2);
    bench.write(3);
    bench = bench.again(in_1970(50.0), "boot-4");
    let rows = bench.list();
    assert_eq!(
        rows.iter().map(|row| (row.reps, row.clock)).collect::<Vec<_>>(),
        [(3, ClockMark::Lost), (2, ClockMark::Lost), (1, ClockMark::Good)]
    );
    assert_eq!(rows[0].known_ms, None);
    bench.now = set_right(60.0);
    bench.turn();
    let rows = bench.list();
    assert_eq!((rows[0].known_ms, rows[0].clock), (Some(MORNING_MS + 60_000), ClockMark::Lost));
    assert_eq!(rows[2].ended_ms, MORNING_MS + 95_000, "another boot's set is not moved");
}

#[test]
fn a_laptop_that_slept_moves_nothing() {
    let mut bench = Bench::new();
    bench.write(1);
    let before = bench.list();
    bench.now.wall = Wall::from_unix_ms(bench.now.wall.unix_ms() + 3_600_000);
    bench.now.asleep = Duration::from_secs(3600);
    bench.turn();
    assert_eq!(bench.list(), before);
}

#[test]
fn a_clock_that_is_only_kept_right_moves_nothing_however_often() {
    let mut bench = Bench::new();
    bench.write(1);
    let before = bench.list();
    for _ in 0..5 {
        bench.now.wall = Wall::from_unix_ms(bench.now.wall.unix_ms() + 20_000);
        bench.turn();
        let now = bench.now;
        bench = bench.again(now, "boot-1");
    }
    assert_eq!(bench.list(), before);
}

#[test]
fn sets_are_kept_for_their_days_and_longer_if_they_still_have_to_be_delivered() {
    let mut bench = Bench::with(|settings| settings.retention.sets_days = 10);
    let (taken, now) = (bench.write(1), bench.now);
    let next = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.delivered(next.id, None, now)).unwrap();
    let waits = bench.write(2);
    bench.pass(10 * DAY_S - 60);
    assert_eq!(bench.list().len(), 2);
    bench.pass(DAY_S);
    assert_eq!(bench.list().iter().map(|row| row.id).collect::<Vec<_>>(), [waits], "{taken} is gone");
    // A clock that is far behind makes nothing old.
    bench.now.wall = Wall::from_unix_ms(0);
    bench.pass(DAY_S);
    assert_eq!(bench.list().len(), 1);
}

#[test]
fn a_clock_that_is_a_year_ahead_for_half_an_hour_clears_nothing_away() {
    let mut bench = Bench::with(|settings| (settings.retention.sets_days, settings.sinks) = (10, Vec::new()));
    bench.write(1);
    // By the clock of a machine that was switched on in another year, and is told the time later.
    let right = bench.now;
    let wrong = |seconds: u64| Reading {
        mono: mono(20.0 + seconds as f64),
        wall: Wall::from_unix_ms(right.wall.unix_ms() + (400 * DAY_S + seconds) * 1000),
        ..right
    };
    let mut bench = bench.again(wrong(0), "boot-2");
    bench.now = wrong(1800);
    bench.turn();
    assert_eq!(bench.list().len(), 1);
    bench.now.wall = Wall::from_unix_ms(bench.now.wall.unix_ms() - 400 * DAY_S * 1000);
    bench.turn();
    bench.pass(2 * 3600);
    assert_eq!(bench.list().len(), 1);
    // What is old by a clock that goes on is removed.
    bench.pass(9 * DAY_S);
    assert_eq!(bench.list().len(), 1);
    bench.pass(DAY_S);
    assert_eq!(bench.list().len(), 0);
}

#[test]
fn pictures_go_by_age_and_then_by_bytes_the_oldest_first_and_nothing_outside_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("snapshots"), dir.path().join("outside"));
    for folder in [root.join("2026-11-01"), root.join("2026-11-02/deep"), outside.clone()] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let now = Reading { mono: mono(1.0), wall: Wall::from_unix_ms(MORNING_MS), asleep: Duration::ZERO };
    let put = |path: &Path, days_old: u64, bytes: usize| {
        std::fs::write(path, vec![b'x'; bytes]).unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_millis(MORNING_MS - days_old * DAY_S * 1000);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    put(&root.join("2026-11-01/a.png"), 40, 1000);
    put(&root.join("2026-11-02/b.png"), 20, 1000);
    put(&root.join("2026-11-02/c.png"), 10, 1000);
    put(&root.join("2026-11-02/deep/d.png"), 0, 1000);
    put(&root.join("1970.png"), MORNING_MS / 1000 / DAY_S, 10);
    put(&outside.join("precious"), 400, 5000);
    std::os::unix::fs::symlink(&outside, root.join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("precious"), root.join("file")).unwrap();
    let implausible = Reading { wall: Wall::from_unix_ms(5), ..now };
    assert_eq!(prune(&root, 30, 0, implausible, 9), Pruned { removed: 0, failed: 0, bytes: 4010 });
    assert_eq!(prune(&root, 30, 0, now, 9), Pruned { removed: 1, failed: 0, bytes: 3010 });
    assert!(!root.join("2026-11-01").exists(), "an empty folder goes too");
    assert_eq!(prune(&root, 30, 3000, now, 9), Pruned { removed: 1, failed: 0, bytes: 3000 }, "1970 is the oldest");
    assert_eq!(prune(&root, 0, 1500, now, 1), Pruned { removed: 1, failed: 0, bytes: 2000 }, "one at once");
    assert_eq!(prune(&root, 0, 1500, now, 9), Pruned { removed: 1, failed: 0, bytes: 1000 });
    assert!(root.join("2026-11-02/deep/d.png").exists());
    assert!(outside.join("precious").exists() && root.join("file").symlink_metadata().is_ok());
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&root, &link).unwrap();
    assert_eq!(prune(&link, 0, 1, now, 9), Pruned::default(), "a link is not the folder");
    assert_eq!(prune(&dir.path().join("none"), 1, 1, now, 9), Pruned::default());
}

#[test]
fn an_export_is_whole_however_many_pieces_it_has() {
    let mut bench = Bench::new();
    for n in 1..=201 {
        bench.push(1 + n % 3).unwrap();
    }
    bench.turn();
    let now = bench.now;
    let odd = Correction { note: Some(Some("=1+1, \"so\"\nand on".into())), ..Correction::default() };
    bench.ask(|store| store.correct(201, odd, now)).unwrap();
    let export = |format, since_ms| {
        let (mut export, mut out, mut pieces) = (bench.store.export(format, since_ms), Vec::new(), 1);
        while export.next_piece(&mut out).unwrap() {
            pieces += 1;
        }
        (String::from_utf8(out).unwrap(), pieces)
    };
    let (json, pieces) = export(Format::Json, 0);
    let list: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((list.len(), pieces), (201, 3));
    assert!(list.iter().zip(1..).all(|(set, id)| set["id"] == id));
    assert_eq!(list[0]["repetitions"].as_array().unwrap().len(), 2);
    let (csv, _) = export(Format::Csv, 0);
    let mut lines = csv.split("\r\n");
    assert_eq!(lines.next().unwrap().split(',').count(), 19);
    assert_eq!(
        lines.next().unwrap().split(',').take(9).collect::<Vec<_>>(),
        ["1", "rack", "Squat", "2", "", "", "2026-11-26T07:59:51.500Z", "2026-11-26T07:59:55.000Z", "good"]
    );
    assert_eq!(csv.matches("\r\n").count(), 202);
    assert!(csv.contains(",\"'=1+1, \"\"so\"\"\nand on\","), "{csv}");
    assert_eq!(export(Format::Json, u64::MAX).0, "[\n]\n");
    assert_eq!(export(Format::Csv, u64::MAX).0.matches("\r\n").count(), 1);
}

#[test]
fn days_are_named_right_over_four_centuries() {
    for (ms, want) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (MORNING_MS, "2026-11-26T08:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (13_574_649_599_000, "2400-02-29T23:59:59.000Z"),
    ] {
        assert_eq!(export::utc(ms), want);
    }
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

#[test]
fn a_plain_copy_of_the_file_is_whole_after_a_stop_though_there_were_readers() {
    let dir = tempfile::tempdir().unwrap();
    let (crew, stop) = (Crew::default(), Stop::default());
    let settings = Settings { folder: dir.path().into(), ..Settings::default() };
    let store = Store::start(settings, StoreMetrics::default(), &crew, &stop).unwrap();
    let inbox = store.inbox();
    inbox.push("rack", set(4, 1.0), Duration::ZERO, Reading::now()).unwrap();
    store.wait_for_news(0, Duration::from_secs(20));
    assert_eq!(store.list(&Page { limit: 9, ..Page::default() }).unwrap().len(), 1);
    // Another program has it open all the while.
    let other = Connection::open(dir.path().join(file::NAME)).unwrap();
    let count = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM sets", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(count(&other), 1);
    drop(inbox);
    stop.raise();
    assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
    assert!(store.0.readers.lock().unwrap().is_empty());
    let copy = dir.path().join("copy.db");
    std::fs::copy(dir.path().join(file::NAME), &copy).unwrap();
    assert_eq!(count(&Connection::open(copy).unwrap()), 1);
}

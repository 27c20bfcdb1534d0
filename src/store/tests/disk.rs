//! The file itself: locked, taken away, damaged, of another version, copied.

use super::*;

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

//! A clock that is wrong, is set, stands still or was never right.

use super::*;

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

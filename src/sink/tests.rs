//! A lane against a real log and a real HTTP server; its clock is the test's, so that pauses of minutes pass at once.

mod stuck;
mod thread;

use std::cell::Cell;
use std::time::Duration;

use tempfile::TempDir;

use super::lane::Lane;
use super::*;
use crate::metrics::{SinkMetrics, StoreMetrics};
use crate::store::{self, Correction, Page, SetRow};
use crate::time::{Mono, Wall};
use crate::workout::{Phases, Rep, Set};
use receiver::{API_KEY, Manner, Part, Receiver, SECRET};

#[path = "../../tests/receiver/mod.rs"]
mod receiver;

/// 2026-11-26 08:00 UTC.
const MORNING_MS: u64 = 1_795_680_000_000;
const MINUTE: Duration = Duration::from_secs(60);
/// Answers to one delivery before the next one is tried.
const TRIES: u32 = 3;
/// Who answers does so in this time, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(what: &str, is: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(std::time::Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

/// A set of so many repetitions.
fn set(count: u32) -> Set {
    let rep = |n: u32| Rep {
        n,
        started: Mono::from_ns(u64::from(n) * 2_000_000_000),
        turned: Mono::from_ns(u64::from(n) * 2_000_000_000 + 1),
        ended: Mono::from_ns(u64::from(n) * 2_000_000_000 + 2),
        min_deg: 90.0,
        max_deg: 170.0,
        phases: Phases::default(),
    };
    let reps: Vec<Rep> = (1..=count).map(rep).collect();
    Set {
        exercise: Some("Bench Press".into()),
        chosen: true,
        recount: count,
        started: reps[0].started,
        ended: reps.last().unwrap().ended,
        reps,
        confidence: 0.8126,
        pending: false,
    }
}

struct Rig {
    store: Store,
    lane: Lane,
    settings: Settings,
    now: Cell<Reading>,
    pushed: u64,
    crew: Crew,
    stop: Stop,
    dir: TempDir,
}

impl Rig {
    fn new(kind: Kind, url: String) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let (crew, stop) = (Crew::default(), Stop::default());
        let settings = store::Settings {
            folder: dir.path().into(),
            snapshots: dir.path().join("snapshots"),
            sinks: vec!["gym".into()],
            ..store::Settings::default()
        };
        let store = Store::start(settings, StoreMetrics::default(), &crew, &stop).unwrap();
        let key = Some(Secret::new(if kind == Kind::Pump { API_KEY } else { SECRET }));
        let settings = Settings { name: "gym".into(), kind, url, key, timeout: PATIENCE, tries: TRIES };
        let lane = lane(&settings, &store);
        let now = Reading {
            mono: Mono::from_ns(1_000_000_000_000),
            wall: Wall::from_unix_ms(MORNING_MS),
            asleep: Duration::ZERO,
        };
        let rig = Rig { store, lane, settings, now: Cell::new(now), pushed: 0, crew, stop, dir };
        rig.until("the log is open", |rig| rig.store.status().fault.is_none());
        rig
    }

    fn until(&self, what: &str, is: impl Fn(&Rig) -> bool) {
        until(what, || is(self));
    }

    /// A set of so many repetitions, written.
    fn set(&mut self, count: u32) -> SetRow {
        self.store.inbox().push("rack", set(count), Duration::ZERO, Reading::now()).unwrap();
        self.pushed += 1;
        self.until("the set is written", |rig| rig.store.status().written == rig.pushed);
        self.lane.wake();
        self.store.list(&Page { limit: 1, ..Page::default() }).unwrap().remove(0)
    }

    fn turn(&mut self) -> Duration {
        self.lane.turn(&|| self.now.get())
    }

    /// Turns until nothing can be done now.
    fn work(&mut self) -> Duration {
        loop {
            let rest = self.turn();
            if rest > Duration::ZERO {
                return rest;
            }
        }
    }

    fn pass(&self, span: Duration) {
        let now = self.now.get();
        let wall = Wall::from_unix_ms(now.wall.unix_ms() + span.as_millis() as u64);
        self.now.set(Reading { mono: now.mono.plus(span), wall, ..now });
    }

    fn said(&self) -> String {
        self.lane.said.sentence().unwrap_or_default()
    }

    fn waiting_and_parked(&self) -> (u64, u64) {
        let backlog = self.store.backlog("gym").unwrap();
        (backlog.waiting, backlog.parked)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.raise();
        self.crew.join(Duration::from_secs(20));
    }
}

fn lane(settings: &Settings, store: &Store) -> Lane {
    Lane::new(settings.clone(), store.clone(), SinkMetrics::default(), 5 * MINUTE, 1)
}

/// Repetitions of the sets that came, in order.
fn reps(receiver: &Receiver) -> Vec<u64> {
    receiver.got().iter().filter_map(|request| request.body["Reps"].as_u64()).collect()
}

#[test]
fn pump_is_told_everything_about_a_set_in_its_own_words() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let mut rig = Rig::new(Kind::Pump, pump.url() + "/");
    let row = rig.set(5);
    rig.work();
    let now = rig.now.get();
    let said = r#"{"exercise":"Close-Grip Bench","reps":6,"weight":62.25,"note":"last one helped"}"#;
    rig.store.correct(row.id, serde_json::from_str(said).unwrap(), now).unwrap();
    rig.store.confirm(row.id, Correction::default(), now).unwrap();
    rig.lane.wake();
    rig.work();
    rig.store.correct(row.id, serde_json::from_str(r#"{"weight":null}"#).unwrap(), now).unwrap();
    rig.lane.wake();
    rig.work();
    rig.store.delete(row.id, now).unwrap();
    rig.lane.wake();
    rig.work();
    assert_eq!(pump.wrong(), Vec::<String>::new());
    let got = pump.got();
    let calls: Vec<String> = got.iter().map(|r| format!("{} {} {}", r.method, r.path, r.text)).collect();
    let set = format!(
        r#"{{"Confidence":0.813,"Date":"{}","Name":"Bench Press","Note":"","Pending":false,"Reps":5,"Source":"cv","Weight":"0.0"}}"#,
        day(row.started_ms)
    );
    assert_eq!(
        calls,
        [
            format!("POST /api/sets {set}"),
            r#"PATCH /api/sets/1 {"Name":"Close-Grip Bench","Note":"last one helped","Reps":6,"Weight":"62.2"}"#
                .to_string(),
            "POST /api/sets/1/confirm {}".to_string(),
            r#"PATCH /api/sets/1 {"Weight":"0.0"}"#.to_string(),
            "DELETE /api/sets/1 ".to_string(),
        ]
    );
    let keys: std::collections::BTreeSet<&str> = got.iter().map(|request| request.key()).collect();
    assert_eq!((keys.len(), got[0].key()), (5, row.key.as_str()));
    assert_eq!(rig.waiting_and_parked(), (0, 0));
}

/// The day of a moment where this machine stands, by the system's own program.
fn day(unix_ms: u64) -> String {
    let out = std::process::Command::new("date").arg(format!("-d@{}", unix_ms / 1000)).arg("+%F").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_string()
}

#[test]
fn a_set_whose_time_was_mended_or_lost_says_so_with_its_day() {
    let mut rig = Rig::new(Kind::Pump, "http://127.0.0.1:1".into());
    rig.set(1);
    let mut delivery = rig.store.next_delivery("gym").unwrap().unwrap();
    let body = |delivery: &store::Delivery| {
        let body = message::of(&rig.settings, delivery).body.unwrap();
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    };
    delivery.set.started_ms = MORNING_MS;
    (delivery.set.clock, delivery.set.known_ms) = (store::ClockMark::Lost, Some(MORNING_MS + 30 * 24 * 3_600_000));
    let set = body(&delivery);
    assert_eq!(
        set["Date"],
        day(MORNING_MS + 30 * 24 * 3_600_000),
        "it was before this day, and no better one is known"
    );
    assert_eq!(set["Note"], "the box's clock was not set");
    delivery.set.clock = store::ClockMark::Good;
    assert_eq!((&body(&delivery)["Date"], &body(&delivery)["Note"]), (&day(MORNING_MS).into(), &"".into()));
    (delivery.op, delivery.fields, delivery.remote) = (store::Op::Correct, store::Fields::TIMES, Some("4".into()));
    assert_eq!(body(&delivery), serde_json::json!({ "Date": day(MORNING_MS) }), "nothing else is touched");
}

#[test]
fn whatever_goes_wrong_on_the_way_each_set_arrives_in_order_with_one_key() {
    let manners = [Manner::status(500), Manner::Drop, Manner::Refuse, Manner::Late, Manner::Half, Manner::status(302)];
    let count = manners.len();
    let pump =
        Receiver::start(Part::Pump, move |n| if n % 2 == 0 { manners[n / 2 % count].clone() } else { Manner::Well });
    let mut rig = Rig::new(Kind::Pump, pump.url());
    // One answer comes too late.
    rig.settings.timeout = Duration::from_secs(3);
    rig.lane = lane(&rig.settings, &rig.store);
    for n in 1..=count as u32 {
        rig.set(n);
        let pause = rig.work();
        assert!((Duration::from_secs(1)..MINUTE).contains(&pause), "{n}: {pause:?}");
        assert!(rig.said().starts_with("gym "), "{}", rig.said());
        rig.pass(pause);
        assert_eq!(rig.work(), Duration::MAX, "{n}: {}", rig.said());
        assert_eq!((rig.said().as_str(), rig.waiting_and_parked()), ("", (0, 0)));
    }
    assert_eq!(pump.wrong(), Vec::<String>::new());
    // One that is closed before it is read was never got.
    assert_eq!(reps(&pump), [1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6]);
    let got = pump.got();
    let keys: std::collections::BTreeMap<&str, u64> =
        got.iter().map(|request| (request.key(), request.body["Reps"].as_u64().unwrap())).collect();
    assert_eq!(keys.into_values().collect::<std::collections::BTreeSet<_>>().len(), count);
}

#[test]
fn while_nobody_answers_the_pauses_grow_and_order_is_kept() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut rig = Rig::new(Kind::Pump, format!("http://{gone}"));
    rig.set(1);
    rig.set(2);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let pause = rig.work();
        pauses.push(pause.as_secs());
        rig.pass(pause);
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1] || pair[1] >= 225), "{pauses:?}");
    assert!((225..=300).contains(pauses.last().unwrap()), "{pauses:?}");
    assert!(rig.said().starts_with("gym cannot be reached: "), "{}", rig.said());
    let rows = rig.store.set(1).unwrap().deliveries;
    assert_eq!((rows[0].attempts, rows[0].error.as_deref()), (12, Some(rig.said().as_str())));
    assert_eq!(rig.store.set(2).unwrap().deliveries[0].attempts, 0);
}

#[test]
fn what_gathers_while_a_receiver_is_gone_is_counted_without_asking_the_log() {
    let mut rig = Rig::new(Kind::Pump, "http://127.0.0.1:9".into());
    let counted = |rig: &Rig| rig.lane.said.counted().waiting;
    assert_eq!(counted(&rig), 0);
    rig.set(5);
    let pause = rig.work();
    assert_eq!(counted(&rig), 1);
    for more in [2, 3] {
        rig.set(5);
        assert_eq!(counted(&rig), more - 1);
        assert_eq!(rig.turn(), pause, "it is not tried before its time");
        assert_eq!(counted(&rig), more);
    }
}

#[test]
fn auto_log_that_is_off_keeps_everything_until_it_is_on() {
    let pump = Receiver::start(Part::Pump, |_| Manner::status(403));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    rig.set(2);
    for _ in 0..3 {
        assert_eq!(rig.work(), 5 * MINUTE);
        assert_eq!(rig.said(), "auto-log is off in gym; sets wait until it is on");
        rig.pass(5 * MINUTE);
    }
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1, 1, 1], (2, 0)));
    pump.behave(|_| Manner::Well);
    rig.work();
    assert_eq!((reps(&pump)[3..].to_vec(), rig.waiting_and_parked(), rig.said()), (vec![1, 2], (0, 0), String::new()));
}

#[test]
fn a_receiver_gets_the_pause_it_asks_for() {
    let busy = |headers| Manner::Answer { status: 429, headers, body: String::new() };
    let pump = Receiver::start(Part::Pump, move |n| match n {
        0 => busy("Retry-After: 120\r\n"),
        1 => busy("Retry-After: 999999\r\n"),
        _ => busy("Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n"),
    });
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    for (least, most) in [(2 * MINUTE, 2 * MINUTE), (60 * MINUTE, 60 * MINUTE), (Duration::from_secs(1), MINUTE)] {
        let pause = rig.work();
        assert!((least..=most).contains(&pause), "{pause:?}");
        rig.pass(pause);
    }
    assert_eq!(reps(&pump), [1, 1, 1]);
}

#[test]
fn a_redirect_takes_the_key_nowhere() {
    let elsewhere = Receiver::start(Part::Pump, |_| Manner::Well);
    let location: &'static str = Box::leak(format!("Location: {}/api/sets\r\n", elsewhere.url()).into_boxed_str());
    for status in [301, 302, 303, 307, 308] {
        let pump =
            Receiver::start(Part::Pump, move |_| Manner::Answer { status, headers: location, body: String::new() });
        let mut rig = Rig::new(Kind::Pump, pump.url());
        rig.set(1);
        rig.work();
        assert_eq!(rig.said(), format!("gym answers {status}, a redirect, which is not followed"));
        assert_eq!((pump.got().len(), rig.waiting_and_parked()), (1, (1, 0)));
    }
    assert_eq!(elsewhere.got().len(), 0);
}

#[test]
fn an_answer_is_read_up_to_64_kib_and_what_comes_later_counts_for_nothing() {
    for (before, waiting) in [(60_000, 0), (70_000, 1)] {
        let answer = Manner::Answer { status: 201, headers: "", body: " ".repeat(before) + r#"{"id":7}"# };
        let pump = Receiver::start(Part::Pump, move |_| answer.clone());
        let mut rig = Rig::new(Kind::Pump, pump.url());
        rig.set(1);
        rig.work();
        assert_eq!((pump.got().len(), rig.waiting_and_parked()), (1, (waiting, 0)), "{before} bytes before it");
    }
}

#[test]
fn a_webhook_is_signed_and_a_receiver_with_another_secret_sees_that() {
    for (secret, wrong) in [(SECRET, 0), ("another", 2)] {
        let hook = Receiver::start(Part::Webhook(secret), |_| Manner::Well);
        let mut rig = Rig::new(Kind::Webhook, hook.url() + "/hook?x=1");
        let row = rig.set(3);
        rig.store.correct(row.id, Correction { reps: Some(Some(4)), ..Correction::default() }, rig.now.get()).unwrap();
        rig.work();
        let got = hook.got();
        assert_eq!(
            got.iter().map(|r| (r.path.as_str(), r.body["event"].as_str().unwrap())).collect::<Vec<_>>(),
            [("/hook?x=1", "set"), ("/hook?x=1", "correct")]
        );
        let set = &got[1].body["set"];
        assert_eq!(
            (set["key"].as_str(), set["reps"].as_u64(), set["reps_machine"].as_u64()),
            (Some(row.key.as_str()), Some(4), Some(3))
        );
        assert_eq!(set["repetitions"][2]["n"], 3);
        assert_eq!(got[0].key(), row.key);
        let sentences = hook.wrong();
        assert_eq!(sentences.len(), wrong, "{sentences:?}");
        assert!(sentences.iter().all(|why| why.ends_with("the signature is not that of the body")), "{sentences:?}");
    }
}

#[test]
fn what_was_taken_is_not_sent_again_when_the_log_cannot_note_it_at_once() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    let file = rig.dir.path().join("spotter.db");
    pump.behave(move |_| {
        // Another program takes the file while the answer is on its way, and keeps it.
        let other = rusqlite::Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        LOCKED.lock().unwrap().replace(other);
        Manner::Well
    });
    let rest = rig.turn();
    assert!(rest > Duration::ZERO, "{rest:?}");
    assert_eq!(pump.got().len(), 1);
    LOCKED.lock().unwrap().take().unwrap().execute_batch("ROLLBACK").unwrap();
    let rig = std::cell::RefCell::new(rig);
    until("the log is open again and knows what became of it", || {
        let mut rig = rig.borrow_mut();
        rig.pass(MINUTE);
        rig.work();
        rig.store.backlog("gym").is_ok_and(|backlog| backlog.waiting == 0)
    });
    assert_eq!(pump.got().len(), 1);
}

static LOCKED: std::sync::Mutex<Option<rusqlite::Connection>> = std::sync::Mutex::new(None);

#[test]
fn nothing_is_sent_with_a_date_that_cannot_be_until_patience_ends() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    let at = |mono_s: u64| Reading {
        mono: Mono::from_ns(mono_s * 1_000_000_000),
        wall: Wall::from_unix_ms(mono_s * 1000),
        asleep: Duration::ZERO,
    };
    for mono_s in [10, 299] {
        rig.now.set(at(mono_s));
        assert_eq!(rig.work(), Duration::from_secs(1));
    }
    assert_eq!(pump.got().len(), 0);
    rig.now.set(at(300));
    rig.work();
    assert_eq!(reps(&pump), [1]);
}

#[test]
fn an_address_is_http_with_a_host_and_without_a_user() {
    for good in ["http://pump:8851", "https://pump.example/base/", "http://[::1]:80/", "http://10.0.0.1"] {
        assert!(is_address(good, Kind::Pump), "{good}");
    }
    assert!(is_address("https://h/x?token=1", Kind::Webhook));
    for bad in
        ["", "pump", "pump:8851", "ftp://h/", "http://", "http://u:p@h/", "http://h/#a", "http://h a/", "http://h/?x"]
    {
        assert!(!is_address(bad, Kind::Pump), "{bad}");
    }
}

#[test]
fn no_secret_of_an_address_is_shown() {
    let shown = |kind, url: &str| {
        let key = Some(Secret::new("geheim"));
        let timeout = Duration::from_secs(1);
        let settings = Settings { name: "a".into(), kind, url: url.into(), key, timeout, tries: TRIES };
        // Whoever prints a list of them.
        let told = format!("{settings:?} {:?}", settings.key);
        assert_eq!(told, format!("a={kind:?} {} Some(***)", settings.shown_url()));
        settings.shown_url()
    };
    assert_eq!(shown(Kind::Pump, "http://pump:8851/base"), "http://pump:8851/base");
    assert_eq!(shown(Kind::Webhook, "https://hooks.example/services/T0/B0/xyz"), "https://hooks.example/***");
    assert_eq!(shown(Kind::Webhook, "https://hooks.example/?token=x"), "https://hooks.example/***");
    assert_eq!(shown(Kind::Webhook, "http://a/services/xyz"), "http://a/***");
    assert_eq!(shown(Kind::Webhook, "http://10.0.0.2:99/"), "http://10.0.0.2:99/");
    assert_eq!(shown(Kind::Webhook, "http://10.0.0.2:99"), "http://10.0.0.2:99");
}

//! A box that is killed with `kill -9` at random moments, while sets come and receivers fail at random, answer late and drop
//! connections: every set that the log has is delivered to each receiver at least once, with one key, and none is lost.
//!
//! `SPOTTER_KILLS` says how often (20 without it), `SPOTTER_SEED` with which chance.

mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use receiver::{API_KEY, Manner, Part, Receiver, Request, SECRET};

/// Sets of one start of the box are named from here on.
const APART: u64 = 100_000;

fn number(variable: &str, or: u64) -> u64 {
    std::env::var(variable).map_or(or, |text| text.parse().expect("a whole number"))
}

/// Long enough for a loaded machine; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fair chance that a test can repeat. SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// Seven of eight times well, else in one of the ways in which networks and servers fail.
fn moody(seed: u64) -> impl FnMut(usize) -> Manner + Send + 'static {
    let mut chance = Chance(seed);
    move |_| match chance.below(48) {
        0 => Manner::status(500),
        1 => Manner::status(503),
        2 => Manner::Drop,
        3 => Manner::Refuse,
        4 => Manner::Late,
        5 => Manner::Half,
        _ => Manner::Well,
    }
}

fn feeder(dir: &Path, pump: &Receiver, hook: &Receiver, first: &str) -> Child {
    let own = std::env::current_exe().expect("this test is a file");
    let folder: PathBuf = own.parent().and_then(Path::parent).expect("cargo's folders").join("examples");
    Command::new(folder.join("log_feeder"))
        .args([dir.to_str().expect("a plain path"), &pump.url(), &hook.url(), first])
        .envs([("PUMP_KEY", API_KEY), ("HOOK_SECRET", SECRET)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo build --example log_feeder comes before a test that is run alone")
}

/// Name and key of each set that arrived, in the order of arrival.
fn arrived(receiver: &Receiver) -> Vec<(String, String)> {
    let name = |request: &Request| {
        let body = &request.body;
        body["Name"].as_str().or_else(|| body["set"]["exercise"].as_str()).expect("a set has a name").to_string()
    };
    receiver.got().iter().map(|request| (name(request), request.key().to_string())).collect()
}

/// Fails unless `receiver` was sent every one of `sets`, the earlier first, each with its key, and took it.
fn all_are_there(who: &str, receiver: &Receiver, sets: &[(String, String)]) {
    assert_eq!(receiver.wrong(), Vec::<String>::new());
    let keys: BTreeMap<&str, &str> = sets.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
    let arrived = arrived(receiver);
    for (name, key) in &arrived {
        assert_eq!(keys.get(name.as_str()), Some(&key.as_str()), "{who} got {name} with another key, or from nowhere");
    }
    let taken: BTreeSet<String> = receiver.got().iter().filter(|r| r.is_taken).map(|r| r.key().to_string()).collect();
    let lost: Vec<&String> = sets.iter().filter(|(_, key)| !taken.contains(key)).map(|(name, _)| name).collect();
    assert!(lost.is_empty(), "{who} never took {lost:?}");
    let mut seen = BTreeSet::new();
    let firsts = arrived.iter().map(|(name, _)| name).filter(|name| seen.insert(name.as_str()));
    let out_of_order = firsts.zip(sets).find(|(first, (name, _))| *first != name);
    assert!(out_of_order.is_none(), "{who} was not told in the order of the log: {out_of_order:?}");
}

#[test]
fn no_set_is_lost_and_each_has_one_key_however_often_the_box_is_killed() {
    let (kills, seed) = (number("SPOTTER_KILLS", 20), number("SPOTTER_SEED", 1));
    let dir = tempfile::tempdir().unwrap();
    let pump = Receiver::start(Part::Pump, moody(seed));
    let hook = Receiver::start(Part::Webhook(SECRET), moody(seed + 1));
    let (mut chance, mut told) = (Chance(seed + 2), Vec::new());
    for round in 1..=kills {
        let mut child = feeder(dir.path(), &pump, &hook, &(round * APART).to_string());
        let stdout = child.stdout.take().unwrap();
        let (tell, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| tell.send(line).expect("it is heard"));
        });
        // Every second one dies at any moment from its start on, the others while they write and deliver.
        if round % 2 == 0 {
            told.push(lines.recv_timeout(PATIENCE).expect("a first set is stored"));
        }
        // The moment is what is random here; nothing is waited for.
        std::thread::sleep(Duration::from_micros(chance.below(200_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        told.extend(lines.iter());
    }
    let before = (arrived(&pump).len(), arrived(&hook).len());
    pump.behave(|_| Manner::Well);
    hook.behave(|_| Manner::Well);
    assert!(feeder(dir.path(), &pump, &hook, "drain").wait().unwrap().success());

    let log = rusqlite::Connection::open(dir.path().join("spotter.db")).unwrap();
    let whole: String = log.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut sets = log.prepare("SELECT exercise_machine, key FROM sets ORDER BY id").unwrap();
    let sets: Vec<(String, String)> =
        sets.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let names: BTreeSet<&str> = sets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), sets.len(), "each is there once");
    let told: Vec<&str> = told.iter().map(|line| line.strip_prefix("stored ").expect("nothing else is said")).collect();
    assert!(told.len() as u64 >= kills / 2);
    for name in &told {
        assert!(names.contains(name), "{name} was said to be stored and is lost");
    }
    let reps: i64 = log.query_row("SELECT count(*) FROM reps", [], |row| row.get(0)).unwrap();
    assert_eq!(reps, sets.len() as i64 * 5, "no set is there in part");
    for (who, receiver) in [("PUMP", &pump), ("the webhook", &hook)] {
        all_are_there(who, receiver, &sets);
    }
    println!(
        "{kills} kills (seed {seed}): {} sets in the log, {} of them told before the kill; PUMP was sent {} ({} before the end), \
         the webhook {} ({})",
        sets.len(),
        told.len(),
        arrived(&pump).len(),
        before.0,
        arrived(&hook).len(),
        before.1
    );
}

#[test]
fn a_set_bears_the_day_of_the_place_where_the_box_stands() {
    // The two ends of the world never have the same day.
    let mut days = Vec::new();
    for zone in ["AAA-14", "BBB+12"] {
        let dir = tempfile::tempdir().unwrap();
        let (pump, hook) =
            (Receiver::start(Part::Pump, |_| Manner::Well), Receiver::start(Part::Webhook(SECRET), |_| Manner::Well));
        let today = || {
            let out = Command::new("date").arg("+%F").env("TZ", zone).output().expect("date is everywhere");
            String::from_utf8(out.stdout).unwrap().trim().to_string()
        };
        let before = today();
        let own = std::env::current_exe().unwrap();
        let mut child = Command::new(own.parent().and_then(Path::parent).unwrap().join("examples/log_feeder"))
            .args([dir.path().to_str().unwrap(), &pump.url(), &hook.url(), "1"])
            .envs([("PUMP_KEY", API_KEY), ("HOOK_SECRET", SECRET), ("TZ", zone)])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while pump.got().is_empty() {
            assert!(std::time::Instant::now() < end, "nothing arrived");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let date = pump.got()[0].body["Date"].as_str().unwrap().to_string();
        assert!([before, today()].contains(&date), "{zone}: {date}");
        days.push(date);
    }
    assert_ne!(days[0], days[1]);
}

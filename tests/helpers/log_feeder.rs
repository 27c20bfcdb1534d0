//! Feeds sets into a real log with real sinks, without a camera, until it is killed: what the tests of lost power start.
//!
//! `log_feeder DIR PUMP_URL HOOK_URL FIRST`: sets named `Lift FIRST`, `Lift FIRST+1`, … are handed over as fast as the disk
//! takes them; `stored NAME` is printed when the log has one. With `drain` for FIRST nothing is handed over, and it ends when
//! nothing waits to be delivered.

use std::io::Write;
use std::time::Duration;

use spotter::metrics::Metrics;
use spotter::sink::{Kind, Secret, Settings, Sinks};
use spotter::store::{Reading, Store};
use spotter::threads::{Crew, Stop};
use spotter::time::Mono;
use spotter::workout::{Phases, Rep, Set};

fn set(name: &str) -> Set {
    let at = |s: u64| Mono::from_ns(s * 1_000_000_000);
    let rep = |n: u32| {
        let start = u64::from(n) * 3;
        let phases = Phases { go_s: 1.0, hold_s: 0.0, back_s: 1.0, pause_s: 1.0 };
        let (started, turned, ended) = (at(start), at(start + 1), at(start + 2));
        Rep { n, started, turned, ended, min_deg: 85.0, max_deg: 175.0, phases }
    };
    let reps: Vec<Rep> = (1..=5).map(rep).collect();
    Set {
        exercise: Some(name.into()),
        chosen: false,
        recount: 5,
        started: reps[0].started,
        ended: reps[4].ended,
        reps,
        confidence: 0.9,
        pending: false,
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, pump, hook, first] = arguments.as_slice() else { panic!("DIR PUMP_URL HOOK_URL FIRST|drain") };
    let (crew, stop, metrics) = (Crew::default(), Stop::default(), Metrics::default());
    let settings = spotter::store::Settings {
        folder: dir.into(),
        sinks: vec!["pump".into(), "hook".into()],
        ..spotter::store::Settings::default()
    };
    let store = Store::start(settings, metrics.store.clone(), &crew, &stop).expect("a thread");
    let sink = |name: &str, kind, url: &str, key: &str| Settings {
        name: name.into(),
        kind,
        url: url.into(),
        key: Some(Secret::new(key)),
        timeout: Duration::from_millis(200),
        tries: 20,
    };
    let key = |name: &str| std::env::var(name).expect("the test gives keys");
    let list =
        vec![sink("pump", Kind::Pump, pump, &key("PUMP_KEY")), sink("hook", Kind::Webhook, hook, &key("HOOK_SECRET"))];
    let sinks = Sinks::start(list, Duration::ZERO, &store, &metrics, &crew, &stop).expect("a thread");
    let look = || std::thread::sleep(Duration::from_millis(1));
    let Ok(first) = first.parse::<u64>() else {
        while !sinks.status(Reading::now()).is_ok_and(|all| all.iter().all(|sink| sink.backlog == 0)) {
            look();
        }
        stop.raise();
        assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
        return;
    };
    let inbox = store.inbox();
    for n in 0.. {
        let name = format!("Lift {}", first + n);
        inbox.push("rack", set(&name), Duration::from_secs(1), Reading::now()).expect("the disk keeps up");
        while store.status().written <= n {
            look();
        }
        // Written whole, so that a kill cannot leave half a line that means something else.
        if std::io::stdout().write_all(format!("stored {name}\n").as_bytes()).is_err() {
            return;
        }
    }
}

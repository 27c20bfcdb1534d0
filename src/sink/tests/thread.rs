//! The sinks' thread by itself, with a clock that is the machine's.

use super::*;

/// A log with two sinks: PUMP, and a webhook whose path is a secret, too.
struct Two {
    sinks: Sinks,
    store: Store,
    metrics: Metrics,
    crew: Crew,
    stop: Stop,
    _dir: TempDir,
}

impl Two {
    fn start(pump: &Receiver, hook: &Receiver) -> Two {
        let dir = tempfile::tempdir().unwrap();
        let (crew, stop, metrics) = (Crew::default(), Stop::default(), Metrics::default());
        let settings = store::Settings {
            folder: dir.path().into(),
            sinks: vec!["pump".into(), "hook".into()],
            ..store::Settings::default()
        };
        let store = Store::start(settings, metrics.store.clone(), &crew, &stop).unwrap();
        let sink = |name: &str, kind, url, key: &str| Settings {
            name: name.into(),
            kind,
            url,
            key: Some(Secret::new(key)),
            timeout: Duration::from_secs(5),
            tries: TRIES,
        };
        let list = vec![
            sink("pump", Kind::Pump, pump.url(), API_KEY),
            sink("hook", Kind::Webhook, hook.url() + "/hidden-path", SECRET),
        ];
        let sinks = Sinks::start(list, Duration::ZERO, &store, &metrics, &crew, &stop).unwrap();
        Two { sinks, store, metrics, crew, stop, _dir: dir }
    }

    fn set(&self, count: u32) {
        self.store.inbox().push("rack", set(count), Duration::ZERO, Reading::now()).unwrap();
    }

    /// Waits until both are as wanted.
    fn until(&self, what: &str, are: impl Fn(&Status, &Status) -> bool) -> Vec<Status> {
        let all = || self.sinks.status(Reading::now());
        until(what, || all().is_ok_and(|all| are(&all[0], &all[1])));
        all().unwrap()
    }

    fn end(&self) {
        self.stop.raise();
        assert_eq!(self.crew.join(Duration::from_secs(20)), Vec::<String>::new());
    }
}

fn refuses() -> Manner {
    Manner::Answer { status: 400, headers: "", body: format!("who is {SECRET}?") }
}

#[test]
fn the_thread_delivers_by_itself_and_its_state_tells_no_secret() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let hook = Receiver::start(Part::Webhook(SECRET), |_| refuses());
    let two = Two::start(&pump, &hook);
    two.set(7);
    let all = two.until("both had it", |pump, hook| pump.delivered_ms.is_some() && hook.parked == 1);
    assert_eq!((all[0].backlog, all[0].parked, all[0].error.as_deref()), (0, 0, None));
    assert_eq!(all[1].error.as_deref(), Some("hook answers 400: who is ***?"));
    until("the lanes have counted the same", || two.sinks.counted(Reading::now().wall) == all);
    let told = format!("{} {:?} {}", serde_json::to_string(&all).unwrap(), two.store.set(1), two.metrics.text());
    for secret in [API_KEY, SECRET, "hidden-path"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert!(two.metrics.text().contains("spotter_sink_delivered_total{sink=\"pump\"} 1"));
    assert!(two.metrics.text().contains("spotter_sink_parked{sink=\"hook\"} 1"));
    two.end();
}

#[test]
fn news_wakes_a_thread_that_had_nothing_to_do() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let two = Two::start(&pump, &Receiver::start(Part::Webhook(SECRET), |_| Manner::Well));
    for (count, all) in [(1, vec![1]), (2, vec![1, 2]), (3, vec![1, 2, 3])] {
        two.set(count);
        until("it was taken", || reps(&pump) == all);
        two.until("both had it", |pump, hook| (pump.backlog, hook.backlog) == (0, 0));
    }
    two.end();
}

#[test]
fn what_was_refused_is_tried_again_at_once_when_a_person_says_so() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let hook = Receiver::start(Part::Webhook(SECRET), |_| refuses());
    let two = Two::start(&pump, &hook);
    two.set(7);
    two.until("it was refused", |pump, hook| pump.delivered_ms.is_some() && hook.parked == 1);
    hook.behave(|_| Manner::Well);
    assert_eq!(two.sinks.retry("nobody"), None);
    assert_eq!(two.sinks.retry("pump"), Some(Ok(0)));
    assert_eq!(two.sinks.retry("hook"), Some(Ok(1)));
    two.until("it was taken", |_, hook| (hook.backlog, hook.parked) == (0, 0) && hook.delivered_ms.is_some());
    assert_eq!((pump.got().len(), hook.got().len()), (1, 2));
    two.end();
}

/// Else a receiver that is slow in each step of a request, as it may be, would have the box started anew.
#[test]
fn the_thread_hangs_when_five_steps_and_a_minute_have_passed_and_no_sooner() {
    let pump = Receiver::start(Part::Pump, |_| Manner::Well);
    let two = Two::start(&pump, &Receiver::start(Part::Webhook(SECRET), |_| Manner::Well));
    let hangs = |after_s| {
        let later = Mono::now().plus(Duration::from_secs(after_s));
        two.crew.hung(later).iter().any(|name| name == "sink")
    };
    let most_s = 5 * 5 + 60;
    until("it has begun", || hangs(most_s + 1));
    // It marks its beat each quarter of a second; a busy machine lets it wait longer.
    assert!(!hangs(most_s - 20));
    two.end();
}

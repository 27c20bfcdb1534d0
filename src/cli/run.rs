//! `spotter run`: the box. Starts every thread, says where it listens, watches over the threads, and ends in order.
//!
//! The main thread does nothing else: it sleeps for signals and looks around a few times a second.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::camera::reference::Reference;
use crate::camera::{Around, Event, Line, Outcome, orders};
use crate::config::Config;
use crate::error::Exit;
use crate::events::Board;
use crate::http;
use crate::http::tls::Tls;
use crate::jpeg::Chosen;
use crate::metrics::Metrics;
use crate::metrics::machine::{Machine, Strain};
use crate::pose::Engine;
use crate::sink::Sinks;
use crate::store::Store;
use crate::threads::{Crew, Post, Signals, Stop, Systemd, settle};
use crate::time::{Mono, Wall};

/// How often the main thread looks around.
const ROUND: Duration = Duration::from_millis(250);
/// How often until the box is ready: who starts it again after a fall waits for that.
const STARTING_ROUND: Duration = Duration::from_millis(20);
/// Every so many rounds it looks at the machine's heat and supply.
const STRAIN_ROUNDS: u32 = 20;
/// How long the threads get to end; together with a round it is less than the 2 s that a graceful end may take.
const PARTING: Duration = Duration::from_millis(1500);

/// Runs the box until a signal comes or every recording is over.
pub fn run(config: Config) -> Exit {
    // What is given and cannot be used is a fault of the config, and told before anything is started.
    let tls = match Tls::open(&config.http, Wall::now()) {
        Ok(tls) => tls,
        Err(fault) => return super::say(&format!("spotter: {fault}"), Exit::Usage),
    };
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(why) => return failed(&format!("signals cannot be handled: {why}")),
    };
    settle(&Post { cores: config.threads.main_cores.clone(), ..Post::named("spotter") });
    let (crew, stop) = (Arc::new(Crew::default()), Stop::default());
    let mut lines = Vec::new();
    // A wrong model is told before anything is started.
    let started = config.engine().map_err(|fault| fault.to_string()).and_then(|engine| {
        if let Some(why) = engine.why() {
            log::info!("pose: looking with {}: {why}", engine.name());
        }
        let encoder = Chosen::of(&config.jpeg).map_err(|fault| fault.to_string())?;
        log::info!("jpeg: encoding with {}: {}", encoder.name(), encoder.why());
        start(config, (&engine, &encoder), tls, &mut lines, &crew, &stop)?;
        Ok(engine)
    });
    let exit = match started {
        Ok(engine) => watch_over(&lines, &engine, &crew, &mut signals),
        Err(why) => failed(&why),
    };
    stop.raise();
    lines.iter().for_each(Line::close);
    for name in crew.join(PARTING) {
        log::warn!("thread {name} does not end; the box ends without it");
    }
    if signals.came_twice() { Exit::Failed } else { exit }
}

fn failed(why: &str) -> Exit {
    super::say(&format!("spotter: {why}"), Exit::Failed)
}

/// Starts the log first, then cameras, and the face last, so that whoever gets an answer sees every camera.
fn start(
    config: Config,
    (engine, encoder): (&Engine, &Chosen),
    tls: Option<Arc<Tls>>,
    lines: &mut Vec<Line>,
    crew: &Arc<Crew>,
    stop: &Stop,
) -> Result<(), String> {
    let started = Mono::now();
    let metrics = Arc::new(Metrics::default());
    // The board lives as long as the process: listeners of any thread may keep a place on it.
    let events: &'static Board<Event> = Box::leak(Box::default());
    let config_json = config.resolved_json();
    let no_thread = |why: std::io::Error| format!("the log cannot start: {why}");
    let store = Store::start(config.store.clone(), metrics.store.clone(), crew, stop).map_err(no_thread)?;
    let sinks =
        Sinks::start(config.sinks.clone(), config.clock_wait, &store, &metrics, crew, stop).map_err(no_thread)?;
    let orders = Arc::new(orders::House::new(config.thresholds));
    for line in config.lines(engine, encoder) {
        let name = line.name.clone();
        let around = Around { events, orders: &orders, inbox: Some(store.inbox()) };
        let started = Line::start(line, crew, &metrics, around, stop);
        lines.push(started.map_err(|why| format!("camera {name} cannot start: {why}"))?);
    }
    let house = Arc::new(http::House {
        views: lines.iter().map(|line| line.view().clone()).collect(),
        events,
        orders,
        store: Some(store),
        sinks: Some(sinks),
        reference: Reference::new(engine, config.capture.stall, stop),
        metrics,
        crew: crew.clone(),
        boot_id: Wall::now().unix_ms() ^ u64::from(std::process::id()).rotate_left(40),
        config_json,
        started,
    });
    let at = http::start(config.http, house, tls, stop.clone()).map_err(|fault| fault.to_string())?;
    // For people and for scripts that gave port 0. A closed stdout is no reason not to serve.
    let mut out = std::io::stdout();
    let _ = at.plain.map_or(Ok(()), |address| writeln!(out, "spotter: http://{address}/"));
    let _ = at.tls.map_or(Ok(()), |address| writeln!(out, "spotter: https://{address}/"));
    Ok(())
}

/// Looks around until a signal comes or every camera is a recording that is over.
fn watch_over(lines: &[Line], engine: &Engine, crew: &Crew, signals: &mut Signals) -> Exit {
    let mut systemd = Systemd::from_environment();
    let mut hung_before = Vec::new();
    let (mut strain, mut round) = (Strain::default(), 0u32);
    loop {
        if signals.wait(if systemd.is_ready() { ROUND } else { STARTING_ROUND }) {
            log::info!("asked to end");
            systemd.stopping();
            return Exit::Done;
        }
        if let Some(fault) = engine.fault() {
            systemd.stopping();
            return failed(&fault.to_string());
        }
        if round.is_multiple_of(STRAIN_ROUNDS) {
            strain = told(&strain, Machine::default().strain());
        }
        round = round.wrapping_add(1);
        let now = Mono::now();
        lines.iter().for_each(|line| line.supervise(now));
        let hung = crew.hung(now);
        if hung != hung_before {
            match hung.as_slice() {
                [] => log::info!("every thread beats again"),
                names => log::error!("hung: {}", names.join(", ")),
            }
            hung_before = hung;
        }
        if crew.all_beat(now) {
            systemd.ready("serving");
        }
        systemd.kick(now, hung_before.is_empty());
        if let Some(exit) = all_over(lines) {
            systemd.stopping();
            return exit;
        }
    }
}

/// Says what has changed of what makes the machine slower.
fn told(before: &Strain, now: Strain) -> Strain {
    if now.throttling != before.throttling {
        match now.throttling.as_slice() {
            [] => log::info!("the machine is cool enough again"),
            names => log::warn!("the machine is too hot and slows down: {}", names.join(", ")),
        }
    }
    if now.over_currents > before.over_currents {
        let times = now.over_currents - before.over_currents;
        log::warn!("the supply is too weak and the machine slows down: {times} times since the last look");
    }
    now
}

/// How the box ends when every camera is a recording and all have ended.
fn all_over(lines: &[Line]) -> Option<Exit> {
    let outcomes = lines.iter().map(Line::outcome).collect::<Option<Vec<_>>>()?;
    let all_read = outcomes.iter().all(|outcome| *outcome == Outcome::Finished);
    let exit = if all_read { Exit::Done } else { Exit::Failed };
    (!outcomes.is_empty()).then_some(exit)
}

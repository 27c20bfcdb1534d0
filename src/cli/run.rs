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
use crate::metrics::machine::{Machine, Memory, Strain};
use crate::metrics::{Metrics, Pauses};
use crate::pose::Engine;
use crate::sink::Sinks;
use crate::store::Store;
use crate::threads::{Crew, Post, Signals, Stop, Systemd, give_memory_back, keep_memory_together, settle};
use crate::time::{Mono, Wall};

/// How often the main thread looks around.
const ROUND: Duration = Duration::from_millis(250);
/// How often until the box is ready: who starts it again after a fall waits for that.
const STARTING_ROUND: Duration = Duration::from_millis(20);
/// Every so many rounds it looks at the machine's heat and supply.
const STRAIN_ROUNDS: u32 = 20;
/// A round that comes so late was held up by the machine: the box was halted, or others had every core.
const PAUSE: Duration = Duration::from_secs(3);
/// Before this is over after such a pause nobody is judged by his beat: each thread first has to have a turn.
const BREATH: Duration = Duration::from_secs(2);
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
    keep_memory_together();
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
        let metrics = start(config, (&engine, &encoder), tls, &mut lines, &crew, &stop)?;
        Ok((engine, metrics))
    });
    let exit = match started {
        Ok((engine, metrics)) => watch_over(&lines, &engine, &crew, &mut signals, &metrics.pauses),
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
) -> Result<Arc<Metrics>, String> {
    let started = Mono::now();
    let metrics = Arc::new(Metrics::default());
    // The board lives as long as the process: listeners of any thread may keep a place on it.
    let events: &'static Board<Event> = Box::leak(Box::default());
    let config_json = config.resolved_json();
    let no_thread = |why: std::io::Error| cannot("the log cannot start", &why);
    let store = Store::start(config.store.clone(), metrics.store.clone(), crew, stop).map_err(no_thread)?;
    let sinks =
        Sinks::start(config.sinks.clone(), config.clock_wait, &store, &metrics, crew, stop).map_err(no_thread)?;
    let orders = Arc::new(orders::House::new(config.thresholds));
    for line in config.lines(engine, encoder) {
        let name = line.name.clone();
        let around = Around { events, orders: &orders, inbox: Some(store.inbox()) };
        let started = Line::start(line, crew, &metrics, around, stop);
        lines.push(started.map_err(|why| cannot(&format!("camera {name} cannot start"), &why))?);
    }
    let house = Arc::new(http::House {
        views: lines.iter().map(|line| line.view().clone()).collect(),
        events,
        orders,
        store: Some(store),
        sinks: Some(sinks),
        reference: Reference::new(engine, config.capture.stall, stop),
        metrics: metrics.clone(),
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
    Ok(metrics)
}

/// What cannot be done, and why. That there is no thread left is a whole sentence already.
fn cannot(what: &str, why: &std::io::Error) -> String {
    if why.kind() == std::io::ErrorKind::WouldBlock { why.to_string() } else { format!("{what}: {why}") }
}

/// Looks around until a signal comes or every camera is a recording that is over.
fn watch_over(lines: &[Line], engine: &Engine, crew: &Crew, signals: &mut Signals, pauses: &Pauses) -> Exit {
    let mut systemd = Systemd::from_environment();
    let mut hung_before = Vec::new();
    let (mut strain, mut round) = (Strain { cores: Machine::default().cores(), ..Strain::default() }, 0u32);
    let (mut last, mut judged_from) = (Mono::now(), Mono::ZERO);
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
            let now = Machine::default().strain(&strain);
            if gained(&strain.cores, &now.cores) {
                crew.put_back();
            }
            strain = told(&strain, now);
            if strain.short_memory.is_some() {
                give_memory_back();
            }
        }
        round = round.wrapping_add(1);
        let now = Mono::now();
        let late = now.since(std::mem::replace(&mut last, now));
        if late >= PAUSE {
            log::warn!(
                "the machine gave the box no time for {:.1} s: halted, or others had every core",
                late.as_secs_f64()
            );
            pauses.times.inc();
            pauses.seconds.inc_by(late.as_secs_f64());
            judged_from = now.plus(BREATH);
        }
        lines.iter().for_each(|line| line.supervise(now));
        let hung = if now < judged_from { hung_before.clone() } else { crew.hung(now) };
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
    if now.cores != before.cores && !now.cores.is_empty() {
        let less = before.cores.iter().any(|core| !now.cores.contains(core));
        let (had, has) = (before.cores.len(), now.cores.len());
        match less {
            true => log::warn!("the machine has lost cores: {has} of {had} are there, {:?}", now.cores),
            false => log::info!("the machine has {has} cores again; every thread is put back onto its own"),
        }
    }
    match (before.short_memory, now.short_memory) {
        (None, Some(Memory { used, most })) => {
            let mib = |bytes: u64| bytes >> 20;
            log::warn!("memory is short: the box has {} MiB of the {} that it may have", mib(used), mib(most));
        }
        (Some(_), None) => log::info!("there is memory enough again"),
        _ => (),
    }
    now
}

/// Whether a core is there that was not.
fn gained(before: &[usize], now: &[usize]) -> bool {
    now.iter().any(|core| !before.contains(core))
}

/// How the box ends when every camera is a recording and all have ended.
fn all_over(lines: &[Line]) -> Option<Exit> {
    let outcomes = lines.iter().map(Line::outcome).collect::<Option<Vec<_>>>()?;
    let all_read = outcomes.iter().all(|outcome| *outcome == Outcome::Finished);
    let exit = if all_read { Exit::Done } else { Exit::Failed };
    (!outcomes.is_empty()).then_some(exit)
}

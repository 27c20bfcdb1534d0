//! The sets of a long run: the log held against what a listener heard and against what the receiver took.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::common::{SpotterBox, until};
use super::receiver::{Receiver, Request};

/// The fields of a set that nobody changes in this run.
const FIELDS: [&str; 8] =
    ["id", "key", "camera", "exercise_machine", "reps_machine", "started_ms", "ended_ms", "repetitions"];

/// The log and the listeners are told of a moment one after the other, each by its own look at the clock.
const NEAR_MS: u64 = 250;

pub fn judge(spotter: &SpotterBox, hook: &Receiver, heard: &[(String, Value)]) -> Vec<String> {
    let log: Vec<Value> = spotter.json("/api/v1/sets.json").as_array().expect("a list of sets").clone();
    let taken = until("every set of the log is delivered", || {
        let taken: Vec<Request> = hook.got().into_iter().filter(|request| request.is_taken).collect();
        let ids: BTreeSet<i64> = taken.iter().filter_map(|request| request.body["set"]["id"].as_i64()).collect();
        let missing = log.iter().filter(|set| !set["id"].as_i64().is_some_and(|id| ids.contains(&id))).count();
        if missing == 0 { Ok(taken) } else { Err(format!("{missing} of {} are missing", log.len())) }
    });
    let all = hook.got();
    println!("{} sets in the log, {} requests, {} of them taken", log.len(), all.len(), taken.len());
    let mut wrong = hook.wrong();
    wrong.extend(keys(&all));
    wrong.extend(as_in_the_log(&log, &all));
    wrong.extend(in_order(&log));
    wrong.extend(as_heard(&log, heard));
    wrong
}

/// A set has one key at every attempt, and no two have the same.
fn keys(all: &[Request]) -> Vec<String> {
    let (mut of_set, mut of_key) = (BTreeMap::<i64, BTreeSet<&str>>::new(), BTreeMap::<&str, BTreeSet<i64>>::new());
    for request in all {
        let id = request.body["set"]["id"].as_i64().unwrap_or(-1);
        of_set.entry(id).or_default().insert(request.key());
        of_key.entry(request.key()).or_default().insert(id);
    }
    let sets = of_set.into_iter().filter(|(_, keys)| keys.len() > 1).map(|(id, keys)| format!("set {id}: {keys:?}"));
    let keys = of_key.into_iter().filter(|(_, ids)| ids.len() > 1).map(|(key, ids)| format!("key {key}: {ids:?}"));
    sets.chain(keys).collect()
}

/// What was sent is what the log has.
fn as_in_the_log(log: &[Value], all: &[Request]) -> Vec<String> {
    let rows: BTreeMap<i64, &Value> = log.iter().filter_map(|set| Some((set["id"].as_i64()?, set))).collect();
    let differs = |request: &Request| {
        let sent = &request.body["set"];
        // One that came after the log was read has no row.
        let row = rows.get(&sent["id"].as_i64()?)?;
        let field = FIELDS.iter().find(|field| !same(&sent[**field], &row[**field]))?;
        Some(format!("set {}: {field} is {} in the log and was sent as {}", row["id"], row[*field], sent[*field]))
    };
    all.iter().filter_map(differs).collect()
}

/// The same but for the digits in which a number is written.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-4),
        _ => a == b,
    }
}

/// Sets of one camera follow one another, with repetitions.
fn in_order(log: &[Value]) -> Vec<String> {
    let (mut wrong, mut last) = (Vec::new(), BTreeMap::<String, (i64, i64)>::new());
    let mut reps = BTreeMap::<(String, i64), u32>::new();
    for set in log {
        let number = |name: &str| set[name].as_i64().unwrap_or(-1);
        let camera = set["camera"].as_str().unwrap_or_default().to_string();
        let (id, started, ended) = (number("id"), number("started_ms"), number("ended_ms"));
        *reps.entry((camera.clone(), number("reps_machine"))).or_default() += 1;
        let (before, free) = last.insert(camera, (id, ended)).unwrap_or((0, 0));
        if id <= before || started < free || ended <= started || number("reps_machine") < 1 {
            wrong.push(format!("after set {before}, which ended at {free}, comes {id}, {started} to {ended}"));
        }
    }
    println!("repetitions by camera: {reps:?}");
    for camera in ["demo", "film"] {
        if !last.contains_key(camera) {
            wrong.push(format!("camera {camera} has no set"));
        }
    }
    wrong
}

/// Who listened all the time was told of every set in the log.
fn as_heard(log: &[Value], heard: &[(String, Value)]) -> Vec<String> {
    let lagged = heard.iter().filter(|(name, _)| name == "lagged").map(|(_, told)| format!("missed: {told}"));
    let mut wrong: Vec<String> = lagged.collect();
    let ended: Vec<&Value> = heard.iter().filter(|(name, _)| name == "set_ended").map(|(_, told)| told).collect();
    println!("{} sets and {} repetitions were heard", ended.len(), heard.iter().filter(|(n, _)| n == "rep").count());
    for set in log {
        let near = |told: &Value, name: &str| {
            let apart = told[name].as_i64().zip(set[name].as_i64()).map(|(told, kept)| told.abs_diff(kept));
            apart.is_some_and(|ms| ms <= NEAR_MS)
        };
        let told = ended.iter().find(|told| told["camera"] == set["camera"] && near(told, "started_ms"));
        if !told.is_some_and(|told| told["reps"] == set["reps_machine"] && near(told, "ended_ms")) {
            wrong.push(format!("set {} began at {}, and {told:?} was heard", set["id"], set["started_ms"]));
        }
    }
    wrong
}

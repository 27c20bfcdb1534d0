//! What people may tell the box while it runs: thresholds, and what an athlete says he does. A change is whole or refused.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::clerk::Answer;
use super::{House, logbook};
use crate::camera::{View, orders};
use crate::store::Store;
use crate::workout::{EXERCISES, KNOBS, Knob, NAME_MOST, Thresholds, is_exercise_name};

/// Under this word the thresholds are kept over a restart.
const KEPT: &str = "thresholds";
const NO_LOG: &str = "this box keeps no log";

/// The thresholds in force, as the API has them.
pub fn thresholds(house: &House) -> Vec<u8> {
    super::reply::json(&named(house.orders.thresholds()))
}

/// One threshold for the admin page.
#[derive(Serialize)]
pub struct Row {
    name: &'static str,
    help: &'static str,
    least: f64,
    most: f64,
    value: f64,
    /// What the config says.
    configured: f64,
}

/// All thresholds with their ranges.
pub fn rows(house: &House) -> Vec<Row> {
    let (all, configured) = (house.orders.thresholds().by_name(), house.orders.configured().by_name());
    let row = |((knob, (name, value)), (_, configured)): ((&Knob, (&'static str, f32)), (_, f32))| Row {
        name,
        help: knob.help,
        least: knob.least,
        most: knob.most,
        value: short(value),
        configured: short(configured),
    };
    KNOBS.iter().zip(all).zip(configured).map(row).collect()
}

/// Without the digits that a `f32` does not have.
fn short(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

/// As `{"rep.min_amplitude_deg": 25.0, …}`.
fn named(thresholds: Thresholds) -> Value {
    let all = thresholds.by_name().into_iter().map(|(name, value)| (name.to_string(), json!(short(value))));
    Value::Object(all.collect())
}

/// Those of `before`, changed as an object of names and numbers says.
///
/// # Errors
/// One sentence; nothing is changed then.
fn changed(mut before: Thresholds, change: &Map<String, Value>) -> Result<Thresholds, String> {
    for (name, value) in change {
        before.set(name, value.as_f64().unwrap_or(f64::NAN)).map_err(|fault| fault.to_string())?;
    }
    Ok(before)
}

/// PATCH: kept first, in force then.
pub fn tune(house: &House, body: &[u8]) -> Answer {
    let change = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(change) if !change.is_empty() => change,
        _ => return Answer::refusal(422, "the body must be a JSON object of thresholds and numbers"),
    };
    if let Err(why) = changed(house.orders.configured(), &change) {
        return Answer::refusal(422, &why);
    }
    let Some(store) = &house.store else { return Answer::refusal(503, NO_LOG) };
    // Only what somebody changed is kept: the others go on following the config.
    let mut kept: Map<String, Value> = match store.recall(KEPT) {
        Ok(kept) => kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default(),
        Err(fault) => return fault.into(),
    };
    kept.extend(change);
    match changed(house.orders.configured(), &kept) {
        Ok(thresholds) => put(house, thresholds, &Value::Object(kept).to_string()),
        Err(why) => Answer::refusal(422, &why),
    }
}

/// DELETE: those of the config again.
pub fn reset(house: &House) -> Answer {
    put(house, house.orders.configured(), "{}")
}

fn put(house: &House, thresholds: Thresholds, kept: &str) -> Answer {
    let Some(store) = &house.store else { return Answer::refusal(503, NO_LOG) };
    if let Err(fault) = store.keep(KEPT, kept) {
        return fault.into();
    }
    house.orders.tune(thresholds);
    Answer::json(200, &named(thresholds))
}

/// Puts what was kept before the last restart in force, thresholds and recorded exercises; false while the log cannot be
/// read.
pub fn restore(store: &Store, orders: &orders::House) -> bool {
    let Ok(kept) = store.recall(KEPT) else { return false };
    if logbook::learn(store, orders).is_err() {
        return false;
    }
    let change = kept.map(|kept| serde_json::from_str::<Map<String, Value>>(&kept).unwrap_or_default());
    match change.map(|change| changed(orders.configured(), &change)) {
        Some(Ok(thresholds)) => orders.tune(thresholds),
        Some(Err(why)) => log::warn!("the kept thresholds are not taken: {why}"),
        None => {}
    }
    true
}

/// The exercises that the box knows by name, built in or recorded.
pub fn exercises(house: &House) -> Vec<u8> {
    let prototypes = house.orders.prototypes();
    let mut names: Vec<&str> = EXERCISES.iter().map(|exercise| exercise.name).collect();
    for name in prototypes.names() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    super::reply::json(&names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>())
}

/// What an athlete says he does.
pub fn exercise(view: &View) -> Vec<u8> {
    super::reply::json(&json!({"name": view.orders().exercise().as_deref()}))
}

/// He says it: `{"name": "Squat"}`, or `{"name": null}` for "find out".
///
/// # Errors
/// One sentence.
pub fn choose(view: &View, body: &[u8]) -> Result<(), String> {
    let told: Option<Value> =
        serde_json::from_slice::<Map<String, Value>>(body).ok().and_then(|mut o| o.remove("name"));
    match told {
        Some(Value::Null) => view.orders().choose(None),
        Some(Value::String(name)) if is_exercise_name(&name) => view.orders().choose(Some(Arc::from(name.trim()))),
        _ => {
            return Err(format!(
                "the body must be {{\"name\": …}} with the exercise's name, at most {NAME_MOST} characters, or null"
            ));
        }
    }
    Ok(())
}

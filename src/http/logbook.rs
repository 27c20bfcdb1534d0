//! The log over HTTP: sets listed, corrected, confirmed, deleted and exported, and their pictures. Everything here runs on
//! the clerk's thread, which may wait for the disk.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::House;
use super::clerk::Answer;
use super::query::{self, Number};
use super::route::{LIMIT_MOST, Route};
use crate::camera::orders;
use crate::store::{Correction, Format, Page, PrototypeRow, Reading, Store, StoreFault};
use crate::threads::Beat;
use crate::time::Mono;
use crate::workout::{Prototype, Prototypes, is_exercise_name};

/// Sets in a list when nobody says how many.
const LIMIT: usize = 50;
/// An export is no longer, bytes; it is made in memory.
const EXPORT_BYTES: usize = 16 * 1024 * 1024;
/// Held for as long as an export is made or sent: slow readers must not fill the memory with copies of the log.
static EXPORTED: LazyLock<Arc<()>> = LazyLock::new(Arc::default);

/// A request about the log, with all it needs.
pub struct Ask {
    /// What it is about.
    pub route: Route,
    /// The variable part of its path, decoded.
    pub name: String,
    /// What follows its question mark, as sent.
    pub query: Vec<u8>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why it cannot be answered: a status and a sentence.
type Refused = (u16, String);

impl From<StoreFault> for Answer {
    fn from(fault: StoreFault) -> Answer {
        let (status, why) = refused(&fault);
        Answer::refusal(status, &why)
    }
}

fn refused(fault: &StoreFault) -> Refused {
    let status = match fault {
        StoreFault::NoSuchSet => 404,
        StoreFault::Refused { .. } => 422,
        _ => 503,
    };
    (status, fault.to_string())
}

/// Answers it.
pub fn answer(house: &House, ask: &Ask, beat: &Beat) -> Answer {
    let Some(store) = &house.store else { return Answer::refusal(503, "this box keeps no log") };
    let done = match ask.route {
        Route::Sets => list(store, &ask.query),
        Route::Set => number(&ask.name).and_then(|id| store.set(id).map(|set| Answer::json(200, &set)).map_err(of)),
        Route::Correct => correct(store, ask),
        Route::Confirm => confirm(store, ask),
        Route::Delete => number(&ask.name).and_then(|id| store.delete(id, Reading::now()).map(|()| gone()).map_err(of)),
        Route::SetsCsv => export(store, Format::Csv, &ask.query, beat),
        Route::SetsJson => export(store, Format::Json, &ask.query, beat),
        Route::Pictures => pictures(store, &ask.query),
        Route::Picture => picture(store, &ask.name),
        Route::Prototypes => store.prototypes().map(|all| Answer::json(200, &all)).map_err(of),
        Route::Remember => remember(house, store, ask),
        Route::Forget => forget(house, store, &ask.query),
        Route::Retry => retry(house, &ask.name),
        _ => Err((404, "there is nothing at this address".into())),
    };
    done.unwrap_or_else(|(status, why)| Answer::refusal(status, &why))
}

fn of(fault: StoreFault) -> Refused {
    refused(&fault)
}

fn gone() -> Answer {
    Answer::json(200, &json!({"status": "ok"}))
}

/// A set's number in a path.
fn number(text: &str) -> Result<i64, Refused> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or_else(|| refused(&StoreFault::NoSuchSet))
}

fn whole(query: &[u8], name: &str, least: u64, most: u64, absent: u64) -> Result<u64, Refused> {
    match query::number::<u64>(query, name) {
        Number::Absent => Ok(absent),
        Number::Is(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err((422, format!("{name} must be a whole number from {least} to {most}"))),
    }
}

/// The moment from which on, in Unix milliseconds; JavaScript counts them exactly up to this.
fn since(query: &[u8]) -> Result<u64, Refused> {
    whole(query, "since", 0, (1 << 53) - 1, 0)
}

fn limit(query: &[u8]) -> Result<usize, Refused> {
    whole(query, "limit", 1, LIMIT_MOST, LIMIT as u64).map(|limit| limit as usize)
}

fn list(store: &Store, query: &[u8]) -> Result<Answer, Refused> {
    let before = whole(query, "before", 1, i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs())?;
    let page = Page { since_ms: since(query)?, before: i64::try_from(before).ok(), limit: limit(query)? };
    store.list(&page).map(|sets| Answer::json(200, &sets)).map_err(of)
}

fn object<T: for<'de> Deserialize<'de>>(body: &[u8], wanted: &str) -> Result<T, Refused> {
    // A list would do for a struct as well.
    let read = serde_json::from_slice::<Map<String, Value>>(body);
    let read = read.and_then(|object| T::deserialize(Value::Object(object)));
    read.map_err(|_| (422, format!("the body must be a JSON object of {wanted}")))
}

const CORRECTED: &str = "exercise, reps, weight and note, or some of them";

fn correct(store: &Store, ask: &Ask) -> Result<Answer, Refused> {
    let said: Correction = object(&ask.body, CORRECTED)?;
    store.correct(number(&ask.name)?, said, Reading::now()).map(|set| Answer::json(200, &set)).map_err(of)
}

/// A confirmation may bring a correction with it.
fn confirm(store: &Store, ask: &Ask) -> Result<Answer, Refused> {
    let id = number(&ask.name)?;
    let said: Correction = if ask.body.is_empty() { Correction::default() } else { object(&ask.body, CORRECTED)? };
    store.confirm(id, said, Reading::now()).map(|set| Answer::json(200, &set)).map_err(of)
}

fn export(store: &Store, format: Format, query: &[u8], beat: &Beat) -> Result<Answer, Refused> {
    if Arc::strong_count(&EXPORTED) > 1 {
        return Err((503, "another export is under way; ask again".into()));
    }
    let held = EXPORTED.clone();
    let mut export = store.export(format, since(query)?);
    let mut body = Vec::new();
    while export.next_piece(&mut body).map_err(of)? {
        beat.mark(Mono::now());
        if body.len() > EXPORT_BYTES {
            let most = EXPORT_BYTES >> 20;
            return Err((422, format!("the log is longer than {most} MiB; ask for a part of it with since=")));
        }
    }
    let (content_type, name) = match format {
        Format::Csv => ("Content-Type: text/csv; charset=utf-8", "sets.csv"),
        Format::Json => ("Content-Type: application/json", "sets.json"),
    };
    Ok(Answer { status: 200, content_type, file_name: Some(name), body, held: Some(held) })
}

fn pictures(store: &Store, query: &[u8]) -> Result<Answer, Refused> {
    store.pictures(since(query)?, limit(query)?).map(|all| Answer::json(200, &all)).map_err(of)
}

fn picture(store: &Store, place: &str) -> Result<Answer, Refused> {
    let found = store.picture(place).map_err(of)?;
    let bytes = found.ok_or_else(|| (404, "there is no picture at this address".to_string()))?;
    Ok(Answer { status: 200, content_type: "Content-Type: image/jpeg", file_name: None, body: bytes, held: None })
}

/// The prototypes of one exercise, or of all when it is not named.
fn forget(house: &House, store: &Store, query: &[u8]) -> Result<Answer, Refused> {
    // What cannot be read must not be taken for "all".
    let which = || (422, "exercise names what is to be forgotten; without any query all are".to_string());
    let name = match query::raw(query, "exercise") {
        None if query.is_empty() => None,
        None => return Err(which()),
        Some(raw) => Some(query::decoded(raw, true).ok_or_else(which)?),
    };
    let count = store.delete_prototypes(name.as_deref()).map_err(of)?;
    learn(store, &house.orders).map_err(of)?;
    Ok(Answer::json(200, &json!({"deleted": count})))
}

fn retry(house: &House, name: &str) -> Result<Answer, Refused> {
    let retried = house.sinks.as_ref().and_then(|sinks| sinks.retry(name));
    let count = retried.ok_or_else(|| (404, "there is no sink of this name".to_string()))?.map_err(of)?;
    Ok(Answer::json(200, &json!({"retried": count})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

/// A set's movement becomes an example: the next one like it is called so.
fn remember(house: &House, store: &Store, ask: &Ask) -> Result<Answer, Refused> {
    let id = number(&ask.name)?;
    let Name { name } = object(&ask.body, "name, which is text")?;
    if !is_exercise_name(&name) {
        return Err((422, "name wants 1 to 64 characters".into()));
    }
    let form = store.form(id).map_err(of)?;
    let example = form.and_then(|form| serde_json::from_str::<Prototype>(&form).ok());
    let mut example =
        example.ok_or_else(|| (422, "the movement of this set was not kept; do another one".to_string()))?;
    example.exercise = name.trim().to_string();
    let features = serde_json::to_string(&example).map_err(|why| (500, why.to_string()))?;
    let made = store.add_prototype(&example.exercise, &features, &format!("set {id}"), Reading::now()).map_err(of)?;
    learn(store, &house.orders).map_err(of)?;
    Ok(Answer::json(200, &json!({"id": made, "exercise": example.exercise})))
}

/// Exercises are recognised by what the log keeps from now on.
///
/// # Errors
/// Why the log cannot be read.
pub fn learn(store: &Store, orders: &orders::House) -> Result<(), StoreFault> {
    let kept = store.prototypes()?;
    let read = |row: &PrototypeRow| match serde_json::from_str::<Prototype>(&row.features) {
        Ok(prototype) => Some(prototype),
        Err(why) => {
            log::warn!("the recorded {} (number {}) is of another version: {why}", row.exercise, row.id);
            None
        }
    };
    orders.learn(Prototypes::new(kept.iter().filter_map(read).collect()));
    Ok(())
}

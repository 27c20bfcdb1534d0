//! What is said to a receiver: method, address, headers and body of one delivery.
//!
//! PUMP's words are those of its API (`/api/sets`). A webhook gets everything, signed. Both get `Idempotency-Key`, which is
//! the same at every attempt of a delivery and of no other.
//!
//! The set itself is told as the machine saw it, whatever was corrected meanwhile: the correction follows as a delivery of
//! its own, with the fields that it is about and no others, so that what somebody changed over there stays.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::sys::local_date;
use super::{Kind, Settings};
use crate::store::{ClockMark, Delivery, Fields, Op, SetDetail, SetRow};

/// What PUMP is told when nobody knows what was done.
const UNKNOWN: &str = "Unknown";
const CLOCKLESS: &str = "the box's clock was not set";

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// JSON; nothing for a request without a body.
    pub(super) body: Option<Vec<u8>>,
}

/// The request of a delivery.
pub(super) fn of(settings: &Settings, delivery: &Delivery) -> Message {
    match settings.kind {
        Kind::Pump => pump(settings, delivery),
        Kind::Webhook => webhook(settings, delivery),
    }
}

fn pump(settings: &Settings, delivery: &Delivery) -> Message {
    let sets = format!("{}/api/sets", settings.url.trim_end_matches('/'));
    // Only a set's own delivery comes before its number is known.
    let one = format!("{sets}/{}", delivery.remote.as_deref().unwrap_or_default());
    let (method, url, body) = match delivery.op {
        Op::Set => ("POST", sets, Some(as_seen(&delivery.set))),
        Op::Correct => ("PATCH", one, Some(corrected(&delivery.set, delivery.fields))),
        Op::Confirm => ("POST", format!("{one}/confirm"), Some(json!({}))),
        Op::Delete => ("DELETE", one, None),
    };
    let mut headers = vec![("Idempotency-Key", delivery.key.clone())];
    if let Some(key) = &settings.key {
        headers.push(("X-Api-Key", key.reveal().to_string()));
    }
    Message { method, url, headers, body: body.map(|body| body.to_string().into_bytes()) }
}

fn as_seen(set: &SetRow) -> Value {
    let note = if set.clock == ClockMark::Good { "" } else { CLOCKLESS };
    json!({
        "Date": date(set),
        "Name": set.exercise_machine.as_deref().unwrap_or(UNKNOWN),
        "Weight": "0.0",
        "Reps": set.reps_machine,
        "Source": "cv",
        "Confidence": (set.confidence * 1000.0).round() / 1000.0,
        "Pending": set.pending_machine,
        "Note": note,
    })
}

fn corrected(set: &SetRow, fields: Fields) -> Value {
    let mut body = Map::new();
    let mut say = |field, name: &str, value: Value| {
        if fields.has(field) {
            body.insert(name.into(), value);
        }
    };
    say(Fields::TIMES, "Date", date(set).into());
    say(Fields::EXERCISE, "Name", set.exercise.as_deref().unwrap_or(UNKNOWN).into());
    say(Fields::REPS, "Reps", set.reps.into());
    say(Fields::WEIGHT, "Weight", format!("{:.1}", set.weight.unwrap_or_default()).into());
    say(Fields::NOTE, "Note", set.note.as_deref().unwrap_or_default().into());
    body.into()
}

/// The day of a set; of one whose time is lost, the first day of which is known that it was not later.
fn date(set: &SetRow) -> String {
    local_date(set.known_ms.filter(|_| set.clock == ClockMark::Lost).unwrap_or(set.started_ms))
}

fn webhook(settings: &Settings, delivery: &Delivery) -> Message {
    let detail = SetDetail { set: delivery.set.clone(), repetitions: delivery.reps.clone(), deliveries: Vec::new() };
    let mut set = serde_json::to_value(detail).expect("it holds nothing that JSON lacks");
    if let Some(set) = set.as_object_mut() {
        // Where it was delivered to is the box's own business.
        set.remove("deliveries");
    }
    let body = json!({ "event": delivery.op.name(), "set": set }).to_string().into_bytes();
    let mut headers = vec![("Idempotency-Key", delivery.key.clone())];
    if let Some(secret) = &settings.key {
        headers.push(("X-Spotter-Signature", format!("sha256={}", signature(secret.reveal(), &body))));
    }
    Message { method: "POST", url: settings.url.clone(), headers, body: Some(body) }
}

/// HMAC-SHA256 in hexadecimal, RFC 2104.
fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // RFC 4231, test case 2.
        let want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), want);
    }
}

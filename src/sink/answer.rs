//! What a receiver's answer means for a delivery.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx | taken; of a set PUMP must also say its id |
//! | PUMP's 403 to a new set | auto-log is off: kept, and tried again slowly |
//! | 408, 429, 5xx, a redirect, no answer | tried again with growing pauses; where it may be about this delivery alone, it is counted |
//! | another 4xx | parked, and later sets go on |
//!
//! A redirect is not followed: it would carry the key elsewhere, and a portal's login page would swallow sets.

use std::time::Duration;

use super::{Kind, Settings};
use crate::error::redacted;
use crate::store::Op;

/// Characters of an answer that are shown.
const SHOWN: usize = 200;

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Retry-After`, where it is a number.
    pub(super) retry_after: Option<Duration>,
    /// Its beginning.
    pub(super) text: String,
}

/// What it means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Done; `remote` is what the receiver calls the set.
    Taken { remote: Option<String> },
    /// Once more, after a pause; the receiver may have asked for one. `status`: of an answer that may be about this delivery
    /// alone, and not about the receiver as it is now.
    Again { why: String, after: Option<Duration>, status: Option<u16> },
    /// Once more, much later.
    AutoLogOff { why: String },
    /// A person must see to it.
    Parked { status: u16, why: String },
}

/// Judges an answer, or the sentence why there is none.
pub(super) fn judge(settings: &Settings, op: Op, answer: Result<Answer, String>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return Verdict::Again { why, after: None, status: None },
    };
    let name = &settings.name;
    let said = || format!("{name} answers {}: {}", answer.status, shown(settings, &answer.text));
    let is_pump = settings.kind == Kind::Pump;
    match answer.status {
        200..=299 if is_pump && op == Op::Set => match id(&answer.text) {
            Some(remote) => Verdict::Taken { remote: Some(remote) },
            // A portal or a proxy answers so; PUMP always says an id.
            None => {
                let why = format!("{name} takes a set and gives it no id");
                Verdict::Again { why, after: None, status: Some(answer.status) }
            }
        },
        200..=299 => Verdict::Taken { remote: None },
        404 if is_pump && op == Op::Delete => Verdict::Taken { remote: None },
        403 if is_pump && op == Op::Set => {
            Verdict::AutoLogOff { why: format!("auto-log is off in {name}; sets wait until it is on") }
        }
        300..=399 => {
            let why = format!("{name} answers {}, a redirect, which is not followed", answer.status);
            Verdict::Again { why, after: answer.retry_after, status: Some(answer.status) }
        }
        408 | 429 | 503 => Verdict::Again { why: said(), after: answer.retry_after, status: None },
        400..=499 => Verdict::Parked { status: answer.status, why: said() },
        _ => Verdict::Again { why: said(), after: answer.retry_after, status: Some(answer.status) },
    }
}

/// What PUMP calls a set: a number, or a word that can stand in a path as it is.
fn id(text: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(text).ok()?;
    let id = match body.get("id")? {
        serde_json::Value::Number(number) => number.as_u64()?.to_string(),
        serde_json::Value::String(word) => word.clone(),
        _ => return None,
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    ((1..=64).contains(&id.len()) && id.bytes().all(fits)).then_some(id)
}

/// The beginning of an answer on one line, without our own secrets should they be echoed.
fn shown(settings: &Settings, text: &str) -> String {
    let mut hidden = text.to_string();
    for secret in secrets(settings) {
        // Before anything is cut off, since half a secret is one too; JSON may write a slash as `\/`.
        hidden = hidden.replace(&secret, "***").replace(&secret.replace('/', "\\/"), "***");
    }
    let plain: String = hidden.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    redacted(plain.trim())
}

/// The key, and where the address leads: of a webhook, often all that protects it. The longest come first.
fn secrets(settings: &Settings) -> Vec<String> {
    let mut secrets: Vec<String> = settings.key.iter().map(|key| key.reveal().to_string()).collect();
    if let Ok(address) = settings.url.parse::<ureq::http::Uri>() {
        let (path, query) = (address.path(), address.query().unwrap_or_default());
        secrets.extend([format!("{path}?{query}"), path.trim_end_matches('/').to_string(), query.to_string()]);
    }
    secrets.retain(|secret| !secret.is_empty() && secret != "/?");
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Secret;

    fn settings(kind: Kind) -> Settings {
        let key = Some(Secret::new("geheim"));
        Settings { name: "gym".into(), kind, url: "http://x".into(), key, timeout: Duration::from_secs(1), tries: 20 }
    }

    fn judged(kind: Kind, op: Op, status: u16, text: &str) -> Verdict {
        let retry_after = Some(Duration::from_secs(9));
        judge(&settings(kind), op, Ok(Answer { status, retry_after, text: text.into() }))
    }

    #[test]
    fn only_pumps_own_answer_takes_a_set() {
        let taken = |text| judged(Kind::Pump, Op::Set, 201, text);
        assert_eq!(taken(r#"{"id":17}"#), Verdict::Taken { remote: Some("17".into()) });
        assert_eq!(taken(r#"{"id":"a_b-9","x":1}"#), Verdict::Taken { remote: Some("a_b-9".into()) });
        for other in ["", "<html>", "{}", "[]", r#"{"id":null}"#, r#"{"id":"../x"}"#, r#"{"id":-1}"#, r#"{"id":""}"#] {
            assert!(matches!(taken(other), Verdict::Again { .. }), "{other}");
        }
        assert_eq!(judged(Kind::Webhook, Op::Set, 204, ""), Verdict::Taken { remote: None });
        assert_eq!(judged(Kind::Pump, Op::Confirm, 200, ""), Verdict::Taken { remote: None });
    }

    #[test]
    fn each_status_has_its_meaning_at_each_receiver() {
        use Kind::{Pump, Webhook};
        for (kind, op, status, want) in [
            (Pump, Op::Set, 403, "off"),
            (Pump, Op::Correct, 403, "parked"),
            (Pump, Op::Confirm, 403, "parked"),
            (Pump, Op::Delete, 403, "parked"),
            (Webhook, Op::Set, 403, "parked"),
            (Pump, Op::Delete, 404, "taken"),
            (Pump, Op::Delete, 200, "taken"),
            (Pump, Op::Delete, 204, "taken"),
            (Webhook, Op::Delete, 404, "parked"),
            (Pump, Op::Correct, 404, "parked"),
            (Pump, Op::Set, 400, "parked"),
            (Pump, Op::Set, 401, "parked"),
            (Webhook, Op::Set, 499, "parked"),
            (Pump, Op::Set, 408, "again"),
            (Pump, Op::Set, 429, "again"),
            (Pump, Op::Set, 200, "counted"),
            (Webhook, Op::Set, 500, "counted"),
            (Pump, Op::Correct, 502, "counted"),
            (Webhook, Op::Set, 503, "again"),
            (Pump, Op::Set, 302, "counted"),
            (Webhook, Op::Set, 307, "counted"),
            (Webhook, Op::Set, 600, "counted"),
        ] {
            let found = match judged(kind, op, status, "") {
                Verdict::Taken { .. } => "taken",
                Verdict::Again { after, status: counted, .. } => {
                    let asked = Some(Duration::from_secs(9)).filter(|_| status != 200);
                    assert_eq!(after, asked, "{status}");
                    assert!(counted.is_none_or(|counted| counted == status), "{counted:?} {status}");
                    if counted.is_some() { "counted" } else { "again" }
                }
                Verdict::AutoLogOff { .. } => "off",
                Verdict::Parked { .. } => "parked",
            };
            assert_eq!(found, want, "{kind:?} {op:?} {status}");
        }
    }

    #[test]
    fn an_answer_is_shown_short_on_one_line_and_without_the_secret() {
        let long = format!("no\r\n{}geheim http://u:p@x/", "ä".repeat(150));
        let Verdict::Parked { why, status: 422 } = judged(Kind::Pump, Op::Set, 422, &long) else {
            panic!("not parked")
        };
        assert_eq!(why, format!("gym answers 422: no  {}*** http://***@x/", "ä".repeat(150)));
        let Verdict::Parked { why, .. } = judged(Kind::Pump, Op::Set, 422, &"x".repeat(999)) else {
            panic!("not parked")
        };
        assert_eq!(why.len(), "gym answers 422: ".len() + 200);
    }

    #[test]
    fn a_receiver_that_echoes_where_it_was_asked_does_not_give_the_address_away() {
        let url = "http://x/hook/s3cr3t/?token=t0k3n".to_string();
        let settings = Settings { url, ..settings(Kind::Webhook) };
        for (echo, want) in [
            ("no POST /hook/s3cr3t/?token=t0k3n here", "no POST *** here"),
            ("no route /hook/s3cr3t", "no route ***"),
            (r#"{"path":"\/hook\/s3cr3t","query":"token=t0k3n"}"#, r#"{"path":"***","query":"***"}"#),
        ] {
            assert_eq!(shown(&settings, echo), want);
        }
        // A cut through the middle of it would show the half.
        let cut = shown(&settings, &format!("{}/hook/s3cr3t", "x".repeat(190)));
        assert_eq!(cut, format!("{}***", "x".repeat(190)));
        let plain = Settings { url: "http://x/".into(), ..settings };
        assert_eq!(shown(&plain, "a/b /? c"), "a/b /? c");
    }
}

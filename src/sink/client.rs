//! The way out: one HTTP request, one answer, within a time.
//!
//! Each request has a connection of its own; sets come minutes apart, and a kept one would be stale. Redirects are not
//! followed, proxies of the environment are not asked, and of an answer only the beginning is read. The time is given to
//! each step (connecting, sending, waiting, reading): with one for the whole the library would start a thread for every
//! name it looks up.

use std::time::Duration;

use ureq::http::{Request, Response, header::RETRY_AFTER};
use ureq::{Agent, Body, Error};

use super::Settings;
use super::answer::Answer;
use super::message::Message;
use crate::error::redacted;

/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 64 * 1024;

/// The way to one receiver.
pub(super) struct Client {
    agent: Agent,
    name: String,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Client {
        let time = Some(settings.timeout);
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .timeout_connect(time)
            .timeout_send_request(time)
            .timeout_send_body(time)
            .timeout_recv_response(time)
            .timeout_recv_body(time)
            .user_agent(concat!("spotter/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into(), name: settings.name.clone() }
    }

    /// Asks, and waits for the answer; or the sentence why there is none.
    pub(super) fn send(&self, message: Message) -> Result<Answer, String> {
        let mut request = Request::builder().method(message.method).uri(message.url);
        for (name, value) in message.headers {
            request = request.header(name, value);
        }
        let answered = match message.body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                request.body(body).map_err(Error::from).and_then(|request| self.agent.run(request))
            }
            None => request.body(()).map_err(Error::from).and_then(|request| self.agent.run(request)),
        };
        answered.map(answer).map_err(|error| self.sentence(&error))
    }

    fn sentence(&self, error: &Error) -> String {
        let name = &self.name;
        match error {
            Error::Timeout(_) => format!("{name} does not answer in time"),
            Error::HostNotFound => format!("{name} cannot be reached: its name is not known"),
            Error::Io(why) => format!("{name} cannot be reached: {}", redacted(&why.to_string())),
            other => format!("{name} cannot be reached: {}", redacted(&other.to_string())),
        }
    }
}

fn answer(mut response: Response<Body>) -> Answer {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let read = response.body_mut().with_config().limit(ANSWER_BYTES).lossy_utf8(true).read_to_string();
    Answer {
        status: response.status().as_u16(),
        retry_after: retry_after.map(Duration::from_secs),
        // Cut off or too long: the status still counts, and a set without an id is not taken.
        text: read.unwrap_or_default(),
    }
}

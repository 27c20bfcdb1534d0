//! Server-sent events: what one listener is told.
//!
//! It begins with how every camera does now, so that a page that comes or comes back needs no second question. One that
//! reads too slowly is told how many events it missed. A comment every 15 s keeps routers and browsers from giving up.

use std::time::Duration;

use super::desk::Desk;
use super::reply;
use crate::camera::{CameraNote, Event};
use crate::events::{Heard, Listener};
use crate::time::Mono;

/// How often something is said although nothing happened.
const PING: Duration = Duration::from_secs(15);
/// No more is written behind what the socket has not taken yet.
const OUT_BYTES: usize = 32 * 1024;

/// One listener's place on the board.
pub struct Ear {
    listener: Listener<'static, Event>,
    next_ping: Mono,
}

impl Ear {
    /// Listens from now on, and says to `out` how everything is. Nothing when the board has no place.
    pub fn open(desk: &Desk, out: &mut Vec<u8>) -> Option<Ear> {
        let house = &desk.shared.house;
        // First the ear, then the look: what happens between is told twice rather than never.
        let listener = house.events.listen()?;
        for view in &house.views {
            let (connected, fault) = (view.newest_id() > 0, view.fault());
            tell(out, &Event::Camera(CameraNote { camera: view.name().to_string(), connected, fault }));
        }
        Some(Ear { listener, next_ping: desk.now.plus(PING) })
    }

    /// When something must be said.
    pub fn next_ping(&self) -> Mono {
        self.next_ping
    }

    /// Appends what happened since.
    pub fn hear(&mut self, now: Mono, out: &mut Vec<u8>) {
        while out.len() < OUT_BYTES {
            match self.listener.hear() {
                Some(Heard::Event(event)) => tell(out, &event),
                Some(Heard::Lagged(missed)) => {
                    write(out, "lagged", &reply::json(&serde_json::json!({"missed": missed})));
                }
                None => break,
            }
        }
        if !out.is_empty() {
            self.next_ping = now.plus(PING);
        } else if now >= self.next_ping {
            out.extend_from_slice(b": still here\n\n");
            self.next_ping = now.plus(PING);
        }
    }
}

fn tell(out: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Camera(note) => write(out, "camera", &reply::json(note)),
        Event::State(json) => write(out, "state", json.as_bytes()),
        Event::Workout(name, json) => write(out, name, json.as_bytes()),
    }
}

fn write(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

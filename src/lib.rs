//! Spotter: the service inside a gym camera box.
//!
//! It captures from cameras, keeps the newest picture of each, encodes it to JPEG at most once per frame and
//! variant, looks at the athlete, counts what he does, keeps the log, hands it on, and serves all of it on the LAN. Fixed
//! threads, started at boot; no async runtime.
//!
//! ```text
//!            ┌─► [mailbox] ─► watch thread (pose, workout) ─┬─► view ─────────────► http: state, events, wall
//! capture ───┤                                              └─► store ◄─tails─ sink ─► PUMP, webhook
//!  thread    └─► newest frame ─► jpeg thread ─► shots ────────────────────────────► http: snapshot, stream, wall
//! ```
//!
//! # Rooms and strata
//!
//! A room imports only from lower strata; `tests/tidy.rs` keeps this table.
//!
//! | stratum | rooms |
//! |---|---|
//! | S5 shell | `main`, `bin`, `cli`, `config` |
//! | S4 face | `http` |
//! | S3 line | `camera` |
//! | S2 devices | `capture`, `jpeg`, `pose`, `store`, `sink` (which may know `store`), `update` |
//! | S1 nouns | `frame`, `skeleton`, `workout` |
//! | S0 base | `time`, `error`, `metrics`, `threads`, `mailbox`, `events` |
//!
//! # Words
//!
//! *frame*: one picture with its id and stamps · *publish*: make it the newest · *take*: remove it from the mailbox ·
//! *fault*: why there is no picture · *variant*: one quality and width of JPEG · *shot*: an encoded variant of a frame ·
//! *pose*: seventeen points of one person · *athlete*: the person that is followed · *line*: the threads of one camera ·
//! *rep*: one repetition · *set*: repetitions up to a rest · *prototype*: a recorded example of an exercise · *pending*: a set
//! that the athlete should confirm · *sink*: where sets are delivered ·
//! *view*: what others may read of a line · *beat*: a thread's sign of life · *box*: the computer with its cameras.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod camera;
pub mod capture;
pub mod cli;
pub mod config;
pub mod error;
pub mod events;
pub mod frame;
pub mod http;
pub mod jpeg;
pub mod mailbox;
pub mod metrics;
pub mod pose;
pub mod sink;
pub mod skeleton;
pub mod store;
pub mod threads;
pub mod time;
pub mod update;
pub mod workout;

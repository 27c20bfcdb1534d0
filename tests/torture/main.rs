//! What strangers may do to a box on its network, done to the real binary over real sockets.
//!
//! What takes minutes is ignored by `make test` and run by `make torture`, one after the other; the tables of forms, paths,
//! routes and secrets are quick and run always. Nothing here leaves this machine.

#[path = "../common/mod.rs"]
mod common;

mod crowd;
mod forms;
mod hostile;
mod paths;
mod routes;
mod secrets;

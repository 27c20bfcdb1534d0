//! One camera's line: the three threads that join the devices, and the view that others may read.
//!
//! No device code and no arithmetic here: [`feed`] asks the source and publishes, [`watch`] takes from the mailbox and
//! asks the engine, [`shoot`] encodes what is wanted. [`View`] is all that the HTTP face ever sees.

pub mod view;

pub use view::{CameraNote, Event, Fault, Status, View};

//! What the athlete does, from poses alone. Pure: time is an argument, and nothing here reads a clock, a frame, a file
//! or a device, so that four hours of training are tested in a second. Nothing here allocates either: every state is
//! an array, and [`Athlete`] and [`Mover`] are `Copy`.
//!
//! ```text
//! poses of a frame ─► Athlete (tracks, zone) ─► who is followed ─► Mover (angles) ─► the joint that moves, in degrees
//! ```

mod angle;
mod athlete;
mod matching;
mod mover;
mod report;
mod similarity;
mod track;
mod zone;

pub use angle::{Angle, Hinge, interior_deg};
pub use athlete::{Athlete, Event, Followed, Settings};
pub use mover::Mover;
pub use report::{Happening, Phases, Rep, Set};
pub use zone::{MAX_CORNERS, MIN_CORNERS, Zone, ZoneFault};

/// Points the model is less sure of than this are taken as not seen.
pub const MIN_CONFIDENCE: f32 = 0.3;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

//! What the athlete does, from poses alone. Pure: time is an argument, and nothing here reads a clock, a frame, a file
//! or a device, so that four hours of training are tested in a second. Memory is bounded: six minutes of two people's
//! signals, and the repetitions of one set.
//!
//! ```text
//! poses of a frame ─► Athlete (tracks, zone) ─► Body (measures) ─► Signal (minutes at 20 Hz)
//!                                                                     │
//!     sets and repetitions ◄─ Open (a set that goes on) ◄─ Beginning ◄┘ search
//! ```
//!
//! A set is found where any measure goes to and fro alike three times; from then on the whole body says how far it is on
//! its way ([`aim`]), and repetitions are its swings ([`extrema`]). When it is over, all of it is counted anew
//! ([`review`]), from the end that such movements begin at ([`ends`]). What it is called follows from where
//! bones point meanwhile ([`course`]), held against recorded repetitions and the textbook's ([`classify`]).

mod aim;
mod angle;
mod athlete;
mod classify;
mod counter;
mod course;
mod direction;
mod ends;
mod exercise;
mod extrema;
mod form;
mod gate;
mod halves;
mod knobs;
mod matching;
mod measure;
mod mover;
mod name;
mod pace;
mod pair;
mod prototype;
mod record;
mod recount;
mod rep;
mod report;
mod review;
mod search;
mod set;
mod signal;
mod similarity;
mod stray;
mod textbook;
mod track;
mod view;
mod warp;
mod zone;

pub use angle::{Angle, Hinge, interior_deg};
pub use athlete::{Athlete, Event, Followed, Settings as AthleteSettings};
pub use counter::{Now, Settings, Thresholds, Workout};
pub use exercise::{EXERCISES, Exercise};
pub use knobs::{KNOBS, Knob, KnobFault};
pub use mover::Mover;
pub use name::{NAME_MOST, is_exercise_name};
pub use prototype::{Prototype, Prototypes};
pub use record::{EXAMPLE_REPS, NoExample};
pub use report::{Happening, Phases, Rep, Set, agreement};
pub use zone::{MAX_CORNERS, MIN_CORNERS, Zone, ZoneFault};

/// Points the model is less sure of than this are taken as not seen.
pub const MIN_CONFIDENCE: f32 = 0.3;

#[cfg(test)]
pub(crate) mod counting_tests;
#[cfg(test)]
mod naming_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

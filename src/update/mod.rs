//! The box's update: a second program, `spotter-update`, and what decides at every start which version runs.
//!
//! Versions lie beside each other in a folder of root's; that of the package is the last resort and is never touched. A file
//! of a release is copied to that folder, its signature is checked over all of the copy, and only then anything of it is
//! unpacked. A new version begins as a *trial*: it has a few starts and one boot to show that it is ready and has live
//! pictures. Whatever ends the trial otherwise (a fault, a killed updater, a power cut) leads back to the version before.
//!
//! Nothing here may change the version that runs, run a byte of a release before its signature, or trust a folder that
//! the service may write to. The updater itself belongs to the package: what brings a box back is not what is tried.
//!
//! *release*: a file `*.spot` · *base*: the version of the package · *trial*: a version that must still show that it is well ·
//! *start*: the moment before the service runs, when its version is chosen.

mod args;
mod check;
mod fault;
#[cfg(fuzzing)]
pub mod fuzz;
mod guard;
mod install;
mod keys;
mod place;
mod release;
mod service;
mod start;
mod state;
mod trial;
mod unpack;

pub use args::{command, main};
pub use fault::{Fault, Reason};

//! A machine that misbehaves, and the real box on it: a slow disk, a clock that jumps, no descriptors, no threads, no memory,
//! a core that goes away, others who take every core, a halt, heat. Each has one sentence, a number to watch, and an end
//! without a restart where there can be one.
//!
//! The clock and one slow disk are a stand-in's (`shim.c`), sysfs is a folder mounted over the real one in a namespace of the
//! box's own; all else is the kernel's. What wants root, a control group or another right says so where it is not given. A disk
//! that is full or can only be read has a test of its own, `full_disk`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../helpers/mod.rs"]
mod helpers;
#[path = "../receiver/mod.rs"]
mod receiver;

mod cores;
mod full;
mod group;
mod halted;
mod limits;
mod memory;
mod rig;
mod shimmed;
mod slow;

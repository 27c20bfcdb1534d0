//! The two rooms whose soundness rests on orderings, with their own tests, so that a sanitizer can run them in seconds.

#[path = "../../src/mailbox/mod.rs"]
pub mod mailbox;
#[path = "../../src/frame/pool.rs"]
pub mod pool;

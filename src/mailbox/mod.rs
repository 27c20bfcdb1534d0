//! One slot, one writer, one reader; a newer value replaces an unread one, and the writer never waits for the reader.
//!
//! It stands between a capture thread and the slower thread behind it. [`slot`] holds the whole mechanism, `sync` the
//! primitives it is built from, so that `tests/mailbox_loom.rs` can build the same file on loom's and try every
//! interleaving.
//!
//! It must never lose a value silently (each one posted is taken, comes back from `post`, or is dropped with the
//! mailbox), never hand one out twice, never let the reader see an older one after a newer, never miss a wake-up, and
//! never take a lock or allocate in `post` or `take`.
//!
//! # States
//!
//! One atomic word says everything; each operation is one successful compare-exchange of it.
//!
//! | state | `post(v)` | `take` | `wait_room` | `close` by either end |
//! |---|---|---|---|---|
//! | empty | full(v), `Fresh`; wakes the reader | sleeps, then `Nothing` | true | closed empty; wakes the other |
//! | full(u) | full(v), `Replaced(u)` | empty, `Value(u)`; wakes the writer | sleeps, then false | closed full(u); wakes the other |
//! | closed full(u) | `Closed(v)` | closed empty, `Value(u)` | false | no change |
//! | closed empty | `Closed(v)` | `Closed` | false | no change |
//!
//! *cell*: room for one value; there are three: the writer's, the reader's and the shared one whose number is in the
//! word, and an end changes its own cell for the shared one · *berth*: where an end leaves its thread handle before it
//! sleeps.

mod slot;
mod sync;

pub use slot::{Posted, Poster, Taken, Taker, mailbox};

#[cfg(test)]
mod tests;

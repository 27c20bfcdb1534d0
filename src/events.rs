//! Events to many listeners: bounded, allocation-free, and a listener that lags is told how many it missed.
//!
//! [`Board`] wraps embassy-sync's `PubSubChannel`. The publisher never waits: when the ring is full the oldest event
//! goes. The channel itself cannot wake a blocking thread, so the board rings [`Bell`]s after each event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pubsub::{PubSubChannel, Subscriber, WaitResult};

/// Something that can be told, from any thread and without blocking, that there is news.
pub trait Bell: Send + Sync {
    /// There is news. Called often; it must be cheap, and must not block or panic.
    fn ring(&self);
}

/// The bells of one publisher; they change only at start and in tests, and are read on every publication.
#[derive(Default)]
pub struct Bells(ArcSwap<Vec<Arc<dyn Bell>>>);

impl Bells {
    /// Adds one.
    pub fn add(&self, bell: Arc<dyn Bell>) {
        self.0.rcu(|old| {
            let mut new = Vec::clone(old);
            new.push(bell.clone());
            new
        });
    }

    /// Rings them all.
    pub fn ring(&self) {
        for bell in self.0.load().iter() {
            bell.ring();
        }
    }
}

/// Events kept for listeners that are a little behind.
pub const CAPACITY: usize = 64;
/// The most listeners at once; `http.event_viewers` may not be set higher.
pub const LISTENERS: usize = 64;

type Channel<E> = PubSubChannel<CriticalSectionRawMutex, E, CAPACITY, LISTENERS, 0>;

/// Where events of type `E` are announced.
pub struct Board<E: Clone> {
    channel: Channel<E>,
    bells: Bells,
    listeners: AtomicUsize,
}

impl<E: Clone> Default for Board<E> {
    fn default() -> Self {
        Board { channel: PubSubChannel::new(), bells: Bells::default(), listeners: AtomicUsize::new(0) }
    }
}

/// One listener's place on a [`Board`].
pub struct Listener<'a, E: Clone> {
    place: Subscriber<'a, CriticalSectionRawMutex, E, CAPACITY, LISTENERS, 0>,
    listeners: &'a AtomicUsize,
}

impl<E: Clone> std::ops::Drop for Listener<'_, E> {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a listener finds.
#[derive(Clone, PartialEq, Debug)]
pub enum Heard<E> {
    /// The next event in order.
    Event(E),
    /// This many events were overwritten before they were read.
    Lagged(u64),
}

impl<E: Clone> Board<E> {
    /// Announces an event to everybody who listens now. Never waits.
    pub fn announce(&self, event: E) {
        self.channel.immediate_publisher().publish_immediate(event);
        self.bells.ring();
    }

    /// Rings `bell` after every event from now on.
    pub fn add_bell(&self, bell: Arc<dyn Bell>) {
        self.bells.add(bell);
    }

    /// A place for one listener, or nothing when all [`LISTENERS`] are taken. It hears what comes from now on.
    pub fn listen(&self) -> Option<Listener<'_, E>> {
        let place = self.channel.subscriber().ok()?;
        self.listeners.fetch_add(1, Ordering::Relaxed);
        Some(Listener { place, listeners: &self.listeners })
    }

    /// Whether anybody listens now: what costs something to say need not be said to nobody.
    pub fn is_heard(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }
}

impl<E: Clone> Listener<'_, E> {
    /// The next event if there is one. Never waits.
    pub fn hear(&mut self) -> Option<Heard<E>> {
        self.place.try_next_message().map(|found| match found {
            WaitResult::Message(event) => Heard::Event(event),
            WaitResult::Lagged(missed) => Heard::Lagged(missed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Count(AtomicUsize);
    impl Bell for Count {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn everyone_hears_in_order_and_the_slow_are_told_what_they_missed() {
        let board = Board::default();
        let bell = Arc::new(Count(AtomicUsize::new(0)));
        board.add_bell(bell.clone());
        let (mut quick, mut slow) = (board.listen().unwrap(), board.listen().unwrap());
        let extra = 3;
        for n in 0..(CAPACITY + extra) as u64 {
            board.announce(n);
            assert_eq!(quick.hear(), Some(Heard::Event(n)));
            assert_eq!(quick.hear(), None);
        }
        assert_eq!(slow.hear(), Some(Heard::Lagged(extra as u64)));
        for n in extra as u64..(CAPACITY + extra) as u64 {
            assert_eq!(slow.hear(), Some(Heard::Event(n)));
        }
        assert_eq!(slow.hear(), None);
        assert_eq!(bell.0.load(Ordering::Relaxed), CAPACITY + extra);
    }

    #[test]
    fn one_listener_too_many_is_refused_and_a_place_is_given_back() {
        let board = Board::<u8>::default();
        let mut all: Vec<_> = (0..LISTENERS).map(|_| board.listen().unwrap()).collect();
        assert!(board.listen().is_none());
        all.pop();
        assert!(board.listen().is_some());
        assert!(board.is_heard());
        all.clear();
        assert!(!board.is_heard());
    }
}

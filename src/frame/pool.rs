//! Buffers made once and used for ever.
//!
//! A slot is an `Arc`; it is free when nobody but the pool holds it, which `Arc::get_mut` decides without a lock and
//! without unsafe code. Only the owner claims; readers give back by dropping, from any thread. Nothing is allocated
//! after a slot's buffer has grown to its size.
//!
//! The pool must never lend a slot that somebody still reads, and never grow.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A fixed number of `T`s that are lent, shared and come back.
pub struct Pool<T> {
    slots: Box<[Arc<T>]>,
}

impl<T> Pool<T> {
    /// A pool of `count` things made by `make`.
    pub fn new(count: usize, make: impl FnMut() -> T) -> Pool<T> {
        let mut make = make;
        Pool { slots: (0..count).map(|_| Arc::new(make())).collect() }
    }

    /// A free one to fill; nothing when all are being read. The first free slot is taken, so that the memory of a
    /// pool that is larger than needed stays untouched.
    pub fn claim(&mut self) -> Option<Claim<'_, T>> {
        let slot = self.slots.iter_mut().find_map(|slot| Arc::get_mut(slot).is_some().then_some(slot))?;
        Some(Claim { slot })
    }

    /// Does something to every free one, such as giving it the memory that one of them turned out to need.
    pub fn prepare(&mut self, prepare: impl FnMut(&mut T)) {
        self.slots.iter_mut().filter_map(Arc::get_mut).for_each(prepare);
    }

    /// How many are being read now.
    pub fn lent(&mut self) -> usize {
        self.slots.iter_mut().filter_map(|slot| Arc::get_mut(slot).is_none().then_some(())).count()
    }
}

/// A slot that only its holder can reach: to be filled, then [shared](Claim::share), or dropped to leave it free.
pub struct Claim<'a, T> {
    slot: &'a mut Arc<T>,
}

impl<T> Claim<'_, T> {
    /// Lets others read it. It is free again when they all have dropped it.
    pub fn share(self) -> Arc<T> {
        Arc::clone(self.slot)
    }
}

impl<T> Deref for Claim<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.slot
    }
}

impl<T> DerefMut for Claim<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::get_mut(self.slot).expect("the claim borrows the pool, and was unshared when it was made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_comes_back_when_its_last_reader_drops_it() {
        let mut pool = Pool::new(2, || 0u32);
        let first = pool.claim().unwrap().share();
        let second = pool.claim().unwrap().share();
        assert!(pool.claim().is_none());
        assert_eq!(pool.lent(), 2);
        let reader = first.clone();
        drop(first);
        assert!(pool.claim().is_none());
        drop(reader);
        *pool.claim().unwrap() = 9;
        assert_eq!(pool.lent(), 1);
        drop(second);
    }

    #[test]
    fn a_claim_that_is_not_shared_leaves_the_slot_free() {
        let mut pool = Pool::new(1, Vec::<u8>::new);
        pool.claim().unwrap().extend([1, 2, 3]);
        assert_eq!(pool.claim().unwrap().as_slice(), [1, 2, 3]);
    }

    #[test]
    fn readers_on_other_threads_never_see_a_slot_change() {
        let turns = if cfg!(miri) { 50 } else { 20_000u64 };
        let mut pool = Pool::new(3, || [0u64; 8]);
        std::thread::scope(|scope| {
            let (give, got) = std::sync::mpsc::sync_channel::<Arc<[u64; 8]>>(1);
            scope.spawn(move || {
                for seen in got {
                    assert!(seen.iter().all(|w| *w == seen[0]));
                }
            });
            for turn in 0..turns {
                let mut claim = loop {
                    match pool.claim() {
                        Some(_) => break pool.claim().expect("just seen"),
                        None => std::thread::yield_now(),
                    }
                };
                claim.fill(turn);
                give.send(claim.share()).unwrap();
            }
        });
    }
}

//! The mailbox itself: three cells, one atomic word, two pairs of berths.
//!
//! **Cells.** The writer fills its own cell and exchanges it for the shared one by changing the word; the reader does
//! the same with its own empty cell. So each cell has one owner at any time, and values are moved only by the owner.
//! A cell that is not shared-and-full is empty, except while its owner works on it; so the full bit alone tells whether
//! there is a value to drop in the end.
//!
//! **Sleep.** An end that finds nothing to do leaves its thread handle in a berth and sets its sleeper bit, by a
//! compare-exchange that succeeds only while there is still nothing to do: no value can slip in between. Whoever
//! changes the word in a way the sleeper waits for clears the bit in the same exchange, and wakes only if it was set.
//!
//! **Berths.** An end may come back before its waker has read the handle, and want to sleep again, even on another
//! thread. So each end has two berths and changes to the other one whenever its bit was cleared for it. An end has
//! only one waker, which clears the bit a second time only after it is done with the first handle; therefore the
//! berth the sleeper changes to is always free.
//!
//! The ends count cells and berths each for itself, which is why `post` and `take` need `&mut self`.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::time::Duration;

use super::sync::{Arc, AtomicU32, Deadline, Ordering, Thread, UnsafeCell, current};

/// Which cell is the shared one.
const CELL: u32 = 0b11;
/// The numbers of the three cells added up: less two of them it is the third.
const ALL_CELLS: u32 = 1 + 2;
/// The shared cell holds a value.
const FULL: u32 = 1 << 2;
/// An end is gone or has said so; never taken back.
const CLOSED: u32 = 1 << 3;
/// The reader's handle is in its berth; only a post or the writer's close may clear it, or the reader.
const READER_SLEEPS: u32 = 1 << 4;
/// The same for the writer: only a take or the reader's close, or the writer.
const WRITER_SLEEPS: u32 = 1 << 5;

/// What became of a posted value.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Posted<T> {
    /// The slot was empty.
    Fresh,
    /// The slot held this unread value.
    Replaced(T),
    /// The mailbox is closed; the value comes back.
    Closed(T),
}

/// What a take found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing came within the timeout.
    Nothing,
    /// The mailbox is closed and empty.
    Closed,
}

/// What both ends share. One alignment for all of it: each operation needs the word's cache line anyway, and a small
/// value beside it travels along for nothing.
#[repr(C, align(128))]
pub(super) struct Inner<T> {
    pub(super) word: AtomicU32,
    cells: [UnsafeCell<MaybeUninit<T>>; 3],
    reader: Berths,
    writer: Berths,
}

type Berths = [UnsafeCell<Option<Thread>>; 2];

// SAFETY: values and handles are `Send` and are reached only through the cells' and berths' owners, which the word
// passes from thread to thread with release and acquire; no reference to one is ever shared.
unsafe impl<T: Send> Send for Inner<T> {}
// SAFETY: as above; `&Inner` gives nobody a `&T`, so `T: Sync` is not needed.
unsafe impl<T: Send> Sync for Inner<T> {}

/// What one end remembers for itself: its cell, the berth for its next sleep and the berth of the other's.
pub(super) struct End {
    cell: usize,
    berth: usize,
    other_berth: usize,
    /// What the word probably is at the next exchange. To try it unseen fetches the word's line once, for writing; a
    /// look first would fetch it twice, for reading and for writing. A wrong guess costs a failed exchange, nothing else;
    /// but the reader's must always claim a value, since without one it would not even try.
    pub(super) guess: u32,
}

impl End {
    /// Notes that the own cell went into the word for the one in `seen`, and that the other end will probably put its
    /// own there next, with `flags`.
    #[inline]
    fn exchange(&mut self, seen: u32, flags: u32) {
        let given = self.cell as u32;
        let got = seen & CELL;
        self.cell = got as usize;
        self.guess = (ALL_CELLS - given - got) | flags;
    }
}

/// The writer's end.
pub struct Poster<T> {
    pub(super) inner: Arc<Inner<T>>,
    pub(super) end: End,
}

/// The reader's end.
pub struct Taker<T> {
    pub(super) inner: Arc<Inner<T>>,
    pub(super) end: End,
}

/// A new, empty mailbox.
pub fn mailbox<T: Send>() -> (Poster<T>, Taker<T>) {
    let berths = || [UnsafeCell::new(None), UnsafeCell::new(None)];
    let cell = || UnsafeCell::new(MaybeUninit::uninit());
    let inner = Arc::new(Inner {
        word: AtomicU32::new(0),
        cells: [cell(), cell(), cell()],
        reader: berths(),
        writer: berths(),
    });
    let end = |cell, guess| End { cell, berth: 0, other_berth: 0, guess };
    (Poster { inner: inner.clone(), end: end(1, 0) }, Taker { inner, end: end(2, 1 | FULL) })
}

impl<T: Send> Poster<T> {
    /// Puts `value` into the slot, wakes the reader and returns what was replaced. Never waits.
    #[inline]
    pub fn post(&mut self, value: T) -> Posted<T> {
        let inner = &*self.inner;
        // SAFETY: the writer's own cell; nobody else knows its number until the exchange below. It is empty, so
        // writing over it forgets nothing.
        inner.cells[self.end.cell].with_mut(|cell| unsafe { cell.write(MaybeUninit::new(value)) });
        let mut seen = self.end.guess;
        loop {
            // The reader's bit goes: it will be woken. The writer's own is not set: it is awake, here.
            let next = self.end.cell as u32 | FULL;
            // Release pairs with the acquire in `try_take`: the reader sees the value written above; and with that in
            // `sleep`: the reader sees the last handle moved out of its berth. Acquire pairs with the release in
            // `try_take`: the reader has moved its value out of the cell that the writer gets here; and with that in
            // `sleep`: the handle is in the berth. On failure acquire pairs with the
            // release in `close`: who learns of the closing sees what was done before it.
            match inner.word.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) if now & CLOSED != 0 => return Posted::Closed(self.unpost()),
                Err(now) => seen = now,
            }
        }
        // Next time the reader will have emptied this cell, and wait as it did now.
        self.end.exchange(seen, seen & READER_SLEEPS);
        if seen & READER_SLEEPS != 0 {
            wake(&inner.reader, &mut self.end.other_berth);
        }
        if seen & FULL == 0 {
            return Posted::Fresh;
        }
        // SAFETY: the exchange gave this cell to the writer with a value in it that the reader has not taken; it is moved
        // out once, since from here on the cell counts as empty.
        Posted::Replaced(inner.cells[self.end.cell].with_mut(|cell| unsafe { (*cell).assume_init_read() }))
    }

    /// Takes back the value that a closed mailbox did not accept.
    #[cold]
    fn unpost(&mut self) -> T {
        // SAFETY: the exchange failed, so the cell is still the writer's own, `post` has just filled it, and the value is
        // moved out once, since from here on the cell counts as empty.
        self.inner.cells[self.end.cell].with_mut(|cell| unsafe { (*cell).assume_init_read() })
    }

    /// Sleeps until the slot is empty (true), or until `timeout` or a close (false): for sources that must lose nothing.
    pub fn wait_room(&mut self, timeout: Duration) -> bool {
        let room = |word| word & FULL == 0 || word & CLOSED != 0;
        let inner = &*self.inner;
        // Acquire pairs with the release in `try_take` and `close`: what the reader did before is seen.
        let mut word = inner.word.load(Ordering::Acquire);
        if !room(word) && !timeout.is_zero() {
            sleep(&inner.word, &inner.writer, &mut self.end.berth, WRITER_SLEEPS, timeout, room);
            word = inner.word.load(Ordering::Acquire); // the same pair
        }
        word & (FULL | CLOSED) == 0
    }

    /// Closes it: the reader wakes, takes what is left, then sees the end.
    pub fn close(&mut self) {
        self.shut();
    }
}

impl<T> Poster<T> {
    fn shut(&mut self) {
        if close(&self.inner.word, READER_SLEEPS) {
            wake(&self.inner.reader, &mut self.end.other_berth);
        }
    }
}

impl<T: Send> Taker<T> {
    /// The newest value; sleeps up to `timeout` for one.
    #[inline]
    pub fn take(&mut self, timeout: Duration) -> Taken<T> {
        match self.try_take() {
            Taken::Nothing if !timeout.is_zero() => self.sleep_and_take(timeout),
            taken => taken,
        }
    }

    #[inline]
    fn try_take(&mut self) -> Taken<T> {
        let inner = &*self.inner;
        let mut seen = self.end.guess;
        loop {
            if seen & FULL == 0 {
                return if seen & CLOSED == 0 { Taken::Nothing } else { Taken::Closed };
            }
            // The writer's bit goes: it will be woken. The reader's own is not set: it is awake, here.
            let next = self.end.cell as u32 | seen & CLOSED;
            // Acquire pairs with the release in `post`: the value in the cell; and with that in `sleep`: the writer's
            // handle in its berth. Release pairs with the acquire in `post`: the cell given back here was emptied
            // before; and with that in `sleep`: the last handle was moved out of its berth. On failure acquire pairs with
            // the release in `close`, as in `post`.
            match inner.word.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // Next time the writer will have filled its cell, and wait for room as it did now.
        self.end.exchange(seen, FULL | seen & WRITER_SLEEPS);
        if seen & WRITER_SLEEPS != 0 {
            wake(&inner.writer, &mut self.end.other_berth);
        }
        // SAFETY: the exchange gave this cell to the reader, and the writer filled it before sharing it. The value is moved
        // out once, since from here on the cell counts as empty.
        Taken::Value(inner.cells[self.end.cell].with_mut(|cell| unsafe { (*cell).assume_init_read() }))
    }

    #[cold]
    fn sleep_and_take(&mut self, timeout: Duration) -> Taken<T> {
        let inner = &*self.inner;
        let mail = |word| word & (FULL | CLOSED) != 0;
        sleep(&inner.word, &inner.reader, &mut self.end.berth, READER_SLEEPS, timeout, mail);
        self.try_take()
    }

    /// Closes it from the reader's side: the next post comes back.
    pub fn close(&mut self) {
        self.shut();
    }
}

impl<T> Taker<T> {
    fn shut(&mut self) {
        if close(&self.inner.word, WRITER_SLEEPS) {
            wake(&self.inner.writer, &mut self.end.other_berth);
        }
    }
}

impl<T> Drop for Poster<T> {
    fn drop(&mut self) {
        self.shut();
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.shut();
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        // Both ends are gone, and `Arc` has ordered all they did before this: a plain look is enough.
        let word = self.word.load(Ordering::Relaxed);
        if word & FULL != 0 {
            // SAFETY: the shared cell holds a value that nobody took, and nobody is left who could.
            self.cells[(word & CELL) as usize].with_mut(|cell| unsafe { (*cell).assume_init_drop() });
        }
    }
}

/// Sets the closed bit and clears the other end's sleeper bit; true if that one sleeps and is to be woken.
fn close(word: &AtomicU32, other_sleeps: u32) -> bool {
    let mut seen = word.load(Ordering::Relaxed); // only a guess; the exchange decides
    loop {
        let next = (seen | CLOSED) & !other_sleeps;
        // Release pairs with the failed exchanges in `post` and `try_take` and the loads in `wait_room` and `sleep`: who
        // sees the closing sees what was done before it. Acquire pairs with the release in `sleep`: the handle is in the berth.
        match word.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return seen & other_sleeps != 0,
            Err(now) => seen = now,
        }
    }
}

/// Wakes the end whose sleeper bit this thread has just cleared.
#[cold]
fn wake(berths: &Berths, berth: &mut usize) {
    // SAFETY: clearing the bit made this thread the berth's owner; the sleeper changes to its other berth, and gives
    // this one a new handle only after the bit was cleared once more, which only this end does, later.
    let handle = berths[*berth].with_mut(|handle| unsafe { (*handle).take() });
    *berth ^= 1;
    if let Some(thread) = handle {
        thread.unpark();
    }
}

/// Sleeps until `ready` holds for the word, or until `timeout`. Does not sleep when it holds already.
fn sleep(
    word: &AtomicU32,
    berths: &Berths,
    berth: &mut usize,
    own_bit: u32,
    timeout: Duration,
    ready: impl Fn(u32) -> bool,
) {
    let deadline = Deadline::after(timeout);
    // SAFETY: the own bit is not set, so the waker does not look here; if it still holds a handle, then in the other
    // berth, as the head of the file says.
    berths[*berth].with_mut(|handle| unsafe { *handle = Some(current()) });
    let mut seen = word.load(Ordering::Relaxed); // only a guess; the exchange decides
    loop {
        if ready(seen) {
            return;
        }
        // Release pairs with the acquire of whoever clears the bit (`post`, `try_take`, `close`): it sees the handle.
        match word.compare_exchange_weak(seen, seen | own_bit, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    loop {
        deadline.park();
        // Acquire pairs with the release of whoever cleared the bit: it is done with the handle before this one. (The
        // acquire load that each caller makes next would do as well; this one keeps the argument in one place.)
        let mut seen = word.load(Ordering::Acquire);
        if seen & own_bit != 0 && deadline.passed() {
            // Gives up. Acquire for the same pair, should the bit have gone in the last moment. No release is needed:
            // the berth stays the sleeper's own, and a later exchange publishes what is in it.
            seen = word.fetch_and(!own_bit, Ordering::Acquire);
            if seen & own_bit != 0 {
                return;
            }
        }
        if seen & own_bit == 0 {
            *berth ^= 1;
            return;
        }
    }
}

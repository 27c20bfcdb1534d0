//! Who found no place in the table of shots, in the order they came: places that become free go to the first of them.
//!
//! Without it whoever happens to look when a place is free has it, and of six that never stop wishing two may see
//! nothing for seconds. It never holds a place for somebody who has gone: who does not look again while [`PATIENCE`] frames
//! come or are delivered is not waited for.
//!
//! *bell*: counts frames and deliveries; where nothing is delivered, those who have gone are forgotten, too.

use std::collections::VecDeque;

use super::Variant;

/// Variants that are remembered; more of them take their chance.
const LONGEST: usize = 16;
/// Rings of the bell without a look after which somebody has gone.
const PATIENCE: u64 = 8;

/// Variants that wait for a place, the first to come first.
#[derive(Default)]
pub struct Queue {
    /// With the bell at their last look.
    waiting: VecDeque<(Variant, u64)>,
}

impl Queue {
    /// Whether `variant` may have one of so many free places now, `bell` rings since the beginning; if not it stands in
    /// the queue from now on.
    pub fn may(&mut self, variant: Variant, free: usize, bell: u64) -> bool {
        self.waiting.retain(|(other, looked)| *other == variant || looked + PATIENCE >= bell);
        let place = self.waiting.iter().position(|(other, _)| *other == variant);
        if place.unwrap_or(self.waiting.len()) < free {
            place.map(|place| self.waiting.remove(place));
            return true;
        }
        match place {
            Some(place) => self.waiting[place].1 = bell,
            None if self.waiting.len() < LONGEST => self.waiting.push_back((variant, bell)),
            None => {}
        }
        false
    }

    /// Nobody waits any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(q: u8) -> Variant {
        Variant { quality: Some(q), width: None }
    }

    #[test]
    fn the_first_to_come_is_the_first_to_have_a_place() {
        let mut queue = Queue::default();
        assert!(!queue.may(quality(1), 0, 0));
        assert!(!queue.may(quality(2), 0, 0));
        assert!(!queue.may(quality(2), 1, 1), "1 was first");
        assert!(queue.may(quality(2), 2, 1), "there is one for each");
        assert!(queue.may(quality(1), 1, 2));
        assert!(queue.may(quality(3), 1, 2), "nobody waits");
    }

    #[test]
    fn who_has_gone_is_not_waited_for() {
        let mut queue = Queue::default();
        assert!(!queue.may(quality(1), 0, 0));
        assert!(!queue.may(quality(2), 1, PATIENCE));
        assert!(queue.may(quality(2), 1, PATIENCE + 1));
    }

    #[test]
    fn it_is_of_a_length() {
        let mut queue = Queue::default();
        (0..200).for_each(|q| assert!(!queue.may(quality(q), 0, 0)));
        assert_eq!(queue.waiting.len(), LONGEST);
        assert!(!queue.may(quality(100), LONGEST, 0), "not in the queue, and all in it have a place");
        assert!(queue.may(quality(100), LONGEST + 1, 0));
    }
}

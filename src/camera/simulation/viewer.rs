//! A viewer as the HTTP face makes it: it wishes for a picture newer than its last one, waits for the bell, holds what it
//! is given while it sends it, and goes when the camera is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::view::View;
use super::ledger::Ledger;
use super::{Dice, Tally, standins};
use crate::events::Bell;
use crate::jpeg::{Look, ShotRef, Variant};

/// Counts how often it rang.
#[derive(Default)]
pub(super) struct Ring(AtomicU64);

impl Bell for Ring {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Ring {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct Viewer {
    here: bool,
    variant: Variant,
    last: u64,
    wish: u64,
    /// How often the bell had rung when it looked in vain.
    waits_since: Option<u64>,
    sends: Option<ShotRef>,
    served: u64,
}

/// What it may wish for: more than the line has places for, and two names of one picture.
fn any(dice: &mut Dice) -> Variant {
    match dice.below(8) {
        0 => Variant::default(),
        1 => Variant { quality: None, width: Some(32) },
        n => Variant { quality: Some([75, 10, 20, 30, 40, 50][n as usize - 2]), width: None },
    }
}

impl Viewer {
    /// Its next step, and what that was. A `prompt` one neither dawdles nor goes.
    pub(super) fn step(
        &mut self,
        (view, ring): (&View, &Arc<Ring>),
        dice: &mut Dice,
        ledger: &Ledger,
        prompt: bool,
        tally: &mut Tally,
    ) -> &'static str {
        if !self.here {
            *self = Viewer { here: true, variant: any(dice), ..Viewer::default() };
            view.viewer_came();
            return "a viewer comes";
        }
        if let Some(shot) = &self.sends {
            assert!(standins::is_whole(shot), "the picture of frame {} changed while it was sent", shot.frame_id);
            if !prompt && !dice.once_in(4) {
                return "a viewer sends";
            }
            self.sends = None;
            return "a viewer has sent";
        }
        if !prompt && dice.once_in(100) {
            self.leave(view);
            return "a viewer goes";
        }
        if self.waits(ring) {
            return "a viewer waits";
        }
        self.look((view, ring), ledger, tally)
    }

    fn look(&mut self, (view, ring): (&View, &Arc<Ring>), ledger: &Ledger, tally: &mut Tally) -> &'static str {
        if self.wish == 0 {
            self.wish = view.newest_id().max(self.last + 1);
        }
        let heard = ring.count();
        let has_picture = ledger.has_picture && !view.is_private();
        let look = view.look(self.variant, self.wish);
        assert_eq!(matches!(look, Look::Lost), !has_picture, "a picture is lost when there is a fault, and only then");
        match look {
            Look::Ready(shot) => {
                ledger.ready(&shot);
                assert!(shot.frame_id >= self.wish, "wished for {}, given {}", self.wish, shot.frame_id);
                assert!(shot.frame_id > self.last, "given {} after {}", shot.frame_id, self.last);
                assert_eq!(shot.variant, self.variant.of(&ledger.layout), "wished for {:?}", self.variant);
                (self.last, self.wish, self.waits_since) = (shot.frame_id, 0, None);
                self.sends = Some(shot);
                self.served += 1;
                tally.shots += 1;
                "a viewer is given a picture"
            }
            Look::Soon => {
                self.waits_since = Some(heard);
                "a viewer is told: soon"
            }
            Look::Full => {
                self.waits_since = Some(heard);
                tally.full += 1;
                "a viewer is told: full"
            }
            Look::Lost => {
                self.leave(view);
                "a viewer is told: lost"
            }
        }
    }

    /// Whether it has looked in vain, and no bell has rung since.
    pub(super) fn waits(&self, ring: &Ring) -> bool {
        self.here && self.waits_since == Some(ring.count())
    }

    pub(super) fn served(&self) -> u64 {
        self.served
    }

    pub(super) fn is_here(&self) -> bool {
        self.here
    }

    /// Drops what it holds.
    pub(super) fn leave(&mut self, view: &View) {
        if std::mem::take(&mut self.here) {
            view.viewer_went();
        }
        (self.sends, self.waits_since) = (None, None);
    }
}

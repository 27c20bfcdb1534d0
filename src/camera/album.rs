//! Which frame of a set is worth keeping: the athlete at the turn of the repetition that went furthest.
//!
//! Nobody knows that a frame shows a turn until the movement has come back. So the frames of the smallest and of the
//! greatest angle since the last repetition are copied as they come; when a repetition is told, the one that lies nearer to
//! its turn is kept. Three buffers, reused; nothing is encoded here, and no frame of the pool is held back.

use std::time::Duration;

use crate::frame::Frame;
use crate::skeleton::Pose;
use crate::time::Mono;
use crate::workout::{Angle, Hinge, Rep};

/// An angle must go this much further to be worth another copy, in degrees.
const FURTHER_DEG: f32 = 2.0;
/// A frame that is older than any repetition shows none.
const OLD: Duration = Duration::from_secs(12);
/// A frame further from the turn than this does not show it.
const NEAR: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Kept {
    frame: Frame,
    pose: Pose,
    /// In the workout's time; nothing: the place is empty.
    at: Option<Mono>,
    deg: f32,
}

impl Kept {
    fn copy(&mut self, frame: &Frame, pose: &Pose, at: Mono, deg: f32) {
        self.frame.layout = frame.layout;
        self.frame.bytes.clear();
        self.frame.bytes.extend_from_slice(&frame.bytes);
        (self.pose, self.at, self.deg) = (*pose, Some(at), deg);
    }

    fn distance(&self, from: Mono) -> Option<Duration> {
        self.at.map(|at| at.since(from).max(from.since(at)))
    }
}

/// The pictures of one camera's athlete that may be kept.
#[derive(Default)]
pub struct Album {
    /// Of the smallest and of the greatest angle since the last repetition.
    ends: [Kept; 2],
    /// Of the repetition that went furthest, and how far that was.
    best: Kept,
    range_deg: f32,
    /// Whose angle that is.
    joint: Option<Hinge>,
    /// A repetition was told with this frame.
    told: bool,
}

impl Album {
    /// A frame on which the athlete's working joint is bent by `deg`, at the workout's time `at`.
    pub fn offer(&mut self, frame: &Frame, pose: &Pose, at: Mono, angle: Angle) {
        let deg = angle.deg;
        if !deg.is_finite() {
            return;
        }
        if self.joint.replace(angle.joint) != Some(angle.joint) {
            // Angles of different joints cannot be compared.
            self.ends.iter_mut().for_each(|kept| kept.at = None);
        }
        self.ends
            .iter_mut()
            .filter(|kept| kept.at.is_some_and(|then| at.since(then) > OLD))
            .for_each(|kept| kept.at = None);
        let [low, high] = &mut self.ends;
        if low.at.is_none() || deg < low.deg - FURTHER_DEG {
            low.copy(frame, pose, at, deg);
        }
        if high.at.is_none() || deg > high.deg + FURTHER_DEG {
            high.copy(frame, pose, at, deg);
        }
    }

    /// A repetition was told.
    pub fn rep(&mut self, rep: &Rep) {
        let range_deg = rep.max_deg - rep.min_deg;
        let nearest = self.ends.iter_mut().min_by_key(|kept| kept.distance(rep.turned).unwrap_or(Duration::MAX));
        if let Some(kept) = nearest.filter(|kept| kept.distance(rep.turned).is_some_and(|far| far <= NEAR))
            && (self.best.at.is_none() || range_deg > self.range_deg)
        {
            std::mem::swap(kept, &mut self.best);
            self.range_deg = range_deg;
        }
        self.told = true;
    }

    /// All repetitions that were told with one frame were: the first of a set come together.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.told) {
            self.ends.iter_mut().for_each(|kept| kept.at = None);
        }
    }

    /// The picture of the set that has ended, if there is one. The next set begins.
    pub fn close(&mut self) -> Option<(&Frame, &Pose)> {
        self.ends.iter_mut().for_each(|kept| kept.at = None);
        self.range_deg = 0.0;
        self.best.at.take().map(|_| (&self.best.frame, &self.best.pose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Layout;

    fn at(ms: u64) -> Mono {
        Mono::from_ns(ms * 1_000_000)
    }

    fn offer(album: &mut Album, ms: u64, deg: f32) {
        let frame = Frame { layout: Layout::jpeg(64, 48), bytes: vec![deg as u8; 8], ..Frame::default() };
        album.offer(&frame, &Pose::default(), at(ms), Angle { joint: Hinge::LeftKnee, deg, points: [11, 13, 15] });
    }

    fn rep(turned: u64, min_deg: f32, max_deg: f32) -> Rep {
        let phases = crate::workout::Phases::default();
        Rep { n: 1, started: at(0), turned: at(turned), ended: at(turned), min_deg, max_deg, phases }
    }

    fn kept(album: &mut Album) -> Option<u8> {
        album.close().map(|(frame, _)| frame.bytes[0])
    }

    #[test]
    fn the_turn_of_the_repetition_that_went_furthest_is_kept() {
        let mut album = Album::default();
        for (ms, deg) in [(0, 170.0), (500, 120.0), (1000, 80.0), (1500, 130.0), (2000, 172.0)] {
            offer(&mut album, ms, deg);
        }
        album.rep(&rep(1000, 80.0, 172.0));
        album.settle();
        for (ms, deg) in [(2500, 110.0), (3000, 95.0), (4000, 171.0)] {
            offer(&mut album, ms, deg);
        }
        album.rep(&rep(3000, 95.0, 171.0));
        assert_eq!(kept(&mut album), Some(80));
        assert_eq!(kept(&mut album), None, "the next set begins without a picture");
    }

    #[test]
    fn the_first_repetitions_of_a_set_come_together_and_one_of_them_is_kept() {
        let mut album = Album::default();
        for (ms, deg) in [(0, 170.0), (1000, 90.0), (2000, 171.0), (3000, 80.0), (4000, 170.0), (5000, 88.0)] {
            offer(&mut album, ms, deg);
        }
        for (turned, min_deg) in [(1000, 90.0), (3000, 80.0), (5000, 88.0)] {
            album.rep(&rep(turned, min_deg, 170.0));
        }
        album.settle();
        assert_eq!(kept(&mut album), Some(80));
    }

    #[test]
    fn a_turn_at_the_greatest_angle_is_found_too_and_one_that_was_not_seen_is_not_invented() {
        let mut album = Album::default();
        for (ms, deg) in [(0, 60.0), (1000, 165.0), (2000, 62.0)] {
            offer(&mut album, ms, deg);
        }
        album.rep(&rep(1000, 60.0, 165.0));
        assert_eq!(kept(&mut album), Some(165));
        offer(&mut album, 3000, 170.0);
        offer(&mut album, 3100, f32::NAN);
        album.rep(&rep(9000, 60.0, 170.0));
        assert_eq!(kept(&mut album), None);
    }
}

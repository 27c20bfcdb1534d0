//! Which pose belongs to which track, when every pair has its likeness.
//!
//! The surest pair first, and then exchanges while they make the whole likelier: when the athlete comes out from behind
//! somebody, he may be a little more like the one who stood there than like himself a second ago, but that one has
//! walked on and is found too. It must never give a pose or a track away twice, and it always ends.

use super::athlete::{POSES, TRACKS};
use super::track::LIKENESS_LEAST;

/// A row for every track, a column for every pose.
pub type Likenesses = [[f32; POSES]; TRACKS];

/// An exchange must gain this much: a tie is left as it is.
const GAIN_LEAST: f32 = 0.02;
/// Exchanges at most; each gains, so this is never needed, but bounds the time without an argument about rounding.
const EXCHANGES: usize = 64;

/// What a pair is worth; an impossible one is never worth it.
fn worth(likeness: f32) -> f32 {
    if likeness >= LIKENESS_LEAST { likeness } else { f32::NEG_INFINITY }
}

/// For each of the first `count` poses its track, if any.
pub fn matched(likeness: &Likenesses, count: usize) -> [Option<usize>; POSES] {
    let count = count.min(POSES);
    let (mut poses, mut owners) = ([None; TRACKS], [None; POSES]);
    while let Some((t, p)) = surest(likeness, count, &poses, &owners) {
        (poses[t], owners[p]) = (Some(p), Some(t));
    }
    for _ in 0..EXCHANGES {
        if !exchange(likeness, count, &mut poses, &mut owners) {
            break;
        }
    }
    owners
}

/// The likeliest pair of which neither is taken.
fn surest(
    likeness: &Likenesses,
    count: usize,
    poses: &[Option<usize>; TRACKS],
    owners: &[Option<usize>; POSES],
) -> Option<(usize, usize)> {
    let mut best = (LIKENESS_LEAST, None);
    for t in (0..TRACKS).filter(|t| poses[*t].is_none()) {
        for p in (0..count).filter(|p| owners[*p].is_none()) {
            if likeness[t][p] >= best.0 {
                best = (likeness[t][p], Some((t, p)));
            }
        }
    }
    best.1
}

/// One track takes another's pose, and that one takes its former or a free one, if both together gain.
fn exchange(
    likeness: &Likenesses,
    count: usize,
    poses: &mut [Option<usize>; TRACKS],
    owners: &mut [Option<usize>; POSES],
) -> bool {
    for t in 0..TRACKS {
        for p in (0..count).filter(|p| likeness[t][*p] >= LIKENESS_LEAST) {
            let (former, Some(owner)) = (poses[t], owners[p]) else { continue };
            if owner == t {
                continue;
            }
            let before = former.map_or(0.0, |former| likeness[t][former]) + likeness[owner][p];
            let left = (0..count).filter(|q| owners[*q].is_none() || Some(*q) == former);
            let instead = left.max_by(|a, b| likeness[owner][*a].total_cmp(&likeness[owner][*b]));
            let Some(instead) = instead else { continue };
            if likeness[t][p] + worth(likeness[owner][instead]) < before + GAIN_LEAST {
                continue;
            }
            if let Some(former) = former {
                owners[former] = None;
            }
            (poses[t], owners[p]) = (Some(p), Some(t));
            (poses[owner], owners[instead]) = (Some(instead), Some(owner));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likenesses(cells: &[(usize, usize, f32)]) -> Likenesses {
        let mut all = [[0.0; POSES]; TRACKS];
        for (t, p, value) in cells {
            all[*t][*p] = *value;
        }
        all
    }

    #[test]
    fn the_surest_pair_counts_and_what_is_unlike_stays_alone() {
        let owners = matched(&likenesses(&[(0, 0, 0.5), (1, 0, 0.9), (0, 1, 0.1)]), 2);
        assert_eq!(owners[..2], [Some(1), None]);
    }

    #[test]
    fn somebody_gives_a_pose_back_when_he_is_found_elsewhere() {
        let owners = matched(&likenesses(&[(0, 0, 0.46), (1, 0, 0.51), (1, 1, 0.3)]), 2);
        assert_eq!(owners[..2], [Some(0), Some(1)]);
    }

    #[test]
    fn two_change_places_when_both_are_likelier_so() {
        let owners = matched(&likenesses(&[(0, 0, 0.6), (0, 1, 0.59), (1, 0, 0.58), (1, 1, 0.3)]), 2);
        assert_eq!(owners[..2], [Some(1), Some(0)]);
    }

    #[test]
    fn two_pairs_change_places_on_one_frame() {
        let pair = |n: usize| [(n, n, 0.6), (n, n + 1, 0.59), (n + 1, n, 0.58), (n + 1, n + 1, 0.3)];
        let owners = matched(&likenesses(&[pair(0), pair(2)].concat()), 4);
        assert_eq!(owners[..4], [Some(1), Some(0), Some(3), Some(2)]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_given_twice_and_the_whole_is_as_likely_as_the_surest_pair(
            cells in proptest::collection::vec((0..TRACKS, 0..POSES, 0.0f32..1.0), 0..200),
            count in 0..=POSES,
        ) {
            let likeness = likenesses(&cells);
            let owners = matched(&likeness, count);
            let (mut taken, mut sum) = ([false; TRACKS], 0.0);
            for (p, owner) in owners.iter().enumerate() {
                let Some(t) = *owner else { continue };
                proptest::prop_assert!(p < count && likeness[t][p] >= LIKENESS_LEAST && !taken[t]);
                (taken[t], sum) = (true, sum + likeness[t][p]);
            }
            let singly = (0..count).flat_map(|p| likeness.iter().map(move |row| row[p])).fold(0.0, f32::max);
            proptest::prop_assert!(singly < LIKENESS_LEAST || sum >= singly - 1e-3, "{sum} of {singly}");
        }
    }
}

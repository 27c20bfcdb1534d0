//! How exercises are done, in space, from the day the box is made: which way every bone points at the start, half way and at
//! the turn. Textbook form, a few ways of each; from where a camera sees it is left to [`super::view`].
//!
//! *lean*: degrees that a bone is turned ahead from hanging: 0 hangs, 90 points ahead, 180 stands, -90 points back ·
//! *aside*: degrees that it leaves that plane, outwards; negative crosses the body.

use std::sync::LazyLock;

use super::course::{FEET, PARTS, TURN};
use super::measure::{FOREARM, SHANK, THIGH, TRUNK, UPPER_ARM};

/// Between the shoulders and between the hips, as the COCO points lie; shares of stature.
const SHOULDERS: f32 = 0.21;
const HIPS: f32 = 0.12;

/// Lean and aside, degrees.
type Bone = (f32, f32);

/// A body at one moment.
#[derive(Clone, Copy)]
struct Figure {
    trunk: f32,
    /// Upper arm and forearm, thigh and shank; left and right.
    arms: [[Bone; 2]; 2],
    legs: [[Bone; 2]; 2],
    /// How far the feet are up and ahead of where they were, statures.
    feet: (f32, f32),
}

const fn both(trunk: f32, arm: [Bone; 2], leg: [Bone; 2]) -> Figure {
    Figure { trunk, arms: [arm, arm], legs: [leg, leg], feet: (0.0, 0.0) }
}

const STANDS: [Bone; 2] = [(8.0, 4.0), (-7.0, 0.0)];
const HANGS: [Bone; 2] = [(4.0, 6.0), (11.0, 3.0)];
const ON_BENCH: [Bone; 2] = [(92.0, 20.0), (12.0, 0.0)];
const KNEES_UP: [Bone; 2] = [(139.0, 6.0), (35.0, 0.0)];
const AT_CABLE: [Bone; 2] = [(100.0, 7.0), (50.0, 0.0)];
const BENT_OVER: [Bone; 2] = [(34.0, 8.0), (-10.0, -2.0)];
const SHINS_BACK: [Bone; 2] = [(2.0, 2.0), (-45.0, -5.0)];

const fn squat(trunks: [f32; 2], start: [Bone; 2], turn: [Bone; 2], shank: f32) -> [Figure; 3] {
    let half = [middle(start[0], turn[0]), middle(start[1], turn[1])];
    [
        both(trunks[0], start, [(8.0, 7.0), (-6.0, 3.0)]),
        both((trunks[0] + trunks[1]) / 2.0, half, [(50.0, 17.0), (shank / 2.0 - 3.0, -6.0)]),
        both(trunks[1], turn, [(96.0, 26.0), (shank, -16.0)]),
    ]
}

const fn middle(a: Bone, b: Bone) -> Bone {
    ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
}

/// On the left foot in front.
const fn lunge(trunk: f32, front: [Bone; 2], back: [Bone; 2], feet: (f32, f32)) -> Figure {
    Figure { legs: [front, back], feet, ..both(trunk, HANGS, STANDS) }
}

/// What only the arms do.
const fn arms(trunks: [f32; 3], upper: [Bone; 3], fore: [Bone; 3], leg: [Bone; 2]) -> [Figure; 3] {
    [
        both(trunks[0], [upper[0], fore[0]], leg),
        both(trunks[1], [upper[1], fore[1]], leg),
        both(trunks[2], [upper[2], fore[2]], leg),
    ]
}

const LUNGED: Figure = lunge(170.0, [(88.0, 13.0), (-12.0, -8.0)], [(8.0, 21.0), (-98.0, -16.0)], (0.03, 0.19));
const LUNGING: Figure = lunge(170.0, [(64.0, 11.0), (-8.0, -6.0)], [(9.0, 16.0), (-77.0, -11.0)], (0.03, 0.19));

/// A way of doing an exercise: its name, the figures, and whether the sides take turns.
type Way = (&'static str, [Figure; 3], bool);

const WAYS: [Way; 21] = [
    ("Squat", squat([170.0, 142.0], [(-31.0, 29.0), (159.0, 2.0)], [(-35.0, 35.0), (157.0, -5.0)], -24.0), false),
    (
        "Front Squat",
        squat([180.0, 162.0], [(54.0, 22.0), (222.0, -26.0)], [(88.0, 35.0), (270.0, -45.0)], -30.0),
        false,
    ),
    ("Front Squat", squat([180.0, 162.0], [(52.0, 8.0), (216.0, 3.0)], [(90.0, -12.0), (258.0, 30.0)], -30.0), false),
    (
        "Goblet Squat",
        squat([178.0, 164.0], [(30.0, 8.0), (158.0, -50.0)], [(22.0, 12.0), (150.0, -58.0)], -29.0),
        false,
    ),
    ("Lunge", [both(176.0, HANGS, STANDS), LUNGING, LUNGED], true),
    (
        "Lunge",
        [lunge(170.0, [(32.0, 5.0), (13.0, 0.0)], [(0.0, 10.0), (-54.0, -5.0)], (0.03, 0.19)), LUNGING, LUNGED],
        false,
    ),
    (
        "Deadlift",
        [
            both(119.0, [(-10.0, 1.0), (-7.0, 0.0)], [(63.0, 11.0), (-15.0, -7.0)]),
            both(149.0, [(-5.0, 3.0), (8.0, -1.0)], [(34.0, 7.0), (-9.0, -3.0)]),
            both(179.0, [(-3.0, 3.0), (11.0, 0.0)], STANDS),
        ],
        false,
    ),
    (
        "Romanian Deadlift",
        [
            both(179.0, [(-3.0, 3.0), (11.0, 0.0)], STANDS),
            both(142.0, [(-10.0, 2.0), (1.0, -1.0)], [(18.0, 5.0), (-8.0, -1.0)]),
            both(105.0, [(-26.0, 1.0), (-22.0, 0.0)], [(31.0, 7.0), (-11.0, -3.0)]),
        ],
        false,
    ),
    (
        "Bench Press",
        arms(
            [-90.0; 3],
            [(174.0, 38.0), (129.0, 68.0), (41.0, 59.0)],
            [(186.0, 7.0), (192.0, -16.0), (185.0, -10.0)],
            ON_BENCH,
        ),
        false,
    ),
    (
        "Incline Press",
        arms(
            [-130.0; 3],
            [(170.0, 37.0), (121.0, 66.0), (42.0, 58.0)],
            [(182.0, 8.0), (187.0, -15.0), (175.0, -10.0)],
            ON_BENCH,
        ),
        false,
    ),
    (
        "Overhead Press",
        arms(
            [180.0, 175.0, 178.0],
            [(40.0, 30.0), (122.0, 43.0), (172.0, 16.0)],
            [(192.0, -21.0), (218.0, -36.0), (186.0, -5.0)],
            STANDS,
        ),
        false,
    ),
    (
        "Biceps Curl",
        arms(
            [178.0, 180.0, 182.0],
            [(5.0, 6.0), (8.0, 12.0), (12.0, 26.0)],
            [(11.0, 5.0), (81.0, -3.0), (145.0, -21.0)],
            STANDS,
        ),
        false,
    ),
    (
        "Triceps Extension",
        arms(
            [168.0; 3],
            [(9.0, -4.0), (9.0, -3.0), (10.0, -7.0)],
            [(110.0, -11.0), (62.0, -11.0), (14.0, -7.0)],
            STANDS,
        ),
        false,
    ),
    (
        "Triceps Extension",
        arms(
            [178.0; 3],
            [(175.0, -11.0), (176.0, -5.0), (175.0, -6.0)],
            [(178.0, -13.0), (230.0, -22.0), (285.0, -21.0)],
            STANDS,
        ),
        false,
    ),
    (
        "Row",
        arms(
            [130.0, 133.0, 136.0],
            [(-11.0, 6.0), (-48.0, 17.0), (-79.0, 21.0)],
            [(14.0, -8.0), (34.0, -18.0), (31.0, -18.0)],
            BENT_OVER,
        ),
        false,
    ),
    (
        "Row",
        arms(
            [168.0, 177.0, 186.0],
            [(52.0, 0.0), (13.0, 6.0), (-25.0, 10.0)],
            [(87.0, -12.0), (107.0, -20.0), (93.0, -25.0)],
            AT_CABLE,
        ),
        false,
    ),
    ("Pull-Up", PULL_UP, false),
    (
        "Push-Up",
        [
            both(110.0, [(-5.0, 11.0), (10.0, -2.0)], [(-66.0, 0.0), (-73.0, 0.0)]),
            both(101.0, [(-45.0, 32.0), (42.0, -27.0)], [(-75.0, 0.0), (-82.0, 0.0)]),
            both(93.0, [(-78.0, 39.0), (60.0, -35.0)], [(-84.0, 0.0), (-91.0, 0.0)]),
        ],
        false,
    ),
    ("Sit-Up", SIT_UP[0], false),
    ("Sit-Up", SIT_UP[1], false),
    ("Hip Thrust", HIP_THRUST, false),
];

const PULL_UP: [Figure; 3] = {
    let mut all = arms(
        [183.0, 187.0, 191.0],
        [(176.0, 27.0), (142.0, 66.0), (34.0, 62.0)],
        [(181.0, 4.0), (188.0, -31.0), (180.0, -28.0)],
        SHINS_BACK,
    );
    (all[1].feet, all[2].feet) = ((0.13, 0.0), (0.26, 0.0));
    all
};

const SIT_UP: [[Figure; 3]; 2] = {
    let trunks = [-93.0, -140.0, -188.0];
    let at_head = [[(-107.0, 31.0), (-163.0, 27.0), (-206.0, 29.0)], [(53.0, -63.0), (-11.0, -56.0), (-50.0, -60.0)]];
    let crossed = [[(72.0, -33.0), (49.0, -22.0), (27.0, -16.0)], [(-144.0, -28.0), (-158.0, -44.0), (-158.0, -53.0)]];
    [arms(trunks, at_head[0], at_head[1], KNEES_UP), arms(trunks, crossed[0], crossed[1], KNEES_UP)]
};

const HIP_THRUST: [Figure; 3] = [
    both(-128.0, [(62.0, 38.0), (70.0, -22.0)], [(131.0, 10.0), (28.0, -2.0)]),
    both(-110.0, [(82.0, 30.0), (84.0, -13.0)], [(115.0, 12.0), (8.0, -4.0)]),
    both(-91.0, [(100.0, 18.0), (99.0, 1.0)], [(93.0, 13.0), (-1.0, -5.0)]),
];

/// Exercises that are often done with one arm, while the other one hangs.
const ONE_ARM: [&str; 4] = ["Biceps Curl", "Triceps Extension", "Row", "Overhead Press"];

/// A body in space: left, up and ahead of every part, statures.
pub type Solid = [[f32; 3]; PARTS];

/// A repetition: the body at even steps from the start to the turn.
pub type Motion = [Solid; TURN + 1];

/// A way of doing an exercise, by people who do not go as far as the textbook, who do, and who go further.
#[derive(Clone, PartialEq, Debug)]
pub struct Textbook {
    pub exercise: &'static str,
    pub motions: [Motion; RANGES.len()],
}

const RANGES: [f32; 4] = [0.65, 0.8, 0.95, 1.1];
/// The one that all are near to.
pub const USUAL: usize = 1;

/// All ways of all exercises; those of one exercise come one after the other.
pub fn all() -> &'static [Textbook] {
    static ALL: LazyLock<Vec<Textbook>> = LazyLock::new(made);
    &ALL
}

fn made() -> Vec<Textbook> {
    let mut every: Vec<Way> = vec![];
    for (name, figures, takes_turns) in WAYS {
        every.push((name, figures, takes_turns));
        if ONE_ARM.contains(&name) {
            let idle = |figure: Figure, arm: usize| {
                let mut arms = figure.arms;
                arms[arm] = HANGS;
                Figure { arms, ..figure }
            };
            every.extend([0, 1].map(|arm| (name, figures.map(|figure| idle(figure, arm)), false)));
        }
        if figures[2].legs[0] != figures[2].legs[1] && !takes_turns {
            every.push((name, figures.map(exchanged), false));
        }
    }
    let over = |(exercise, figures, takes_turns): Way| {
        let motions = RANGES.map(|range| {
            let mut motion: Motion = std::array::from_fn(|step| {
                let share = range * (1.0 - (std::f32::consts::PI * step as f32 / TURN as f32).cos()) / 2.0;
                let body = figure(&figures, share).solid();
                if takes_turns { halved(&body, &exchanged(figure(&figures, share)).solid()) } else { body }
            });
            centre(&mut motion);
            motion
        });
        Textbook { exercise, motions }
    };
    every.into_iter().map(over).collect()
}

/// The feet's place becomes how far they are from their mean over the repetition, as in a course.
fn centre(bodies: &mut Motion) {
    for axis in 0..3 {
        let twice: f32 = bodies.iter().map(|body| 2.0 * body[FEET][axis]).sum();
        let middle = (twice - bodies[TURN][FEET][axis]) / (2 * TURN + 1) as f32;
        bodies.iter_mut().for_each(|body| body[FEET][axis] -= middle);
    }
}

fn exchanged(figure: Figure) -> Figure {
    let Figure { arms: [a, b], legs: [c, d], .. } = figure;
    Figure { arms: [b, a], legs: [d, c], ..figure }
}

/// Repetitions of either side, on average.
fn halved(a: &Solid, b: &Solid) -> Solid {
    std::array::from_fn(|part| std::array::from_fn(|axis| (a[part][axis] + b[part][axis]) / 2.0))
}

/// This share of the way along.
fn figure(figures: &[Figure; 3], share: f32) -> Figure {
    let [start, half, turn] = figures;
    let (from, to, share) = if share < 0.5 { (start, half, 2.0 * share) } else { (half, turn, 2.0 * share - 1.0) };
    let mix = |a: f32, b: f32| a + share * (b - a);
    let bone = |a: Bone, b: Bone| (mix(a.0, b.0), mix(a.1, b.1));
    let limb = |a: [Bone; 2], b: [Bone; 2]| [bone(a[0], b[0]), bone(a[1], b[1])];
    Figure {
        trunk: mix(from.trunk, to.trunk),
        arms: [limb(from.arms[0], to.arms[0]), limb(from.arms[1], to.arms[1])],
        legs: [limb(from.legs[0], to.legs[0]), limb(from.legs[1], to.legs[1])],
        feet: bone(from.feet, to.feet),
    }
}

impl Figure {
    fn solid(&self) -> Solid {
        let way = |(lean, aside): Bone, side: f32, length: f32| {
            let (lean, aside) = (lean.to_radians(), aside.to_radians());
            [side * aside.sin(), -lean.cos() * aside.cos(), lean.sin() * aside.cos()].map(|share| length * share)
        };
        let mut body = [[0.0; 3]; PARTS];
        for (n, side) in [1.0, -1.0].into_iter().enumerate() {
            body[n] = way(self.arms[n][0], side, UPPER_ARM);
            body[2 + n] = way(self.arms[n][1], side, FOREARM);
            body[4 + n] = way(self.legs[n][0], side, THIGH);
            body[6 + n] = way(self.legs[n][1], side, SHANK);
            body[8 + n] = way((self.trunk, 0.0), side, TRUNK);
            body[8 + n][0] = side * (SHOULDERS - HIPS) / 2.0;
        }
        body[10] = [SHOULDERS, 0.0, 0.0];
        body[11] = [HIPS, 0.0, 0.0];
        body[FEET] = [0.0, self.feet.0, self.feet.1];
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a mirror has it: left is right, and the other side does it.
    fn mirrored(body: &Solid) -> Solid {
        let mut mirror = *body;
        for part in 0..10 {
            mirror[part] = body[part ^ 1];
        }
        mirror.map(|[left, up, ahead]| [-left, up, ahead])
    }

    fn ways(exercise: &str) -> Vec<&'static Textbook> {
        all().iter().filter(|way| way.exercise == exercise).collect()
    }

    fn alike(a: &Motion, b: &Motion) -> bool {
        let parts =
            |motion: &Motion| motion.iter().flat_map(|body| body[..10].to_vec()).flatten().collect::<Vec<f32>>();
        parts(a).iter().zip(&parts(b)).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn who_has_the_other_leg_in_front_or_works_with_the_other_arm_does_it_as_in_a_mirror() {
        for exercise in ["Lunge", "Biceps Curl", "Row", "Triceps Extension", "Overhead Press"] {
            let ways = ways(exercise);
            let lopsided =
                |way: &&Textbook| !alike(&way.motions[USUAL], &way.motions[USUAL].map(|body| mirrored(&body)));
            let mut count = 0;
            for way in ways.iter().copied().filter(lopsided) {
                let mirror = way.motions[USUAL].map(|body| mirrored(&body));
                assert!(ways.iter().any(|other| alike(&other.motions[USUAL], &mirror)), "{exercise}");
                count += 1;
            }
            assert!(count >= 2 && count % 2 == 0, "{exercise}: {count}");
        }
    }

    #[test]
    fn a_body_is_at_its_start_half_way_and_at_its_turn_and_evenly_between() {
        let ways = [20.0, 50.0, 120.0].map(|lean| both(lean, [(lean, -lean); 2], [(2.0 * lean, 0.0); 2]));
        let figures = ways.map(|of| Figure { feet: (of.trunk / 100.0, 0.0), ..of });
        for (share, lean) in [(0.0, 20.0), (0.25, 35.0), (0.5, 50.0), (0.75, 85.0), (1.0, 120.0), (1.1, 134.0)] {
            let Figure { trunk, arms, legs, feet } = figure(&figures, share);
            let is = [trunk, arms[0][1].0, -arms[1][0].1, legs[1][0].0 / 2.0, feet.0 * 100.0];
            assert!(is.iter().all(|is| (is - lean).abs() < 1e-3), "{share}: {is:?}");
        }
    }

    #[test]
    fn half_way_down_a_squat_every_bone_of_the_legs_is_about_half_way() {
        let near = |is: f32, a: f32, b: f32| (is - (a + b) / 2.0).abs() < 3.0;
        for (name, figures, _) in WAYS.iter().filter(|(name, ..)| name.ends_with("Squat")) {
            let [start, half, turn] = figures;
            for bone in 0..2 {
                let [a, is, b] = [start, half, turn].map(|of| of.legs[0][bone]);
                assert!(near(is.0, a.0, b.0) && near(is.1, a.1, b.1), "{name}: {is:?} between {a:?} and {b:?}");
                let [a, is, b] = [start, half, turn].map(|of| of.arms[1][bone]);
                assert!(near(is.0, a.0, b.0) && near(is.1, a.1, b.1), "{name}: {is:?} between {a:?} and {b:?}");
            }
            assert!(near(half.trunk, start.trunk, turn.trunk), "{name}");
        }
    }

    #[test]
    fn feet_go_ahead_in_a_lunge_and_up_in_a_pull_up_and_stay_else() {
        for way in all() {
            let feet = |step: usize| way.motions[USUAL][step][FEET];
            let [_, up, ahead] = std::array::from_fn(|axis| feet(TURN)[axis] - feet(0)[axis]);
            let hangs = way.exercise == "Pull-Up";
            // Who has one leg in front all the time moves them no more.
            let steps = way.exercise == "Lunge" && ahead != 0.0;
            assert!(if hangs { up > 0.15 } else { up.abs() < 0.05 }, "{}: {up}", way.exercise);
            assert!(if steps { (0.1..0.2).contains(&ahead) } else { ahead == 0.0 }, "{}: {ahead}", way.exercise);
        }
        let steps = |way: &&Textbook| way.motions[USUAL][TURN][FEET][2] != way.motions[USUAL][0][FEET][2];
        assert_eq!(ways("Lunge").into_iter().filter(steps).count(), 1);
    }

    #[test]
    fn who_exchanges_his_sides_does_with_either_arm_and_leg_what_the_other_did() {
        let is = lunge(170.0, [(1.0, 2.0), (3.0, 4.0)], [(5.0, 6.0), (7.0, 8.0)], (0.1, 0.2));
        let is = Figure { arms: [[(9.0, 1.0); 2], [(8.0, 1.0); 2]], ..is };
        let other = exchanged(is);
        assert_eq!((other.arms, other.legs), ([is.arms[1], is.arms[0]], [is.legs[1], is.legs[0]]));
        assert_eq!((other.trunk, other.feet), (170.0, (0.1, 0.2)));
    }

    #[test]
    fn bones_hang_point_ahead_stand_and_leave_that_plane_outwards_and_have_their_lengths() {
        let near = |is: [f32; 3], want: [f32; 3]| is.iter().zip(want).all(|(is, want)| (is - want).abs() < 1e-5);
        let of = |bone: Bone| both(180.0, [bone, (0.0, 0.0)], [(90.0, 0.0), bone]).solid();
        for (bone, way) in [
            ((0.0, 0.0), [0.0, -1.0, 0.0]),
            ((90.0, 0.0), [0.0, 0.0, 1.0]),
            ((180.0, 0.0), [0.0, 1.0, 0.0]),
            ((-90.0, 0.0), [0.0, 0.0, -1.0]),
            ((0.0, 90.0), [1.0, 0.0, 0.0]),
            ((60.0, -30.0), [-0.5, -0.75f32.sqrt() / 2.0, 0.75]),
        ] {
            let body = of(bone);
            for (side, at) in [(1.0, 0), (-1.0, 1)] {
                let long = |length: f32| [side * way[0], way[1], way[2]].map(|share| length * share);
                assert!(near(body[at], long(UPPER_ARM)) && near(body[6 + at], long(SHANK)), "{bone:?}: {body:?}");
                assert!(near(body[2 + at], [0.0, -FOREARM, 0.0]) && near(body[4 + at], [0.0, 0.0, THIGH]));
                // Upright, and as much broader at the shoulders than at the hips.
                assert!(near(body[8 + at], [side * 0.045, TRUNK, 0.0]), "{body:?}");
            }
            assert!(near(body[10], [0.21, 0.0, 0.0]) && near(body[11], [0.12, 0.0, 0.0]));
        }
    }

    #[test]
    fn everybody_goes_softly_from_the_start_to_the_turn_as_far_as_he_goes() {
        let squat = ways("Squat")[0];
        let lean = |range: usize, step: usize| {
            let [_, up, ahead] = squat.motions[range][step][8];
            ahead.atan2(-up).to_degrees()
        };
        // From 170 by 156 to 142 degrees.
        for (range, share) in RANGES.into_iter().enumerate() {
            let softly = |part: f32| 170.0 - 28.0 * share * part;
            for (step, part) in [(0, 0.0), (TURN / 2, 0.5), (TURN, 1.0), (TURN / 4, 0.5 - 0.125f32.sqrt())] {
                assert!((lean(range, step) - softly(part)).abs() < 0.01, "{range} {step}: {}", lean(range, step));
            }
        }
    }

    #[test]
    fn feet_are_told_from_their_mean_over_the_whole_repetition_and_legs_that_take_turns_by_both() {
        for motion in all().iter().flat_map(|way| &way.motions) {
            for axis in 0..3 {
                let there: f32 = motion.iter().map(|body| body[FEET][axis]).sum();
                let back: f32 = motion[..TURN].iter().map(|body| body[FEET][axis]).sum();
                assert!((there + back).abs() < 1e-5, "{}", there + back);
            }
        }
        let lunge = &ways("Lunge")[0].motions[USUAL];
        assert!(alike(lunge, &lunge.map(|body| mirrored(&body))));
        // On average the knees of both go as far as half of the front one's and of the back one's.
        let (a, b) = (LUNGED.solid(), exchanged(LUNGED).solid());
        let mean = halved(&a, &b);
        for part in 0..PARTS {
            for axis in 0..3 {
                assert!((2.0 * mean[part][axis] - a[part][axis] - b[part][axis]).abs() < 1e-6);
            }
        }
    }
}

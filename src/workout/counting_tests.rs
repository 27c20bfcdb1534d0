//! Sets and repetitions, counted end to end from poses. Each fault that a counter of one joint's angle is known for has a
//! test by its name here.

mod faults;

use std::sync::Arc;

use super::world::{Dice, Exercise as Does, World, person};
use super::*;
use crate::skeleton::{Keypoint, Pose};
use crate::time::Mono;

const SIZE: (usize, usize) = (1280, 720);

/// A body seen from the front, 430 px high: how deep it squats and how far it curls, 0 to 1, and where its feet are.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    pub squat: f32,
    pub curl: f32,
    pub x: f32,
    /// One foot before the other, in statures.
    pub step: f32,
    /// How far the elbows are raised, in statures.
    pub raised: f32,
}

pub(super) const STANDS: Figure = Figure { squat: 0.0, curl: 0.0, x: 640.0, step: 0.0, raised: 0.0 };

impl Figure {
    pub fn pose(self, jitter_px: f32, dice: &mut Dice) -> Pose {
        let Figure { squat, curl, x, step, raised } = self;
        let sunk = 0.24 * squat;
        let (sin, cos) = (2.4 * curl).sin_cos();
        let hand = |side: f32| (side * (0.15 + 0.15 * sin), 0.63 + raised - sunk - 0.15 * cos);
        let pair = |x: f32, y: f32| [(x, y), (-x, y)];
        let ([eye, eye2], [ear, ear2]) = (pair(0.02, 0.95 - sunk), pair(0.04, 0.94 - sunk));
        let ([shoulder, shoulder2], [elbow, elbow2]) = (pair(0.12, 0.81 - sunk), pair(0.15, 0.63 + raised - sunk));
        let ([hip, hip2], knee) = (pair(0.08, 0.52 - sunk), 0.085 + 0.12 * squat);
        let points = [
            (0.0, 0.93 - sunk),
            eye,
            eye2,
            ear,
            ear2,
            shoulder,
            shoulder2,
            elbow,
            elbow2,
            hand(1.0),
            hand(-1.0),
            hip,
            hip2,
            (knee + step, 0.28 + 0.3 * step.max(0.0)),
            (-knee - step, 0.28 + 0.3 * (-step).max(0.0)),
            (0.09 + step, 0.04),
            (-0.09 - step, 0.04),
        ];
        let mut pose = Pose { score: 0.9, bbox: [x - 110.0, 640.0 - 430.0, x + 110.0, 645.0], ..Pose::default() };
        for (point, (right, up)) in pose.keypoints.iter_mut().zip(points) {
            let mut off = || jitter_px * dice.normal();
            *point = Keypoint { x: x + 430.0 * right + off(), y: 640.0 - 430.0 * up + off(), confidence: 0.9 };
        }
        pose
    }
}

/// What is told of a figure over so many seconds; nobody is there when it is none.
fn watched(fps: f32, seconds: f32, jitter_px: f32, figure: impl Fn(f32) -> Option<Figure>) -> Vec<Happening> {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(7));
    for n in 0..(seconds * fps) as u32 {
        let t = n as f32 / fps;
        let poses: Vec<Pose> = figure(t).map(|figure| figure.pose(jitter_px, &mut dice)).into_iter().collect();
        workout.update(at(t), SIZE, &poses, &mut out);
    }
    workout.finish(&mut out);
    out
}

fn at(t: f32) -> Mono {
    Mono::from_ns((f64::from(t) * 1e9) as u64)
}

fn seconds(stamp: Mono) -> f32 {
    stamp.as_ns() as f32 / 1e9
}

fn sets(told: &[Happening]) -> Vec<&Set> {
    told.iter().filter_map(|h| if let Happening::SetEnded(set) = h { Some(&**set) } else { None }).collect()
}

fn counts(told: &[Happening]) -> Vec<usize> {
    sets(told).iter().map(|set| set.reps.len()).collect()
}

/// Down and up again in `rep_s`, `reps` times from `from` on; 0 before and after.
pub(super) fn depth(t: f32, from: f32, rep_s: f32, reps: f32) -> f32 {
    let phase = (t - from) / rep_s;
    if (0.0..reps).contains(&phase) { 0.5 - 0.5 * (std::f32::consts::TAU * phase).cos() } else { 0.0 }
}

fn squats(t: f32) -> Option<Figure> {
    Some(Figure { squat: depth(t, 10.0, 2.0, 5.0), ..STANDS })
}

/// One who squats five times from the tenth second on, two seconds each, as seen after `t` seconds.
pub(crate) fn squatter(t: f32) -> Pose {
    Figure { squat: depth(t, 10.0, 2.0, 5.0), ..STANDS }.pose(0.0, &mut Dice(7))
}

#[test]
fn squats_and_curls_are_counted_at_every_frame_rate_and_begin_and_end_with_their_repetitions() {
    let cases =
        [Does::Squat, Does::Curl].into_iter().flat_map(|does| [5.0, 10.0, 15.0, 30.0, 60.0].map(|fps| (does, fps)));
    for (does, fps) in cases {
        let mut athlete = person(0.6, 0.5, 0.9, (0.0, 80.0), Does::Stand);
        athlete.does = vec![(0.0, Does::Stand), (10.0, does), (22.0, Does::Stand)];
        let world = World { fps, ..World::new(vec![athlete]) };
        let (mut workout, mut told) = (Workout::new(Settings::default()), vec![]);
        for n in 0..(60.0 * fps) as u32 {
            let poses: Vec<Pose> = world.found(n).into_iter().map(|(pose, _)| pose).collect();
            workout.update(at(n as f32 / fps), world.frame, &poses, &mut told);
        }
        assert_eq!(counts(&told), [6], "{fps} fps");
        let set = sets(&told)[0];
        assert!((seconds(set.started) - 10.0).abs() < 0.5 && (seconds(set.ended) - 22.0).abs() < 0.5, "{set:?}");
        // What is told at the end was counted anew, and hardly differs from what was told at the time.
        let near = |a: Mono, b: Mono| (seconds(a) - seconds(b)).abs() < 0.3;
        assert!(matches!(told[0], Happening::SetStarted { at } if near(at, set.started)));
        let first = set.reps[0];
        assert!(matches!(told[1], Happening::Rep(rep) if rep.n == 1 && near(rep.turned, first.turned)));
        assert_eq!((set.recount, set.chosen), (6, false));
        for rep in &set.reps {
            assert!(rep.started < rep.turned && rep.turned < rep.ended && rep.min_deg < rep.max_deg, "{rep:?}");
            assert!((rep.ended.since(rep.started).as_secs_f32() - 2.0).abs() < 0.7, "{rep:?}");
        }
    }
}

#[test]
fn the_last_repetition_counts_though_the_finish_is_perfectly_still() {
    assert_eq!(counts(&watched(30.0, 60.0, 0.0, squats)), [5]);
}

#[test]
fn a_sticking_point_does_not_double_a_repetition() {
    for dip in [0.08, 0.2, 0.3] {
        let stuck = |t: f32| {
            let phase = ((t - 10.0) / 4.0).rem_euclid(1.0);
            // Half way up it slips back for half a second.
            let slip = if (0.68..0.8).contains(&phase) {
                dip * ((phase - 0.68) / 0.12 * std::f32::consts::PI).sin()
            } else {
                0.0
            };
            let going = (10.0..30.0).contains(&t);
            Some(Figure { squat: depth(t, 10.0, 4.0, 5.0) + if going { slip } else { 0.0 }, ..STANDS })
        };
        assert_eq!(counts(&watched(30.0, 70.0, 1.0, stuck)), [5], "a dip of {dip}");
    }
}

#[test]
fn walking_through_the_picture_and_on_the_spot_is_not_counted() {
    let across = |t: f32| {
        let step = 0.1 * (std::f32::consts::TAU * t).sin();
        let x = 200.0 + 880.0 * (1.0 - ((t / 8.0).rem_euclid(2.0) - 1.0).abs());
        Some(Figure { x, step, ..STANDS })
    };
    let on_the_spot = |t: f32| Some(Figure { step: 0.12 * (std::f32::consts::TAU * t).sin(), ..STANDS });
    assert_eq!(watched(30.0, 60.0, 2.0, across), []);
    assert_eq!(watched(30.0, 60.0, 2.0, on_the_spot), []);
}

#[test]
fn sitting_down_standing_up_and_stretching_are_not_counted() {
    let held = |t: f32, from: f32, to: f32| ((t - from) / 1.5).clamp(0.0, 1.0).min(((to - t) / 1.5).clamp(0.0, 1.0));
    let sits = |t: f32| Some(Figure { squat: held(t, 10.0, 40.0) + held(t, 55.0, 70.0), ..STANDS });
    assert_eq!(watched(30.0, 100.0, 2.0, sits), []);
    let stretches =
        |t: f32| Some(Figure { curl: held(t, 5.0, 20.0) + held(t, 24.0, 33.0) + held(t, 46.0, 70.0), ..STANDS });
    assert_eq!(watched(30.0, 100.0, 2.0, stretches), []);
}

#[test]
fn slow_repetitions_are_counted_under_heavy_jitter() {
    // 8 px at each end of a forearm of 65 px shake the elbow by more than 8 degrees.
    let slow = |t: f32| Some(Figure { curl: depth(t, 10.0, 6.0, 5.0), ..STANDS });
    assert_eq!(counts(&watched(30.0, 80.0, 8.0, slow)), [5]);
}

#[test]
fn a_set_ends_while_nobody_is_in_the_picture_and_time_begins_at_zero() {
    let leaves = |t: f32| squats(t + 9.0).filter(|_| t < 13.0);
    let (mut workout, mut out, mut dice, mut ended) = (Workout::new(Settings::default()), vec![], Dice(1), None);
    for n in 0..60 * 30 {
        let t = n as f32 / 30.0;
        let poses: Vec<Pose> = leaves(t).map(|figure| figure.pose(1.0, &mut dice)).into_iter().collect();
        workout.update(at(t), SIZE, &poses, &mut out);
        if ended.is_none() && !sets(&out).is_empty() {
            ended = Some(t);
        }
    }
    assert_eq!(counts(&out), [5]);
    let ended = ended.unwrap();
    assert!((35.0..38.0).contains(&ended), "told 25 s after the last repetition at 11 s, not at {ended}");
    assert!((seconds(sets(&out)[0].ended) - 11.0).abs() < 0.5);
}

#[test]
fn a_passer_by_neither_adds_nor_loses_a_repetition() {
    let mut passer = person(0.85, 0.0, 1.0, (0.0, 0.0), Does::Stand);
    passer.path = vec![(16.0, -0.2, 1.0), (19.0, 1.2, 1.0)];
    let mut athlete = person(0.5, 0.5, 0.85, (0.0, 80.0), Does::Stand);
    athlete.does = vec![(0.0, Does::Stand), (10.0, Does::Squat), (30.0, Does::Stand)];
    let world = World::new(vec![athlete, passer]);
    let (mut workout, mut told) = (Workout::new(Settings::default()), vec![]);
    for n in 0..60 * 30 {
        let poses: Vec<Pose> = world.found(n).into_iter().map(|(pose, _)| pose).collect();
        workout.update(at(n as f32 / 30.0), world.frame, &poses, &mut told);
    }
    assert_eq!(counts(&told), [10]);
}

/// Somebody large stands in the middle and is followed; who trains beside him takes his place, with all he did.
#[test]
fn who_trains_is_followed_though_somebody_else_is_nearer() {
    let mut near = person(0.8, 0.45, 0.95, (0.0, 80.0), Does::Stand);
    near.does = vec![(0.0, Does::Stand)];
    let mut far = person(0.45, 0.7, 0.8, (3.0, 80.0), Does::Stand);
    far.does = vec![(0.0, Does::Stand), (10.0, Does::Squat), (30.0, Does::Stand)];
    let world = World { fps: 15.0, ..World::new(vec![near, far]) };
    let (mut workout, mut told, mut followed) = (Workout::new(Settings::default()), vec![], vec![]);
    for n in 0..60 * 15 {
        let found = world.found(n);
        let poses: Vec<Pose> = found.iter().map(|(pose, _)| *pose).collect();
        let now = workout.update(at(n as f32 / 15.0), world.frame, &poses, &mut told);
        followed.extend(now.athlete.pose.map(|index| found[index].1));
    }
    assert_eq!((followed[60], followed[20 * 15]), (0, 1), "first who is near, then who trains");
    assert_eq!(counts(&told), [10]);
}

/// What the athlete chose lets him begin with two repetitions, and nobody else.
#[test]
fn two_squats_of_somebody_else_are_no_set_of_who_chose_squats() {
    let near = person(0.8, 0.45, 0.95, (0.0, 60.0), Does::Stand);
    let mut far = person(0.45, 0.7, 0.8, (3.0, 60.0), Does::Stand);
    far.does = vec![(0.0, Does::Stand), (10.0, Does::Squat), (14.0, Does::Stand)];
    let world = World { fps: 15.0, ..World::new(vec![near, far]) };
    let (mut workout, mut told) = (Workout::new(Settings::default()), vec![]);
    workout.choose(Exercise::named("Squat"));
    for n in 0..60 * 15 {
        let found = world.found(n);
        let poses: Vec<Pose> = found.iter().map(|(pose, _)| *pose).collect();
        let now = workout.update(at(n as f32 / 15.0), world.frame, &poses, &mut told);
        assert_ne!(now.athlete.pose.map(|index| found[index].1), Some(1), "at frame {n}");
    }
    workout.finish(&mut told);
    assert!(counts(&told).is_empty(), "{told:?}");
}

/// An example out of five curls or squats.
fn example(name: &str, figure: impl Fn(f32) -> Option<Figure>) -> Result<Prototype, NoExample> {
    let mut dice = Dice(3);
    let shots = (0..40 * 30).map(|n| n as f32 / 30.0);
    let shots: Vec<_> =
        shots.map(|t| (at(t), SIZE, figure(t).map(|f| f.pose(1.0, &mut dice)).into_iter().collect())).collect();
    Prototype::recorded(name, Settings::default(), shots)
}

#[test]
fn an_exercise_is_recognised_by_a_recorded_example_whatever_the_tempo_and_length() {
    let curls = |t: f32| Some(Figure { curl: depth(t, 5.0, 2.0, 5.0), ..STANDS });
    let recorded = vec![example("Front Curl", curls).unwrap(), example("Free Squat", |t| squats(t + 5.0)).unwrap()];
    let kept = serde_json::to_string(&recorded).unwrap();
    let prototypes = Arc::new(Prototypes::new(serde_json::from_str(&kept).unwrap()));
    // A set fifteen times as long as the example: a warp that could not reach would have been infinitely far.
    for (rep_s, reps) in [(1.5, 4.0), (3.0, 50.0), (6.0, 6.0)] {
        let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(5));
        workout.learn(prototypes.clone());
        for n in 0..(60 + (rep_s * reps) as u32) * 15 {
            let t = n as f32 / 15.0;
            let figure = Figure { curl: depth(t, 8.0, rep_s, reps), ..STANDS };
            workout.update(at(t), SIZE, &[figure.pose(2.0, &mut dice)], &mut out);
        }
        assert_eq!(counts(&out), [reps as usize]);
        let set = sets(&out)[0];
        assert_eq!(set.exercise.as_deref(), Some("Front Curl"), "{set:?}");
        assert!((0.75..=1.0).contains(&set.confidence) && !set.pending, "{set:?}");
    }
}

#[test]
fn a_recording_without_an_athlete_or_without_repetitions_is_no_example() {
    assert_eq!(example("Nothing", |_| None), Err(NoExample::NoAthlete));
    assert_eq!(example("Standing", |_| Some(STANDS)), Err(NoExample::NoRepetitions));
}

#[test]
fn a_chosen_exercise_is_named_so_and_begins_with_two_repetitions() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(2));
    workout.choose(Exercise::named("Goblet Squat"));
    let mut now = Now::default();
    for n in 0..20 * 30 {
        let t = n as f32 / 30.0;
        let figure = Figure { squat: depth(t, 10.0, 2.0, 2.0), ..STANDS };
        now = workout.update(at(t), SIZE, &[figure.pose(1.0, &mut dice)], &mut out);
    }
    assert_eq!((now.reps, now.exercise.as_deref()), (2, Some("Goblet Squat")));
    assert!(now.resting_s.is_some_and(|s| (5.0..6.5).contains(&s)), "{now:?}");
    workout.finish(&mut out);
    let set = sets(&out)[0];
    assert!(set.chosen && set.pending, "two repetitions wait for the athlete's word: {set:?}");
}

#[test]
fn other_thresholds_count_from_then_on() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(2));
    workout.tune(Thresholds { quiet_seconds: 5.0, ..Thresholds::default() });
    for n in 0..27 * 30 {
        let t = n as f32 / 30.0;
        let poses = squats(t).map(|figure| figure.pose(1.0, &mut dice));
        workout.update(at(t), SIZE, poses.as_slice(), &mut out);
    }
    assert_eq!(counts(&out), [5], "7 s after the last repetition, without a finish");
    let mut high = Workout::new(Settings {
        thresholds: Thresholds { min_amplitude_deg: 170.0, ..Thresholds::default() },
        ..Settings::default()
    });
    out.clear();
    for n in 0..60 * 30 {
        let poses = squats(n as f32 / 30.0).map(|figure| figure.pose(1.0, &mut dice));
        high.update(at(n as f32 / 30.0), SIZE, poses.as_slice(), &mut out);
    }
    assert_eq!(out, []);
}

#[test]
fn poses_that_are_no_numbers_and_stamps_that_go_back_do_no_harm() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(9));
    for n in 0..20_000u32 {
        let mut pose = STANDS.pose(1.0, &mut dice);
        for point in &mut pose.keypoints {
            match (dice.roll() * 40.0) as u32 {
                0 => point.x = f32::NAN,
                1 => point.y = f32::INFINITY,
                2 => point.confidence = f32::NAN,
                3 => point.y = -1e30,
                _ => {}
            }
        }
        let t = n as f32 / 30.0 - 40.0 * dice.roll() * f32::from(n % 97 == 0);
        workout.update(at(t.max(0.0)), SIZE, &[pose], &mut out);
    }
    workout.finish(&mut out);
    for set in sets(&out) {
        assert!((0.0..=1.0).contains(&set.confidence), "{set:?}");
    }
}

/// How many repetitions are told at this moment of a set of five squats after which there are those that begin then.
fn told_live(later: &[f32], until: f32) -> u32 {
    let (mut workout, mut out, mut dice, mut now) =
        (Workout::new(Settings::default()), vec![], Dice(7), Now::default());
    for n in 0..(until * 30.0) as u32 {
        let t = n as f32 / 30.0;
        let squat = depth(t, 10.0, 2.0, 5.0) + later.iter().map(|from| depth(t, *from, 2.0, 1.0)).sum::<f32>();
        now = workout.update(at(t), SIZE, &[Figure { squat, ..STANDS }.pose(1.0, &mut dice)], &mut out);
    }
    now.reps
}

#[test]
fn after_a_rest_one_alone_is_not_told_and_two_are_the_set_going_on() {
    assert_eq!(told_live(&[], 27.0), 5);
    assert_eq!(told_live(&[29.0], 36.0), 5, "it may be anything");
    assert_eq!(told_live(&[29.0, 31.0], 37.0), 7);
    assert_eq!(told_live(&[29.0, 38.6], 44.0), 5, "with a rest between them each is alone");
    // Without a rest before it one is enough.
    assert_eq!(told_live(&[22.0], 29.0), 6);
}

/// What is told, and when, of somebody who does this for so many seconds; and what is to be seen in the end.
fn live(seconds: f32, figure: impl Fn(f32) -> Figure) -> (Vec<(f32, Happening)>, Now) {
    let (mut workout, mut out, mut dice, mut now) =
        (Workout::new(Settings::default()), vec![], Dice(7), Now::default());
    let mut told = vec![];
    for n in 0..(seconds * 30.0) as u32 {
        let t = n as f32 / 30.0;
        now = workout.update(at(t), SIZE, &[figure(t).pose(1.0, &mut dice)], &mut out);
        told.extend(out.drain(..).map(|happening| (t, happening)));
    }
    workout.finish(&mut out);
    told.extend(out.drain(..).map(|happening| (seconds, happening)));
    (told, now)
}

#[test]
fn another_exercise_ends_a_set_as_soon_as_a_pause_has_become_a_rest_and_not_before() {
    // Four squats of four seconds until the 26th, and curls at once: two and a half squats later, at the 36th.
    let both = |t: f32| Figure { squat: depth(t, 10.0, 4.0, 4.0), curl: depth(t, 27.0, 2.0, 8.0), ..STANDS };
    let (told, now) = live(46.0, both);
    let sets: Vec<_> = told
        .iter()
        .filter_map(|(t, h)| if let Happening::SetEnded(set) = h { Some((*t, set)) } else { None })
        .collect();
    assert_eq!(sets.iter().map(|(_, set)| set.reps.len()).collect::<Vec<_>>(), [4, 8]);
    assert!((35.5..39.0).contains(&sets[0].0), "{}", sets[0].0);
    assert!((seconds(sets[0].1.ended) - 26.0).abs() < 0.5 && (seconds(sets[1].1.started) - 27.0).abs() < 0.5);
    assert_eq!(now.reps, 8);
    assert!(
        sets[1].1.exercise.as_deref() == Some("Biceps Curl") && sets[0].1.exercise.as_deref() != Some("Biceps Curl")
    );
    // The first is told before the second begins, and each of its repetitions in order.
    assert_eq!(told_numbers(&told), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn deeper_ones_that_begin_without_a_rest_are_more_of_the_same_and_after_one_another_set() {
    // Squats of less than half the depth until the 18th second, and then so deep ones that none of them is of the set by itself.
    for (pause, wanted) in [(1.0, vec![0, 1, 2, 3, 4, 5, 6, 7, 8]), (9.0, vec![0, 1, 2, 3, 4, 0, 1, 2, 3, 4])] {
        let squat = |t: f32| 0.4 * depth(t, 10.0, 2.0, 4.0) + depth(t, 18.0 + pause, 2.0, 4.0);
        let (told, now) = live(40.0, |t| Figure { squat: squat(t), ..STANDS });
        assert_eq!(told_numbers(&told), wanted, "after {pause} s");
        assert_eq!(now.reps, *wanted.last().unwrap());
    }
}

/// The numbers of the repetitions that were told, and 0 where a set began.
fn told_numbers(told: &[(f32, Happening)]) -> Vec<u32> {
    let number = |(_, happening): &(f32, Happening)| match happening {
        Happening::SetStarted { .. } => Some(0),
        Happening::Rep(rep) => Some(rep.n),
        _ => None,
    };
    told.iter().filter_map(number).collect()
}

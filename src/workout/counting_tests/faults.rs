//! The faults that a counter of one joint's angle is known for, and where each has its test. Those that the tests of counting
//! do not have by their own names stand here.
//!
//! | fault | test |
//! |---|---|
//! | the last repetition is lost on a still finish | `the_last_repetition_counts_though_the_finish_is_perfectly_still` |
//! | a sticking point doubles the count | `a_sticking_point_does_not_double_a_repetition`, and here on the way down |
//! | a wobble overwrites the last extreme | here |
//! | half a repetition counts | here |
//! | walking is counted | `walking_through_the_picture_and_on_the_spot_is_not_counted` |
//! | standing, sitting down, stretching are counted | here, `sitting_down_standing_up_and_stretching_are_not_counted` |
//! | one false repetition opens a set | here |
//! | the count depends on the frame rate | `squats_and_curls_are_counted_at_every_frame_rate_…`, and here on an uneven one |
//! | slow repetitions are counted wrong under jitter | `slow_repetitions_are_counted_under_heavy_jitter` |
//! | only the left side is looked at | here |
//! | the joint is not seen for a moment | here |
//! | time stands at zero while nobody is seen | `a_set_ends_while_nobody_is_in_the_picture_and_time_begins_at_zero` |
//! | a set begins at its first repetition's end and ends with its rest | `squats_and_curls_are_…_and_begin_and_end_with_their_repetitions` |
//! | the distance to an example is infinite, and the first one is named with full confidence | `an_exercise_is_recognised_by_a_recorded_example_whatever_the_tempo_and_length`, and here |
//! | a single example names every set | here |
//! | two examples of one exercise make its name unsure | here |
//! | a passer-by is mixed in | `a_passer_by_neither_adds_nor_loses_a_repetition` |
//! | another's repetitions are added to an athlete's set | here |
//! | times are cut to whole seconds or frames | here |
//! | the buffer grows until a set closes | `four_hours_of_one_set_…` in `tests/pose_memory.rs` |
//! | a set whose POST fails is lost | `whatever_goes_wrong_on_the_way_each_set_arrives_in_order_with_one_key` in `src/sink/tests.rs` |

use super::*;

#[test]
fn a_sticking_point_on_the_way_down_does_not_double_a_repetition() {
    let stuck = |t: f32| {
        let phase = ((t - 10.0) / 4.0).rem_euclid(1.0);
        // Half way down he rises again for half a second.
        let slip =
            if (0.2..0.32).contains(&phase) { 0.2 * ((phase - 0.2) / 0.12 * std::f32::consts::PI).sin() } else { 0.0 };
        let going = (10.0..30.0).contains(&t);
        Some(Figure { squat: depth(t, 10.0, 4.0, 5.0) - if going { slip } else { 0.0 }, ..STANDS })
    };
    assert_eq!(counts(&watched(30.0, 70.0, 1.0, stuck)), [5]);
}

#[test]
fn a_wobble_between_two_repetitions_and_half_a_repetition_add_none() {
    for (height, wide_s) in [(0.15, 0.6), (0.3, 2.0)] {
        // Five squats of two seconds, and after the third one something lower.
        let figure = |t: f32| {
            let more = depth(t, 16.3, wide_s, 1.0) * height;
            Some(Figure { squat: depth(t, 10.0, 2.0, 3.0) + more + depth(t, 19.0, 2.0, 2.0), ..STANDS })
        };
        assert_eq!(counts(&watched(30.0, 60.0, 1.0, figure)), [5], "{height} as high in {wide_s} s");
    }
}

#[test]
fn standing_and_shifting_the_weight_is_not_counted() {
    let stands = |_| Some(STANDS);
    assert_eq!(watched(30.0, 120.0, 3.0, stands), []);
    // From one leg to the other every few seconds, no two alike.
    let shifts = |t: f32| {
        let x = 640.0 + 25.0 * (t * 0.9).sin() * (t * 0.23).cos();
        Some(Figure { x, squat: 0.03 * (t * 0.7).sin().abs(), ..STANDS })
    };
    assert_eq!(watched(30.0, 120.0, 2.0, shifts), []);
}

#[test]
fn one_repetition_alone_opens_no_set() {
    for rep_s in [1.0, 2.0, 4.0] {
        let once = |t: f32| Some(Figure { squat: depth(t, 10.0, rep_s, 1.0), ..STANDS });
        assert_eq!(watched(30.0, 60.0, 2.0, once), [], "in {rep_s} s");
        let apart = |t: f32| Some(Figure { squat: depth(t, 10.0, rep_s, 1.0) + depth(t, 40.0, rep_s, 1.0), ..STANDS });
        assert_eq!(watched(30.0, 80.0, 2.0, apart), [], "twice in {rep_s} s");
    }
}

#[test]
fn frames_that_come_unevenly_are_counted_like_even_ones() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(11));
    let mut t = 0.0;
    while t < 60.0 {
        let poses = squats(t).map(|figure| figure.pose(1.0, &mut dice));
        workout.update(at(t), SIZE, poses.as_slice(), &mut out);
        // From 60 down to 5 frames a second from one frame to the next.
        t += 0.016 + 0.184 * dice.roll() * dice.roll();
    }
    assert_eq!(counts(&out), [5]);
}

#[test]
fn either_arm_alone_is_counted() {
    for mirrored in [false, true] {
        let mut athlete = person(0.6, 0.5, 0.9, (0.0, 80.0), Does::Stand);
        athlete.does = vec![(0.0, Does::Stand), (10.0, Does::Curl), (22.0, Does::Stand)];
        athlete.mirrored = mirrored;
        let world = World::new(vec![athlete]);
        let (mut workout, mut told) = (Workout::new(Settings::default()), vec![]);
        for n in 0..60 * 30 {
            let poses: Vec<Pose> = world.found(n).into_iter().map(|(pose, _)| pose).collect();
            workout.update(at(n as f32 / 30.0), world.frame, &poses, &mut told);
        }
        assert_eq!(counts(&told), [6], "mirrored: {mirrored}");
    }
}

#[test]
fn looks_that_miss_him_or_his_knees_for_a_moment_lose_no_repetition() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(4));
    for n in 0..60 * 30 {
        let t = n as f32 / 30.0;
        let mut pose = squats(t).map(|figure| figure.pose(1.0, &mut dice));
        if let Some(pose) = &mut pose {
            // At every other turn the knees are not sure for a fifth of a second.
            if (t % 4.0 - 3.0).abs() < 0.1 {
                pose.keypoints[13].confidence = 0.1;
                pose.keypoints[14].confidence = 0.1;
            }
        }
        let poses = pose.filter(|_| dice.roll() > 0.2);
        workout.update(at(t), SIZE, poses.as_slice(), &mut out);
    }
    assert_eq!(counts(&out), [5]);
}

/// What a set of curls is called, and how sure that is, by these examples.
fn called(prototypes: Vec<Prototype>) -> (Option<String>, f32) {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(5));
    workout.learn(Arc::new(Prototypes::new(prototypes)));
    for n in 0..60 * 30 {
        let t = n as f32 / 30.0;
        let figure = Figure { curl: depth(t, 8.0, 2.0, 6.0), ..STANDS };
        workout.update(at(t), SIZE, &[figure.pose(2.0, &mut dice)], &mut out);
    }
    let all = sets(&out);
    assert_eq!(all.len(), 1, "{out:?}");
    (all[0].exercise.as_deref().map(String::from), all[0].confidence)
}

fn curls(rep_s: f32) -> impl Fn(f32) -> Option<Figure> {
    move |t| Some(Figure { curl: depth(t, 5.0, rep_s, 5.0), ..STANDS })
}

#[test]
fn a_second_example_of_an_exercise_does_not_make_its_name_less_sure() {
    let one = vec![example("Front Curl", curls(2.0)).unwrap()];
    let two = vec![one[0].clone(), example("Front Curl", curls(4.0)).unwrap()];
    let ((name, alone), (same, both)) = (called(one), called(two));
    assert_eq!((name.as_deref(), same.as_deref()), (Some("Front Curl"), Some("Front Curl")));
    assert!(both >= alone - 0.05 && both >= 0.75, "{alone} with one, {both} with two");
}

#[test]
fn a_single_example_does_not_name_another_movement() {
    let (name, confidence) = called(vec![example("Free Squat", |t| squats(t + 5.0)).unwrap()]);
    assert_ne!(name.as_deref(), Some("Free Squat"));
    assert!(confidence <= 1.0, "{confidence}");
}

#[test]
fn no_time_is_cut_to_whole_seconds_or_frames() {
    for (fps, rep_s) in [(7.0, 1.7), (13.0, 2.3), (29.97, 1.9)] {
        let figure = |t: f32| Some(Figure { squat: depth(t, 10.4, rep_s, 6.0), ..STANDS });
        let told = watched(fps, 60.0, 0.5, figure);
        assert_eq!(counts(&told), [6], "{fps} fps");
        let set = sets(&told)[0];
        let (started, ended) = (seconds(set.started), seconds(set.ended));
        let mean = set.reps[5].turned.since(set.reps[0].turned).as_secs_f32() / 5.0;
        assert!((started - 10.4).abs() < 0.35 && (ended - 10.4 - 6.0 * rep_s).abs() < 0.35, "{started} to {ended}");
        assert!((mean - rep_s).abs() < 0.05, "{mean} s from turn to turn instead of {rep_s}, at {fps} fps");
    }
}

#[test]
fn a_hand_that_goes_to_the_mouth_slowly_now_and_then_is_no_set_before_the_fifth_time() {
    for (times, raised, wanted) in [(4.0, 0.12, vec![]), (5.0, 0.12, vec![5]), (4.0, 0.0, vec![4])] {
        let lifts = |t: f32| {
            let curl = depth(t, 10.0, 8.0, times);
            Some(Figure { curl, raised: raised * curl, ..STANDS })
        };
        assert_eq!(counts(&watched(30.0, 90.0, 1.0, lifts)), wanted, "{times} times, the elbows up by {raised}");
    }
}

#[test]
fn three_squats_with_a_long_breath_between_are_a_set() {
    let breathes = |t: f32| {
        let squat = depth(t, 10.0, 2.0, 1.0) + depth(t, 12.6, 2.0, 1.0) + depth(t, 17.0, 2.0, 1.0);
        Some(Figure { squat, ..STANDS })
    };
    assert_eq!(counts(&watched(30.0, 60.0, 1.0, breathes)), [3]);
}

#[test]
fn an_athletes_set_does_not_go_on_with_the_repetitions_of_who_is_followed_after_him() {
    let (mut workout, mut out, mut dice) = (Workout::new(Settings::default()), vec![], Dice(7));
    for n in 0..60 * 30 {
        let t = n as f32 / 30.0;
        let athlete = Figure { curl: depth(t, 10.0, 2.0, 5.0), ..STANDS };
        let rival = Figure { x: 1010.0, ..STANDS };
        // Better placed than the rival, but not by so much that he is watched in his stead.
        let heir = Figure { x: 330.0, curl: depth(t, 23.0, 2.0, 4.0), ..STANDS };
        let there = [(athlete, t < 20.2), (rival, true), (heir, t > 5.0)];
        let poses: Vec<Pose> = there.iter().filter(|(_, is)| *is).map(|(f, _)| f.pose(1.0, &mut dice)).collect();
        workout.update(at(t), SIZE, &poses, &mut out);
    }
    workout.finish(&mut out);
    assert_eq!(counts(&out), [5, 4]);
}

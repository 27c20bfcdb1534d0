//! The demo from inside its room: beside `study`, the only place where joints may be looked at.

use super::*;
use crate::capture::demo::geometry::V3;

const EXERCISES: [&str; 5] = ["squat", "curl", "press", "deadlift", "lunge"];

fn address(exercise: &str, seed: u64) -> DemoAddress {
    DemoAddress { exercise: exercise.into(), reps: 5, rest_s: 8.0, fps: 30.0, width: 96, height: 54, seed }
}

fn picture(address: &DemoAddress, number: u64) -> Vec<u8> {
    let mut frame = Frame::default();
    Demo::open(address).render_at(number, &mut frame);
    frame.bytes
}

/// The angle that tells of this exercise; in a lunge the more bent knee.
fn angle_deg(exercise: &str, j: &Joints) -> f32 {
    let knee = |i: usize| Joints::angle_deg(j.hips[i], j.knees[i], j.ankles[i]);
    match exercise {
        "curl" | "press" => Joints::angle_deg(j.shoulders[0], j.elbows[0], j.wrists[0]),
        "deadlift" => Joints::angle_deg(j.neck, j.pelvis, j.knees[0]),
        "lunge" => knee(0).min(knee(1)),
        _ => knee(0),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for exercise in EXERCISES {
        assert_eq!(picture(&address(exercise, 4), 40), picture(&address(exercise, 4), 40));
        assert_ne!(picture(&address(exercise, 4), 40), picture(&address(exercise, 5), 40));
    }
    assert_ne!(picture(&address("squat", 4), 40), picture(&address("squat", 4), 41));
}

#[test]
fn a_frame_does_not_depend_on_the_frames_before_it() {
    let (mut demo, mut frame) = (Demo::open(&address("lunge", 2)), Frame::default());
    for number in [0, 500, 7, 31] {
        demo.render_at(number, &mut frame);
    }
    assert_eq!(frame.bytes, picture(&address("lunge", 2), 31));
    assert_eq!((frame.layout.width, frame.layout.height, frame.layout.colour), (96, 54, Colour::JPEG));
    assert_eq!(frame.bytes.len(), frame.layout.bytes());
}

#[test]
fn a_set_has_as_many_repetitions_as_were_asked_for_and_then_there_is_rest() {
    for (seed, exercise) in (1..).zip(EXERCISES) {
        for reps in [1, 3, 8] {
            let demo = Demo::open(&DemoAddress { reps, ..address(exercise, seed) });
            let (set_s, rest_s) = (demo.program.set_s(), demo.program.rest_s);
            // Twice around, so that the second set begins where the first did.
            for round in 0..2 {
                let start = f64::from(round) * (set_s + rest_s);
                let demo = &demo;
                let angles = |from: f64, to: f64| {
                    let count = ((to - from) * 30.0) as usize;
                    (0..count).map(move |i| from + i as f64 / 30.0).map(|t| angle_deg(exercise, &demo.joints(t)))
                };
                let all: Vec<f32> = angles(start, start + set_s).collect();
                let (low, high) = all.iter().fold((180f32, 0f32), |(l, h), a| (l.min(*a), h.max(*a)));
                assert!(high - low > 60.0, "{exercise} moves only {low}..{high}");
                let (third, mut bent, mut seen) = ((high - low) / 3.0, all[0] < (low + high) / 2.0, 0);
                let first = bent;
                for a in &all {
                    let now = if bent { *a < high - third } else { *a < low + third };
                    if now != bent {
                        bent = now;
                        seen += u32::from(bent != first);
                    }
                }
                assert_eq!(seen, reps, "{exercise} in round {round}, {low} to {high}");
                let still = angles(start + set_s, start + set_s + rest_s);
                let (low, high) = still.fold((180f32, 0f32), |(l, h), a| (l.min(a), h.max(a)));
                assert!(high - low < 12.0, "{exercise} rests at {low}..{high}");
            }
        }
    }
}

#[test]
fn feet_stay_where_they_stand() {
    for exercise in ["squat", "curl", "press", "deadlift"] {
        let demo = Demo::open(&address(exercise, 3));
        let first = demo.joints(0.0).ankles;
        for i in 0..1500 {
            for (now, then) in demo.joints(f64::from(i) / 30.0).ankles.into_iter().zip(first) {
                assert!((now - then).length() < 0.01, "{exercise} at frame {i}");
            }
        }
    }
}

#[test]
fn the_bar_moves_straight_up_and_down_and_stays_in_the_hands() {
    for exercise in ["squat", "press", "deadlift"] {
        let demo = Demo::open(&address(exercise, 6));
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for i in 0..(demo.program.set_s() * 30.0) as u32 {
            let j = demo.joints(f64::from(i) / 30.0);
            let bar = j.bar.unwrap();
            (low, high) = (low.min(bar.z), high.max(bar.z));
            for fist in j.fists {
                assert!((fist.y - bar.y).hypot(fist.z - bar.z) < 0.02, "{exercise} lets go at frame {i}");
            }
            assert!(exercise != "deadlift" || bar.y > pose::PLATE_RADIUS_M - 0.005, "plates sink into the floor");
        }
        assert!(high - low < 0.075, "{exercise}: the bar swings {} m", high - low);
    }
}

#[test]
fn limbs_keep_their_length_and_every_joint_is_a_number_above_the_floor() {
    let mut dice = look::Dice::new(99);
    for turn in 0..2000 {
        let exercise = EXERCISES[turn % 5];
        let look = Look::from_seed(dice.roll());
        let body = Body::new(look.stature_m, look.build);
        let address = DemoAddress {
            reps: 1 + (dice.roll() % 1000) as u32,
            rest_s: f64::from(dice.between(0.0, 60.0)),
            seed: dice.roll(),
            ..address(exercise, 1)
        };
        let program = Program::new(&address, &look);
        for _ in 0..5 {
            let t = f64::from(dice.between(0.0, 1.0)) * 10f64.powi((dice.roll() % 8) as i32);
            let j = pose::joints(&body, &look, program.exercise, &program.at(t));
            for i in 0..2 {
                for (a, b, want) in [
                    (j.hips[i], j.knees[i], body.thigh),
                    (j.knees[i], j.ankles[i], body.shank),
                    (j.shoulders[i], j.elbows[i], body.upper_arm),
                    (j.elbows[i], j.wrists[i], body.forearm),
                    (j.pelvis, j.neck, body.trunk),
                ] {
                    let long = (a - b).length();
                    assert!((long / want - 1.0).abs() < 0.01, "{exercise} at {t}: {long} for {want}");
                    assert!(a.y > 0.0 && b.y > 0.0 && long.is_finite(), "{exercise} at {t}");
                }
            }
            assert!([j.head, j.fists[0], j.fists[1]].iter().all(|p: &V3| p.length().is_finite()));
        }
    }
}

#[test]
fn the_whole_athlete_is_always_in_the_picture() {
    for (exercise, seed) in EXERCISES.into_iter().flat_map(|e| (0..8).map(move |s| (e, s))) {
        for (width, height) in [(1280, 720), (640, 480), (480, 854)] {
            let look = Look::from_seed(seed);
            let (body, view) = (
                Body::new(look.stature_m, look.build),
                View::camera(&look, motion::Exercise::named(exercise), width, height),
            );
            let program = Program::new(&address(exercise, seed), &look);
            for i in 0..(program.set_s() * 10.0) as u32 {
                let j = pose::joints(&body, &look, program.exercise, &program.at(f64::from(i) / 10.0));
                let toes = [0, 1].map(|k| j.ankles[k] + j.feet[k].z * (0.14 * body.stature) - j.feet[k].y * body.ankle);
                let crown = j.head + j.face.y * (0.07 * body.stature);
                for point in
                    j.knees.into_iter().chain(j.ankles).chain(j.fists).chain(j.elbows).chain(toes).chain([crown])
                {
                    let seen = view.see(point).unwrap();
                    let inside = (0.0..width as f32).contains(&seen.x) && (0.0..height as f32).contains(&seen.y);
                    assert!(inside, "{exercise} seed {seed} {width}x{height}: {seen:?}");
                }
            }
        }
    }
}

#[test]
fn odd_and_extreme_sizes_are_drawn_within_their_planes() {
    let sizes = [(16, 16), (17, 19), (16, 500), (500, 16), (321, 181), (33, 64), (8192, 16), (16, 8192)];
    for (turn, (width, height)) in sizes.into_iter().enumerate() {
        let address = DemoAddress { width, height, ..address(EXERCISES[turn % 5], turn as u64) };
        let (mut demo, mut frame) = (Demo::open(&address), Frame::default());
        for number in [0, 50, 333, u64::MAX] {
            demo.render_at(number, &mut frame);
            assert_eq!(frame.bytes.len(), Layout::packed(PixelFormat::I420, width, height).bytes());
        }
    }
}

#[test]
fn after_the_first_frame_no_memory_grows() {
    let (mut demo, mut frame) = (Demo::open(&address("squat", 1)), Frame::default());
    demo.render_at(0, &mut frame);
    let sizes = |d: &Demo, f: &Frame| (f.bytes.capacity(), d.pieces.capacity(), f.bytes.as_ptr());
    let before = sizes(&demo, &frame);
    for number in 1..120 {
        demo.render_at(number, &mut frame);
    }
    assert_eq!(sizes(&demo, &frame), before);
}

#[test]
fn the_first_frame_comes_at_once_and_frames_have_their_due_times() {
    let (mut demo, mut frame) = (Demo::open(&DemoAddress { fps: 240.0, ..address("curl", 1) }), Frame::default());
    assert_eq!(demo.next(&mut frame, Duration::ZERO), Next::Frame);
    assert_eq!((frame.media_time, demo.begun <= frame.captured), (None, true));
    let mut last = frame.captured;
    for _ in 0..5 {
        while demo.next(&mut frame, Duration::from_secs(1)) != Next::Frame {}
        let apart = frame.captured.since(last).as_secs_f64() * 240.0;
        assert!(apart > 0.99 && (apart - apart.round()).abs() < 0.01, "{apart}");
        last = frame.captured;
    }
    demo.next = 1 << 20;
    assert_eq!(demo.next(&mut frame, Duration::from_millis(1)), Next::Nothing);
}

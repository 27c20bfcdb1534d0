//! What happens in a gym, and who is followed then.

use std::time::Duration;

use super::world::{Dice, Exercise, Person, World, person};
use super::*;
use crate::skeleton::Pose;
use crate::time::Mono;

/// One frame's answer.
struct Look {
    t: f32,
    followed: Followed,
    /// Whose pose is followed.
    who: Option<usize>,
    angle: Option<Angle>,
}

const RATES: [f32; 4] = [5.0, 15.0, 30.0, 60.0];

fn stamp(t: f32) -> Mono {
    Mono::from_ns((f64::from(t) * 1e9) as u64 + 1_000_000_000)
}

fn watch(world: &World, settings: AthleteSettings, seconds: f32) -> Vec<Look> {
    let (mut athlete, mut mover) = (Athlete::new(settings), Mover::default());
    let look = |n| {
        let found = world.found(n);
        let poses: Vec<Pose> = found.iter().map(|(pose, _)| *pose).collect();
        let t = n as f32 / world.fps;
        let followed = athlete.update(stamp(t), world.frame, &poses);
        let angle = mover.update(stamp(t), followed.id, followed.pose.map(|index| &poses[index]));
        Look { t, followed, who: followed.pose.map(|index| found[index].1), angle }
    };
    (0..(seconds * world.fps) as u32).map(look).collect()
}

fn events(looks: &[Look]) -> Vec<(Event, u32)> {
    looks.iter().filter_map(|l| Some((l.followed.event?, l.t.round() as u32))).collect()
}

/// Nobody but `who` is ever followed, under one id, and he is followed on nearly every frame on which he is found.
fn only(looks: &[Look], who: usize, world: &World) {
    let others: Vec<f32> = looks.iter().filter(|l| l.who.is_some_and(|w| w != who)).map(|l| l.t).collect();
    assert!(others.is_empty(), "{} fps: somebody else is followed at {others:?}", world.fps);
    let told = events(looks);
    assert!(told.len() == 1 && told[0].0 == Event::Found, "{} fps: {told:?}", world.fps);
    let there = |l: &&Look| world.found((l.t * world.fps).round() as u32).iter().any(|(_, w)| *w == who);
    let missed: Vec<f32> = looks.iter().filter(|l| there(l) && l.who.is_none()).map(|l| l.t).collect();
    let (found, followed) = (looks.iter().filter(there).count(), looks.iter().filter(|l| l.who.is_some()).count());
    assert!(
        followed as f32 > 0.93 * found as f32,
        "{} fps: followed on {followed} of {found} frames, not at {missed:?}",
        world.fps
    );
}

fn trainee() -> Person {
    person(0.5, 0.5, 0.85, (0.0, 1000.0), Exercise::Squat)
}

/// Nearer, larger, from left to right in three seconds, ten seconds after the start.
fn passer_by() -> Person {
    Person { path: vec![(10.0, -0.2, 1.0), (13.0, 1.2, 1.0)], ..person(0.85, 0.0, 1.0, (0.0, 0.0), Exercise::Stand) }
}

#[test]
fn a_passer_by_nearer_the_camera_is_not_followed() {
    for fps in RATES {
        let world = World { fps, jitter_px: 5.0, ..World::new(vec![trainee(), passer_by()]) };
        only(&watch(&world, AthleteSettings::default(), 20.0), 0, &world);
    }
}

#[test]
fn passers_by_of_every_size_and_pace_in_front_and_behind_are_not_followed() {
    for seed in 0..10 {
        let mut dice = Dice(seed);
        for fps in RATES.into_iter().filter(|fps| *fps > 10.0) {
            // Up to 0.6 of the picture's width a second: a run.
            let seconds = 1.4 / (0.15 + 0.45 * dice.roll());
            let (from, to) = if dice.roll() < 0.5 { (-0.2, 1.2) } else { (1.2, -0.2) };
            let (height, y) = if dice.roll() < 0.3 { (0.45, 0.8) } else { (0.4 + 0.5 * dice.roll(), 0.93) };
            let passer_by = Person {
                path: vec![(10.0, from, y), (10.0 + seconds, to, y)],
                ..person(height, 0.0, y, (0.0, 0.0), Exercise::Stand)
            };
            let jitter_px = 5.0 * dice.roll();
            let people = vec![trainee(), passer_by];
            let world = World { fps, seed, jitter_px, dropped: 0.15, flicker: 0.4, ..World::new(people) };
            only(&watch(&world, AthleteSettings::default(), 25.0), 0, &world);
        }
    }
}

#[test]
fn somebody_who_stops_nearer_the_camera_to_watch_is_not_followed() {
    for fps in RATES {
        let watcher = Person {
            path: vec![(10.0, -0.2, 1.0), (12.0, 0.8, 1.0), (40.0, 0.8, 1.0)],
            ..person(0.85, 0.0, 1.0, (0.0, 0.0), Exercise::Stand)
        };
        let world = World { fps, ..World::new(vec![trainee(), watcher]) };
        only(&watch(&world, AthleteSettings::default(), 40.0), 0, &world);
    }
}

#[test]
fn two_people_cross_and_keep_their_identities() {
    for fps in RATES {
        let walker = |from: f32, to: f32, y: f32| Person {
            path: vec![(0.0, from, y), (6.0, from, y), (9.0, to, y), (20.0, to, y)],
            ..person(0.5, 0.0, y, (0.0, 0.0), Exercise::Stand)
        };
        let mut athlete = walker(0.35, 0.75, 0.9);
        athlete.does = vec![(0.0, Exercise::Squat)];
        let world = World { fps, ..World::new(vec![athlete, walker(0.8, 0.1, 0.88)]) };
        only(&watch(&world, AthleteSettings::default(), 18.0), 0, &world);
    }
}

#[test]
fn an_athlete_hidden_for_a_second_and_a_half_keeps_his_id() {
    for fps in RATES {
        let mut athlete = trainee();
        athlete.hidden = (10.0, 11.5);
        let world = World { fps, jitter_px: 5.0, ..World::new(vec![athlete]) };
        let looks = watch(&world, AthleteSettings::default(), 20.0);
        only(&looks, 0, &world);
        let hidden = looks.iter().filter(|l| (10.1..11.4).contains(&l.t));
        assert!(hidden.clone().count() > 5);
        assert!(hidden.clone().all(|l| l.followed.id == Some(1) && l.followed.pose.is_none() && l.angle.is_none()));
    }
}

#[test]
fn an_athlete_behind_somebody_who_stops_for_a_second_keeps_his_id() {
    for fps in RATES {
        let in_the_way = Person {
            path: vec![(10.0, -0.2, 0.95), (11.0, 0.5, 0.95), (12.0, 0.5, 0.95), (13.0, 1.2, 0.95)],
            ..person(0.7, 0.0, 1.0, (0.0, 0.0), Exercise::Stand)
        };
        let world = World { fps, ..World::new(vec![trainee(), in_the_way]) };
        only(&watch(&world, AthleteSettings::default(), 20.0), 0, &world);
    }
}

#[test]
fn the_athlete_leaves_and_another_comes_under_a_new_id() {
    for fps in RATES {
        let first = person(0.5, 0.4, 0.85, (0.0, 10.0), Exercise::Squat);
        let second = person(0.5, 0.6, 0.9, (15.0, 30.0), Exercise::Squat);
        let world = World { fps, ..World::new(vec![first, second]) };
        let looks = watch(&world, AthleteSettings::default(), 25.0);
        let told = events(&looks);
        assert!(matches!(told[..], [(Event::Found, 0..=1), (Event::Lost, 12), (Event::Found, 15..=16)]), "{told:?}");
        assert_eq!(looks.last().unwrap().followed.id, Some(2));
    }
}

#[test]
fn a_rival_who_trains_where_the_athlete_only_rests_takes_over_after_seconds_and_not_before() {
    for fps in RATES {
        let resting = person(0.35, 0.15, 0.7, (0.0, 60.0), Exercise::Stand);
        let rival = person(0.85, 0.5, 0.98, (10.0, 60.0), Exercise::Squat);
        let world = World { fps, ..World::new(vec![resting, rival]) };
        let looks = watch(&world, AthleteSettings::default(), 30.0);
        let told = events(&looks);
        assert!(matches!(told[..], [(Event::Found, 0..=1), (Event::HandedOver, 13..=16)]), "{told:?}");
        let handed = looks.iter().find(|l| l.followed.event == Some(Event::HandedOver)).unwrap();
        assert!(handed.t >= 13.0, "{}", handed.t);
        assert_eq!(looks.last().unwrap().who, Some(1));
    }
}

#[test]
fn a_mirror_image_beside_is_not_followed() {
    for fps in RATES {
        let image = Person { mirrored: true, ..person(0.4, 0.75, 0.75, (0.0, 1000.0), Exercise::Squat) };
        let world = World { fps, jitter_px: 5.0, dropped: 0.2, ..World::new(vec![trainee(), image]) };
        only(&watch(&world, AthleteSettings::default(), 60.0), 0, &world);
    }
}

#[test]
fn one_sighting_is_no_athlete() {
    let world = World::new(vec![person(0.5, 0.5, 0.9, (5.0, 5.03), Exercise::Stand)]);
    assert!(watch(&world, AthleteSettings::default(), 10.0).iter().all(|l| l.followed == Followed::default()));
}

#[test]
fn dropped_detections_flickering_scores_and_jitter_do_not_lose_the_athlete() {
    for fps in RATES {
        for seed in 0..5 {
            let rough = World { fps, seed, jitter_px: 5.0, dropped: 0.2, flicker: 0.65, ..World::new(vec![trainee()]) };
            only(&watch(&rough, AthleteSettings::default(), 60.0), 0, &rough);
        }
    }
}

#[test]
fn a_person_found_twice_is_one_person() {
    let twice = World { doubled: true, jitter_px: 4.0, dropped: 0.2, ..World::new(vec![trainee()]) };
    let (mut athlete, mut last) = (Athlete::new(AthleteSettings::default()), Followed::default());
    for n in 0..1800 {
        let poses: Vec<Pose> = twice.found(n).iter().map(|(pose, _)| *pose).collect();
        last = athlete.update(stamp(n as f32 / 30.0), twice.frame, &poses);
    }
    assert_eq!((last.id, athlete.people()), (Some(1), 1));
}

#[test]
fn frames_of_every_size_give_the_same_answers() {
    let answers = |frame: (usize, usize)| {
        let jitter_px = 2.0 * frame.1 as f32 / 720.0;
        let world = World { frame, jitter_px, ..World::new(vec![trainee(), passer_by()]) };
        watch(&world, AthleteSettings::default(), 20.0).iter().map(|l| (l.followed, l.who)).collect::<Vec<_>>()
    };
    let expected = answers((1280, 720));
    assert!(expected.iter().filter(|(_, who)| *who == Some(0)).count() > 400);
    for frame in [(320, 180), (640, 360), (1920, 1080), (3840, 2160)] {
        assert!(answers(frame) == expected, "{frame:?}");
    }
    for frame in [(640, 480), (720, 1280)] {
        let world = World { frame, ..World::new(vec![trainee(), passer_by()]) };
        only(&watch(&world, AthleteSettings::default(), 20.0), 0, &world);
    }
}

#[test]
fn a_frame_of_another_size_begins_anew_and_ids_go_on() {
    let mut athlete = Athlete::new(AthleteSettings::default());
    let mut ids = vec![];
    for (begin, frame) in [(0, (1280, 720)), (60, (640, 360))] {
        let world = World { frame, ..World::new(vec![trainee()]) };
        for n in begin..begin + 60 {
            let poses: Vec<Pose> = world.found(n).iter().map(|(pose, _)| *pose).collect();
            ids.extend(athlete.update(stamp(n as f32 / 30.0), frame, &poses).id);
        }
    }
    ids.dedup();
    assert_eq!(ids, [1, 2]);
}

fn station() -> AthleteSettings {
    let corners = [(0.35, 0.7), (0.65, 0.7), (0.65, 0.95), (0.35, 0.95)];
    AthleteSettings { zone: Some(Zone::new(&corners).unwrap()), ..AthleteSettings::default() }
}

#[test]
fn a_spectator_at_the_edge_of_the_zone_is_not_followed_though_larger() {
    for fps in RATES {
        let spectator = person(0.8, 0.7, 0.98, (0.0, 1000.0), Exercise::Stand);
        let late = person(0.4, 0.45, 0.8, (5.0, 1000.0), Exercise::Squat);
        let world = World { fps, jitter_px: 5.0, ..World::new(vec![spectator, late]) };
        let looks = watch(&world, station(), 40.0);
        only(&looks, 1, &world);
        assert!(looks.iter().take_while(|l| l.t < 5.0).all(|l| l.followed.id.is_none()));
    }
}

#[test]
fn an_athlete_who_leaves_the_zone_is_given_up_after_seconds_and_found_again_under_his_id() {
    for fps in RATES {
        let path = vec![(0.0, 0.5, 0.85), (10.0, 0.5, 0.85), (11.0, 0.85, 0.85), (20.0, 0.85, 0.85), (21.0, 0.5, 0.85)];
        let mut athlete = trainee();
        athlete.path = path.into_iter().chain([(40.0, 0.5, 0.85)]).collect();
        let world = World { fps, ..World::new(vec![athlete]) };
        let looks = watch(&world, station(), 30.0);
        let told = events(&looks);
        let expected = matches!(told[..], [(Event::Found, _), (Event::Lost, 13..=15), (Event::Found, 21..=22)]);
        assert!(expected, "{fps} fps: {told:?}");
        assert!(looks.iter().all(|l| l.followed.id.is_none_or(|id| id == 1)));
    }
}

#[test]
fn a_step_out_of_the_zone_and_back_does_not_lose_the_athlete() {
    let path = vec![(0.0, 0.5, 0.85), (10.0, 0.5, 0.85), (10.5, 0.75, 0.85), (12.0, 0.75, 0.85), (12.5, 0.5, 0.85)];
    let mut athlete = trainee();
    athlete.path = path.into_iter().chain([(40.0, 0.5, 0.85)]).collect();
    let world = World::new(vec![athlete]);
    only(&watch(&world, station(), 30.0), 0, &world);
}

#[test]
fn a_crowd_does_not_push_the_athlete_out() {
    let mut people = vec![trainee()];
    for n in 0..30 {
        let from = 5.0 + n as f32 * 0.5;
        people.push(person(0.2, 0.03 + n as f32 * 0.032, 0.25, (from, from + 20.0), Exercise::Stand));
    }
    let world = World::new(people);
    only(&watch(&world, AthleteSettings::default(), 40.0), 0, &world);
}

#[test]
fn a_day_of_frames_needs_no_memory_and_no_new_ids() {
    // What is Copy owns nothing on the heap, so it cannot grow.
    fn owns_nothing<T: Copy>() {}
    owns_nothing::<Athlete>();
    owns_nothing::<Mover>();
    // The whole day at 30 frames a second in a release build; half an hour in a slow one.
    let frames: u64 = if cfg!(debug_assertions) { 54_000 } else { 2_592_000 };
    let world = World { dropped: 0.1, jitter_px: 3.0, ..World::new(vec![trainee(), passer_by()]) };
    let minute: Vec<Vec<Pose>> =
        (0..1800).map(|n| world.found(n).into_iter().map(|(pose, _)| pose).collect()).collect();
    let (mut athlete, mut mover) = (Athlete::new(AthleteSettings::default()), Mover::default());
    let mut angles = 0;
    for n in 0..frames {
        let poses = &minute[(n % 1800) as usize];
        let stamp = Mono::from_ns(n * 33_333_333);
        let followed = athlete.update(stamp, world.frame, poses);
        assert!(n < 60 || followed.id == Some(1), "frame {n}: {followed:?}");
        angles += u64::from(mover.update(stamp, followed.id, followed.pose.map(|index| &poses[index])).is_some());
    }
    assert!(angles > frames * 8 / 10, "{angles} angles on {frames} frames");
}

fn joint_at(looks: &[Look], from: f32, to: f32) -> Vec<&'static str> {
    let mut names: Vec<_> =
        looks.iter().filter(|l| (from..to).contains(&l.t)).filter_map(|l| Some(l.angle?.joint.name())).collect();
    names.dedup();
    names
}

#[test]
fn squats_are_measured_at_one_joint_of_the_legs_and_it_stays() {
    for fps in RATES {
        let world = World { fps, jitter_px: 3.0, ..World::new(vec![trainee()]) };
        let looks = watch(&world, AthleteSettings::default(), 60.0);
        let joints = joint_at(&looks, 5.0, 60.0);
        assert!(joints.len() == 1 && (joints[0].contains("knee") || joints[0].contains("hip")), "{fps}: {joints:?}");
        let degs = looks.iter().filter_map(|l| l.angle).map(|angle| angle.deg);
        let (least, most) = degs.fold((180.0f32, 0.0f32), |(a, b), deg| (a.min(deg), b.max(deg)));
        assert!(least < 100.0 && most > 160.0, "{least} to {most}");
    }
}

#[test]
fn curls_of_one_arm_are_measured_at_that_elbow() {
    for fps in RATES {
        let world = World { fps, ..World::new(vec![person(0.6, 0.5, 0.9, (0.0, 99.0), Exercise::Curl)]) };
        assert_eq!(joint_at(&watch(&world, AthleteSettings::default(), 30.0), 5.0, 30.0), ["right_elbow"], "{fps}");
    }
}

#[test]
fn another_exercise_is_noticed_within_seconds_and_once() {
    for fps in RATES {
        let mut athlete = person(0.6, 0.5, 0.9, (0.0, 99.0), Exercise::Squat);
        athlete.does.push((20.0, Exercise::Curl));
        let looks = watch(&World { fps, ..World::new(vec![athlete]) }, AthleteSettings::default(), 40.0);
        let joints = joint_at(&looks, 5.0, 40.0);
        assert!(joints.len() == 2 && joints[1] == "right_elbow", "{fps}: {joints:?}");
        assert_eq!(joint_at(&looks, 26.0, 40.0), ["right_elbow"], "{fps}");
    }
}

#[test]
fn a_pause_keeps_the_joint_and_standing_still_from_the_start_has_none() {
    let mut athlete = person(0.6, 0.5, 0.9, (0.0, 99.0), Exercise::Curl);
    athlete.does.push((20.0, Exercise::Stand));
    let world = World { jitter_px: 3.0, ..World::new(vec![athlete]) };
    assert_eq!(joint_at(&watch(&world, AthleteSettings::default(), 60.0), 5.0, 60.0), ["right_elbow"]);
    let still = person(0.6, 0.5, 0.9, (0.0, 99.0), Exercise::Stand);
    let world = World { jitter_px: 3.0, ..World::new(vec![still]) };
    assert!(watch(&world, AthleteSettings::default(), 30.0).iter().all(|l| l.angle.is_none()));
}

#[test]
fn the_side_that_is_seen_better_is_measured() {
    for (left_confidence, side) in [(0.5, "right"), (0.99, "left")] {
        let athlete = Person { left_confidence, ..trainee() };
        let joints = joint_at(&watch(&World::new(vec![athlete]), AthleteSettings::default(), 30.0), 5.0, 30.0);
        assert!(joints.len() == 1 && joints[0].starts_with(side), "{joints:?}");
    }
}

#[test]
fn a_new_athlete_begins_without_a_joint() {
    let world = World::new(vec![trainee()]);
    let mut mover = Mover::default();
    let mut told = vec![];
    for n in 0..600 {
        let id = if n < 300 { 1 } else { 2 };
        let found = world.found(n);
        told.push(mover.update(stamp(n as f32 / 30.0), Some(id), Some(&found[0].0)).is_some());
    }
    assert!(told[299] && !told[300] && !told[312] && told[400]);
    assert_eq!(mover.update(stamp(20.0), None, Some(&world.found(0)[0].0)), None);
}

/// A pose of anything at all.
fn wild(dice: &mut Dice) -> Pose {
    let value = |dice: &mut Dice| match (dice.roll() * 12.0) as u32 {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => f32::MAX,
        4 => f32::MIN,
        5 => 0.0,
        _ => dice.roll() * 2000.0 - 300.0,
    };
    let mut pose = Pose { score: if dice.roll() < 0.1 { value(dice) } else { dice.roll() }, ..Pose::default() };
    let plain = dice.roll() < 0.5;
    pose.bbox = std::array::from_fn(|n| if plain { dice.roll() * 300.0 + 200.0 * (n / 2) as f32 } else { value(dice) });
    for point in &mut pose.keypoints {
        (point.x, point.y) = (value(dice), value(dice));
        point.confidence = if dice.roll() < 0.1 { value(dice) } else { dice.roll() };
    }
    pose
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_comes_ids_are_of_poses_indices_are_valid_and_angles_are_numbers(seed: u64, zoned: bool) {
        let mut dice = Dice(seed);
        let settings = if zoned { station() } else { AthleteSettings::default() };
        let (mut athlete, mut mover) = (Athlete::new(settings), Mover::default());
        let (mut seen, mut last) = (0, None);
        let mut clock = Duration::ZERO;
        for _ in 0..150 {
            clock = Duration::from_secs_f32((clock.as_secs_f32() + dice.roll() * 0.3 - 0.05).max(0.0));
            let frame = if dice.roll() < 0.97 { (1280, 720) } else { ((dice.roll() * 2000.0) as usize, 0) };
            let poses: Vec<Pose> = (0..(dice.roll() * 40.0) as usize).map(|_| wild(&mut dice)).collect();
            let stamp = Mono::ZERO.plus(clock);
            let followed = athlete.update(stamp, frame, &poses);
            proptest::prop_assert!(followed.pose.is_none_or(|index| index < poses.len() && followed.id.is_some()));
            proptest::prop_assert_eq!(followed.event.is_some(), followed.id != last);
            // Every id was begun by a pose of its own.
            seen += poses.len() as u32;
            proptest::prop_assert!(followed.id.is_none_or(|id| (1..=seen).contains(&id)));
            last = followed.id;
            let angle = mover.update(stamp, followed.id, followed.pose.map(|index| &poses[index]));
            proptest::prop_assert!(angle.is_none_or(|angle| (0.0..=180.0).contains(&angle.deg)));
            proptest::prop_assert!(athlete.people() <= 16);
        }
    }
}

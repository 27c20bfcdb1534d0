//! Names of exercises, from courses that a camera without errors would see. Each fault that naming by dynamic time warping
//! is known for has a test by its name here.

use proptest::prelude::*;

use super::classify::{Look, Near, candidates, chosen, named, nearest};
use super::course::{Course, PARTS, STEPS};
use super::form::Form;
use super::pair::Pair;
use super::prototype::{Prototype, Prototypes};
use super::textbook::{self, Textbook};
use super::view::{View, step_of};
use super::warp::warped;
use super::world::Dice;

/// A way of the textbook, seen from this side and height.
fn seen(way: &Textbook, azimuth: f32, pitch: f32) -> Course {
    let view = View { azimuth, pitch, size: 1.0 };
    Course(std::array::from_fn(|step| view.of(&way.motions[textbook::USUAL][step_of(step, false)])))
}

fn ways(exercise: &str) -> impl Iterator<Item = &Textbook> {
    textbook::all().iter().filter(move |way| way.exercise == exercise)
}

fn look(course: Course) -> Look {
    Look { course, error2: [1e-5; PARTS] }
}

fn recorded(exercise: &str, courses: impl IntoIterator<Item = Course>) -> Prototypes {
    let example = |course: Course| Prototype::new(exercise, &Form::UNSEEN, &course);
    Prototypes::new(courses.into_iter().map(example).collect())
}

/// Every step a little off, as no two recordings are the same.
fn shaken(mut course: Course, by: f32) -> Course {
    for (n, share) in course.0.iter_mut().flatten().flatten().enumerate() {
        *share += by * ((n * 7919 % 13) as f32 / 6.0 - 1.0);
    }
    course
}

/// A bump of 1 in the middle of so many samples.
fn bump(length: usize) -> Vec<f32> {
    (0..length).map(|n| (std::f32::consts::PI * n as f32 / (length.max(2) - 1) as f32).sin()).collect()
}

fn warp(a: &[f32], b: &[f32]) -> f32 {
    warped((a.len(), b.len()), |i, j| (a[i] - b[j]).powi(2))
}

#[test]
fn lengths_that_differ_by_more_than_the_band_are_not_infinitely_far() {
    for (a, b) in [(66, 60), (67, 60), (900, 60), (60, 900), (1, 900), (900, 1), (2, 3), (1, 1)] {
        assert!(warp(&bump(a), &bump(b)).is_finite(), "{a} and {b}");
    }
    assert!(warp(&bump(900), &bump(60)) < 1e-3, "the same movement in another tempo");
}

#[test]
fn a_distance_is_a_mean_whatever_the_lengths_are() {
    let far = |length: usize| warp(&bump(length), &vec![2.0; length]);
    assert!((far(30) / far(300) - 1.0).abs() < 0.1, "{} and {}", far(30), far(300));
}

#[test]
fn nothing_at_all_and_what_is_no_number_is_infinitely_far() {
    assert_eq!(warp(&[], &bump(5)), f32::INFINITY);
    assert_eq!(warp(&bump(5), &[]), f32::INFINITY);
    assert_eq!(warp(&[f32::NAN; 9], &bump(9)), f32::INFINITY);
    assert_eq!(warp(&[f32::INFINITY; 9], &bump(9)), f32::INFINITY);
}

#[test]
fn a_sticking_point_and_a_pause_at_the_turn_change_little() {
    let (mut even, mut sticks) = (bump(17), bump(17));
    sticks[5] = sticks[4];
    sticks[6] = sticks[4];
    let warped = warp(&even, &sticks);
    let aligned = even.iter().zip(&sticks).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / 17.0;
    assert!(warped < aligned / 2.0, "{warped}, and {aligned} without a warp");
    even.reverse();
    assert!(warp(&even, &sticks).is_finite());
}

#[test]
fn every_way_of_the_textbook_is_named_from_all_around_and_no_name_is_wrong() {
    let all = Prototypes::default();
    let (mut right, mut count) = (0, 0);
    for way in textbook::all() {
        for azimuth in [-150.0, -65.0, -37.0, -10.0, 0.0, 22.0, 50.0, 80.0, 130.0] {
            let name = named(&look(shaken(seen(way, azimuth, 12.0), 0.01)), &all).map(|(name, _)| name);
            assert!(name.is_none_or(|name| name == way.exercise), "{} from {azimuth} is {name:?}", way.exercise);
            (right, count) = (right + usize::from(name.is_some()), count + 1);
        }
    }
    assert!(100 * right >= 95 * count, "{right} of {count}");
}

/// A way of somebody whose bones all point elsewhere than the textbook's, by this much about every axis: half of it the same all
/// along, the rest more and more towards the turn.
fn unlike_textbook(way: &Textbook, off_deg: f32, dice: &mut Dice) -> Textbook {
    let mut way = way.clone();
    for part in 0..10 {
        let [all_along, at_turn] =
            [0.8, 0.6].map(|share| [0; 3].map(|_| (share * off_deg * dice.normal()).to_radians()));
        for motion in &mut way.motions {
            for (step, body) in motion.iter_mut().enumerate() {
                let by = |axis: usize| all_along[axis] + at_turn[axis] * step as f32 / (STEPS / 2) as f32;
                let ([a, b, c], [x, y, z]) = ([by(0), by(1), by(2)], body[part]);
                let turned = [x + b * z - c * y, y + c * x - a * z, z + a * y - b * x];
                let length = |v: [f32; 3]| v.iter().map(|v| v * v).sum::<f32>().sqrt();
                body[part] = turned.map(|v| v * length([x, y, z]) / length(turned));
            }
        }
    }
    way
}

#[test]
fn who_keeps_to_no_textbook_is_mostly_named_and_seldom_wrongly() {
    let (all, mut dice) = (Prototypes::default(), Dice(5));
    for (off_deg, least_right) in [(4.0, 95), (8.0, 85), (12.0, 60)] {
        let [mut right, mut wrong, mut count] = [0; 3];
        for way in textbook::all().iter().cycle().take(10 * textbook::all().len()) {
            let somebody = unlike_textbook(way, off_deg, &mut dice);
            let azimuth = 60.0 * (2.0 * dice.roll() - 1.0);
            let name = named(&look(shaken(seen(&somebody, azimuth, 10.0), 0.01)), &all).map(|(name, _)| name);
            count += 1;
            right += usize::from(name == Some(way.exercise));
            wrong += usize::from(name.is_some_and(|name| name != way.exercise));
        }
        println!("{off_deg} degrees off: {right} of {count} named rightly, {wrong} wrongly");
        assert!(
            100 * right >= least_right * count && 100 * wrong <= 5 * count,
            "{off_deg}: {right}, {wrong} of {count}"
        );
    }
}

#[test]
fn standing_still_and_what_was_not_seen_have_no_name() {
    let all = Prototypes::default();
    let squat = seen(ways("Squat").next().unwrap(), 30.0, 0.0);
    let still = Course([squat.0[0]; STEPS]);
    for course in [still, shaken(still, 0.002), Course::UNSEEN, Course([[[f32::INFINITY; 2]; PARTS]; STEPS])] {
        assert_eq!(named(&look(course), &all), None);
    }
    // Only the legs, the arms behind a rack: too little to tell exercises apart.
    let mut legs = squat;
    for part in [0, 1, 2, 3, 8, 9, 10] {
        legs.0.iter_mut().for_each(|shape| shape[part] = [f32::NAN; 2]);
    }
    assert_eq!(named(&look(legs), &all), None);
}

#[test]
fn several_prototypes_of_one_exercise_do_not_depress_its_confidence() {
    let curl = seen(ways("Biceps Curl").next().unwrap(), 25.0, 5.0);
    let of = |count: usize| recorded("Biceps Curl", (0..count).map(|n| shaken(curl, 0.002 * n as f32)));
    let (one, ten) = (of(1), of(10));
    let set = look(shaken(curl, 0.004));
    let (name, sure) = named(&set, &one).unwrap();
    let (same, as_sure) = named(&set, &ten).unwrap();
    assert_eq!((name, same), ("Biceps Curl", "Biceps Curl"));
    assert!(as_sure >= sure && sure > 0.9, "{sure} with one, {as_sure} with ten");
}

#[test]
fn one_exercise_alone_is_not_certain_and_infinities_are_no_name() {
    let near = |off: f32| Near { exercise: "Squat", off, odd: 0.1, recorded: true };
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&[near(0.1)]), Some(("Squat", 0.5)));
    for off in [f32::NAN, f32::INFINITY] {
        assert_eq!(chosen(&[near(off), near(off)]), None);
        assert_eq!(chosen(&[near(0.1), near(f32::NAN)]), None, "a rival that is no number is no margin");
    }
    assert_eq!(chosen(&[Near { odd: f32::NAN, ..near(0.1) }]), None);
}

#[test]
fn what_is_as_near_to_another_exercise_is_left_open() {
    let near = |exercise, off| Near { exercise, off, odd: 0.1, recorded: true };
    assert_eq!(chosen(&[near("Squat", 0.3), near("Front Squat", 0.31)]), None);
    assert!(chosen(&[near("Squat", 0.3), near("Front Squat", 0.6)]).is_some());
    assert_eq!(chosen(&[near("Squat", 5.0), near("Front Squat", 50.0)]), None, "far from both");
}

#[test]
fn what_may_be_one_of_several_is_one_of_them_if_it_is_near_them_and_far_from_the_rest() {
    let near = |exercise, off| Near { exercise, off, odd: 0.1, recorded: false };
    let [squat, front, lunge] = [near("Squat", 0.3), near("Front Squat", 0.31), near("Lunge", 0.6)];
    assert_eq!(candidates(&[squat, front, lunge]), [squat, front]);
    assert_eq!(candidates(&[squat, lunge]), [squat]);
    assert_eq!(candidates(&[near("Squat", 5.0), near("Front Squat", 5.1)]), [], "far from all");
    assert_eq!(candidates(&[Near { odd: 0.9, ..squat }, front, lunge]), [], "it moves otherwise");
    assert_eq!(candidates(&[squat, near("Front Squat", f32::NAN)]), [], "that is no distance");
    assert_eq!(candidates(&[]), []);
}

#[test]
fn a_recording_by_a_name_of_ones_own_is_called_so_from_another_side() {
    let way = ways("Biceps Curl").next().unwrap();
    let mine = recorded("Front Curl", [seen(way, 30.0, 5.0)]);
    for azimuth in [-50.0, 0.0, 30.0, 60.0] {
        let (name, _) = named(&look(shaken(seen(way, azimuth, 15.0), 0.01)), &mine).unwrap();
        assert_eq!(name, "Front Curl", "from {azimuth}");
    }
    let squat = look(seen(ways("Squat").next().unwrap(), 20.0, 0.0));
    assert_eq!(named(&squat, &mine).map(|(name, _)| name), Some("Squat"), "the others keep their names");
}

#[test]
fn one_recording_tells_how_it_looks_from_another_side_and_two_tell_it_of_one_arm() {
    let weights = [1.0; PARTS];
    let squat = ways("Squat").next().unwrap();
    let other = seen(squat, -10.0, 12.0);
    let pair = Pair::mirrored(&seen(squat, 35.0, 0.0));
    let (plain, fit) = (Pair::new(&seen(squat, 35.0, 0.0), &seen(squat, 35.0, 0.0)), pair.toward(&other, &weights));
    assert!(pair.alike() && fit.off < 1e-3 && fit.off < plain.toward(&other, &weights).off / 3.0, "{fit:?}");
    let one_arm = ways("Biceps Curl").nth(1).unwrap();
    let (a, b, other) = (seen(one_arm, 35.0, 0.0), seen(one_arm, -35.0, 0.0), seen(one_arm, 5.0, 0.0));
    assert!(!Pair::mirrored(&a).alike(), "the other arm hangs");
    let (pair, guessed) = (Pair::new(&a, &b), Pair::mirrored(&a).toward(&other, &weights));
    let fit = pair.toward(&other, &weights);
    assert!(pair.alike() && fit.off < 1e-4 && fit.off < guessed.off, "{fit:?}, and {guessed:?} by the other arm");
}

#[test]
fn a_course_in_a_mirror_and_from_turn_to_turn_is_itself_again() {
    let course = shaken(seen(ways("Lunge").nth(1).unwrap(), 40.0, 10.0), 0.01);
    assert_eq!(course.mirrored().mirrored(), course);
    let mut even = course;
    even.0[STEPS - 1] = even.0[0];
    assert_eq!(even.turned().turned(), even);
}

#[test]
fn an_example_of_an_older_version_is_refused_in_one_sentence_and_a_newer_one_is_read_again() {
    let older = serde_json::json!({"exercise": "Squat", "places": vec![vec![1.0; 11]; 5]});
    let why = serde_json::from_value::<Prototype>(older).unwrap_err().to_string();
    assert_eq!(why, "missing field `course`");
    let example = Prototype::new("Squat", &Form::UNSEEN, &seen(ways("Squat").next().unwrap(), 3.0, 0.0));
    let text = serde_json::to_string(&example).unwrap();
    assert_eq!(serde_json::from_str::<Prototype>(&text).unwrap(), example);
    assert!(text.len() < 6000, "{} bytes", text.len());
}

#[test]
#[ignore = "a measurement"]
fn how_long_a_name_takes_beside_a_hundred_recordings() {
    let all: Vec<Prototype> = (0..100)
        .map(|n| (n, &textbook::all()[n * 7 % textbook::all().len()]))
        .map(|(n, way)| Prototype::new(way.exercise, &Form::UNSEEN, &shaken(seen(way, n as f32, 5.0), 0.01)))
        .collect();
    let recorded = Prototypes::new(all);
    let sets: Vec<Look> = textbook::all().iter().map(|way| look(shaken(seen(way, 20.0, 0.0), 0.02))).collect();
    // The thread's own time, since other work may share the machine.
    let spent = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let started = spent();
    let named = sets.iter().filter(|set| named(set, &recorded).is_some()).count();
    let (now, count) = (spent(), sets.len());
    let ns = (now.tv_sec - started.tv_sec) * 1_000_000_000 + now.tv_nsec - started.tv_nsec;
    println!("{named} of {count} named, {} µs of a core each", ns / 1000 / count as i64);
}

proptest! {
    #[test]
    fn any_lengths_and_any_numbers_are_a_distance_or_infinitely_far(
        a in prop::collection::vec(-1e3f32..1e3, 0..300),
        b in prop::collection::vec(-1e3f32..1e3, 0..300),
    ) {
        let off = warp(&a, &b);
        prop_assert_eq!(off.is_finite(), !a.is_empty() && !b.is_empty());
        prop_assert!(off >= 0.0);
    }

    #[test]
    fn any_set_beside_any_prototype_has_a_confidence_from_0_to_1_or_no_name(
        set in prop::collection::vec(any::<f32>(), STEPS * PARTS * 2),
        prototype in prop::collection::vec(any::<f32>(), STEPS * PARTS * 2),
        error2 in any::<f32>(),
    ) {
        let course = |numbers: &[f32]| Course(std::array::from_fn(|step| std::array::from_fn(|part| {
            std::array::from_fn(|axis| numbers[(step * PARTS + part) * 2 + axis])
        })));
        let recorded = recorded("Mine", [course(&prototype)]);
        let look = Look { course: course(&set), error2: [error2; PARTS] };
        for near in nearest(&look, &recorded) {
            prop_assert!(near.off.is_finite() && near.odd.is_finite());
        }
        let name = named(&look, &recorded);
        prop_assert!(name.is_none_or(|(_, sure)| (0.0..=1.0).contains(&sure)), "{:?}", name);
    }
}

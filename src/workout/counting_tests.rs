//! Sets and repetitions, counted end to end from poses.

use super::world::{Exercise, World, person};
use super::*;
use crate::skeleton::Pose;
use crate::time::Mono;

/// What a workout tells of what is found in `world` in so many seconds.
fn told(world: &World, seconds: f32) -> Vec<Happening> {
    let (mut workout, mut out) = (Workout::new(Settings::default()), vec![]);
    for n in 0..(seconds * world.fps) as u32 {
        let poses: Vec<Pose> = world.found(n).into_iter().map(|(pose, _)| pose).collect();
        let stamp = Mono::from_ns((f64::from(n) / f64::from(world.fps) * 1e9) as u64 + 1_000_000_000);
        workout.update(stamp, world.frame, &poses, &mut out);
    }
    workout.finish(&mut out);
    out
}

fn sets(told: &[Happening]) -> Vec<&Set> {
    told.iter().filter_map(|h| if let Happening::SetEnded(set) = h { Some(&**set) } else { None }).collect()
}

#[test]
fn squats_and_curls_are_counted_at_every_frame_rate() {
    for (exercise, fps) in
        [Exercise::Squat, Exercise::Curl].into_iter().flat_map(|e| [5.0, 10.0, 30.0, 60.0].map(|f| (e, f)))
    {
        let mut athlete = person(0.6, 0.5, 0.9, (0.0, 80.0), Exercise::Stand);
        // One repetition in two seconds, six of them.
        athlete.does = vec![(0.0, Exercise::Stand), (10.0, exercise), (22.0, Exercise::Stand)];
        let told = told(&World { fps, ..World::new(vec![athlete]) }, 60.0);
        let sets = sets(&told);
        assert_eq!(sets.iter().map(|set| set.reps.len()).collect::<Vec<_>>(), [6], "{fps} fps");
        let at = |stamp: Mono| stamp.as_ns() as f32 / 1e9 - 1.0;
        assert!((at(sets[0].started) - 10.0).abs() < 0.5 && (at(sets[0].ended) - 22.0).abs() < 0.5, "{:?}", sets[0]);
        assert!(matches!(told[0], Happening::SetStarted { at } if at == sets[0].started));
        assert_eq!(sets[0].recount, 6);
    }
}

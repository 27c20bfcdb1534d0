//! Lets the box watch sessions, many at a time.

use std::sync::Arc;

use super::Gym;
use super::judge::Counted;
use spotter::workout::{Happening, Prototypes, Settings, Workout};

/// What the box counts in a session without recorded examples.
pub fn counted(gym: &Gym) -> Vec<Counted> {
    counted_with(gym, &Arc::default())
}

/// What it counts with them.
pub fn counted_with(gym: &Gym, recorded: &Arc<Prototypes>) -> Vec<Counted> {
    let mut workout = Workout::new(Settings::default());
    workout.learn(recorded.clone());
    let mut happenings = vec![];
    let mut sets = vec![];
    for shot in gym.shots() {
        workout.update(shot.at, gym.camera.size, &shot.poses, &mut happenings);
        sets.extend(happenings.drain(..).filter_map(ended));
    }
    workout.finish(&mut happenings);
    sets.extend(happenings.drain(..).filter_map(ended));
    sets
}

fn ended(happening: Happening) -> Option<Counted> {
    let Happening::SetEnded(set) = happening else { return None };
    Some(Counted {
        name: set.exercise.as_deref().map(String::from),
        reps: set.reps.len() as u32,
        started: set.started,
        ended: set.ended,
        rep_ends: set.reps.iter().map(|rep| rep.ended).collect(),
    })
}

/// Works out many sessions on all cores; the answers in their order.
pub fn all<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let part = &|thread: u64| (thread..count).step_by(threads as usize).map(|n| (n, work(n))).collect::<Vec<_>>();
    let mut answers = vec![];
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        answers.extend(running.into_iter().flat_map(|thread| thread.join().expect("a judge does not fall")));
    });
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// A number that whoever runs the judge may set.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

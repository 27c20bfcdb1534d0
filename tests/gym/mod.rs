//! A gym for judging the count: people who train, rest and walk about, a camera that sees them, a model that errs, and the
//! truth beside it. It knows nothing of how repetitions are counted. Everything follows from a plan and a seed.
//!
//! ```text
//! Plan + seed ─► scripts (who does what when) ─► bodies ─► camera ─► the model's errors ─► shots: poses of one frame
//!                        └─► truth: sets, repetitions, when each was over; how well the camera can see the movement
//! ```
//!
//! What counts as a repetition: one that goes at least 60 % of its set's usual range. Attempts that fail are drawn at 15 to 45 % of the usual range
//! or at 80 to 92 % of the others, so that no label depends on the last degree. A set begins when its first repetition leaves its start and
//! ends when its last counted repetition is back.
//!
//! *shot*: the poses found on one frame · *station*: where the athlete trains, the middle of the floor · *true set*: what really
//! was done.
#![allow(dead_code)]

pub mod body;
pub mod camera;
pub mod daily;
pub mod judge;
pub mod maths;
pub mod model;
pub mod moves;
pub mod reps;
pub mod script;
pub mod sheet;
pub mod view;
pub mod watch;

use std::io::Write;

use self::body::Body;
use self::camera::Camera;
use self::maths::{Dice, V};
use self::model::{Belief, Sight};
use self::moves::{Move, Style};
use self::reps::Effort;
use self::script::{Person, Root, Script};
use self::view::View;
use spotter::skeleton::Pose;
use spotter::time::Mono;

/// The moment at which every session begins; a clock that runs since an hour.
pub const BEGIN_S: f64 = 3600.0;

/// What was found on one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub at: Mono,
    pub poses: Vec<Pose>,
}

/// One set as it really was.
#[derive(Clone, Debug)]
pub struct TrueSet {
    pub exercise: &'static str,
    pub movement: Move,
    pub reps: u32,
    pub started: Mono,
    pub ended: Mono,
    pub rep_ends: Vec<Mono>,
    /// How much of it can be seen from the camera.
    pub view: View,
}

/// Ranges from which a session is drawn; equal ends fix a value.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One set each.
    pub work: Vec<Move>,
    /// Which way of doing it; drawn if there is none.
    pub variant: Option<u32>,
    pub effort: Effort,
    /// Between sets, and before the first one.
    pub rest_s: (f64, f64),
    /// After the last set, before leaving.
    pub after_s: (f64, f64),
    pub fps: (f64, f64),
    /// From the front; for exercises lying down, from the side of the feet.
    pub azimuth_deg: (f64, f64),
    pub height_m: (f64, f64),
    pub distance_m: (f64, f64),
    pub sight: Sight,
    /// Share of sessions in which somebody stands by.
    pub spotter: f64,
    /// People who walk past, every so many seconds; never if not positive.
    pub passer_every_s: f64,
}

impl Plan {
    /// A usual gym and a usual model.
    pub fn new(work: Vec<Move>) -> Plan {
        Plan {
            work,
            variant: None,
            effort: Effort::default(),
            rest_s: (20.0, 50.0),
            after_s: (15.0, 40.0),
            fps: (15.0, 30.0),
            azimuth_deg: (-60.0, 60.0),
            height_m: (0.5, 2.5),
            distance_m: (2.5, 6.0),
            sight: Sight { noise_deg: 6.0, dropout: 0.03, swaps_per_min: 2.0, doubles_per_min: 3.0, wild_per_s: 0.25 },
            spotter: 0.2,
            passer_every_s: 90.0,
        }
    }
}

/// A session that is worked out frame by frame, so that hours of it need no memory.
pub struct Gym {
    pub camera: Camera,
    pub truth: Vec<TrueSet>,
    pub people: Vec<Person>,
    /// When the last one has left, seconds.
    pub until_s: f64,
    pub fps: f64,
    /// Where the camera stands, degrees from the front.
    pub azimuth: f64,
    pub sight: Sight,
    seed: u64,
}

/// A session in one piece.
pub struct Session {
    pub size: (usize, usize),
    pub frames: Vec<Shot>,
    pub truth: Vec<TrueSet>,
}

impl Session {
    pub fn make(plan: &Plan, seed: u64) -> Session {
        let gym = Gym::new(plan, seed);
        Session { size: gym.camera.size, frames: gym.shots().collect(), truth: gym.truth }
    }

    /// Writes the shots as a poses file: the size, then one frame a line, seconds.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        write_poses(self.size, self.frames.iter().cloned(), out)
    }
}

/// Writes a poses file.
pub fn write_poses(
    size: (usize, usize),
    shots: impl Iterator<Item = Shot>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    writeln!(out, r#"{{"size":[{},{}]}}"#, size.0, size.1)?;
    for shot in shots {
        let t = shot.at.as_ns() as f64 / 1e9;
        writeln!(out, r#"{{"t":{t:.4},"poses":{}}}"#, serde_json::to_string(&shot.poses)?)?;
    }
    Ok(())
}

/// A recording of one exercise to learn it from: a few good repetitions of somebody else, alone, before another camera.
pub fn reference(movement: Move, variant: u32, azimuth: f64) -> Session {
    let mut plan = Plan { variant: Some(variant), spotter: 0.0, passer_every_s: 0.0, ..Plan::new(vec![movement]) };
    plan.effort = Effort { reps: (4, 4), tempo_s: (2.4, 3.2), range: (1.0, 1.0), fails: 0.0, sticks: 0.0 };
    plan.sight = Sight { noise_deg: 2.0, dropout: 0.0, swaps_per_min: 0.0, doubles_per_min: 0.0, wild_per_s: 0.0 };
    (plan.azimuth_deg, plan.height_m, plan.fps) = ((azimuth, azimuth), (1.2, 1.2), (30.0, 30.0));
    let gym = Gym::new(&plan, 0x7e11_0000 + 16 * movement as u64 + u64::from(variant));
    let (from, to) = (gym.truth[0].started, gym.truth[0].ended);
    let frames = gym.shots().filter(|shot| shot.at >= from && shot.at <= to).collect();
    Session { size: gym.camera.size, frames, truth: gym.truth }
}

pub fn mono(t_s: f64) -> Mono {
    Mono::from_ns((t_s * 1e9) as u64)
}

const SIZES: [(usize, usize); 4] = [(640, 480), (1280, 720), (1280, 960), (1920, 1080)];

impl Gym {
    pub fn new(plan: &Plan, seed: u64) -> Gym {
        let body = Body::new(&mut Dice::new(seed, 1));
        let mut script = Script::new(body, Dice::new(seed, 2), BEGIN_S, Root { x: -3.2, z: 0.3, heading: 90.0 });
        let mut dice = Dice::new(seed, 3);
        let mut truth = vec![];
        let mut shapes = vec![(Move::Squat, Style { variant: 0, width: 1.0, angle: 1.0, uneven: 0.0 })];
        script.walk(0.0, 0.0);
        script.face(0.0);
        for movement in &plan.work {
            let until_s = script.t + dice.between(plan.rest_s);
            script.pass_time(until_s);
            let style = Style::new(*movement, &mut dice);
            let style = Style { variant: plan.variant.unwrap_or(style.variant), ..style };
            shapes.push((*movement, style));
            truth.push(script.train(*movement, style, &plan.effort, &mut dice));
        }
        let until_s = script.t + dice.between(plan.after_s);
        script.pass_time(until_s);
        script.note = "leaves";
        script.walk(3.3, 0.4);
        let until_s = script.t + 2.0;
        let camera = set_up(plan, &body, &shapes, &mut dice);
        let athlete = script.person();
        let others = company(plan, until_s, &camera, seed);
        for set in &mut truth {
            let behind = view::behind(&camera, &athlete, &others, set);
            set.view = View { behind, ..view::seen(&camera, &athlete, set, &plan.sight) };
        }
        let people = [vec![athlete], others].concat();
        let fps = dice.between(plan.fps);
        let azimuth = camera.azimuth;
        Gym { camera, truth, people, until_s, fps, azimuth, sight: plan.sight, seed }
    }

    /// Frame by frame.
    pub fn shots(&self) -> Shots<'_> {
        let beliefs = (0..self.people.len()).map(|n| Belief::new(Dice::new(self.seed, 100 + n as u64))).collect();
        Shots { gym: self, beliefs, dice: Dice::new(self.seed, 4), n: 0, stalled_until_s: 0.0, last_s: BEGIN_S }
    }
}

/// The frames of a gym, one after the other.
pub struct Shots<'a> {
    gym: &'a Gym,
    beliefs: Vec<Belief>,
    dice: Dice,
    n: u64,
    stalled_until_s: f64,
    last_s: f64,
}

impl Iterator for Shots<'_> {
    type Item = Shot;

    fn next(&mut self) -> Option<Shot> {
        let t = self.moment();
        if t > self.gym.until_s {
            return None;
        }
        let dt_s = t - self.last_s;
        self.last_s = t;
        let camera = &self.gym.camera;
        let mut there: Vec<(usize, [V; 17], f64)> = vec![];
        for (n, person) in self.gym.people.iter().enumerate() {
            let Some(points) = person.points(t) else { continue };
            let depth = camera.spot(points[11]).depth;
            there.push((n, points, depth));
        }
        there.sort_by(|a, b| a.2.total_cmp(&b.2));
        let (mut poses, mut nearer) = (vec![], vec![]);
        for (n, points, depth) in there.iter().filter(|(_, _, depth)| *depth > 0.4) {
            let stature = self.gym.people[*n].body.stature;
            self.beliefs[*n].look((dt_s, &self.gym.sight), camera, points, stature, &nearer, &mut poses);
            nearer.push(model::bbox(&points.map(|p| camera.spot(p)), stature * camera.px_per_m(*depth)));
        }
        poses.sort_by(|a, b| b.score.total_cmp(&a.score));
        Some(Shot { at: mono(t), poses })
    }
}

impl Shots<'_> {
    /// The next frame's time: even but for jitter, lost frames, and now and then a stall of the camera.
    fn moment(&mut self) -> f64 {
        loop {
            self.n += 1;
            let jitter = self.dice.between((-0.2, 0.2));
            let t = BEGIN_S + (self.n as f64 + jitter) / self.gym.fps;
            if self.dice.happens(1.0 / 180.0 / self.gym.fps) {
                self.stalled_until_s = t + self.dice.between((0.2, 0.8));
            }
            if t >= self.stalled_until_s && !self.dice.happens(0.005) {
                return t;
            }
        }
    }
}

/// Puts up a camera as somebody with sense would: aimed at the station, far enough to see the whole movement.
fn set_up(plan: &Plan, body: &Body, shapes: &[(Move, Style)], dice: &mut Dice) -> Camera {
    let size = *dice.pick(&SIZES);
    let fov = if size.0 * 3 == size.1 * 4 { dice.between((40.0, 55.0)) } else { dice.between((36.0, 50.0)) };
    let mut azimuth = dice.between(plan.azimuth_deg);
    if shapes[1..].iter().any(|(movement, _)| movement.lies()) {
        // From 30 degrees off the feet to 90, on the side where it would have been.
        azimuth = if azimuth < 0.0 { azimuth * 0.5 - 60.0 } else { azimuth * 0.5 + 60.0 };
    }
    let height = dice.between(plan.height_m);
    let mut distance = dice.between(plan.distance_m);
    let mut points: Vec<V> = vec![];
    for (movement, style) in shapes {
        for share in [0.0, 0.5, 1.0] {
            points.extend(body.points(&movement.stance(body, style, share, 0)));
        }
    }
    let middle = |axis: usize| {
        let of = points.iter().map(|p| p[axis]);
        (of.clone().fold(f64::INFINITY, f64::min) + of.fold(f64::NEG_INFINITY, f64::max)) / 2.0
    };
    let aim = [middle(0) + 0.05 * dice.normal(), middle(1), middle(2)];
    loop {
        let camera = Camera::new(size, aim, distance, azimuth, height, fov);
        if camera.holds(&points) || distance > 8.0 {
            return camera;
        }
        distance += 0.2;
    }
}

/// Who else is there: somebody who stands by, and people who walk past on either side of the station.
fn company(plan: &Plan, until_s: f64, camera: &Camera, seed: u64) -> Vec<Person> {
    let mut dice = Dice::new(seed, 5);
    let mut people = vec![];
    if dice.happens(plan.spotter) {
        let side = if dice.happens(0.5) { 1.0 } else { -1.0 };
        let root = Root { x: side * dice.between((0.9, 1.4)), z: dice.between((-0.9, 0.2)), heading: -60.0 * side };
        let mut script = Script::new(Body::new(&mut dice), Dice::new(seed, 6), BEGIN_S + 5.0, root);
        while script.t < until_s - 20.0 {
            script.stand_by();
        }
        people.push(script.person());
    }
    if plan.passer_every_s <= 0.0 {
        return people;
    }
    let mut t = BEGIN_S + dice.between((5.0, 2.0 * plan.passer_every_s));
    while t < until_s {
        // Across the picture, between the camera and the station or behind it.
        let near = dice.happens(0.4);
        let far = if near { dice.between((0.35, 0.6)) } else { -dice.between((0.3, 0.6)) };
        let (cx, cz) = (camera.place[0] * far, camera.place[2] * far);
        let way = (camera.place[0] * camera.place[0] + camera.place[2] * camera.place[2]).sqrt();
        let across = [camera.place[2] / way, -camera.place[0] / way];
        let side = if dice.happens(0.5) { 4.5 } else { -4.5 };
        let root = Root { x: cx + side * across[0], z: cz + side * across[1], heading: 0.0 };
        let mut script = Script::new(Body::new(&mut dice), Dice::new(dice.next(), 7), t, root);
        script.walk(cx - side * across[0], cz - side * across[1]);
        people.push(script.person());
        t += dice.between((0.3, 1.7)) * plan.passer_every_s;
    }
    people
}

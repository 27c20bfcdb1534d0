//! What somebody does from the time he comes in until he leaves: a row of acts, each from one moment to another, so that any
//! moment can be looked up and ten hours take no more memory than their acts.
//!
//! *root*: where the body stands and where it looks · *act*: a change of posture, a walk or a set · *share*: as in
//! [`super::moves`].

use super::body::{Body, Stance};
use super::maths::{Dice, V, asin_deg, cos_deg, ease, mix, sin, sin_deg, times};
use super::moves::{Move, Style, standing};
use spotter::skeleton::KEYPOINTS;

/// Where a body is on the floor, metres, and where it looks, degrees from the station's front.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    pub x: f64,
    pub z: f64,
    pub heading: f64,
}

impl Root {
    fn toward(self, other: Root, share: f64) -> Root {
        let turn = (other.heading - self.heading + 540.0).rem_euclid(360.0) - 180.0;
        Root { x: mix(self.x, other.x, share), z: mix(self.z, other.z, share), heading: self.heading + share * turn }
    }

    /// From the body's own space into the station's.
    fn place(self, p: V) -> V {
        let (sin, cos) = (sin_deg(self.heading), cos_deg(self.heading));
        [self.x + p[0] * cos + p[2] * sin, p[1], self.z - p[0] * sin + p[2] * cos]
    }
}

/// One way of the share, from one moment to another.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub from_s: f64,
    pub to_s: f64,
    pub from: f64,
    pub to: f64,
    /// The repetition it belongs to, from 0.
    pub rep: u32,
}

#[derive(Clone, Debug)]
pub enum Act {
    /// From one posture and place to another.
    Change(Box<[(Root, Stance); 2]>),
    Walk {
        from: Box<(Root, Stance)>,
        to: Root,
    },
    Set {
        root: Root,
        movement: Move,
        style: Style,
        way: Vec<Segment>,
    },
}

/// One act with its time.
#[derive(Clone, Debug)]
pub struct Scene {
    pub from_s: f64,
    pub to_s: f64,
    /// What it is part of.
    pub note: &'static str,
    pub act: Act,
}

/// Somebody and all that he does.
#[derive(Clone, Debug)]
pub struct Person {
    pub body: Body,
    pub scenes: Vec<Scene>,
    /// How he never stands quite still.
    sway: [f64; 6],
}

/// Seconds in which somebody falls into step, and out of it.
const STEP_IN_S: f64 = 0.5;

impl Person {
    pub fn new(body: Body, scenes: Vec<Scene>, dice: &mut Dice) -> Person {
        Person { body, scenes, sway: std::array::from_fn(|_| dice.between((0.0, std::f64::consts::TAU))) }
    }

    /// The scene that goes on.
    pub fn scene(&self, t: f64) -> Option<&Scene> {
        let next = self.scenes.partition_point(|scene| scene.to_s <= t);
        self.scenes.get(next).filter(|scene| scene.from_s <= t)
    }

    /// What he does between two moments.
    pub fn notes(&self, from_s: f64, to_s: f64) -> Vec<&'static str> {
        let within = self.scenes.iter().filter(|scene| scene.to_s > from_s && scene.from_s < to_s);
        let mut notes: Vec<_> = within.map(|scene| scene.note).collect();
        notes.dedup();
        notes
    }

    /// His points in the station's space; nothing while he is not there.
    pub fn points(&self, t: f64) -> Option<[V; KEYPOINTS]> {
        let (root, mut stance) = self.posture(t)?;
        let calm = if matches!(self.scene(t)?.act, Act::Set { .. }) { 0.4 } else { 1.0 };
        let wave = |n: usize, hz: f64| calm * sin(std::f64::consts::TAU * hz * t + self.sway[n]);
        stance.pelvis[0] += 0.008 * wave(0, 0.21);
        stance.pelvis[2] += 0.006 * wave(1, 0.33);
        stance.lean += 0.8 * wave(2, 0.27);
        stance.nod += 4.0 * wave(3, 0.13);
        stance.wrists[0][2] += 0.008 * wave(4, 0.41);
        stance.wrists[1][2] += 0.008 * wave(5, 0.37);
        Some(self.body.points(&stance).map(|p| root.place(p)))
    }

    /// Where he is and how he stands; nothing while he is not there.
    pub fn posture(&self, t: f64) -> Option<(Root, Stance)> {
        let scene = self.scene(t)?;
        let part = (t - scene.from_s) / (scene.to_s - scene.from_s);
        Some(match &scene.act {
            Act::Change(ends) => {
                let [from, to] = ends.as_ref();
                (from.0.toward(to.0, ease(part)), from.1.toward(&to.1, ease(part)))
            }
            Act::Walk { from, to } => {
                let (x, z) = (to.x - from.0.x, to.z - from.0.z);
                let way = (x * x + z * z).sqrt();
                let going = Root { heading: heading(x, z, way), ..from.0 };
                let since = t - scene.from_s;
                let until = scene.to_s - t;
                let turned = from.0.toward(going, ease(since / STEP_IN_S));
                let root = Root { x: mix(from.0.x, to.x, part), z: mix(from.0.z, to.z, part), ..turned };
                let step = ease(since.min(until) / STEP_IN_S);
                let gait = self.gait(part * way, step);
                (root, from.1.toward(&gait, ease(since / STEP_IN_S)))
            }
            Act::Set { root, movement, style, way } => {
                let (share, rep) = share(way, t);
                (*root, movement.stance(&self.body, style, share, rep))
            }
        })
    }

    /// The posture of somebody who has walked so far; `step` 0 stands.
    fn gait(&self, way: f64, step: f64) -> Stance {
        let h = self.body.stature;
        let phase = std::f64::consts::TAU * way / (0.8 * h);
        let mut stance = standing(&self.body);
        let lag = [0.0, std::f64::consts::PI];
        for (ankle, lag) in stance.ankles.iter_mut().zip(lag) {
            ankle[2] += step * 0.19 * h * sin(phase + lag);
            ankle[1] += step * 0.07 * h * sin(phase + lag + 1.57).max(0.0);
        }
        stance.pelvis[1] -= step * (0.02 + 0.01 * sin(2.0 * phase)) * h;
        stance.lean = 3.0 + 2.0 * step;
        let [a, b] = stance.shoulders(&self.body);
        for ((wrist, shoulder), lag) in stance.wrists.iter_mut().zip([a, b]).zip(lag) {
            let upper = -18.0 * step * sin(phase + lag);
            let lower = upper + 12.0 + 14.0 * step;
            let down = self.body.upper * cos_deg(upper) + self.body.fore * cos_deg(lower);
            let ahead = self.body.upper * sin_deg(upper) + self.body.fore * sin_deg(lower);
            *wrist = [shoulder[0] * 1.15, shoulder[1] - down * 0.99, shoulder[2] + ahead];
        }
        stance
    }
}

/// Where somebody looks who walks so far along x and z.
fn heading(x: f64, z: f64, way: f64) -> f64 {
    let deg = asin_deg(x / way.max(1e-6));
    if z < 0.0 { 180.0 - deg } else { deg }
}

/// How far into which repetition a set is.
pub fn share(way: &[Segment], t: f64) -> (f64, u32) {
    let next = way.partition_point(|segment| segment.to_s <= t);
    let Some(segment) = way.get(next) else {
        return way.last().map_or((0.0, 0), |last| (last.to, last.rep));
    };
    let part = ((t - segment.from_s) / (segment.to_s - segment.from_s)).clamp(0.0, 1.0);
    (mix(segment.from, segment.to, ease(part)), segment.rep)
}

/// Writes somebody's acts one after the other.
pub struct Script {
    pub body: Body,
    pub dice: Dice,
    pub t: f64,
    pub root: Root,
    pub stance: Stance,
    /// What is going on, for those who look for the reason of an error.
    pub note: &'static str,
    pub scenes: Vec<Scene>,
}

impl Script {
    /// Somebody who stands there from `t` on.
    pub fn new(body: Body, dice: Dice, t: f64, root: Root) -> Script {
        Script { stance: standing(&body), note: "comes", body, dice, t, root, scenes: vec![] }
    }

    pub fn person(mut self) -> Person {
        Person::new(self.body, self.scenes, &mut self.dice)
    }

    fn act(&mut self, takes_s: f64, act: Act) {
        self.scenes.push(Scene { from_s: self.t, to_s: self.t + takes_s, note: self.note, act });
        self.t += takes_s;
    }

    /// Changes posture and place in so many seconds.
    pub fn change(&mut self, root: Root, stance: Stance, takes_s: f64) {
        let from = (self.root, self.stance);
        (self.root, self.stance) = (root, stance);
        self.act(takes_s, Act::Change(Box::new([from, (root, stance)])));
    }

    pub fn pose(&mut self, stance: Stance, takes_s: f64) {
        self.change(self.root, stance, takes_s);
    }

    pub fn hold(&mut self, takes_s: f64) {
        self.pose(self.stance, takes_s);
    }

    /// Walks to a place and stands there, looking where he went.
    pub fn walk(&mut self, x: f64, z: f64) {
        let way = ((x - self.root.x).powi(2) + (z - self.root.z).powi(2)).sqrt();
        if way < 0.05 {
            return;
        }
        let takes_s = way / self.dice.between((0.8, 1.4)) + STEP_IN_S;
        let to = Root { x, z, heading: heading(x - self.root.x, z - self.root.z, way) };
        let from = Box::new((self.root, self.stance));
        (self.root, self.stance) = (to, standing(&self.body));
        self.act(takes_s, Act::Walk { from, to });
    }

    /// Turns on the spot.
    pub fn face(&mut self, heading: f64) {
        let takes_s = self.dice.between((0.6, 1.2));
        self.change(Root { heading, ..self.root }, standing(&self.body), takes_s);
    }

    pub fn set(&mut self, movement: Move, style: Style, way: Vec<Segment>) {
        let last = way.last().copied().expect("a set has repetitions");
        let act = Act::Set { root: self.root, movement, style, way };
        self.stance = movement.stance(&self.body, &style, last.to, last.rep);
        self.act(last.to_s - self.t, act);
    }

    /// The present posture with the hands moved, shares of stature.
    pub fn hands(&self, left: V, right: V) -> Stance {
        let mut stance = self.stance;
        for (wrist, way) in stance.wrists.iter_mut().zip([left, right]) {
            *wrist = super::maths::add(*wrist, times(way, self.body.stature));
        }
        stance
    }
}

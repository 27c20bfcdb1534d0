//! How bodies move in exercises: for every exercise the posture at each point of a repetition. The same functions serve the
//! sixteen exercises that are to be known, and movements that nobody taught the box.
//!
//! *share*: how far into a repetition, 0 at its start, 1 at its turn; below 0 and beyond 1 are possible · *style*: how
//! this athlete does it.

use super::body::{Body, Stance};
use super::maths::{Dice, V, add, asin_deg, cos_deg, ease, mix, sin, sin_deg, sub, times};
use spotter::workout::Hinge;

/// What is done at a station.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    Squat,
    FrontSquat,
    GobletSquat,
    Lunge,
    Deadlift,
    RomanianDeadlift,
    BenchPress,
    InclinePress,
    OverheadPress,
    BicepsCurl,
    TricepsExtension,
    Row,
    PullUp,
    PushUp,
    SitUp,
    HipThrust,
    JumpingJack,
    Swing,
    ArmCircle,
    SideRaise,
    HighKnees,
}

pub use Move::*;

/// The exercises that can be named.
pub const KNOWN: [Move; 16] = [
    Squat,
    FrontSquat,
    GobletSquat,
    Lunge,
    Deadlift,
    RomanianDeadlift,
    BenchPress,
    InclinePress,
    OverheadPress,
    BicepsCurl,
    TricepsExtension,
    Row,
    PullUp,
    PushUp,
    SitUp,
    HipThrust,
];

/// Movements that repeat and have no name.
pub const UNKNOWN: [Move; 5] = [JumpingJack, Swing, ArmCircle, SideRaise, HighKnees];

/// What is personal about how somebody does an exercise.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Which way of doing it, where there is more than one.
    pub variant: u32,
    /// Widths of stance and grip, against the usual.
    pub width: f64,
    /// Angles against the usual.
    pub angle: f64,
    /// Left against right: how much further the left side goes.
    pub uneven: f64,
}

impl Style {
    pub fn new(movement: Move, dice: &mut Dice) -> Style {
        Style {
            variant: dice.whole((0, movement.variants() - 1)),
            width: dice.between((0.9, 1.15)),
            angle: dice.between((0.9, 1.1)),
            uneven: dice.between((-0.04, 0.04)),
        }
    }
}

/// The same on both sides: out to the side, up, ahead.
fn both(aside: f64, up: f64, ahead: f64) -> [V; 2] {
    [[aside, up, ahead], [-aside, up, ahead]]
}

/// Somebody who stands, arms hanging.
pub fn standing(body: &Body) -> Stance {
    legs(body, 3.0, 4.0, 0.08, 2.0).hanging(body)
}

/// Legs that are bent: shins leaning forward, thighs leaning back, degrees from upright; feet this share of stature from the
/// middle; the trunk leaning forward.
fn legs(body: &Body, shin: f64, thigh: f64, width: f64, lean: f64) -> Stance {
    let up = body.foot + body.shank * cos_deg(shin) + body.thigh * cos_deg(thigh);
    let ahead = body.shank * sin_deg(shin) - body.thigh * sin_deg(thigh);
    Stance {
        pelvis: [0.0, up - 0.004 * body.stature, ahead],
        lean,
        roll: 0.0,
        twist: 0.0,
        nod: 5.0,
        ankles: both(width * body.stature, body.foot, 0.0),
        knees: both(0.25, 0.0, 1.0),
        wrists: both(0.0, 0.0, 0.0),
        elbows: both(0.3, -0.2, -1.0),
    }
}

impl Stance {
    /// With the hands at these ways from the shoulders, in shares of stature.
    fn reaching(mut self, body: &Body, ways: [V; 2], elbows: [V; 2]) -> Stance {
        let [a, b] = self.shoulders(body);
        self.wrists = [add(a, times(ways[0], body.stature)), add(b, times(ways[1], body.stature))];
        self.elbows = elbows;
        self
    }

    fn hanging(self, body: &Body) -> Stance {
        let down = 0.985 * body.arm() / body.stature;
        self.reaching(body, both(0.03, -down, 0.02), both(0.3, -0.2, -1.0))
    }

    /// With the hands at these ways from the trunk's upper end along its own axes: aside, up the spine, out of the chest.
    fn at_chest(mut self, body: &Body, aside: f64, up: f64, out: f64, elbows: [V; 2]) -> Stance {
        let (spine, chest, left) = self.axes();
        let [a, b] = self.shoulders(body);
        let neck = times(add(a, b), 0.5);
        let hand = |side: f64| {
            let way = add(add(times(spine, up), times(chest, out)), times(left, side * aside));
            add(neck, times(way, body.stature))
        };
        self.wrists = [hand(1.0), hand(-1.0)];
        self.elbows = elbows;
        self
    }
}

impl Move {
    pub fn name(self) -> &'static str {
        match self {
            Squat => "Squat",
            FrontSquat => "Front Squat",
            GobletSquat => "Goblet Squat",
            Lunge => "Lunge",
            Deadlift => "Deadlift",
            RomanianDeadlift => "Romanian Deadlift",
            BenchPress => "Bench Press",
            InclinePress => "Incline Press",
            OverheadPress => "Overhead Press",
            BicepsCurl => "Biceps Curl",
            TricepsExtension => "Triceps Extension",
            Row => "Row",
            PullUp => "Pull-Up",
            PushUp => "Push-Up",
            SitUp => "Sit-Up",
            HipThrust => "Hip Thrust",
            JumpingJack => "Jumping Jack",
            Swing => "Swing",
            ArmCircle => "Arm Circle",
            SideRaise => "Side Raise",
            HighKnees => "High Knees",
        }
    }

    /// How many ways of doing it there are.
    pub fn variants(self) -> u32 {
        match self {
            Lunge | BicepsCurl | TricepsExtension | Row | SitUp => 2,
            _ => 1,
        }
    }

    /// The joint that says most, of the left side.
    pub fn works(self) -> Hinge {
        match self {
            Squat | FrontSquat | GobletSquat | Lunge => Hinge::LeftKnee,
            Deadlift | RomanianDeadlift | SitUp | HipThrust | Swing | HighKnees => Hinge::LeftHip,
            JumpingJack | ArmCircle | SideRaise => Hinge::LeftShoulder,
            _ => Hinge::LeftElbow,
        }
    }

    /// Lies or kneels: the camera stands at its side.
    pub fn lies(self) -> bool {
        matches!(self, BenchPress | InclinePress | PushUp | SitUp | HipThrust)
    }

    /// The posture `share` into repetition `rep`, from 0.
    pub fn stance(self, body: &Body, style: &Style, share: f64, rep: u32) -> Stance {
        let s = share;
        match self {
            Squat | FrontSquat | GobletSquat => squat(self, body, style, s),
            Lunge => lunge(body, style, s, rep),
            Deadlift => hinge(body, style, 14.0, 60.0, 60.0, 1.0 - s),
            RomanianDeadlift => hinge(body, style, 8.0, 27.0, 74.0, s),
            Swing => swing(body, style, s),
            BenchPress => press_lying(body, style, -90.0, s),
            InclinePress => press_lying(body, style, -50.0, s),
            OverheadPress => press_overhead(body, style, s),
            BicepsCurl => curl(body, style, s),
            TricepsExtension => extend(body, style, s),
            Row => row(body, style, s),
            PullUp => pull_up(body, style, s),
            PushUp => push_up(body, style, s),
            SitUp => sit_up(body, style, s),
            HipThrust => hip_thrust(body, style, s),
            JumpingJack => jumping_jack(body, s),
            ArmCircle => arm_circle(body, s, rep),
            SideRaise => side_raise(body, s),
            HighKnees => high_knees(body, s, rep),
        }
    }
}

fn squat(movement: Move, body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    // Where the load is against the shoulders, shares of stature: behind, in front.
    let (load, shin) = match movement {
        Squat => (-0.02, 26.0),
        FrontSquat => (0.045, 32.0),
        _ => (0.06, 31.0),
    };
    let mut stance = legs(body, 4.0 + shin * style.angle * s, 6.0 + 88.0 * s, 0.1 * style.width, 0.0);
    // The load stays above the middle of the feet.
    stance.lean = asin_deg((0.035 * h - stance.pelvis[2] - load * h) / body.torso).clamp(-5.0, 60.0);
    stance.knees = both(0.3 + 0.2 * s, 0.0, 1.0);
    stance.nod = -0.3 * stance.lean;
    match movement {
        Squat => stance.at_chest(body, 0.2 * style.width, -0.01, -0.03, both(0.3, -1.0, -0.5)),
        FrontSquat => stance.at_chest(body, 0.12 * style.width, 0.0, 0.07, both(0.3, -0.3, 1.0)),
        _ => stance.at_chest(body, 0.025, -0.07, 0.13, both(0.6, -1.0, 0.2)),
    }
}

/// Steps forward with one leg after the other, or stays in the split and goes up and down.
fn lunge(body: &Body, style: &Style, s: f64, rep: u32) -> Stance {
    let h = body.stature;
    let split = style.variant == 1;
    let step = if split { 1.0 } else { ease(s / 0.55) };
    let down = if split { s } else { s - 0.25 * (1.0 - step) };
    let mut stance = standing(body);
    let (front, back) = if split || rep.is_multiple_of(2) { (0, 1) } else { (1, 0) };
    let stride = 0.38 * h * style.width;
    stance.ankles[front][2] = stride * step;
    stance.ankles[front][1] += if split { 0.0 } else { 0.05 * h * sin(std::f64::consts::PI * step) };
    stance.ankles[back][1] += 0.06 * h * step;
    stance.pelvis[2] = 0.52 * stride * step;
    stance.pelvis[1] = mix(stance.pelvis[1], 0.485 * h, step) - 0.2 * h * down.max(0.0) * step;
    stance.lean = 4.0 + 6.0 * step * style.angle;
    stance.hanging(body)
}

/// Bends at the hips: shins, thighs and trunk from upright by these angles at `bent` 1.
fn hinge(body: &Body, style: &Style, shin: f64, thigh: f64, lean: f64, bent: f64) -> Stance {
    let u = bent;
    let mut stance =
        legs(body, 2.0 + shin * u, 3.0 + thigh * u, 0.075 * style.width, 1.0 + lean * style.angle.min(1.05) * u);
    stance.nod = -20.0 * u;
    let down = 0.99 * body.arm();
    let [a, b] = stance.shoulders(body);
    // The bar stays above the feet, close to the legs.
    let bar = mix(a[2] + 0.02 * body.stature, 0.05 * body.stature, u.clamp(0.0, 1.0));
    stance.wrists = [[a[0] + 0.01, a[1] - down, bar], [b[0] - 0.01, b[1] - down, bar]];
    stance
}

/// A kettlebell's swing: bent and between the legs at the start, at the turn upright with the arms level.
fn swing(body: &Body, style: &Style, s: f64) -> Stance {
    let stance = hinge(body, style, 10.0, 40.0, 55.0, 1.0 - s);
    let angle = mix(-55.0, 85.0, s);
    let reach = 0.97 * body.arm() / body.stature;
    let side = -0.09;
    stance.reaching(
        body,
        both(side, -reach * cos_deg(angle) * 0.95, reach * sin_deg(angle) * 0.95),
        both(0.5, -0.5, 0.0),
    )
}

/// On the bench, feet on the floor.
fn on_bench(body: &Body, lean: f64) -> Stance {
    let h = body.stature;
    let mut stance = standing(body);
    stance.pelvis = [0.0, 0.27 * h, 0.0];
    stance.lean = lean;
    stance.nod = 0.0;
    stance.ankles = both(0.15 * h, body.foot, 0.28 * h);
    stance.knees = both(0.2, 1.0, 0.4);
    stance
}

fn press_lying(body: &Body, style: &Style, lean: f64, s: f64) -> Stance {
    let reach = 0.96 * body.arm() / body.stature;
    let grip = 0.13 * style.width;
    let up = mix((reach * reach - grip * grip).sqrt(), 0.07, s);
    let ahead = if lean < -80.0 { mix(0.0, 0.05, s) } else { mix(0.02, 0.08, s) };
    let uneven = 0.1 * style.uneven * s;
    let ways = [[grip, up - uneven, ahead], [-grip, up + uneven, ahead]];
    on_bench(body, lean).reaching(body, ways, both(1.0, -0.6, 0.4))
}

fn press_overhead(body: &Body, style: &Style, s: f64) -> Stance {
    let mut stance =
        legs(body, 2.0, 3.0, 0.09 * style.width, mix(-1.0, -6.0 * style.angle, sin(3.0 * s.clamp(0.0, 1.0))));
    stance.nod = mix(-8.0, 0.0, s);
    let reach = 0.975 * body.arm() / body.stature;
    let grip = 0.04 * style.width;
    // The bar goes past the face, then back over the head.
    let ahead = mix(0.075, 0.01, s);
    let uneven = 0.1 * style.uneven * s;
    let up = mix(0.01, (reach * reach - grip * grip).sqrt(), s);
    let ways = [[grip, up + uneven, ahead], [-grip, up - uneven, ahead]];
    stance.reaching(body, ways, both(0.5, -1.0, 0.4))
}

/// Where a hand is whose upper arm is `upper` degrees ahead of hanging and whose elbow is bent by `bent`.
fn hand(body: &Body, aside: f64, upper: f64, bent: f64) -> V {
    let lower = upper + bent;
    let up = -(body.upper * cos_deg(upper) + body.fore * cos_deg(lower));
    let ahead = body.upper * sin_deg(upper) + body.fore * sin_deg(lower);
    times([aside * body.stature, up, ahead], 1.0 / body.stature)
}

/// Both arms with a bar, or one arm with a dumbbell.
fn curl(body: &Body, style: &Style, s: f64) -> Stance {
    let mut stance = standing(body);
    stance.lean = 2.0 - 4.0 * s * style.angle;
    let side = |s: f64| (2.0 + 12.0 * s * style.angle, 12.0 + 126.0 * s);
    let (a, b) = (side(s * (1.0 + style.uneven)), side(s * (1.0 - style.uneven)));
    let mut ways = [hand(body, 0.03, a.0, a.1), hand(body, -0.03, b.0, b.1)];
    if style.variant == 1 {
        let still = hand(body, 0.03, 3.0, 12.0);
        ways[0] = still;
    }
    stance.reaching(body, ways, both(0.2, -0.5, -1.0))
}

/// Pressing a cable down, or a dumbbell up behind the head.
fn extend(body: &Body, style: &Style, s: f64) -> Stance {
    let mut stance = standing(body);
    if style.variant == 0 {
        stance.lean = 12.0 * style.angle;
        let bent = mix(102.0, 8.0, s);
        return stance.reaching(
            body,
            [hand(body, -0.04, 8.0, bent), hand(body, 0.04, 8.0, bent)],
            both(0.2, -0.5, -1.0),
        );
    }
    // Upper arms beside the head; it starts straight, forearms fold back behind the head.
    let bent = mix(10.0, 112.0, s);
    let up = body.upper * cos_deg(8.0) + body.fore * cos_deg(8.0 - bent);
    let ahead = body.upper * sin_deg(8.0) + body.fore * sin_deg(8.0 - bent);
    stance.reaching(body, both(-0.07, up / body.stature, ahead / body.stature), both(0.35, 0.6, 1.0))
}

/// Bent over with a bar, or seated at a cable.
fn row(body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    if style.variant == 0 {
        let mut stance = legs(body, 10.0, 33.0, 0.085 * style.width, 50.0 * style.angle - 6.0 * s);
        stance.nod = -25.0;
        let [a, b] = stance.shoulders(body);
        let hang = [0.0, -0.97 * body.arm(), 0.0];
        let (low, low2) = (add(a, hang), add(b, hang));
        let pulled = stance.at_chest(body, 0.13, -0.18, 0.035, both(0.5, 0.9, -0.9));
        let to = |from: V, to: V| add(from, times(sub(to, from), s));
        return Stance { wrists: [to(low, pulled.wrists[0]), to(low2, pulled.wrists[1])], ..pulled };
    }
    let mut stance = on_bench(body, mix(12.0, -6.0, s) * style.angle);
    stance.ankles = both(0.08 * h, 0.16 * h, 0.43 * h);
    stance.reaching(body, both(-0.03, mix(-0.12, -0.16, s), mix(0.29, 0.055, s)), both(0.4, -0.6, -0.9))
}

fn pull_up(body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    let bar = 1.27 * h;
    let grip = 0.2 * style.width * h;
    let aside = grip - body.shoulders / 2.0;
    let reach = 0.98 * body.arm();
    let below = mix((reach * reach - aside * aside).sqrt(), 0.055 * h, s);
    let lean = -3.0 - 8.0 * s * style.angle;
    let mut stance = standing(body);
    let behind = mix(0.01, 0.05, s) * h;
    stance.lean = lean;
    stance.pelvis = [0.0, bar - below - body.torso * cos_deg(lean), -behind - body.torso * sin_deg(lean)];
    stance.ankles = both(0.03 * h, stance.pelvis[1] - 0.42 * h, stance.pelvis[2] - 0.16 * h);
    stance.wrists = both(grip, bar, 0.0);
    stance.elbows = both(1.0, -0.7, 0.25);
    stance
}

fn push_up(body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    let grip = 0.14 * style.width * h;
    let aside = grip - body.shoulders / 2.0;
    let reach = 0.985 * body.arm();
    let high = (reach * reach - aside * aside).sqrt() + 0.01 * h;
    let line = body.torso + 0.998 * body.leg();
    let toes = 0.065 * h;
    let rise = |up: f64| (up - toes) / line;
    let back = -line * cos_deg(asin_deg(rise(high)));
    let up = mix(high, 0.1 * h, s);
    let slope = asin_deg(rise(up));
    let (spine_up, spine_ahead) = (sin_deg(slope), cos_deg(slope));
    let mut stance = standing(body);
    let leg = line - body.torso;
    stance.lean = 90.0 - slope;
    stance.pelvis = [0.0, toes + leg * spine_up, back + leg * spine_ahead];
    stance.nod = -25.0;
    stance.ankles = both(0.05 * h, toes, back);
    stance.knees = both(0.0, -1.0, 0.0);
    stance.wrists = both(grip, 0.01 * h, 0.01 * h);
    stance.elbows = both(0.8, 0.5, -1.0);
    stance
}

fn sit_up(body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    let mut stance = standing(body);
    stance.pelvis = [0.0, 0.055 * h, 0.0];
    stance.lean = -87.0 + 95.0 * style.angle.min(1.0) * s;
    stance.nod = 15.0;
    stance.ankles = both(0.08 * h, body.foot, 0.3 * h);
    stance.knees = both(0.1, 1.0, 0.3);
    if style.variant == 0 {
        stance.at_chest(body, 0.075, 0.1, 0.0, both(1.0, 0.2, 0.4))
    } else {
        stance.at_chest(body, -0.06, -0.07, 0.06, both(0.7, -0.7, 0.3))
    }
}

fn hip_thrust(body: &Body, style: &Style, s: f64) -> Stance {
    let h = body.stature;
    let drop = mix(38.0 * style.angle, 1.0, s);
    let mut stance = standing(body);
    stance.pelvis = [0.0, 0.275 * h - body.torso * sin_deg(drop), body.torso * (cos_deg(drop) - 1.0)];
    stance.lean = drop - 90.0;
    stance.nod = 25.0;
    stance.ankles = both(0.09 * h * style.width, body.foot, 0.235 * h);
    stance.knees = both(0.15, 1.0, 0.3);
    let bar = add(stance.pelvis, [0.0, 0.06 * h, 0.03 * h]);
    stance.wrists = [add(bar, [0.17 * h, 0.0, 0.0]), add(bar, [-0.17 * h, 0.0, 0.0])];
    stance.elbows = both(1.0, 0.0, -0.3);
    stance
}

fn jumping_jack(body: &Body, s: f64) -> Stance {
    let mut stance = standing(body);
    let hop = 0.04 * body.stature * sin(std::f64::consts::PI * s.clamp(0.0, 1.0));
    let apart = mix(0.05, 0.2, s) * body.stature;
    stance.pelvis[1] += hop - 0.03 * body.stature * s;
    stance.ankles = both(apart, body.foot + hop, 0.0);
    raised(stance, body, mix(12.0, 165.0, s))
}

/// Straight arms to the sides, degrees from hanging.
fn raised(stance: Stance, body: &Body, deg: f64) -> Stance {
    let reach = 0.97 * body.arm() / body.stature;
    stance.reaching(body, both(reach * sin_deg(deg), -reach * cos_deg(deg), 0.03), both(0.2, 0.0, -1.0))
}

fn side_raise(body: &Body, s: f64) -> Stance {
    raised(standing(body), body, mix(10.0, 88.0, s))
}

/// Straight arms round in the plane of the body's sides: half a circle until the turn, the other half back.
fn arm_circle(body: &Body, s: f64, rep: u32) -> Stance {
    let reach = 0.97 * body.arm() / body.stature;
    let deg = 180.0 * s;
    let forth = if rep.is_multiple_of(2) { 1.0 } else { -1.0 };
    let ways = both(0.06, -reach * cos_deg(deg), forth * reach * sin_deg(deg) * 0.95);
    standing(body).reaching(body, ways, both(1.0, 0.0, 0.0))
}

/// On the spot, one knee after the other to the hips' height.
fn high_knees(body: &Body, s: f64, rep: u32) -> Stance {
    let h = body.stature;
    let mut stance = standing(body);
    let up = (rep % 2) as usize;
    stance.ankles[up] = add(stance.ankles[up], [0.0, 0.25 * h * s, 0.16 * h * s]);
    let forth = 25.0 * s;
    let bent = [(-forth, 70.0), (forth, 70.0)];
    let (a, b) = (bent[1 - up], bent[up]);
    stance.reaching(body, [hand(body, 0.03, a.0, a.1), hand(body, -0.03, b.0, b.1)], both(0.3, -0.2, -1.0))
}

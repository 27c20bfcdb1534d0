//! A body's measures and its joints. Segment lengths are Winter's, as fractions of stature.
//!
//! Joints stay inside the demo: whoever wants to know where the athlete is has to look at the picture.

use super::geometry::{Basis, V3, bend, v3};

/// Which way a side lies along `x`: the athlete's left, then right.
pub const SIDES: [f32; 2] = [1.0, -1.0];

/// A straight leg is never quite straight; beyond this share of its length the knee would snap.
const LEG_REACH: f32 = 0.994;

/// Lengths in metres.
#[derive(Clone, Debug)]
pub struct Body {
    pub stature: f32,
    /// Girth, 1 for the middle.
    pub build: f32,
    pub thigh: f32,
    pub shank: f32,
    /// Ankle above the floor.
    pub ankle: f32,
    /// From the ankle forward to the ball of the foot.
    pub ball: f32,
    pub trunk: f32,
    pub upper_arm: f32,
    pub forearm: f32,
    /// From the wrist to the middle of the fist.
    pub palm: f32,
    /// Half the distance between the hip joints.
    pub hip: f32,
    /// Half the distance between the shoulder joints.
    pub shoulder: f32,
}

impl Body {
    pub fn new(stature: f32, build: f32) -> Body {
        Body {
            stature,
            build,
            thigh: 0.245 * stature,
            shank: 0.246 * stature,
            ankle: 0.039 * stature + 0.018,
            ball: 0.090 * stature,
            trunk: 0.288 * stature,
            upper_arm: 0.186 * stature,
            forearm: 0.146 * stature,
            palm: 0.042 * stature,
            hip: 0.052 * stature,
            shoulder: 0.112 * stature * (0.6 + 0.4 * build),
        }
    }

    /// From the shoulder to the middle of the fist, the arm straight.
    pub fn arm(&self) -> f32 {
        self.upper_arm + self.forearm + self.palm
    }
}

/// Where a foot stands.
#[derive(Clone, Copy, Default, Debug)]
pub struct Foot {
    /// The point of the floor under the ankle when the foot is flat.
    pub place: V3,
    /// Radians the toes point outwards.
    pub out: f32,
    /// Radians the heel has risen over the ball, which stays where it is.
    pub heel: f32,
}

/// Where everything is at one moment.
#[derive(Clone, Default, Debug)]
pub struct Joints {
    pub pelvis: V3,
    pub trunk: Basis,
    pub hips: [V3; 2],
    pub knees: [V3; 2],
    pub ankles: [V3; 2],
    pub feet: [Basis; 2],
    /// Between the shoulders, where the neck begins.
    pub neck: V3,
    pub head: V3,
    pub face: Basis,
    pub shoulders: [V3; 2],
    pub elbows: [V3; 2],
    pub wrists: [V3; 2],
    pub fists: [V3; 2],
    /// The middle of the barbell, which lies along `x`.
    pub bar: Option<V3>,
    /// -1 breathed out, 1 breathed in.
    pub breath: f32,
}

impl Joints {
    /// Stands the body on its feet: the pelvis sinks until both legs reach, then knees and shoulders follow.
    pub fn stand(body: &Body, pelvis: V3, trunk: Basis, feet: [Foot; 2]) -> Joints {
        let mut out = Joints { pelvis, trunk, ..Joints::default() };
        let reach = (body.thigh + body.shank) * LEG_REACH;
        for (i, side) in SIDES.into_iter().enumerate() {
            let (ankle, basis) = ankle_of(body, feet[i], side);
            (out.ankles[i], out.feet[i]) = (ankle, basis);
            let hip = pelvis + trunk.x * (side * body.hip);
            let flat = v3(hip.x - ankle.x, 0.0, hip.z - ankle.z).length();
            let highest = ankle.y + (reach * reach - flat * flat).max(0.0).sqrt();
            out.pelvis.y = out.pelvis.y.min(highest - (hip.y - pelvis.y));
        }
        for (i, side) in SIDES.into_iter().enumerate() {
            out.hips[i] = out.pelvis + trunk.x * (side * body.hip);
            let pole = v3(side * (feet[i].out * 1.1).sin(), 0.0, (feet[i].out * 1.1).cos());
            (out.knees[i], out.ankles[i]) = bend(out.hips[i], out.ankles[i], body.thigh, body.shank, pole);
        }
        out.neck = out.pelvis + trunk.y * body.trunk;
        for (shoulder, side) in out.shoulders.iter_mut().zip(SIDES) {
            *shoulder = out.neck + trunk.x * (side * body.shoulder);
        }
        out
    }

    /// Turns the face, the neck following half of it.
    pub fn look(&mut self, body: &Body, face: Basis) {
        let up = (self.trunk.y + face.y * 1.2).unit();
        self.face = face;
        self.head = self.neck + up * (0.108 * body.stature) + face.z * (0.014 * body.stature);
    }

    /// Reaches with one fist; the hand lies straight on the forearm.
    pub fn reach(&mut self, body: &Body, i: usize, fist: V3, pole: V3) {
        let lower = body.forearm + body.palm;
        let (elbow, end) = bend(self.shoulders[i], fist, body.upper_arm, lower, pole);
        (self.elbows[i], self.fists[i]) = (elbow, end);
        self.wrists[i] = elbow.lerp(end, body.forearm / lower);
    }

    /// The inner angle at the knee, hip or elbow, degrees.
    #[cfg(test)]
    pub fn angle_deg(a: V3, joint: V3, b: V3) -> f32 {
        (a - joint).unit().dot((b - joint).unit()).clamp(-1.0, 1.0).acos().to_degrees()
    }
}

fn ankle_of(body: &Body, foot: Foot, side: f32) -> (V3, Basis) {
    let flat = Basis::turned(side * foot.out, 0.0, 0.0);
    let ball = foot.place + flat.z * body.ball;
    let basis = Basis::turned(side * foot.out, foot.heel, 0.0);
    (ball - basis.z * body.ball + basis.y * body.ankle, basis)
}

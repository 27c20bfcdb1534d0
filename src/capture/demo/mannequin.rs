//! From joints to flesh and clothes: the athlete as solids. Radii are fractions of stature times girth.

use super::body::{Body, Joints, SIDES};
use super::geometry::{Basis, V3, v3};
use super::inks::{EYE, HAIR, LIPS, SHIRT, SHOE, SHORTS, SKIN, SOCK, SOLE};
use super::look::Look;
use super::raster::{Piece, Solid};

/// Adds solids, measured in statures.
struct Tailor<'a> {
    out: &'a mut Vec<Piece>,
    height: f32,
    girth: f32,
}

impl Tailor<'_> {
    fn limb(&mut self, ink: u8, a: V3, b: V3, ra: f32, rb: f32) {
        let k = self.girth;
        self.out.push(Piece { solid: Solid::Limb { a, b, ra: ra * k, rb: rb * k }, ink, inner: ink });
    }

    /// An egg around `centre` plus `shift` statures, in a part's own basis.
    fn egg(&mut self, ink: u8, centre: V3, basis: &Basis, shift: V3, [x, y, z]: [f32; 3]) {
        let centre = centre + basis.of(shift * self.height);
        let axes = [basis.x * (x * self.girth), basis.y * (y * self.height), basis.z * (z * self.girth)];
        self.out.push(Piece { solid: Solid::Egg { centre, axes }, ink, inner: ink });
    }
}

/// Adds the athlete.
pub fn dress(body: &Body, joints: &Joints, look: &Look, out: &mut Vec<Piece>) {
    let mut tailor = Tailor { out, height: body.stature, girth: body.stature * body.build };
    trunk(&mut tailor, body, joints);
    head(&mut tailor, joints, look);
    for i in 0..2 {
        arm(&mut tailor, joints, i);
        leg(&mut tailor, body, joints, i);
    }
}

fn trunk(t: &mut Tailor<'_>, body: &Body, j: &Joints) {
    let b = &j.trunk;
    let along = |share: f32| j.pelvis + b.y * (body.trunk * share);
    let chest = 1.0 + 0.03 * j.breath;
    t.egg(SHIRT, along(0.68), b, v3(0.0, 0.001 * j.breath, 0.004), [0.098, 0.118, 0.066 * chest]);
    t.egg(SHIRT, along(0.36), b, v3(0.0, 0.0, 0.003), [0.080, 0.120, 0.058]);
    t.egg(SHIRT, along(0.12), b, v3(0.0, 0.0, 0.0), [0.084, 0.062, 0.061]);
    t.egg(SHORTS, along(0.0), b, v3(0.0, -0.004, -0.002), [0.088, 0.060, 0.063]);
    for (i, side) in SIDES.into_iter().enumerate() {
        // Chest, shoulder blade and seat.
        t.egg(SHIRT, along(0.76), b, v3(side * 0.043, 0.0, 0.032), [0.050, 0.046, 0.030]);
        t.egg(SHIRT, along(0.78), b, v3(side * 0.05, 0.0, -0.03), [0.044, 0.056, 0.034]);
        t.egg(SHORTS, j.pelvis, b, v3(side * 0.042, -0.016, -0.030), [0.048, 0.052, 0.044]);
        let shoulder = j.shoulders[i];
        t.limb(SHIRT, j.neck + b.y * (0.016 * t.height), shoulder - b.y * (0.004 * t.height), 0.034, 0.034);
    }
}

fn head(t: &mut Tailor<'_>, j: &Joints, look: &Look) {
    let f = &j.face;
    let back = j.neck - j.trunk.z * (0.008 * t.height);
    t.limb(SKIN, back, j.head + f.of(v3(0.0, -0.028, -0.012) * t.height), 0.033, 0.030);
    // The head does not grow with the girth.
    let girth = std::mem::replace(&mut t.girth, t.height);
    t.egg(SKIN, j.head, f, v3(0.0, 0.004, 0.0), [0.0425, 0.058, 0.052]);
    t.egg(SKIN, j.head, f, v3(0.0, -0.030, 0.013), [0.032, 0.034, 0.036]);
    t.egg(HAIR, j.head, f, v3(0.0, 0.021, -0.009), [0.0455, 0.047, 0.053]);
    t.egg(HAIR, j.head, f, v3(0.0, 0.002, -0.022), [0.0425, 0.046, 0.036]);
    t.egg(SKIN, j.head, f, v3(0.0, -0.010, 0.050), [0.0075, 0.013, 0.011]);
    t.egg(LIPS, j.head, f, v3(0.0, -0.034, 0.0445), [0.013, 0.0042, 0.006]);
    for side in SIDES {
        t.egg(SKIN, j.head, f, v3(side * 0.043, -0.004, -0.004), [0.006, 0.016, 0.010]);
        t.egg(EYE, j.head, f, v3(side * 0.0175, 0.007, 0.0435), [0.0068, 0.0042, 0.006]);
        t.egg(HAIR, j.head, f, v3(side * 0.018, 0.0165, 0.0440), [0.011, 0.0024, 0.006]);
    }
    if look.tail {
        let root = j.head + f.of(v3(0.0, 0.026, -0.056) * t.height);
        let end = root + (v3(0.0, -0.075, 0.0) + f.z * -0.028) * t.height;
        t.limb(HAIR, root, end, 0.017, 0.009);
    }
    t.girth = girth;
}

fn arm(t: &mut Tailor<'_>, j: &Joints, i: usize) {
    let (shoulder, elbow, wrist, fist) = (j.shoulders[i], j.elbows[i], j.wrists[i], j.fists[i]);
    t.limb(SHIRT, shoulder, shoulder.lerp(elbow, 0.40), 0.0365, 0.0335);
    t.limb(SKIN, shoulder.lerp(elbow, 0.1), shoulder.lerp(elbow, 0.55), 0.031, 0.0295);
    t.limb(SKIN, shoulder.lerp(elbow, 0.55), elbow, 0.0295, 0.0235);
    t.limb(SKIN, elbow, elbow.lerp(wrist, 0.3), 0.0235, 0.0262);
    t.limb(SKIN, elbow.lerp(wrist, 0.3), wrist, 0.0262, 0.0165);
    t.limb(SKIN, wrist, fist, 0.0165, 0.0205);
    let way = (fist - wrist).unit();
    let left = j.trunk.x - way * j.trunk.x.dot(way);
    let x = left.unit();
    let hand = Basis { x, y: way, z: x.cross(way) };
    t.egg(SKIN, fist, &hand, v3(0.0, 0.006, 0.0), [0.0225, 0.0245, 0.0215]);
    t.limb(
        SKIN,
        fist.lerp(wrist, 0.5) + x * (-SIDES[i] * 0.016 * t.height),
        fist + x * (-SIDES[i] * 0.021 * t.height),
        0.009,
        0.0085,
    );
}

fn leg(t: &mut Tailor<'_>, body: &Body, j: &Joints, i: usize) {
    let (hip, knee, ankle, foot) = (j.hips[i], j.knees[i], j.ankles[i], &j.feet[i]);
    let (thigh, shank) = ((knee - hip).unit(), (ankle - knee).unit());
    let ahead = (foot.z - thigh * foot.z.dot(thigh)).unit();
    let behind = (foot.z - shank * foot.z.dot(shank)).unit() * -1.0;
    let h = t.height;
    t.limb(SHORTS, hip, hip.lerp(knee, 0.58), 0.0555, 0.0475);
    t.limb(SKIN, hip.lerp(knee, 0.5) + ahead * (0.002 * h), hip.lerp(knee, 0.68) + ahead * (0.002 * h), 0.0455, 0.0425);
    t.limb(SKIN, hip.lerp(knee, 0.68), knee, 0.0425, 0.0335);
    let calf = knee.lerp(ankle, 0.30) + behind * (0.010 * h);
    t.limb(SKIN, knee, calf, 0.0325, 0.0345);
    t.limb(SKIN, calf, knee.lerp(ankle, 0.82) + behind * (0.002 * h), 0.0345, 0.0205);
    t.limb(SOCK, knee.lerp(ankle, 0.80), ankle, 0.0222, 0.0225);
    shoe(t, body, ankle, foot);
}

fn shoe(t: &mut Tailor<'_>, body: &Body, ankle: V3, foot: &Basis) {
    let h = t.height;
    let girth = std::mem::replace(&mut t.girth, h);
    let on_sole = |z: f32, up: f32| ankle + foot.z * (z * h) + foot.y * (up * h - body.ankle);
    // Toes stay flat on the floor while the heel rises over the ball.
    let flat = Basis::turned(foot.z.x.atan2(foot.z.z), 0.0, 0.0);
    let ball = on_sole(0.090, 0.0);
    let toe = |z: f32, up: f32| ball + flat.z * (z * h) + flat.y * (up * h);
    t.limb(SHOE, on_sole(-0.022, 0.030), toe(0.0, 0.026), 0.0265, 0.0255);
    t.limb(SHOE, toe(0.0, 0.026), toe(0.030, 0.022), 0.0255, 0.0195);
    t.limb(SHOE, ankle + foot.y * (0.002 * h), on_sole(0.062, 0.034), 0.0245, 0.0230);
    t.limb(SHOE, ankle + foot.y * (0.002 * h), on_sole(-0.024, 0.038), 0.0245, 0.0235);
    t.egg(SOLE, on_sole(0.028, 0.009), foot, v3(0.0, 0.0, 0.0), [0.0265, 0.0095, 0.066]);
    t.egg(SOLE, toe(0.004, 0.009), &flat, v3(0.0, 0.0, 0.0), [0.0265, 0.0095, 0.042]);
    t.girth = girth;
}

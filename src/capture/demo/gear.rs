//! Iron: the barbell and dumbbells in the athlete's hands, and what stands about in the gym.

use super::body::Joints;
use super::geometry::{V3, v3};
use super::inks::{ACCENT, BALL, FRAME, IRON, PLATE, STEEL};
use super::look::Look;
use super::motion::Exercise;
use super::pose::PLATE_RADIUS_M;
use super::raster::{Piece, Solid};

fn rod(out: &mut Vec<Piece>, ink: u8, a: V3, b: V3, radius: f32) {
    out.push(Piece { solid: Solid::Limb { a, b, ra: radius, rb: radius }, ink, inner: ink });
}

fn disc(out: &mut Vec<Piece>, (ink, inner): (u8, u8), centre: V3, axis: V3, half: f32, radius: f32) {
    out.push(Piece { solid: Solid::Disc { centre, axis, half, radius }, ink, inner });
}

/// Adds what the athlete holds.
pub fn hold(joints: &Joints, exercise: Exercise, look: &Look, out: &mut Vec<Piece>) {
    let across = (joints.fists[0] - joints.fists[1]).unit();
    if let Some(bar) = joints.bar {
        let plates: &[(u8, f32, f32)] = match exercise {
            Exercise::Press => &[(PLATE, 0.165, 0.026), (IRON, 0.11, 0.018)],
            Exercise::Deadlift => &[(PLATE, PLATE_RADIUS_M, 0.034), (PLATE, PLATE_RADIUS_M, 0.03)],
            _ => &[(PLATE, PLATE_RADIUS_M, 0.034), (IRON, 0.16, 0.022)],
        };
        barbell(out, bar, across, plates);
    } else if exercise == Exercise::Curl || look.loaded_lunge {
        for (wrist, fist) in joints.wrists.iter().zip(joints.fists) {
            let arm = (fist - *wrist).unit();
            let wanted = if exercise == Exercise::Curl { across } else { v3(0.0, 0.0, 1.0) };
            dumbbell(out, fist, (wanted - arm * wanted.dot(arm)).unit());
        }
    }
}

fn barbell(out: &mut Vec<Piece>, bar: V3, across: V3, plates: &[(u8, f32, f32)]) {
    rod(out, STEEL, bar - across * 0.66, bar + across * 0.66, 0.0145);
    for side in [1.0, -1.0] {
        let at = |x: f32| bar + across * (side * x);
        rod(out, STEEL, at(0.67), at(1.02), 0.025);
        disc(out, (STEEL, STEEL), at(0.655), across, 0.012, 0.04);
        let mut x = 0.672;
        for &(ink, radius, half) in plates {
            disc(out, (ink, STEEL), at(x + half), across, half, radius);
            x += 2.0 * half + 0.004;
        }
        disc(out, (IRON, STEEL), at(x + 0.018), across, 0.016, 0.044);
    }
}

fn dumbbell(out: &mut Vec<Piece>, fist: V3, axis: V3) {
    rod(out, STEEL, fist - axis * 0.08, fist + axis * 0.08, 0.015);
    for side in [1.0, -1.0] {
        disc(out, (IRON, STEEL), fist + axis * (side * 0.092), axis, 0.034, 0.062);
        disc(out, (IRON, STEEL), fist + axis * (side * 0.134), axis, 0.010, 0.050);
    }
}

/// Adds the things that never move: squat stands, plates, kettlebells, dumbbells, balls. `side` is where the camera
/// stands: 1 on the athlete's left.
pub fn furnish(exercise: Exercise, side: f32, wall_x: f32, back_z: f32, out: &mut Vec<Piece>) {
    stands(out);
    if matches!(exercise, Exercise::Curl | Exercise::Lunge) {
        barbell(out, v3(0.0, 1.33, -1.14), v3(1.0, 0.0, 0.0), &[(PLATE, PLATE_RADIUS_M, 0.034)]);
    }
    for (i, radius) in [0.11f32, 0.105, 0.1, 0.09, 0.085].into_iter().enumerate() {
        kettlebell(out, v3(side * (0.35 + 0.34 * i as f32), 0.0, back_z + 0.25), radius);
    }
    // Plates leaning against the back wall.
    let lean = v3(0.0, 0.22, 0.975).unit();
    for (i, (ink, radius)) in [(PLATE, 0.225), (IRON, 0.225), (ACCENT, 0.225)].into_iter().enumerate() {
        let at = v3(-side * (1.35 + 0.36 * i as f32), radius * 0.975 + 0.01, back_z + 0.12 + 0.05 * (i % 2) as f32);
        disc(out, (ink, STEEL), at, lean, 0.03, radius);
    }
    dumbbell_rack(out, side, wall_x);
    let ball = |out: &mut Vec<Piece>, ink: u8, at: V3, r: f32| {
        let axes = [v3(r, 0.0, 0.0), v3(0.0, r, 0.0), v3(0.0, 0.0, r)];
        out.push(Piece { solid: Solid::Egg { centre: at, axes }, ink, inner: ink });
    };
    ball(out, ACCENT, v3(wall_x + side * 0.42, 0.325, -1.95), 0.325);
    ball(out, BALL, v3(side * 1.75, 0.17, back_z + 0.75), 0.17);
}

fn stands(out: &mut Vec<Piece>) {
    let (front, rear, height) = (-1.2, -1.85, 1.72);
    for x in [-0.58f32, 0.58] {
        rod(out, FRAME, v3(x, 0.04, front), v3(x, height, front), 0.036);
        rod(out, FRAME, v3(x, 0.04, rear), v3(x, height * 0.72, rear), 0.036);
        rod(out, FRAME, v3(x, 0.04, front + 0.35), v3(x, 0.04, rear - 0.1), 0.036);
        rod(out, FRAME, v3(x, height * 0.97, front), v3(x, height * 0.72, rear), 0.03);
        rod(out, FRAME, v3(x, 0.75, front), v3(x, 0.75, rear), 0.028);
        rod(out, ACCENT, v3(x, 1.27, front), v3(x, 1.27, front + 0.11), 0.022);
        rod(out, ACCENT, v3(x, 1.27, front + 0.11), v3(x, 1.35, front + 0.11), 0.018);
        let outward = x.signum();
        rod(out, STEEL, v3(x, 0.55, rear), v3(x + outward * 0.24, 0.55, rear), 0.024);
        disc(out, (IRON, STEEL), v3(x + outward * 0.08, 0.55, rear), v3(1.0, 0.0, 0.0), 0.03, 0.225);
        disc(out, (PLATE, STEEL), v3(x + outward * 0.145, 0.55, rear), v3(1.0, 0.0, 0.0), 0.03, 0.225);
    }
    rod(out, FRAME, v3(-0.58, height * 0.72, rear), v3(0.58, height * 0.72, rear), 0.034);
    rod(out, FRAME, v3(-0.58, 0.05, rear), v3(0.58, 0.05, rear), 0.034);
}

fn kettlebell(out: &mut Vec<Piece>, foot: V3, r: f32) {
    let centre = foot + v3(0.0, r * 0.95, 0.0);
    let axes = [v3(r, 0.0, 0.0), v3(0.0, r * 0.95, 0.0), v3(0.0, 0.0, r)];
    out.push(Piece { solid: Solid::Egg { centre, axes }, ink: IRON, inner: IRON });
    let (left, right) = (centre + v3(-0.7 * r, 1.7 * r, 0.0), centre + v3(0.7 * r, 1.7 * r, 0.0));
    rod(out, IRON, centre + v3(-0.55 * r, 0.7 * r, 0.0), left, r * 0.17);
    rod(out, IRON, left, right, r * 0.17);
    rod(out, IRON, right, centre + v3(0.55 * r, 0.7 * r, 0.0), r * 0.17);
}

fn dumbbell_rack(out: &mut Vec<Piece>, side: f32, wall_x: f32) {
    let x = wall_x + side * 0.35;
    for z in [-1.35f32, 0.85] {
        rod(out, FRAME, v3(x - side * 0.15, 0.03, z), v3(x - side * 0.12, 0.95, z), 0.03);
        rod(out, FRAME, v3(x - side * 0.2, 0.03, z), v3(x + side * 0.2, 0.03, z), 0.03);
    }
    for y in [0.42f32, 0.8] {
        rod(out, FRAME, v3(x - side * 0.07, y, -1.35), v3(x - side * 0.07, y, 0.85), 0.022);
        rod(out, FRAME, v3(x + side * 0.07, y - 0.02, -1.35), v3(x + side * 0.07, y - 0.02, 0.85), 0.022);
        for i in 0..8 {
            let at = v3(x, y + 0.075, -1.2 + 0.27 * i as f32);
            dumbbell(out, at, v3(1.0, 0.0, 0.0));
        }
    }
}

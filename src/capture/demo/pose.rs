//! Each exercise as a body stands in it: from a moment to joints.
//!
//! Feet and bar come first, the body follows: the pelvis is placed, the trunk leans until the bar is over the foot,
//! knees and elbows are solved. Lengths in the comments and constants are fractions of stature unless they end in `_m`.

use super::body::{Body, Foot, Joints, SIDES};
use super::geometry::{Basis, V3, ease, mix, v3};
use super::look::Look;
use super::motion::{Exercise, Moment};

/// A big plate's radius, in metres: where a deadlift's bar begins.
pub const PLATE_RADIUS_M: f32 = 0.225;

/// What moves in a body even when it stands.
struct Habit {
    sway: V3,
    yaw: f32,
    roll: f32,
    breath: f32,
    face_yaw: f32,
    face_lean: f32,
}

impl Habit {
    fn of(m: &Moment) -> Habit {
        let calm = 0.15 + 0.85 * m.rest;
        let glance = m.glance.sin() + 0.5 * (m.glance * 2.0 + 1.0).sin();
        Habit {
            sway: v3(0.022 * m.sway.sin(), 0.0, 0.006 * (m.sway * 2.0).cos()) * m.rest,
            yaw: 0.05 * (m.sway + 0.7).sin() * m.rest,
            roll: 0.022 * (m.sway + 0.3).sin() * m.rest,
            breath: m.breath.sin() * calm,
            face_yaw: 0.55 * glance * m.rest,
            face_lean: 0.12 * (m.glance * 3.0).sin() * m.rest,
        }
    }
}

/// Where everything is at this moment.
pub fn joints(body: &Body, look: &Look, exercise: Exercise, m: &Moment) -> Joints {
    let habit = Habit::of(m);
    let mut out = match exercise {
        Exercise::Squat => squat(body, m, &habit),
        Exercise::Curl => curl(body, m, &habit),
        Exercise::Press => press(body, m, &habit),
        Exercise::Deadlift => deadlift(body, m, &habit),
        Exercise::Lunge => lunge(body, look, m, &habit),
    };
    out.breath = habit.breath;
    out
}

fn flat_feet(body: &Body, half_width: f32, out: f32) -> [Foot; 2] {
    SIDES.map(|side| Foot { place: v3(side * half_width * body.stature, 0.0, 0.0), out, heel: 0.0 })
}

fn face(habit: &Habit, lean: f32) -> Basis {
    Basis::turned(habit.yaw + habit.face_yaw, lean + habit.face_lean, 0.0)
}

/// The lean at which a point `up` along the trunk and `ahead` of it lies `way` in front of the pelvis.
fn lean_for(up: f32, ahead: f32, way: f32) -> f32 {
    (way / up.hypot(ahead)).clamp(-1.0, 1.0).asin() - ahead.atan2(up)
}

fn squat(body: &Body, m: &Moment, habit: &Habit) -> Joints {
    let (h, d) = (body.stature, m.depth);
    let (up, back, bar_z) = (body.trunk + 0.012 * h, -0.062 * h, 0.02 * h);
    let pelvis = v3(0.0, mix(0.56, 0.242, d) * h, mix(0.03, -0.105, d) * h) + habit.sway;
    let lean = lean_for(up, back, bar_z + habit.sway.z - pelvis.z);
    let trunk = Basis::turned(habit.yaw, lean, habit.roll);
    let mut out = Joints::stand(body, pelvis, trunk, flat_feet(body, 0.105, 0.42));
    out.look(body, face(habit, lean * 0.45));
    let bar = out.pelvis + trunk.y * up + trunk.z * back;
    for (i, side) in SIDES.into_iter().enumerate() {
        let pole = trunk.of(v3(side * 0.25, -1.0, -0.45));
        out.reach(body, i, bar + trunk.x * (side * 0.235 * h), pole);
    }
    out.bar = Some(bar);
    out
}

fn press(body: &Body, m: &Moment, habit: &Habit) -> Joints {
    let (h, d) = (body.stature, m.depth);
    // The head gives way while the bar passes it.
    let passing = (std::f32::consts::PI * (d * 1.3).min(1.0)).sin();
    let lean = mix(-0.07, 0.035, d) - 0.06 * passing;
    let pelvis = v3(0.0, 0.56 * h, mix(0.045, 0.03, d) * h) + habit.sway;
    let trunk = Basis::turned(habit.yaw, lean, habit.roll);
    let mut out = Joints::stand(body, pelvis, trunk, flat_feet(body, 0.085, 0.22));
    out.look(body, face(habit, -0.05 - 0.12 * passing));
    let grip = 0.150 * h;
    let aside = grip - body.shoulder;
    let top = ((body.arm() * 0.995).powi(2) - aside * aside).sqrt();
    let bar_z = mix(0.078, 0.045, ease((d - 0.5) * 2.0)) * h + habit.sway.z;
    let bar = v3(out.neck.x, out.neck.y + mix(0.012 * h, top, d), bar_z);
    let ahead = bar.z - out.neck.z;
    let bar = v3(bar.x, bar.y.min(out.neck.y + (top * top - ahead * ahead).max(0.0).sqrt()), bar.z);
    for (i, side) in SIDES.into_iter().enumerate() {
        let pole = trunk.of(v3(side * 0.55, -0.9, 0.55));
        out.reach(body, i, bar + trunk.x * (side * grip), pole);
    }
    out.bar = Some(bar);
    out
}

fn deadlift(body: &Body, m: &Moment, habit: &Habit) -> Joints {
    let (h, d) = (body.stature, m.depth);
    let (bar_z, deepest) = (0.082 * h, 1.0f32);
    let grip = 0.148 * h;
    let hang = body.arm() * 0.997;
    let drop = |shoulder: V3| {
        let (aside, ahead) = (grip - body.shoulder, bar_z - shoulder.z);
        (hang * hang - aside * aside - ahead * ahead).max(0.0).sqrt()
    };
    let low_z = bar_z + 0.01 * h - body.trunk * deepest.sin();
    let low_neck = v3(0.0, 0.0, low_z + body.trunk * deepest.sin());
    let low_y = PLATE_RADIUS_M + drop(low_neck) - body.trunk * deepest.cos();
    // From the floor the knees open first, then the hips.
    let (knees, hips) = (d.powf(1.25), d.powf(0.8));
    let lean = mix(0.03, deepest, hips);
    let pelvis = v3(0.0, mix(0.535 * h, low_y, knees), mix(0.032 * h, low_z, mix(knees, hips, 0.5))) + habit.sway;
    let trunk = Basis::turned(habit.yaw * 0.5, lean, habit.roll);
    let mut out = Joints::stand(body, pelvis, trunk, flat_feet(body, 0.075, 0.15));
    out.look(body, face(habit, lean * 0.55));
    let bar = v3(out.neck.x, out.neck.y - drop(out.neck), bar_z);
    for (i, side) in SIDES.into_iter().enumerate() {
        out.reach(body, i, bar + v3(side * grip, 0.0, 0.0), v3(side * 0.4, 0.0, -1.0));
    }
    out.bar = Some(bar);
    out
}

/// An arm hanging by the trunk: `forward` from straight down, then bent at the elbow by `bent`.
fn hang(out: &mut Joints, body: &Body, i: usize, aside: f32, forward: f32, bent: f32) {
    let way = |angle: f32, aside: f32| v3(SIDES[i] * aside, -angle.cos(), angle.sin()).unit();
    out.elbows[i] = out.shoulders[i] + way(forward, aside) * body.upper_arm;
    let lower = way(forward + bent, aside * 0.6);
    out.wrists[i] = out.elbows[i] + lower * body.forearm;
    out.fists[i] = out.wrists[i] + lower * body.palm;
}

fn curl(body: &Body, m: &Moment, habit: &Habit) -> Joints {
    let (h, d) = (body.stature, m.depth);
    let pelvis = v3(0.0, 0.56 * h, 0.03 * h) + habit.sway;
    let trunk = Basis::turned(habit.yaw, 0.02 - 0.035 * d, habit.roll);
    let mut out = Joints::stand(body, pelvis, trunk, flat_feet(body, 0.075, 0.2));
    out.look(body, face(habit, 0.03));
    for i in 0..2 {
        hang(&mut out, body, i, 0.13, mix(0.0, 0.2, d), mix(0.22, 2.4, d));
    }
    out
}

fn lunge(body: &Body, look: &Look, m: &Moment, habit: &Habit) -> Joints {
    let (h, d) = (body.stature, m.depth);
    let front = (m.rep % 2) as usize;
    let step = ease(d / 0.55);
    let lift = (std::f32::consts::PI * (d / 0.55).min(1.0)).sin() * 0.05;
    let mut feet = flat_feet(body, 0.06, 0.08);
    feet[front].place = feet[front].place + v3(0.0, lift, 0.50 * step) * h;
    feet[front].heel = 0.5 * lift / 0.05 * (1.0 - step);
    feet[1 - front].heel = 1.0 * ease((d - 0.1) / 0.9);
    feet[1 - front].out = 0.08 * (1.0 - d);
    let sink = ease((d - 0.3) / 0.7);
    let pelvis = v3(0.0, mix(0.56, 0.30, sink) * h, mix(0.03, 0.265, mix(step, d, 0.5)) * h) + habit.sway;
    let trunk = Basis::turned(habit.yaw, 0.02 + 0.09 * d, habit.roll);
    let mut out = Joints::stand(body, pelvis, trunk, feet);
    out.look(body, face(habit, 0.06));
    let (aside, bent) = if look.loaded_lunge { (0.20, 0.10) } else { (0.22, 0.28 + 0.5 * d) };
    for i in 0..2 {
        hang(&mut out, body, i, aside, -0.02, bent);
    }
    out
}

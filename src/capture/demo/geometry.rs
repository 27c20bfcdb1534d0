//! Vectors in metres, and the one piece of trigonometry a limb needs.
//!
//! The world: `y` is up, the athlete faces `z`, `x` is the athlete's left, the floor is `y = 0`.

use std::ops::{Add, Mul, Neg, Sub};

/// A point or a direction.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct V3 {
    pub x: f32,
    pub y: f32,
    pub z: f32,
}

/// A point or a direction, in short.
pub const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

impl Add for V3 {
    type Output = V3;
    fn add(self, o: V3) -> V3 {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl Sub for V3 {
    type Output = V3;
    fn sub(self, o: V3) -> V3 {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Mul<f32> for V3 {
    type Output = V3;
    fn mul(self, k: f32) -> V3 {
        v3(self.x * k, self.y * k, self.z * k)
    }
}

impl Neg for V3 {
    type Output = V3;
    fn neg(self) -> V3 {
        self * -1.0
    }
}

impl V3 {
    pub fn dot(self, o: V3) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub fn cross(self, o: V3) -> V3 {
        v3(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)
    }

    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The direction alone; a vector without length has none, and stands upright.
    pub fn unit(self) -> V3 {
        let length = self.length();
        if length > 1e-9 { self * (1.0 / length) } else { v3(0.0, 1.0, 0.0) }
    }

    pub fn lerp(self, o: V3, t: f32) -> V3 {
        self + (o - self) * t
    }
}

/// Three directions at right angles: left, up and forward of a part of the body.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Basis {
    pub x: V3,
    pub y: V3,
    pub z: V3,
}

impl Default for Basis {
    fn default() -> Basis {
        Basis { x: v3(1.0, 0.0, 0.0), y: v3(0.0, 1.0, 0.0), z: v3(0.0, 0.0, 1.0) }
    }
}

impl Basis {
    /// Turned about the vertical by `yaw` (to the left), then leaned forward by `lean`, then tipped to the side.
    pub fn turned(yaw: f32, lean: f32, roll: f32) -> Basis {
        let (sy, cy) = yaw.sin_cos();
        let (sl, cl) = lean.sin_cos();
        let (sr, cr) = roll.sin_cos();
        let left = v3(cy, 0.0, -sy);
        let ahead = v3(sy, 0.0, cy);
        let up = v3(0.0, cl, 0.0) + ahead * sl;
        Basis { x: left * cr + up * sr, y: up * cr - left * sr, z: ahead * cl - v3(0.0, sl, 0.0) }
    }

    /// A direction given in this basis, in the world.
    pub fn of(&self, local: V3) -> V3 {
        self.x * local.x + self.y * local.y + self.z * local.z
    }
}

/// Two bones from `root` to `target`, bent towards `pole`: where the joint between them and the end lie. A target out
/// of reach is approached as far as the bones go, so that their lengths never change.
pub fn bend(root: V3, target: V3, upper: f32, lower: f32, pole: V3) -> (V3, V3) {
    let way = target - root;
    let along = way.unit();
    let distance = way.length().clamp((upper - lower).abs() * 1.02 + 1e-4, (upper + lower) * 0.9995);
    let cosine = ((upper * upper + distance * distance - lower * lower) / (2.0 * upper * distance)).clamp(-1.0, 1.0);
    let aside = (pole - along * pole.dot(along)).unit();
    let joint = root + along * (upper * cosine) + aside * (upper * (1.0 - cosine * cosine).sqrt());
    (joint, root + along * distance)
}

/// From 0 to 1 with neither a jerk at the start nor at the end.
pub fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    (t * t * t * (10.0 + t * (6.0 * t - 15.0))).clamp(0.0, 1.0)
}

/// From `a` to `b`.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bones_keep_their_length_even_when_the_target_is_out_of_reach() {
        for target in [v3(0.3, -0.2, 0.1), v3(5.0, 0.0, 0.0), v3(0.001, 0.0, 0.0), V3::default()] {
            let (joint, end) = bend(V3::default(), target, 0.4, 0.35, v3(0.0, 0.0, 1.0));
            assert!((joint.length() - 0.4).abs() < 1e-4, "{target:?}");
            assert!(((end - joint).length() - 0.35).abs() < 1e-4, "{target:?}");
        }
    }

    #[test]
    fn a_turned_basis_stays_at_right_angles() {
        let b = Basis::turned(0.7, -0.4, 0.2);
        for (p, q) in [(b.x, b.y), (b.y, b.z), (b.z, b.x)] {
            assert!(p.dot(q).abs() < 1e-5);
            assert!((p.length() - 1.0).abs() < 1e-5);
        }
        assert!((b.x.cross(b.y) - b.z).length() < 1e-5);
    }
}

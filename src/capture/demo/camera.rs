//! From metres to pixels: the camera that takes the picture, and the lamp's view for shadows.
//!
//! View space counts `x` to the right, `y` down and `z` towards the viewer, all in pixels of the plane through the
//! athlete, so that round things stay round in it.

use super::geometry::{V3, v3};
use super::look::Look;
use super::motion::Exercise;

/// From the gym's camera to the athlete.
const DISTANCE_M: f32 = 4.6;

/// A way of looking at the world.
#[derive(Clone, Debug)]
pub struct View {
    pub place: V3,
    pub right: V3,
    pub down: V3,
    /// From the scene to the viewer.
    pub back: V3,
    /// Pixels across for one metre at one metre; 0 for a view without perspective.
    pub focal: f32,
    /// The middle of the picture.
    pub centre: (f32, f32),
    /// Pixels of one metre at the athlete.
    pub unit: f32,
    /// Metres from the viewer to the athlete.
    pub distance: f32,
}

/// A point in view space, and how many pixels a metre has there.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub x: f32,
    pub y: f32,
    pub z: f32,
    pub scale: f32,
}

impl View {
    /// The camera in the gym: three quarters from the front, the whole athlete with raised or lowered bar in view.
    pub fn camera(look: &Look, exercise: Exercise, width: usize, height: usize) -> View {
        View::from_afar(DISTANCE_M, look, exercise, width, height)
    }

    /// The same from another distance; nearer is more perspective, not a larger athlete.
    pub fn from_afar(distance: f32, look: &Look, exercise: Exercise, width: usize, height: usize) -> View {
        let (middle, tall, wide) = match exercise {
            Exercise::Press => (1.2, 2.86, 2.5),
            Exercise::Lunge => (0.86, 2.46, 2.4),
            _ => (0.95, 2.32, 2.5),
        };
        let ahead = if exercise == Exercise::Lunge { 0.25 } else { 0.0 };
        let target = v3(0.0, middle, ahead);
        let (sin, cos) = look.azimuth.sin_cos();
        let rise: f32 = look.camera_height_m - middle;
        let flat = (distance * distance - rise * rise).sqrt();
        let place = target + v3(sin * flat, rise, cos * flat);
        let unit = (height as f32 / tall).min(width as f32 / wide);
        View::towards(place, target, unit * distance, unit, (width as f32 * 0.5, height as f32 * 0.5))
    }

    /// Closer by `zoom`, and the middle of the scene moved across the picture by `shift` pixels.
    pub fn framed(mut self, zoom: f32, shift: (f32, f32)) -> View {
        (self.focal, self.unit) = (self.focal * zoom, self.unit * zoom);
        self.centre = (self.centre.0 + shift.0, self.centre.1 + shift.1);
        self
    }

    /// The lamp's view, without perspective: `size` pixels for the `span` metres around the athlete.
    pub fn lamp(to_lamp: V3, size: usize, span: f32) -> View {
        let target = v3(0.0, 1.0, 0.1);
        let unit = size as f32 / span;
        let half = size as f32 * 0.5;
        View::towards(target + to_lamp * 5.0, target, 0.0, unit, (half, half))
    }

    fn towards(place: V3, target: V3, focal: f32, unit: f32, centre: (f32, f32)) -> View {
        let back = (place - target).unit();
        let right = v3(0.0, 1.0, 0.0).cross(back).unit();
        let down = right.cross(back);
        View { place, right, down, back, focal, centre, unit, distance: (place - target).length() }
    }

    /// A point of the world; nothing when it is behind the viewer or too near to be drawn.
    pub fn see(&self, point: V3) -> Option<Seen> {
        let way = point - self.place;
        let depth = -way.dot(self.back);
        if self.focal > 0.0 && depth < 0.3 {
            return None;
        }
        let scale = if self.focal > 0.0 { self.focal / depth } else { self.unit };
        Some(Seen {
            x: self.centre.0 + way.dot(self.right) * scale,
            y: self.centre.1 + way.dot(self.down) * scale,
            z: (self.distance - depth) * self.unit,
            scale,
        })
    }

    /// A direction of the world in view space.
    pub fn turn(&self, way: V3) -> V3 {
        v3(way.dot(self.right), way.dot(self.down), way.dot(self.back))
    }

    /// The direction, not of length one, in which the pixel at `x`, `y` looks: one metre deep.
    pub fn ray(&self, x: f32, y: f32) -> V3 {
        self.right * ((x - self.centre.0) / self.focal) + self.down * ((y - self.centre.1) / self.focal) - self.back
    }

    /// Where a pixel's surface lies in the world, from its `z` in view space.
    pub fn world(&self, x: f32, y: f32, z: f32) -> V3 {
        self.place + self.ray(x, y) * (self.distance - z / self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_can_be_found_again_in_the_world() {
        let view = View::camera(&Look::from_seed(3), Exercise::Squat, 1280, 720);
        for point in [v3(0.0, 0.0, 0.0), v3(0.5, 1.7, -0.4), v3(-1.1, 1.4, 0.3)] {
            let seen = view.see(point).unwrap();
            assert!((view.world(seen.x, seen.y, seen.z) - point).length() < 1e-3, "{point:?}");
        }
    }
}

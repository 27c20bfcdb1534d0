//! A camera without lens errors, on a wall or a tripod: where points in space fall in the picture.

use super::maths::{V, add, cos_deg, cross, dot, length, sin_deg, sub, times, unit};

/// A pinhole camera.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// Width and height of the picture, pixels.
    pub size: (usize, usize),
    pub place: V,
    /// Degrees from the athlete's front, to his left.
    pub azimuth: f64,
    focal_px: f64,
    ahead: V,
    right: V,
    down: V,
}

/// A point in the picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spot {
    pub x: f64,
    pub y: f64,
    /// How far before the camera, metres; not positive behind it.
    pub depth: f64,
}

impl Camera {
    /// Looks at `aim` from `distance` metres away, `azimuth` degrees to the left of the athlete's front, at `height` metres; the
    /// picture's height covers `fov` degrees.
    pub fn new(size: (usize, usize), aim: V, distance: f64, azimuth: f64, height: f64, fov: f64) -> Camera {
        let rise = height - aim[1];
        let level = (distance * distance - rise * rise).max(1.0).sqrt();
        let place = add(aim, [level * sin_deg(azimuth), rise, level * cos_deg(azimuth)]);
        let ahead = unit(sub(aim, place));
        let right = unit(cross(ahead, [0.0, 1.0, 0.0]));
        let focal_px = size.1 as f64 / 2.0 * cos_deg(fov / 2.0) / sin_deg(fov / 2.0);
        Camera { size, place, azimuth, focal_px, ahead, right, down: cross(ahead, right) }
    }

    pub fn spot(&self, p: V) -> Spot {
        let way = sub(p, self.place);
        let depth = dot(way, self.ahead);
        let scale = self.focal_px / depth.max(0.05);
        Spot {
            x: self.size.0 as f64 / 2.0 + scale * dot(way, self.right),
            y: self.size.1 as f64 / 2.0 + scale * dot(way, self.down),
            depth,
        }
    }

    /// How many pixels a metre has at this distance.
    pub fn px_per_m(&self, depth: f64) -> f64 {
        self.focal_px / depth.max(0.05)
    }

    /// Where the camera is, from a point: a way of length one.
    pub fn from(&self, p: V) -> V {
        unit(sub(self.place, p))
    }

    /// Whether all of these are in the picture, with a little room around them.
    pub fn holds(&self, points: &[V]) -> bool {
        let (width, height) = (self.size.0 as f64, self.size.1 as f64);
        let within = |at: f64, side: f64| (0.03 * side..=0.97 * side).contains(&at);
        points.iter().map(|p| self.spot(*p)).all(|s| s.depth > 0.5 && within(s.x, width) && within(s.y, height))
    }
}

#[test]
fn what_is_looked_at_is_in_the_middle_and_the_athletes_left_is_on_the_right() {
    let camera = Camera::new((1280, 720), [0.0, 1.0, 0.0], 4.0, 0.0, 1.5, 45.0);
    assert!((length(sub(camera.place, [0.0, 1.0, 0.0])) - 4.0).abs() < 1e-9);
    let at = |p: V| camera.spot(p);
    let aim = at([0.0, 1.0, 0.0]);
    assert!((aim.x - 640.0).abs() < 1e-6 && (aim.y - 360.0).abs() < 1e-6 && (aim.depth - 4.0).abs() < 1e-9);
    assert!(at([0.3, 1.0, 0.0]).x > 640.0 && at([0.0, 1.5, 0.0]).y < 360.0);
    let metre = at([0.5, 1.0, 0.0]).x - at([-0.5, 1.0, 0.0]).x;
    assert!((metre - camera.px_per_m(4.0)).abs() < 1e-6);
    let turned = Camera::new((1280, 720), times([0.0, 1.0, 0.0], 1.0), 4.0, 60.0, 1.0, 45.0);
    assert!(turned.place[0] > 3.0 && turned.place[2] > 1.9);
}

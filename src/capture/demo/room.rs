//! The gym without anybody in it: floor, walls, window, banner and clock, cast pixel by pixel once per camera.

use super::camera::View;
use super::geometry::{V3, mix, v3};
use super::look::{Look, Rgb, yuv};
use super::paint::Canvas;

/// The back wall's `z`, and how far the side wall is.
pub const BACK_Z: f32 = -2.75;
pub const SIDE_X: f32 = 3.5;
const CEILING: f32 = 3.3;

/// The room as one camera sees it.
pub struct Room<'a> {
    pub view: &'a View,
    pub look: &'a Look,
    /// 1 when the camera stands on the athlete's left, else -1.
    pub side: f32,
}

fn smooth(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

fn times(a: Rgb, k: f32) -> Rgb {
    a.map(|c| c * k)
}

/// Evenly from 0 to 1 for each cell of a grid.
fn grain(x: i32, y: i32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    ((h ^ (h >> 13)) >> 8) as f32 / (1 << 24) as f32
}

/// Inside `low..high`, with edges as soft as a pixel is wide.
fn within(x: f32, low: f32, high: f32, pixel: f32) -> f32 {
    (((x - low) / pixel + 0.5).clamp(0.0, 1.0)) * (((high - x) / pixel + 0.5).clamp(0.0, 1.0))
}

/// A thin line every `pitch` of a positive `x`, thinned out when it is finer than a pixel.
fn seam(x: f32, pitch: f32, wide: f32, pixel: f32) -> f32 {
    let turns = x / pitch;
    let off = (turns - turns as i32 as f32 - 0.5).abs();
    let away = (0.5 - off) * pitch;
    let soft = wide.max(pixel);
    (1.0 - away / soft).clamp(0.0, 1.0) * (wide / soft)
}

impl Room<'_> {
    /// The whole room, with the lens's slight fall-off towards the corners.
    pub fn paint(&self, canvas: &mut Canvas<'_>) {
        let (w, h, half) = (canvas.width, canvas.height, canvas.width.div_ceil(2));
        let per_corner = 4.0 / ((w * w + h * h) as f32);
        let mut sums = vec![[0.0f32; 3]; half];
        for y in 0..h {
            if y % 2 == 0 {
                sums.fill([0.0; 3]);
            }
            for x in 0..w {
                let (dx, dy) = (x as f32 + 0.5 - w as f32 * 0.5, y as f32 + 0.5 - h as f32 * 0.5);
                let dim = 1.0 - 0.26 * (dx * dx + dy * dy) * per_corner;
                let [luma, u, v] = yuv(self.colour(x as f32 + 0.5, y as f32 + 0.5));
                canvas.y[y * w + x] = (luma * dim) as u8;
                let sum = &mut sums[x / 2];
                *sum = [sum[0] + u * dim, sum[1] + v * dim, sum[2] + 1.0];
            }
            if y % 2 == 1 || y + 1 == h {
                for (x, [u, v, count]) in sums.iter().enumerate() {
                    canvas.u[y / 2 * half + x] = (128.5 + u / count) as u8;
                    canvas.v[y / 2 * half + x] = (128.5 + v / count) as u8;
                }
            }
        }
    }

    fn colour(&self, x: f32, y: f32) -> Rgb {
        let (from, ray) = (self.view.place, self.view.ray(x, y));
        let ahead = |gap: f32, speed: f32| if gap * speed > 0.0 { gap / speed } else { f32::MAX };
        let floor = ahead(-from.y, ray.y);
        let back = ahead(BACK_Z - from.z, ray.z);
        let wall_x = -self.side * SIDE_X;
        let side = ahead(wall_x - from.x, ray.x);
        let ceiling = ahead(CEILING - from.y, ray.y);
        let deep = floor.min(back).min(side).min(ceiling).min(60.0);
        let at = from + ray * deep;
        let pixel = deep / self.view.focal;
        if deep == floor {
            self.floor(at, ray, pixel)
        } else if deep == back {
            self.back_wall(at, pixel)
        } else if deep == side {
            self.side_wall(at, pixel)
        } else {
            [206.0, 208.0, 208.0]
        }
    }

    fn floor(&self, at: V3, ray: V3, pixel: f32) -> Rgb {
        let deep = pixel / (-ray.y).max(0.05);
        let flecks = (0.004 / pixel).min(1.0);
        let fleck = grain((at.x * 140.0 + 9e3) as i32, (at.z * 140.0 + 9e3) as i32);
        let mut base = [76.0, 78.0, 81.0];
        let tile = grain((at.x / 0.6 + 300.0) as i32, (at.z / 0.6 + 300.0) as i32);
        base = times(base, 0.96 + 0.08 * tile);
        if fleck > 0.965 {
            base = blend(base, blend(self.look.accent, [170.0, 172.0, 176.0], 0.6), 0.6 * flecks);
        }
        let lines = seam(at.x + 60.0, 0.6, 0.007, pixel).max(seam(at.z + 60.0, 0.6, 0.007, deep));
        base = times(base, 1.0 - 0.5 * lines);
        let on = within(at.x, -1.3, 1.3, pixel) * within(at.z, -0.98, 1.22, deep);
        if on > 0.0 {
            base = blend(base, self.platform(at, pixel, deep, fleck), on);
        }
        // Lamps make a pool of light in the middle; the walls keep some away; the window is mirrored, dimly.
        let (px, pz) = (at.x * 0.30, (at.z - 0.1) * 0.30);
        let pool = 1.0 / (1.0 + px * px + pz * pz);
        let corner = smooth(0.0, 0.5, at.z - BACK_Z) * smooth(0.0, 0.5, SIDE_X - (at.x * -self.side));
        let lit = times(base, (0.62 + 0.72 * pool) * (0.55 + 0.45 * corner));
        let seen = self.mirrored(at, v3(ray.x, -ray.y, ray.z));
        let flat = 1.0 - (-ray.y / ray.length());
        let share = 0.03 + 0.30 * flat * flat * flat * flat;
        blend(lit, seen, share)
    }

    /// What a shiny floor shows of the walls: only broad strokes.
    fn mirrored(&self, at: V3, ray: V3) -> Rgb {
        let wall_x = -self.side * SIDE_X;
        let side = if ray.x * self.side < 0.0 { (wall_x - at.x) / ray.x } else { f32::MAX };
        let back = if ray.z < 0.0 { (BACK_Z - at.z) / ray.z } else { f32::MAX };
        let hit = at + ray * side.min(back).min(30.0);
        let glow = if side < back {
            smooth(1.0, 1.5, hit.y) * smooth(2.7, 2.2, hit.y) * smooth(-2.3, -1.7, hit.z) * smooth(2.3, 1.7, hit.z)
        } else {
            0.0
        };
        let wall = blend(times(self.look.accent, 0.7), times(self.look.wall, 0.8), smooth(0.8, 1.3, hit.y));
        blend(wall, [245.0, 250.0, 255.0], glow)
    }

    fn platform(&self, at: V3, pixel: f32, deep: f32, fleck: f32) -> Rgb {
        let plank = (at.x / 0.155 + 100.0).floor() as i32;
        let along = at.z * 3.0 + grain(plank, 7) * 10.0;
        let vein = grain((at.x * 210.0).floor() as i32, along.floor() as i32);
        let next = grain((at.x * 210.0).floor() as i32, along.floor() as i32 + 1);
        let fine = (0.0048 / pixel).min(1.0);
        let tone = 0.90 + 0.12 * grain(plank, 3) + 0.10 * fine * (mix(vein, next, along.fract()) - 0.5);
        let mut wood = times([184.0, 144.0, 100.0], tone);
        wood = times(wood, 1.0 - 0.35 * seam(at.x + 15.5, 0.155, 0.004, pixel));
        let mut rubber = times([54.0, 55.0, 58.0], 0.96 + 0.1 * fleck);
        let frame = 1.0 - within(at.x, -1.26, 1.26, pixel) * within(at.z, -0.94, 1.18, deep);
        rubber = blend(rubber, times(self.look.accent, 0.85), frame);
        let inner = within(at.x, -0.62, 0.62, pixel) * (1.0 - frame);
        blend(rubber, wood, inner)
    }

    /// Paint by height: a dark base, a line, a light wall that the lamps wash from above.
    fn painted(&self, y: f32, along: f32, pixel: f32) -> Rgb {
        // A lamp every three metres; the curve of a sine, without its price.
        let turn = along / 3.0 + 20.0;
        let turn = 2.0 * (turn - turn as i32 as f32) - 1.0;
        let pools = 4.0 * turn * (1.0 - turn.abs());
        let wash = 0.80 + 0.16 * smooth(0.8, 2.8, y) + 0.035 * pools * smooth(1.0, 2.6, y);
        let low = times(self.look.accent, 0.72 + 0.2 * smooth(0.0, 1.0, y));
        let mut out = blend(low, times(self.look.wall, wash), within(y, 1.06, 9.0, pixel));
        out = blend(out, [232.0, 232.0, 228.0], within(y, 1.06, 1.085, pixel));
        let skirting = within(y, -1.0, 0.11, pixel);
        out = blend(out, [44.0, 46.0, 50.0], skirting);
        times(out, 0.72 + 0.28 * smooth(0.0, 0.7, y))
    }

    fn back_wall(&self, at: V3, pixel: f32) -> Rgb {
        let mut out = self.painted(at.y, at.x, pixel);
        let near_window = (at.x * -self.side + SIDE_X * 0.2) / (SIDE_X * 1.2);
        out = times(out, 0.86 + 0.14 * near_window.clamp(0.0, 1.0));
        out = times(out, 0.8 + 0.2 * smooth(0.0, 0.45, SIDE_X - at.x * -self.side));
        let middle = self.side * -0.22;
        let ink = banner((at.x - middle) / 0.046, (2.24 - at.y) / 0.046, pixel / 0.046);
        out = blend(out, times(self.look.accent, 0.9), ink);
        self.clock(out, at - v3(self.side * -2.55, 2.13, 0.0), pixel)
    }

    fn clock(&self, under: Rgb, at: V3, pixel: f32) -> Rgb {
        if at.x.abs().max(at.y.abs()) > 0.2 {
            return under;
        }
        let r = at.x.hypot(at.y);
        let hand = |turn: f32, long: f32, wide: f32| {
            let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
            let (along, off) = (at.x * sin + at.y * cos, at.x * cos - at.y * sin);
            within(along, -0.02, long, pixel) * within(off, -wide, wide, pixel)
        };
        let mut dial = [240.0, 240.0, 236.0];
        let tick = seam(at.y.atan2(at.x) / std::f32::consts::TAU + 1.0, 1.0 / 12.0, 0.007, pixel / 0.8);
        let ring = within(r, 0.125, 0.145, pixel);
        dial = blend(dial, [60.0, 62.0, 66.0], tick * ring);
        dial = blend(dial, [40.0, 42.0, 46.0], hand(0.845, 0.08, 0.008).max(hand(0.14, 0.12, 0.006)));
        let rim = within(r, 0.155, 0.175, pixel);
        dial = blend(dial, [50.0, 52.0, 58.0], rim);
        blend(under, dial, within(r, -1.0, 0.175, pixel))
    }

    fn side_wall(&self, at: V3, pixel: f32) -> Rgb {
        let mut out = self.painted(at.y, at.z, pixel);
        out = times(out, 0.8 + 0.2 * smooth(0.0, 0.45, at.z - BACK_Z));
        let (low, high, first, last) = (1.3, 2.42, -1.95, 2.4);
        let (dy, dz) = ((low - at.y).max(at.y - high).max(0.0), (first - at.z).max(at.z - last).max(0.0));
        let halo = 1.0 / (1.0 + 14.0 * (dy * dy + dz * dz));
        out = blend(out, [250.0, 250.0, 246.0], 0.22 * halo);
        let frame = within(at.y, low - 0.06, high + 0.06, pixel) * within(at.z, first - 0.06, last + 0.06, pixel);
        out = blend(out, [70.0, 74.0, 80.0], frame);
        let pane = within(at.y, low, high, pixel) * within(at.z, first, last, pixel);
        let bars = seam(at.z - first + 8.7, 0.87, 0.035, pixel).max(within(at.y, 2.0, 2.04, pixel));
        // Out of focus: sky over trees over a street.
        let trees = 1.62 + 0.07 * (at.z * 3.1).sin() + 0.04 * (at.z * 7.3 + 1.0).sin();
        let sky = blend([226.0, 236.0, 244.0], [246.0, 250.0, 252.0], smooth(1.6, 2.4, at.y));
        let outside = blend([150.0, 168.0, 150.0], sky, smooth(trees - 0.12, trees + 0.12, at.y));
        let outside = blend([176.0, 178.0, 176.0], outside, smooth(1.32, 1.5, at.y));
        blend(out, blend(outside, [70.0, 74.0, 80.0], bars), pane)
    }
}

/// Letters four wide and six high, as strokes from point to point.
type Stroke = [f32; 4];
const S: &[Stroke] = &[
    [4.0, 0.6, 3.4, 0.0],
    [3.4, 0.0, 0.6, 0.0],
    [0.6, 0.0, 0.0, 0.6],
    [0.0, 0.6, 0.0, 2.4],
    [0.0, 2.4, 0.6, 3.0],
    [0.6, 3.0, 3.4, 3.0],
    [3.4, 3.0, 4.0, 3.6],
    [4.0, 3.6, 4.0, 5.4],
    [4.0, 5.4, 3.4, 6.0],
    [3.4, 6.0, 0.6, 6.0],
    [0.6, 6.0, 0.0, 5.4],
];
const P: &[Stroke] = &[
    [0.0, 6.0, 0.0, 0.0],
    [0.0, 0.0, 3.4, 0.0],
    [3.4, 0.0, 4.0, 0.6],
    [4.0, 0.6, 4.0, 2.6],
    [4.0, 2.6, 3.4, 3.2],
    [3.4, 3.2, 0.0, 3.2],
];
const O: &[Stroke] = &[
    [0.6, 0.0, 3.4, 0.0],
    [3.4, 0.0, 4.0, 0.6],
    [4.0, 0.6, 4.0, 5.4],
    [4.0, 5.4, 3.4, 6.0],
    [3.4, 6.0, 0.6, 6.0],
    [0.6, 6.0, 0.0, 5.4],
    [0.0, 5.4, 0.0, 0.6],
    [0.0, 0.6, 0.6, 0.0],
];
const T: &[Stroke] = &[[0.0, 0.0, 4.0, 0.0], [2.0, 0.0, 2.0, 6.0]];
const E: &[Stroke] = &[[4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 6.0], [0.0, 6.0, 4.0, 6.0], [0.0, 3.0, 3.2, 3.0]];
const R: &[Stroke] = &[
    [0.0, 6.0, 0.0, 0.0],
    [0.0, 0.0, 3.4, 0.0],
    [3.4, 0.0, 4.0, 0.6],
    [4.0, 0.6, 4.0, 2.6],
    [4.0, 2.6, 3.4, 3.2],
    [3.4, 3.2, 0.0, 3.2],
    [2.0, 3.2, 4.0, 6.0],
];
const WORD: [&[Stroke]; 7] = [S, P, O, T, T, E, R];
/// From letter to letter.
const PITCH: f32 = 5.8;

/// How much ink of the word on the wall lies at `x` from its middle, `y` from its top, in cells.
fn banner(x: f32, y: f32, pixel: f32) -> f32 {
    let x = x + (WORD.len() as f32 * PITCH - (PITCH - 4.0)) * 0.5;
    let letter = ((x + 0.9) / PITCH).floor();
    if !(-1.0..7.0).contains(&y) || !(0.0..WORD.len() as f32).contains(&letter) {
        return 0.0;
    }
    let x = x - letter * PITCH;
    let away = WORD[letter as usize].iter().fold(9.0f32, |nearest, [x0, y0, x1, y1]| {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let t = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        nearest.min((x - x0 - t * dx).hypot(y - y0 - t * dy))
    });
    within(away, -1.0, 0.52, pixel)
}

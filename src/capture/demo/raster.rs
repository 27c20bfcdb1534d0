//! Solids with volume, cast onto a band of rows: which solid is nearest at each pixel, how near, facing where.
//!
//! Every solid is met exactly by a ray straight along the view: tapered limbs with round ends (the hull of two
//! spheres), eggs (ellipsoids) and discs (short cylinders). Neighbours of the same ink melt into each other, so that
//! joints look grown and not assembled.

use std::ops::Range;

use super::camera::View;
use super::geometry::{V3, v3};
use super::inks::{SHIRT, SHOE, SHORTS};

/// A thing in the world, metres.
#[derive(Clone, Copy, Debug)]
pub enum Solid {
    /// The hull of two spheres.
    Limb { a: V3, b: V3, ra: f32, rb: f32 },
    /// Half axes at right angles to each other.
    Egg { centre: V3, axes: [V3; 3] },
    /// A cylinder with flat ends; `axis` has length one.
    Disc { centre: V3, axis: V3, half: f32, radius: f32 },
}

/// A solid and its ink; `inner` is the ink of a disc's hub.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub solid: Solid,
    pub ink: u8,
    pub inner: u8,
}

/// How far in depth solids of an ink melt into each other, metres: cloth hangs over what is under it.
fn melt_m(ink: u8) -> f32 {
    match ink {
        SHIRT => 0.045,
        SHORTS | SHOE => 0.03,
        _ => 0.014,
    }
}

/// A disc's hub as a share of its radius, squared.
const HUB: f32 = 0.2 * 0.2;

/// A solid as the view sees it.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    form: Form,
    ink: u8,
    inner: u8,
    melt: f32,
    pub left: f32,
    pub right: f32,
    pub top: f32,
    pub bottom: f32,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Limb { a: V3, d: V3, ra: f32, dr: f32, e: f32, mg: f32 },
    Egg { c: V3, rows: [V3; 3] },
    Disc { c: V3, n: V3, half: f32, radius: f32 },
}

impl Shape {
    /// The piece in this view; nothing where the view cannot see it.
    pub fn of(piece: &Piece, view: &View) -> Option<Shape> {
        let (form, [left, right, top, bottom]) = match piece.solid {
            Solid::Limb { a, b, ra, rb } => limb(view, a, b, ra, rb)?,
            Solid::Egg { centre, axes } => egg(view, centre, axes)?,
            Solid::Disc { centre, axis, half, radius } => disc(view, centre, axis, half, radius)?,
        };
        let melt = melt_m(piece.ink) * view.unit;
        let all = [left, right, top, bottom];
        all.iter().all(|v| v.is_finite()).then_some(Shape {
            form,
            ink: piece.ink,
            inner: piece.inner,
            melt,
            left,
            right,
            top,
            bottom,
        })
    }

    /// The columns it may touch, at least none.
    pub fn columns(&self, width: usize) -> (usize, usize) {
        (
            self.left.floor().clamp(0.0, width as f32) as usize,
            (self.right.ceil() + 1.0).clamp(0.0, width as f32) as usize,
        )
    }
}

fn limb(view: &View, a: V3, b: V3, ra: f32, rb: f32) -> Option<(Form, [f32; 4])> {
    let (p, q) = (view.see(a)?, view.see(b)?);
    let (ra, rb) = (ra * p.scale, rb * q.scale);
    let start = v3(p.x, p.y, p.z);
    let mut d = v3(q.x, q.y, q.z) - start;
    // Seen end on, one sphere hides in the other's outline; half a pixel of length keeps the arithmetic whole.
    if d.x.hypot(d.y) < 0.5 {
        d.x += 0.5;
    }
    let flat = d.x * d.x + d.y * d.y;
    let dr = (rb - ra).clamp(-0.97 * flat.sqrt(), 0.97 * flat.sqrt());
    let ra = if ra + dr > 0.0 { ra } else { -dr };
    let e = flat - dr * dr;
    let mg = d.z / (e * (e + d.z * d.z)).sqrt();
    let bounds =
        [(p.x - ra).min(q.x - rb), (p.x + ra).max(q.x + rb), (p.y - ra).min(q.y - rb), (p.y + ra).max(q.y + rb)];
    Some((Form::Limb { a: start, d, ra, dr, e, mg }, bounds))
}

fn egg(view: &View, centre: V3, axes: [V3; 3]) -> Option<(Form, [f32; 4])> {
    let seen = view.see(centre)?;
    let axes = axes.map(|axis| view.turn(axis) * seen.scale);
    let rows = axes.map(|axis| axis * (1.0 / axis.dot(axis).max(1e-6)));
    let (rx, ry) = (
        (axes[0].x.powi(2) + axes[1].x.powi(2) + axes[2].x.powi(2)).sqrt(),
        (axes[0].y.powi(2) + axes[1].y.powi(2) + axes[2].y.powi(2)).sqrt(),
    );
    Some((Form::Egg { c: v3(seen.x, seen.y, seen.z), rows }, [seen.x - rx, seen.x + rx, seen.y - ry, seen.y + ry]))
}

fn disc(view: &View, centre: V3, axis: V3, half: f32, radius: f32) -> Option<(Form, [f32; 4])> {
    let seen = view.see(centre)?;
    // Perspective turns a disc a little away from where a parallel view would have it.
    let ray = if view.focal > 0.0 { (centre - view.place).unit() } else { -view.back };
    let mut n = view.turn(axis);
    let tilt = -axis.dot(ray);
    let flat = n.x.hypot(n.y).max(1e-6);
    let side = (1.0 - tilt * tilt).max(0.0).sqrt();
    n = v3(n.x * side / flat, n.y * side / flat, tilt);
    if n.z < 0.0 {
        n = -n;
    }
    let (half, radius) = (half * seen.scale, radius * seen.scale);
    let rx = radius * (1.0 - n.x * n.x).max(0.0).sqrt() + half * n.x.abs();
    let ry = radius * (1.0 - n.y * n.y).max(0.0).sqrt() + half * n.y.abs();
    let c = v3(seen.x, seen.y, seen.z);
    Some((Form::Disc { c, n, half, radius }, [c.x - rx, c.x + rx, c.y - ry, c.y + ry]))
}

/// Some rows of the picture while solids are cast onto them.
#[derive(Default)]
pub struct Band {
    /// The picture's column and row of the first pixel.
    pub x0: usize,
    pub y0: usize,
    pub width: usize,
    pub rows: usize,
    /// Towards the viewer, pixels.
    pub z: Vec<f32>,
    /// Seven bits of the normal's `y`, then seven of its `x`.
    pub normal: Vec<u16>,
    /// 0 where nothing is; else the solid's number, so that edges can be found.
    pub solid: Vec<u16>,
    pub ink: Vec<u8>,
}

/// Pixels that are reckoned together, so that the compiler can do four or eight at once.
const LANES: usize = 16;

/// What a solid has in some neighbouring pixels.
#[derive(Default)]
struct Run {
    z: [f32; LANES],
    nx: [f32; LANES],
    ny: [f32; LANES],
    melt: [f32; LANES],
}

/// A normal in fourteen bits.
fn packed(nx: f32, ny: f32) -> u16 {
    let bits = |n: f32| ((n * 63.0 + 64.0) as u16).min(127);
    bits(ny) << 7 | bits(nx)
}

fn unpacked(n: u16) -> (f32, f32) {
    let part = |n: u16| (f32::from(n) - 63.5) / 63.0;
    (part(n & 127), part(n >> 7))
}

impl Band {
    /// Empties it for these rows and columns; memory grows at most to the largest band.
    pub fn clear(&mut self, (x0, y0): (usize, usize), (width, rows): (usize, usize)) {
        (self.x0, self.y0, self.width, self.rows) = (x0, y0, width, rows);
        let count = width * rows;
        self.z.clear();
        self.z.resize(count, f32::MIN);
        self.solid.clear();
        self.solid.resize(count, 0);
        self.normal.resize(count, 0);
        self.ink.resize(count, 0);
    }

    /// Casts one solid; `number` is its own, above 0.
    pub fn cast(&mut self, shape: &Shape, number: u16) {
        let (left, right) = shape.columns(self.x0 + self.width);
        let (left, right) = (left.saturating_sub(self.x0), right.saturating_sub(self.x0));
        let end = (self.y0 + self.rows) as f32;
        let top = (shape.top.floor().clamp(0.0, end) as usize).max(self.y0);
        let bottom = (shape.bottom.ceil() + 1.0).clamp(0.0, end) as usize;
        for y in top..bottom {
            let row = (y - self.y0) * self.width;
            let at = (self.x0 as f32 + 0.5, y as f32 + 0.5);
            match &shape.form {
                Form::Limb { .. } => self.limb_row(shape, number, row, at, left..right),
                Form::Egg { .. } => self.egg_row(shape, number, row, at, left..right),
                Form::Disc { c, n, half, radius } => {
                    for x in left..right {
                        let p = (at.0 + x as f32 - c.x, at.1 - c.y);
                        if let Some((z, normal, hub)) = disc_hit(p, *n, *half, *radius) {
                            let ink = if hub { shape.inner } else { shape.ink };
                            self.put(row + x, c.z + z, normal, number, (ink, 0.0));
                        }
                    }
                }
            }
        }
    }

    fn egg_row(&mut self, shape: &Shape, number: u16, row: usize, at: (f32, f32), columns: Range<usize>) {
        let Form::Egg { c, rows } = shape.form else { return };
        let py = at.1 - c.y;
        let (across, deep) = (v3(rows[0].x, rows[1].x, rows[2].x), v3(rows[0].z, rows[1].z, rows[2].z));
        let start = v3(rows[0].y, rows[1].y, rows[2].y) * py;
        let a = deep.dot(deep);
        let per_a = 1.0 / a;
        // What is under the root, as a parabola of the column.
        let (b0, b1) = (start.dot(deep), across.dot(deep));
        let bow =
            (b1 * b1 - a * across.dot(across), b0 * b1 - a * start.dot(across), b0 * b0 - a * (start.dot(start) - 1.0));
        let columns = positive(bow, c.x - at.0, columns);
        let mut run = Run::default();
        for first in columns.clone().step_by(LANES) {
            for i in 0..LANES {
                let px = at.0 + (first + i) as f32 - c.x;
                let inside = bow.2 + px * (2.0 * bow.1 + px * bow.0);
                let z = (inside.max(0.0).sqrt() - b0 - b1 * px) * per_a;
                let s = start + across * px + deep * z;
                let n = rows[0] * s.x + rows[1] * s.y + rows[2] * s.z;
                let per = 1.0 / n.dot(n).max(1e-12).sqrt();
                run.z[i] = if inside > 0.0 { c.z + z } else { f32::MIN };
                (run.nx[i], run.ny[i], run.melt[i]) = (n.x * per, n.y * per, shape.melt);
            }
            self.merge(&run, row + first, LANES.min(columns.end - first), number, shape.ink);
        }
    }

    fn limb_row(&mut self, shape: &Shape, number: u16, row: usize, at: (f32, f32), columns: Range<usize>) {
        let Form::Limb { a, d, ra, dr, e, mg } = shape.form else { return };
        let wy = at.1 - a.y;
        let per_e = 1.0 / e;
        let c1 = ra * dr + wy * d.y;
        let bow = (d.x * d.x * per_e - 1.0, c1 * d.x * per_e, ra * ra - wy * wy + c1 * c1 * per_e);
        let columns = positive(bow, a.x - at.0, columns);
        let mut run = Run::default();
        for first in columns.clone().step_by(LANES) {
            for i in 0..LANES {
                let wx = at.0 + (first + i) as f32 - a.x;
                // How far the sphere at `t` along the limb reaches: q(t) = c0 + 2 c1 t - e t²; nearest where the
                // surface is.
                let c0 = ra * ra - wx * wx - wy * wy;
                let c1 = ra * dr + wx * d.x + wy * d.y;
                let middle = c1 * per_e;
                let widest = c0 + c1 * middle;
                let wanted = middle + mg * widest.max(0.0).sqrt();
                let t = wanted.clamp(0.0, 1.0);
                let reach = c0 + t * (2.0 * c1 - e * t);
                let per_r = 1.0 / (ra + dr * t);
                let z = a.z + t * d.z + reach.max(0.0).sqrt();
                run.z[i] = if widest.min(reach) > 0.0 { z } else { f32::MIN };
                (run.nx[i], run.ny[i]) = ((wx - t * d.x) * per_r, (wy - t * d.y) * per_r);
                // Round ends do not melt: where a limb goes on in the next, its end would show as a ring.
                run.melt[i] = if t == wanted { shape.melt } else { 0.0 };
            }
            self.merge(&run, row + first, LANES.min(columns.end - first), number, shape.ink);
        }
    }

    /// Some pixels in a row, where they are nearer than what was there.
    fn merge(&mut self, run: &Run, start: usize, count: usize, number: u16, ink: u8) {
        for i in 0..count {
            if run.z[i] > self.z[start + i] - run.melt[i] {
                self.put(start + i, run.z[i], (run.nx[i], run.ny[i]), number, (ink, run.melt[i]));
            }
        }
    }

    #[inline]
    fn put(&mut self, i: usize, z: f32, normal: (f32, f32), number: u16, (ink, melt): (u8, f32)) {
        let nearer = z - self.z[i];
        if nearer.abs() < melt && self.ink[i] == ink {
            let h = 0.5 + 0.5 * nearer / melt;
            let old = unpacked(self.normal[i]);
            let (dx, dy) = (normal.0 - old.0, normal.1 - old.1);
            self.normal[i] = packed(old.0 + dx * h, old.1 + dy * h);
            // Only where they meet at an angle is there a gap to fill.
            self.z[i] += nearer * h + melt * h * (1.0 - h) * (dx * dx + dy * dy).min(1.0);
        } else if nearer > 0.0 {
            (self.z[i], self.normal[i], self.solid[i], self.ink[i]) = (z, packed(normal.0, normal.1), number, ink);
        }
    }
}

/// The columns where the parabola `a x² + 2 b x + c` around `middle` may be positive.
fn positive((a, b, c): (f32, f32, f32), middle: f32, columns: Range<usize>) -> Range<usize> {
    if a > -1e-6 {
        return columns;
    }
    let under = b * b - a * c;
    if under <= 0.0 {
        return 0..0;
    }
    let (centre, half) = (middle - b / a, under.sqrt() / -a);
    let first = (centre - half).floor().max(columns.start as f32) as usize;
    let last = (centre + half + 2.0).clamp(0.0, columns.end as f32) as usize;
    first..last
}

/// Where a ray meets a disc at `p` from its middle: depth, normal, whether it is the hub.
fn disc_hit(p: (f32, f32), n: V3, half: f32, radius: f32) -> Option<(f32, (f32, f32), bool)> {
    let flat = n.x * p.0 + n.y * p.1;
    let (square, radius2) = (p.0 * p.0 + p.1 * p.1, radius * radius);
    if n.z > 0.02 {
        let z = (half - flat) / n.z;
        let off = square + z * z - half * half;
        if off <= radius2 {
            // A turned groove gives the rim its lip.
            let share = off / radius2;
            let groove = if share > 0.66 && share < 0.74 {
                -0.5
            } else if share > 0.74 && share < 0.8 {
                0.4
            } else {
                0.0
            };
            let k = groove / off.sqrt().max(1.0);
            let way = (p.0 - n.x * half, p.1 - n.y * half);
            return Some((z, (n.x * 0.95 + way.0 * k, n.y * 0.95 + way.1 * k), share < HUB));
        }
    }
    let a = 1.0 - n.z * n.z;
    if a < 1e-4 {
        return None;
    }
    let b = -n.z * flat;
    let inside = b * b - a * (square - flat * flat - radius2);
    if inside < 0.0 {
        return None;
    }
    let z = (inside.sqrt() - b) / a;
    let along = flat + n.z * z;
    (along.abs() <= half).then(|| (z, ((p.0 - n.x * along) / radius, (p.1 - n.y * along) / radius), false))
}

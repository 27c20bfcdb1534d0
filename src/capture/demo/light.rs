//! How surfaces answer the light: a table by normal, and the lamp's shadows on bodies and on the floor.
//!
//! One lamp (the window's side, from above), the bright ceiling, and a rim from behind. The table is made once per
//! camera; the shadows are made anew for each frame.

use super::camera::View;
use super::geometry::{V3, v3};
use super::raster::{Band, Piece, Shape, Solid};

/// What falls on a surface, 256 for all there is.
#[derive(Clone, Copy, Default)]
pub struct Lit {
    /// From everywhere: no shadow takes it away.
    pub ambient: u16,
    /// From the lamp.
    pub lamp: u16,
    /// Mirrored from the lamp.
    pub shine: u16,
    /// From behind, along the outline.
    pub rim: u16,
}

/// Pixels of the lamp's view, and the metres they span.
const LAMP_SIZE: usize = 160;
const LAMP_SPAN_M: f32 = 3.2;
/// Cells of the floor's shadow across, and the metres of one.
const FLOOR_CELLS: usize = 128;
const NO_BOUNDS: [(usize, usize); 2] = [(FLOOR_CELLS, 0); 2];

/// Light and shadow for one camera.
pub struct Light {
    table: Vec<Lit>,
    pub to_lamp: V3,
    lamp: View,
    depth: Band,
    floor: Vec<f32>,
    floor_cell_m: f32,
    bias: f32,
    /// The floor's cells that anything darkens.
    bounds: [(usize, usize); 2],
}

impl Light {
    pub fn new(view: &View, floor_span_m: f32) -> Light {
        // The window is on the far side wall, which is left in the picture when the camera stands on the right.
        let left = if view.place.x > 0.0 { -1.0 } else { 1.0 };
        let in_view = v3(0.62 * left, -0.74, 0.42).unit();
        let to_lamp = view.right * in_view.x + view.down * in_view.y + view.back * in_view.z;
        let table = (0..1u16 << 14).map(|n| lit(n, in_view)).collect();
        let lamp = View::lamp(to_lamp, LAMP_SIZE, LAMP_SPAN_M);
        let bias = 0.03 * lamp.unit;
        Light {
            table,
            to_lamp,
            lamp,
            depth: Band::default(),
            floor: vec![0.0; FLOOR_CELLS * FLOOR_CELLS],
            floor_cell_m: floor_span_m / FLOOR_CELLS as f32,
            bias,
            bounds: NO_BOUNDS,
        }
    }

    /// What falls on a surface of this (packed) normal.
    pub fn on(&self, normal: u16) -> Lit {
        self.table[usize::from(normal) & 0x3FFF]
    }

    /// Looks at the pieces from the lamp, and at what they take from the floor.
    pub fn throw(&mut self, pieces: &[Piece]) {
        self.depth.clear((0, 0), (LAMP_SIZE, LAMP_SIZE));
        self.floor.fill(0.0);
        self.bounds = NO_BOUNDS;
        for piece in pieces {
            if let Some(shape) = Shape::of(piece, &self.lamp) {
                self.depth.cast(&shape, 1);
            }
            self.darken(&piece.solid);
        }
        for cell in &mut self.floor {
            *cell = 256.0 / (1.0 + *cell);
        }
    }

    /// How much of the lamp reaches a point, 256 for all.
    pub fn reaching(&self, point: V3) -> u32 {
        let Some(seen) = self.lamp.see(point) else { return 256 };
        let (x, y) = (seen.x - 0.5, seen.y - 0.5);
        if !(x >= 0.0 && y >= 0.0 && x < (LAMP_SIZE - 2) as f32 && y < (LAMP_SIZE - 2) as f32) {
            return 256;
        }
        let (ix, iy) = (x as usize, y as usize);
        let (fx, fy) = (x - ix as f32, y - iy as f32);
        let free = |i: usize| {
            let over = self.depth.z[i] - seen.z - self.bias;
            1.0 - (over / self.bias).clamp(0.0, 1.0)
        };
        let i = iy * LAMP_SIZE + ix;
        let top = free(i) * (1.0 - fx) + free(i + 1) * fx;
        let low = free(i + LAMP_SIZE) * (1.0 - fx) + free(i + LAMP_SIZE + 1) * fx;
        ((top * (1.0 - fy) + low * fy) * 256.0) as u32
    }

    /// How much light the floor keeps at `x`, `z`, 256 for all.
    pub fn floor(&self, x: f32, z: f32) -> u32 {
        let half = FLOOR_CELLS as f32 * 0.5;
        let (u, v) = (x / self.floor_cell_m + half - 0.5, z / self.floor_cell_m + half - 0.5);
        if !(u >= 0.0 && v >= 0.0 && u < (FLOOR_CELLS - 1) as f32 && v < (FLOOR_CELLS - 1) as f32) {
            return 256;
        }
        let (iu, iv) = (u as usize, v as usize);
        let (fu, fv) = (u - iu as f32, v - iv as f32);
        let i = iv * FLOOR_CELLS + iu;
        let near = self.floor[i] * (1.0 - fu) + self.floor[i + 1] * fu;
        let far = self.floor[i + FLOOR_CELLS] * (1.0 - fu) + self.floor[i + FLOOR_CELLS + 1] * fu;
        (near * (1.0 - fv) + far * fv) as u32
    }

    /// The part of the floor that is in shadow: from and to, in metres of `x` and of `z`.
    pub fn floor_bounds_m(&self) -> [(f32, f32); 2] {
        self.bounds.map(|(from, to)| {
            let metres = |cell: usize| (cell as f32 + 0.5 - FLOOR_CELLS as f32 * 0.5) * self.floor_cell_m;
            (metres(from) - self.floor_cell_m, metres(to))
        })
    }

    fn darken(&mut self, solid: &Solid) {
        match *solid {
            Solid::Limb { a, b, ra, rb } => {
                let count = ((b - a).length() / (ra.max(rb) * 1.3).max(0.02)).ceil().clamp(1.0, 24.0);
                for i in 0..=count as usize {
                    let t = i as f32 / count;
                    self.blot(a.lerp(b, t), ra + (rb - ra) * t, 0.7);
                }
            }
            Solid::Egg { centre, axes } => {
                let lengths = axes.map(V3::length);
                self.blot(centre, (lengths[0] + lengths[1] + lengths[2]) / 3.0, 0.9);
            }
            Solid::Disc { centre, axis, half, radius } => {
                let flat = v3(axis.z, 0.0, -axis.x).unit();
                for k in [-0.7f32, 0.0, 0.7] {
                    let sag = -radius * (1.0 - k * k).sqrt() + half;
                    self.blot(centre + flat * (k * radius) + v3(0.0, sag, 0.0), half.max(radius * 0.28), 0.5);
                }
            }
        }
    }

    /// A ball's share: under it from the bright ceiling, and away from the lamp.
    fn blot(&mut self, at: V3, radius: f32, strength: f32) {
        let height = (at.y - radius).max(0.0);
        let away = self.to_lamp * (at.y / self.to_lamp.y.max(0.2));
        self.spot(at.x, at.z, radius * 1.2 + height * 0.5, strength, radius);
        self.spot(at.x - away.x, at.z - away.z, radius * 1.1 + height * 0.09, strength * 0.85, radius);
    }

    fn spot(&mut self, x: f32, z: f32, wide: f32, strength: f32, radius: f32) {
        let half = FLOOR_CELLS as f32 * 0.5;
        let wide = (wide / self.floor_cell_m).max(1.2);
        let taken = strength * (radius / self.floor_cell_m / wide).powi(2).min(1.0);
        if taken < 0.004 {
            return;
        }
        let (u, v) = (x / self.floor_cell_m + half - 0.5, z / self.floor_cell_m + half - 0.5);
        let reach = wide * 1.6;
        let range = |c: f32| {
            let edge = FLOOR_CELLS as f32;
            ((c - reach).ceil().clamp(0.0, edge) as usize, (c + reach + 1.0).floor().clamp(0.0, edge) as usize)
        };
        let ((u0, u1), (v0, v1)) = (range(u), range(v));
        let [across, along] = self.bounds;
        self.bounds = [(across.0.min(u0), across.1.max(u1)), (along.0.min(v0), along.1.max(v1))];
        let per = 1.0 / (reach * reach);
        for iv in v0..v1 {
            let dv = iv as f32 - v;
            for (iu, cell) in self.floor[iv * FLOOR_CELLS..][u0..u1.max(u0)].iter_mut().enumerate() {
                let du = (iu + u0) as f32 - u;
                let fall = (1.0 - (du * du + dv * dv) * per).max(0.0);
                *cell += taken * fall * fall;
            }
        }
    }
}

fn lit(packed: u16, lamp: V3) -> Lit {
    let part = |n: u16| (f32::from(n) - 63.5) / 63.0;
    let (nx, ny) = (part(packed & 127), part(packed >> 7));
    let nz = (1.0 - nx * nx - ny * ny).max(0.0).sqrt();
    let n = v3(nx, ny, nz).unit();
    let facing = n.dot(lamp);
    // Light wraps a little around soft things.
    let wrapped = ((facing + 0.18) / 1.18).max(0.0);
    let half = (lamp + v3(0.0, 0.0, 1.0)).unit();
    let shine = n.dot(half).max(0.0).powi(22);
    let behind = n.dot(v3(-lamp.x, -0.45, -0.35).unit()).max(0.0);
    let rim = behind * (1.0 - nz).powi(2);
    let ambient = 0.40 - 0.17 * n.y + 0.05 * nz;
    let part = |share: f32| (share * 256.0) as u16;
    Lit { ambient: part(ambient), lamp: part(wrapped * 0.72), shine: part(shine), rim: part(rim) }
}

//! Solids into a picture: band by band, so that all of it stays in the processor's near memory.
//!
//! Light and ink become YUV two by two pixels, since chroma is halved; shadows are looked up once per such block.
//! Edges are softened afterwards, where one solid ends and another, or the room, begins.

use super::camera::View;
use super::light::Light;
use super::look::Ink;
use super::raster::{Band, Piece, Shape};

/// Rows of a band; even.
const BAND_ROWS: usize = 80;
/// Rows above and below that a band needs to know; even.
const MARGIN: usize = 2;

/// An I420 picture to paint on, without padding.
pub struct Canvas<'a> {
    pub width: usize,
    pub height: usize,
    pub y: &'a mut [u8],
    pub u: &'a mut [u8],
    pub v: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    /// On bytes that hold a whole picture; nothing if they are too few.
    pub fn on(bytes: &'a mut [u8], width: usize, height: usize) -> Option<Canvas<'a>> {
        let half = width.div_ceil(2) * height.div_ceil(2);
        if bytes.len() < width * height + 2 * half {
            return None;
        }
        let (y, chroma) = bytes.split_at_mut(width * height);
        let (u, v) = chroma.split_at_mut(half);
        Some(Canvas { width, height, y, u, v })
    }
}

/// The brush: memory that is kept from frame to frame.
#[derive(Default)]
pub struct Painter {
    shapes: Vec<Shape>,
    band: Band,
    luma: Vec<u8>,
}

impl Painter {
    /// Paints the pieces over the picture.
    pub fn paint(&mut self, canvas: &mut Canvas<'_>, view: &View, light: &Light, pieces: &[Piece], inks: &[Ink]) {
        self.shapes.clear();
        self.shapes.extend(pieces.iter().filter_map(|piece| Shape::of(piece, view)));
        let end = canvas.height as f32;
        let top = self.shapes.iter().map(|s| s.top).fold(end, f32::min).clamp(0.0, end) as usize;
        let bottom = (self.shapes.iter().map(|s| s.bottom).fold(0.0, f32::max) + 2.0).clamp(0.0, end) as usize;
        let mut y = top.saturating_sub(1) & !1;
        while y < bottom {
            let rows = BAND_ROWS.min(canvas.height - y);
            self.paint_band(canvas, view, light, inks, y, rows);
            y += BAND_ROWS;
        }
    }

    fn paint_band(&mut self, canvas: &mut Canvas<'_>, view: &View, light: &Light, inks: &[Ink], y: usize, rows: usize) {
        let first = y.saturating_sub(MARGIN);
        let last = (y + rows + MARGIN).min(canvas.height);
        let touches = |s: &Shape| s.bottom + 1.0 >= first as f32 && s.top <= last as f32;
        let (mut left, mut right) = (canvas.width, 0);
        for shape in self.shapes.iter().filter(|s| touches(s)) {
            let (l, r) = shape.columns(canvas.width);
            (left, right) = (left.min(l), right.max(r));
        }
        if left >= right {
            return;
        }
        left = left.saturating_sub(2) & !1;
        right = (right + 2).min(canvas.width);
        self.band.clear((left, first), (right - left, last - first));
        for (number, shape) in (1..).zip(&self.shapes) {
            if touches(shape) {
                self.band.cast(shape, number);
            }
        }
        self.shade(canvas, view, light, inks, y..y + rows);
        self.lay(canvas, y..y + rows);
    }

    /// Light onto the band's own luma, chroma straight into the picture.
    fn shade(
        &mut self,
        canvas: &mut Canvas<'_>,
        view: &View,
        light: &Light,
        inks: &[Ink],
        own: std::ops::Range<usize>,
    ) {
        let (band, half) = (&self.band, canvas.width.div_ceil(2));
        self.luma.clear();
        for row in 0..band.rows {
            let start = (band.y0 + row) * canvas.width + band.x0;
            self.luma.extend_from_slice(&canvas.y[start..start + band.width]);
        }
        for row in (0..band.rows).step_by(2) {
            for x in (0..band.width).step_by(2) {
                let corner = row * band.width + x;
                let (wide, tall) = (2.min(band.width - x), 2.min(band.rows - row));
                let block = [
                    corner,
                    corner + wide - 1,
                    corner + (tall - 1) * band.width,
                    corner + (tall - 1) * band.width + wide - 1,
                ];
                if block.iter().all(|i| band.solid[*i] == 0) {
                    continue;
                }
                let (mut reach, mut covered, mut u, mut v) = (None, 0, 0, 0);
                for i in block {
                    if band.solid[i] == 0 {
                        continue;
                    }
                    let (ink, lit) = (inks[usize::from(band.ink[i])], light.on(band.normal[i]));
                    let mut level = i32::from(lit.ambient);
                    let mut glow = i32::from(lit.rim) * (24 + ink.y);
                    if lit.lamp > 0 {
                        let reaching = *reach.get_or_insert_with(|| {
                            let (px, py) = ((band.x0 + x) as f32 + 1.0, (band.y0 + row) as f32 + 1.0);
                            light.reaching(view.world(px, py, band.z[i])) as i32
                        });
                        level += (i32::from(lit.lamp) * reaching) >> 8;
                        glow += ((i32::from(lit.shine) * reaching) >> 8) * ink.gloss;
                    }
                    self.luma[i] = ((ink.y * level + glow) >> 8).clamp(0, 255) as u8;
                    u += (ink.u * level) >> 8;
                    v += (ink.v * level) >> 8;
                    covered += 1;
                }
                let y = band.y0 + row;
                if own.contains(&y) {
                    let at = y / 2 * half + (band.x0 + x) / 2;
                    let bare = 4 - covered;
                    let blend =
                        |old: u8, sum: i32| (128 + ((i32::from(old) - 128) * bare + sum) / 4).clamp(0, 255) as u8;
                    canvas.u[at] = blend(canvas.u[at], u);
                    canvas.v[at] = blend(canvas.v[at], v);
                }
            }
        }
    }

    /// The band's luma into the picture, edges softened.
    fn lay(&self, canvas: &mut Canvas<'_>, own: std::ops::Range<usize>) {
        let (band, w) = (&self.band, self.band.width);
        for y in own {
            let row = (y - band.y0) * w;
            let out = &mut canvas.y[y * canvas.width + band.x0..][..w];
            out.copy_from_slice(&self.luma[row..row + w]);
            if row < w || row + 2 * w > self.luma.len() || w < 3 {
                continue;
            }
            let (above, here, below) =
                (&band.solid[row - w..row], &band.solid[row..row + w], &band.solid[row + w..row + 2 * w]);
            for x in 1..w - 1 {
                let own = here[x];
                if (here[x - 1] ^ own) | (here[x + 1] ^ own) | (above[x] ^ own) | (below[x] ^ own) != 0 {
                    let at = |i: usize| u32::from(self.luma[i]);
                    let line = |i: usize| at(i - 1) + 2 * at(i) + at(i + 1);
                    let i = row + x;
                    out[x] = ((line(i - w) + 2 * line(i) + line(i + w) + 8) >> 4) as u8;
                }
            }
        }
    }
}

/// Takes light from the floor where the solids keep it away.
pub fn shade_floor(canvas: &mut Canvas<'_>, view: &View, light: &Light) {
    let bounds = light.floor_bounds_m();
    let half = canvas.width.div_ceil(2);
    for row in 0..canvas.height.div_ceil(2) {
        let start = view.ray(0.0, row as f32 * 2.0 + 1.0);
        if start.y > -1e-3 {
            continue;
        }
        // Without roll the floor is as deep all along a row.
        let deep = -view.place.y / start.y;
        let from = view.place + start * deep;
        let step = view.right * (2.0 * deep / view.focal);
        let Some((first, last)) = span(from.x, step.x, bounds[0]).and_then(|a| {
            let b = span(from.z, step.z, bounds[1])?;
            let (first, last) = (a.0.max(b.0).max(0.0), a.1.min(b.1).min(half as f32));
            (first < last).then_some((first as usize, last as usize))
        }) else {
            continue;
        };
        for x in (first..last).step_by(2) {
            let at = from + step * (x as f32 + 1.0);
            let keep = light.floor(at.x, at.z);
            if keep < 255 {
                dim(canvas, row, x..(x + 2).min(half), keep);
            }
        }
    }
}

/// Leaves `keep` of 256 of the light to some columns of chroma in one row, and to the luma over them.
fn dim(canvas: &mut Canvas<'_>, row: usize, columns: std::ops::Range<usize>, keep: u32) {
    for y in row * 2..(row * 2 + 2).min(canvas.height) {
        let end = (columns.end * 2).min(canvas.width);
        for luma in &mut canvas.y[y * canvas.width..][columns.start * 2..end] {
            *luma = ((u32::from(*luma) * keep) >> 8) as u8;
        }
    }
    let start = row * canvas.width.div_ceil(2);
    for chroma in [&mut *canvas.u, &mut *canvas.v] {
        for value in &mut chroma[start..][columns.clone()] {
            *value = (128 + (((i32::from(*value) - 128) * keep as i32) >> 8)) as u8;
        }
    }
}

/// For which steps `from + k * step` lies within the bounds.
fn span(from: f32, step: f32, (low, high): (f32, f32)) -> Option<(f32, f32)> {
    if step.abs() < 1e-9 {
        return (low..high).contains(&from).then_some((0.0, f32::MAX));
    }
    let (a, b) = ((low - from) / step, (high - from) / step);
    Some((a.min(b), a.max(b)))
}

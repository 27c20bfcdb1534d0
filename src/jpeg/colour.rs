//! From what a camera calls YUV to what a JPEG means by it: BT.601, full range.
//!
//! A picture that already is so is not touched. For limited range each plane is stretched; for BT.709 chroma also
//! turns a little and moves luma with it (a 3x3 matrix on Y, U, V), with chroma at its own resolution: each chroma
//! sample moves the luma of the pixels it covers.
//!
//! All arithmetic is 16 bit, so that the compiler makes SIMD of it. The error against exact arithmetic is less than
//! one step of 255 in each of Y, U and V; values outside their range are cut off.

use turbojpeg::Subsamp;

use super::planes::{Picture, Plane, Scratch};
use crate::frame::{Colour, Matrix, Range};

/// The memory for a converted picture.
#[derive(Default)]
pub(super) struct Converter {
    converted: Scratch,
    /// How far one row of chroma moves luma.
    shift: Vec<i16>,
}

/// What BT.709 adds to values that are taken for BT.601, in 512ths of the (centred) chroma.
struct Turn {
    y: [i16; 2],
    u: [i16; 2],
    v: [i16; 2],
}

/// Y' = Y + 0.1016 U + 0.1961 V, U' = 0.9899 U - 0.1107 V, V' = 0.9834 V - 0.0725 U.
const TURN_FULL: Turn = Turn { y: [52, 100], u: [-5, -57], v: [-37, -9] };
/// The same times 255/224, which the range asks for.
const TURN_LIMITED: Turn = Turn { y: [59, 114], u: [65, -64], v: [-42, 61] };

impl Converter {
    /// The picture as JPEG wants it; untouched if `colour` is that already. Chroma must be halved both ways.
    pub fn convert<'a>(&'a mut self, picture: Picture<'a>, colour: Colour) -> Picture<'a> {
        let grey = picture.subsamp == Subsamp::Gray;
        let limited = colour.range == Range::Limited;
        let turned = colour.matrix == Matrix::Bt709 && !grey;
        if !limited && !turned {
            return picture;
        }
        let [luma, u, v] = picture.planes;
        let [y_to, u_to, v_to] = self.converted.sized(picture.planes.map(|p| p.width * p.height));
        if turned {
            turn(picture.planes, limited, [&mut *y_to, &mut *u_to, &mut *v_to], &mut self.shift);
        } else {
            stretch(luma, y_to, stretched_luma);
            stretch(u, u_to, stretched_chroma);
            stretch(v, v_to, stretched_chroma);
        }
        let planes = [
            Plane::packed(y_to, luma.width, luma.height),
            Plane::packed(u_to, u.width, u.height),
            Plane::packed(v_to, v.width, v.height),
        ];
        Picture { planes, ..picture }
    }
}

/// 16..=235 to 0..=255.
fn stretched_luma(y: u8) -> u8 {
    let above_black = u16::from(y.clamp(16, 235)) - 16;
    ((above_black * 298 + 128) >> 8) as u8
}

/// 16..=240 to 0..=255, and 128 stays.
fn stretched_chroma(c: u8) -> u8 {
    let above_least = u16::from(c.clamp(16, 240)) - 16;
    ((above_least * 291 + 304) >> 8) as u8
}

fn stretch(from: Plane, to: &mut [u8], stretched: impl Fn(u8) -> u8 + Copy) {
    if from.width == 0 {
        return;
    }
    for (from, to) in from.rows().zip(to.chunks_exact_mut(from.width)) {
        from.iter().zip(to).for_each(|(from, to)| *to = stretched(*from));
    }
}

fn turn([luma, u, v]: [Plane; 3], limited: bool, [y_to, u_to, v_to]: [&mut [u8]; 3], shift: &mut Vec<i16>) {
    let turn = if limited { &TURN_LIMITED } else { &TURN_FULL };
    shift.resize(u.width, 0);
    let chroma_to = u_to.chunks_exact_mut(u.width).zip(v_to.chunks_exact_mut(u.width));
    let luma_to = y_to.chunks_mut(luma.width * 2);
    for (pair, ((u_to, v_to), luma_to)) in chroma_to.zip(luma_to).enumerate() {
        turn_chroma(turn, u.row(pair), v.row(pair), u_to, v_to, shift);
        for (i, to) in luma_to.chunks_exact_mut(luma.width).enumerate() {
            let from = luma.row(pair * 2 + i);
            if limited {
                shift_luma(from, to, shift, stretched_luma);
            } else {
                shift_luma(from, to, shift, |y| y);
            }
        }
    }
}

fn turn_chroma(turn: &Turn, u: &[u8], v: &[u8], u_to: &mut [u8], v_to: &mut [u8], shift: &mut [i16]) {
    let part = |[a, b]: [i16; 2], u: i16, v: i16| (u * a + v * b + 256) >> 9;
    for ((u, v), ((u_to, v_to), shift)) in u.iter().zip(v).zip(u_to.iter_mut().zip(v_to).zip(shift)) {
        let (u, v) = (i16::from(*u) - 128, i16::from(*v) - 128);
        *u_to = (128 + u + part(turn.u, u, v)).clamp(0, 255) as u8;
        *v_to = (128 + v + part(turn.v, u, v)).clamp(0, 255) as u8;
        *shift = part(turn.y, u, v);
    }
}

fn shift_luma(from: &[u8], to: &mut [u8], shift: &[i16], stretched: impl Fn(u8) -> u8) {
    let moved = |y: u8, by: i16| (i16::from(stretched(y)) + by).clamp(0, 255) as u8;
    let (pairs, odd) = from.as_chunks::<2>();
    let (pairs_to, odd_to) = to.as_chunks_mut::<2>();
    for ((from, to), by) in pairs.iter().zip(pairs_to).zip(shift) {
        *to = [moved(from[0], *by), moved(from[1], *by)];
    }
    if let ([from], [to], Some(by)) = (odd, odd_to, shift.last()) {
        *to = moved(*from, *by);
    }
}

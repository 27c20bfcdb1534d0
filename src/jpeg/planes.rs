//! A picture as planes of bytes, and how each pixel format becomes one.
//!
//! A [`Picture`] borrows its planes: from the frame where they lie ready, else from a [`Scratch`] that is filled here
//! and used again for the next frame. Every plane is checked against the bytes that are really there before anything
//! reads it, so the library behind never sees a plane that is too short.
//!
//! 4:2:2 pictures become 4:2:0 on the way, by the mean of two chroma rows: a quarter of the blocks less to encode, and
//! the form that every viewer decodes fastest. Only the height of coloured edges tells the difference.
//!
//! *padded*: libjpeg reads whole chroma samples, so a luma plane of odd size must have its last column or row twice.

use turbojpeg::Subsamp;

use super::EncodeFault;
use crate::frame::{Frame, PixelFormat};

/// More pixels than this are refused before memory is asked for them; 8K has 33 million.
const PIXELS_MAX: usize = 40_000_000;
/// libjpeg's own limit.
const SIDE_MAX: usize = 65_500;

/// Rows of bytes, `stride` apart; the last row may end with its last sample.
#[derive(Clone, Copy, Default)]
pub(super) struct Plane<'a> {
    pub bytes: &'a [u8],
    pub stride: usize,
    pub width: usize,
    pub height: usize,
}

/// A picture that can be read. Grey has one plane, the others Y, U and V.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    pub width: usize,
    pub height: usize,
    pub subsamp: Subsamp,
    pub planes: [Plane<'a>; 3],
}

/// Memory for three planes, kept from frame to frame.
#[derive(Default)]
pub(super) struct Scratch {
    planes: [Vec<u8>; 3],
}

impl Scratch {
    /// Three slices of these lengths with whatever was in them before.
    pub fn sized(&mut self, lengths: [usize; 3]) -> [&mut [u8]; 3] {
        for (plane, length) in self.planes.iter_mut().zip(lengths) {
            if plane.len() < length {
                plane.resize(length, 0);
            }
        }
        let [a, b, c] = &mut self.planes;
        [&mut a[..lengths[0]], &mut b[..lengths[1]], &mut c[..lengths[2]]]
    }
}

impl<'a> Plane<'a> {
    /// A plane without padding, as it is in a scratch.
    pub fn packed(bytes: &'a [u8], width: usize, height: usize) -> Plane<'a> {
        Plane { bytes, stride: width, width, height }
    }

    /// One row.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.stride..][..self.width]
    }

    /// All rows.
    pub fn rows(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.height).map(move |y| self.row(y))
    }
}

impl Picture<'_> {
    /// How many pixels one chroma sample covers, across and down.
    pub fn chroma_step(&self) -> (usize, usize) {
        chroma_step(self.subsamp)
    }

    /// Samples across and rows of each plane.
    pub fn sizes(&self) -> [(usize, usize); 3] {
        let (across, down) = self.chroma_step();
        let chroma = (self.width.div_ceil(across), self.height.div_ceil(down));
        [(self.width, self.height), chroma, chroma]
    }

    /// Whether its luma is still where the frame has it, in `bytes`: no step has read it yet.
    pub fn lies_in(&self, bytes: &[u8]) -> bool {
        bytes.as_ptr_range().contains(&self.planes[0].bytes.as_ptr())
    }
}

/// How many pixels one chroma sample covers, across and down.
pub(super) fn chroma_step(subsamp: Subsamp) -> (usize, usize) {
    match subsamp {
        Subsamp::Sub2x2 => (2, 2),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub1x2 => (1, 2),
        Subsamp::Sub4x1 => (4, 1),
        Subsamp::Sub1x4 => (1, 4),
        _ => (1, 1),
    }
}

/// Refuses sizes that cannot be a picture.
pub(super) fn check_size(width: usize, height: usize) -> Result<(), EncodeFault> {
    let side = 1..=SIDE_MAX;
    if side.contains(&width) && side.contains(&height) && width * height <= PIXELS_MAX {
        return Ok(());
    }
    Err(EncodeFault::Failed(format!("{width}x{height} is no size of a picture")))
}

/// The planes of a frame that is no JPEG: where they lie, or unpacked into `scratch`.
pub(super) fn of_frame<'a>(frame: &'a Frame, scratch: &'a mut Scratch) -> Result<Picture<'a>, EncodeFault> {
    let (width, height) = (frame.layout.width, frame.layout.height);
    check_size(width, height)?;
    let (half, half_rows) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |index, width, height| plane_of(frame, index, width, height);
    let colour = |planes| Picture { width, height, subsamp: Subsamp::Sub2x2, planes };
    match frame.layout.format {
        PixelFormat::Mjpeg => Err(EncodeFault::Failed("a JPEG has no planes".into())),
        PixelFormat::Grey => {
            let planes = [plane(0, width, height)?, Plane::default(), Plane::default()];
            Ok(Picture { width, height, subsamp: Subsamp::Gray, planes })
        }
        PixelFormat::I420 => {
            Ok(colour([plane(0, width, height)?, plane(1, half, half_rows)?, plane(2, half, half_rows)?]))
        }
        PixelFormat::Nv12 => {
            let luma = plane(0, width, height)?;
            let [_, u, v] = scratch.sized([0, half * half_rows, half * half_rows]);
            split_nv12(plane(1, half * 2, half_rows)?, half, u, v);
            Ok(colour([luma, Plane::packed(u, half, half_rows), Plane::packed(v, half, half_rows)]))
        }
        PixelFormat::Yuyv | PixelFormat::Uyvy => {
            let packed = plane(0, half * 4, height)?;
            let [y, u, v] = scratch.sized([half * 2 * height, half * half_rows, half * half_rows]);
            if frame.layout.format == PixelFormat::Yuyv {
                split_422::<0>(packed, half, y, u, v);
            } else {
                split_422::<1>(packed, half, y, u, v);
            }
            let chroma = [u, v].map(|c| Plane::packed(c, half, half_rows));
            Ok(colour([Plane::packed(y, half * 2, height), chroma[0], chroma[1]]))
        }
    }
}

/// One plane of a frame, if the layout and the bytes really have `height` rows of `width` bytes there.
fn plane_of(frame: &Frame, index: usize, width: usize, height: usize) -> Result<Plane<'_>, EncodeFault> {
    let short = || EncodeFault::Failed(format!("the frame has too few bytes for {:?}", frame.layout.format));
    let place = frame.layout.planes().get(index).ok_or_else(short)?;
    if place.stride < width || place.stride > i32::MAX as usize || place.rows < height {
        return Err(short());
    }
    let last = place.stride.checked_mul(height - 1).and_then(|n| n.checked_add(width)).ok_or_else(short)?;
    let end = place.offset.checked_add(last).ok_or_else(short)?;
    let bytes = frame.bytes.get(place.offset..end).ok_or_else(short)?;
    Ok(Plane { bytes, stride: place.stride, width, height })
}

/// U and V out of rows of U V U V.
fn split_nv12(both: Plane, half: usize, u: &mut [u8], v: &mut [u8]) {
    for (row, (u, v)) in both.rows().zip(u.chunks_exact_mut(half).zip(v.chunks_exact_mut(half))) {
        for (uv, (u, v)) in row.as_chunks::<2>().0.iter().zip(u.iter_mut().zip(v)) {
            [*u, *v] = *uv;
        }
    }
}

/// 4:2:0 out of packed 4:2:2 whose first luma byte is at `LUMA`.
fn split_422<const LUMA: usize>(packed: Plane, half: usize, y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
    let chroma = u.chunks_exact_mut(half).zip(v.chunks_exact_mut(half));
    for (pair, (u, v)) in chroma.enumerate() {
        let top = packed.row(pair * 2);
        // The last row of an odd height has no partner, and is its own.
        let bottom = packed.row((pair * 2 + 1).min(packed.height - 1));
        let rows = &mut y[pair * half * 4..];
        let (y_top, y_bottom) = rows.split_at_mut(half * 2);
        take_luma::<LUMA>(top, y_top);
        if let Some(y_bottom) = y_bottom.get_mut(..half * 2) {
            take_luma::<LUMA>(bottom, y_bottom);
        }
        mean_chroma::<LUMA>(top, bottom, u, v);
    }
}

/// The mean of two rows' chroma. In two steps over a short block, each a stride of two, which every SIMD set can do.
fn mean_chroma<const LUMA: usize>(top: &[u8], bottom: &[u8], u: &mut [u8], v: &mut [u8]) {
    const BLOCK: usize = 64;
    let mut both = [0; BLOCK];
    let to = u.chunks_mut(BLOCK / 2).zip(v.chunks_mut(BLOCK / 2));
    for ((top, bottom), (u, v)) in top.chunks(BLOCK * 2).zip(bottom.chunks(BLOCK * 2)).zip(to) {
        let rows = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
        rows.zip(&mut both).for_each(|((a, b), c)| {
            *c = if LUMA == 0 { mean(byte::<1>(a), byte::<1>(b)) } else { mean(byte::<0>(a), byte::<0>(b)) }
        });
        for (uv, (u, v)) in both.as_chunks::<2>().0.iter().zip(u.iter_mut().zip(v)) {
            [*u, *v] = *uv;
        }
    }
}

fn take_luma<const LUMA: usize>(packed: &[u8], luma: &mut [u8]) {
    for (pair, y) in packed.as_chunks::<2>().0.iter().zip(luma) {
        *y = byte::<LUMA>(pair);
    }
}

/// One byte of a pair, by arithmetic: the compiler makes SIMD of that, and not of picking every second byte.
fn byte<const AT: usize>(pair: &[u8; 2]) -> u8 {
    (u16::from_le_bytes(*pair) >> (8 * AT)) as u8
}

/// The mean of two samples, halves up: one instruction of every SIMD set.
pub(super) fn mean(a: u8, b: u8) -> u8 {
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}

/// The same picture with its luma plane [padded](self) where the size wants it.
pub(super) fn padded<'a>(picture: Picture<'a>, scratch: &'a mut Scratch) -> Picture<'a> {
    let (across, down) = picture.chroma_step();
    let (width, height) = (picture.width.next_multiple_of(across), picture.height.next_multiple_of(down));
    let luma = picture.planes[0];
    if luma.width >= width && luma.height >= height {
        return picture;
    }
    let [bytes, ..] = scratch.sized([width * height, 0, 0]);
    for (y, to) in bytes.chunks_exact_mut(width).enumerate() {
        let from = luma.row(y.min(luma.height - 1));
        let from = &from[..from.len().min(width)];
        to[..from.len()].copy_from_slice(from);
        to[from.len()..].fill(from[from.len() - 1]);
    }
    Picture { planes: [Plane::packed(bytes, width, height), picture.planes[1], picture.planes[2]], ..picture }
}

/// A 4:2:2 picture as 4:2:0; any other as it is.
pub(super) fn with_halved_chroma<'a>(picture: Picture<'a>, scratch: &'a mut Scratch) -> Picture<'a> {
    if picture.subsamp != Subsamp::Sub2x1 {
        return picture;
    }
    let [luma, u, v] = picture.planes;
    let (width, rows) = (u.width, u.height.div_ceil(2));
    let [_, u_to, v_to] = scratch.sized([0, width * rows, width * rows]);
    for (from, to) in [(u, &mut *u_to), (v, &mut *v_to)] {
        for (pair, to) in to.chunks_exact_mut(width).enumerate() {
            let (top, bottom) = (from.row(pair * 2), from.row((pair * 2 + 1).min(from.height - 1)));
            top.iter().zip(bottom).zip(to).for_each(|((a, b), to)| *to = mean(*a, *b));
        }
    }
    let planes = [luma, Plane::packed(u_to, width, rows), Plane::packed(v_to, width, rows)];
    Picture { subsamp: Subsamp::Sub2x2, planes, ..picture }
}

/// A picture whose chroma is halved both ways, as hardware wants it, or that is grey: any other is made so, each chroma
/// sample the mean of what the four pixels have that it covers.
pub(super) fn with_quartered_chroma<'a>(picture: Picture<'a>, scratch: &'a mut Scratch) -> Picture<'a> {
    if matches!(picture.subsamp, Subsamp::Sub2x2 | Subsamp::Gray) {
        return picture;
    }
    let (across, down) = picture.chroma_step();
    let (width, rows) = (picture.width.div_ceil(2), picture.height.div_ceil(2));
    let [luma, u, v] = picture.planes;
    let [_, u_to, v_to] = scratch.sized([0, width * rows, width * rows]);
    for (from, to) in [(u, &mut *u_to), (v, &mut *v_to)] {
        let at =
            |x: usize, y: usize| u16::from(from.row((y / down).min(from.height - 1))[(x / across).min(from.width - 1)]);
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            for (x, to) in row.iter_mut().enumerate() {
                let (x, y) = (x * 2, y * 2);
                *to = ((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4) as u8;
            }
        }
    }
    let planes = [luma, Plane::packed(u_to, width, rows), Plane::packed(v_to, width, rows)];
    Picture { subsamp: Subsamp::Sub2x2, planes, ..picture }
}

/// Reads every cache line of the planes once, in order. libjpeg reads eight rows at a time in steps of eight bytes, at
/// which the processor does not see what comes next: on a frame that another core wrote that costs more than this.
pub(super) fn touch(picture: &Picture) {
    const LINE: usize = 64;
    let lines = |plane: &Plane| plane.bytes.chunks(LINE).fold(0, |sum, line| sum ^ line[0]);
    std::hint::black_box(picture.planes.iter().fold(0, |sum, plane| sum ^ lines(plane)));
}

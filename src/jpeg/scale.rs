//! Makes a picture smaller, plane by plane.
//!
//! Downscaling only, with a box filter: every source pixel counts and nothing flickers from frame to frame. The picture
//! is halved for as long as that is not too small, by code that the compiler makes SIMD of; what is left, a ratio
//! below two, is the resizer's, which is five times slower a pixel and allocates a few small tables a picture. The colour of the values does not matter here, so it is corrected afterwards, on fewer pixels.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use turbojpeg::Subsamp;

use super::EncodeFault;
use super::planes::{Picture, Plane, Scratch};

/// The resizer's own memory and ours.
#[derive(Default)]
pub(super) struct Scaler {
    resizer: Resizer,
    halved: [Scratch; 4],
    scaled: Scratch,
    whole: Vec<u8>,
}

/// The size of a picture that is scaled to `width`: its shape is kept, to the nearest row.
pub(super) fn scaled_size(from: (usize, usize), width: usize) -> (usize, usize) {
    let width = width.clamp(1, from.0);
    (width, ((from.1 * width + from.0 / 2) / from.0).max(1))
}

impl Scaler {
    /// The picture at `size`, with chroma halved both ways.
    pub fn scale<'a>(
        &'a mut self,
        picture: Picture<'a>,
        (width, height): (usize, usize),
    ) -> Result<Picture<'a>, EncodeFault> {
        let mut picture = picture;
        for scratch in &mut self.halved {
            if picture.width < width * 2 || picture.height < height * 2 || !can_be_halved(&picture) {
                break;
            }
            picture = halved(picture, scratch);
        }
        if (picture.width, picture.height) == (width, height) {
            return Ok(picture);
        }
        let (half, half_rows) = (width.div_ceil(2), height.div_ceil(2));
        let grey = picture.subsamp == Subsamp::Gray;
        let chroma = if grey { (0, 0) } else { (half, half_rows) };
        let sizes = [(width, height), chroma, chroma];
        let (across, down) = picture.chroma_step();
        let seen = (picture.width.div_ceil(across), picture.height.div_ceil(down));
        let seen = [(picture.width, picture.height), seen, seen];
        let scaled = self.scaled.sized(sizes.map(|(w, h)| w * h));
        for i in 0..if grey { 1 } else { 3 } {
            let from = Plane { width: seen[i].0, height: seen[i].1, ..picture.planes[i] };
            plane(&mut self.resizer, &mut self.whole, from, scaled[i], sizes[i])?;
        }
        let [y, u, v] = scaled.map(|bytes| &*bytes);
        let plane = |bytes, (w, h)| Plane::packed(bytes, w, h);
        Ok(Picture {
            width,
            height,
            subsamp: if grey { Subsamp::Gray } else { Subsamp::Sub2x2 },
            planes: [plane(y, sizes[0]), plane(u, chroma), plane(v, chroma)],
        })
    }
}

/// Whether all its planes have even sides.
fn can_be_halved(picture: &Picture) -> bool {
    let side = match picture.subsamp {
        Subsamp::Gray => 2,
        Subsamp::Sub2x2 => 4,
        _ => return false,
    };
    picture.width.is_multiple_of(side) && picture.height.is_multiple_of(side)
}

fn halved<'a>(picture: Picture<'_>, scratch: &'a mut Scratch) -> Picture<'a> {
    let (width, height) = (picture.width / 2, picture.height / 2);
    let chroma = if picture.subsamp == Subsamp::Gray { (0, 0) } else { (width / 2, height / 2) };
    let sizes = [(width, height), chroma, chroma];
    let mut to = scratch.sized(sizes.map(|(w, h)| w * h));
    for ((from, to), (width, _)) in picture.planes.iter().zip(&mut to).zip(sizes).filter(|(_, size)| size.0 > 0) {
        for (pair, to) in to.chunks_exact_mut(width).enumerate() {
            let (top, bottom) = (from.row(pair * 2).as_chunks::<2>().0, from.row(pair * 2 + 1).as_chunks::<2>().0);
            for ((a, b), to) in top.iter().zip(bottom).zip(to) {
                let sum = a.iter().chain(b).fold(2, |sum, v| sum + u16::from(*v));
                *to = (sum >> 2) as u8;
            }
        }
    }
    let [y, u, v] = to.map(|bytes| &*bytes);
    let plane = |bytes, (w, h)| Plane::packed(bytes, w, h);
    let planes = [plane(y, sizes[0]), plane(u, chroma), plane(v, chroma)];
    Picture { width, height, subsamp: picture.subsamp, planes }
}

fn plane(
    resizer: &mut Resizer,
    whole: &mut Vec<u8>,
    from: Plane<'_>,
    to: &mut [u8],
    (width, height): (usize, usize),
) -> Result<(), EncodeFault> {
    let fault = |e: &dyn std::fmt::Display| EncodeFault::Failed(format!("it cannot be scaled: {e}"));
    // The library wants every row whole; a driver may end the last one with its last sample.
    let mut bytes = from.bytes;
    let mut stride = from.stride;
    if bytes.len() < stride * from.height {
        whole.clear();
        from.rows().for_each(|row| whole.extend_from_slice(row));
        (bytes, stride) = (whole, from.width);
    }
    let source: TypedImageRef<U8> =
        TypedImageRef::from_buffer(stride as u32, from.height as u32, bytes).map_err(|e| fault(&e))?;
    let mut target: TypedImage<U8> = TypedImage::from_buffer(width as u32, height as u32, to).map_err(|e| fault(&e))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box)).crop(
        0.0,
        0.0,
        from.width as f64,
        from.height as f64,
    );
    resizer.resize_typed(&source, &mut target, &options).map_err(|e| fault(&e))
}

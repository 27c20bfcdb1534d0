//! From a frame to a model's input in one pass, reading only the pixels that are needed.
//!
//! The input is three planes R, G, B of 0 to 1, the frame letterboxed in it, the padding [`tensor::PAD`]. Every value is one of
//! the 256 that an eight-bit picture can have, since models have never seen others. What comes as YUV: rows of the frame's
//! own planes are blended down first, in loops that the compiler makes SIMD of; then across by table; then the few
//! pixels that are left are turned to RGB with the frame's own matrix and range. What comes as RGB is scaled as in
//! training, to the bit ([`fixed`]). A JPEG is decoded at an eighth, a quarter or a half of its size where that is not
//! smaller than what the model sees.
//!
//! It must never read outside the frame's bytes, never give a value outside 0 to 1, and never allocate once it has
//! seen a frame of this size.

mod axis;
mod fixed;
mod letterbox;
mod source;
mod tensor;
#[cfg(test)]
mod tests;

use turbojpeg::{Decompressor, Image, PixelFormat as Packed, ScalingFactor};

use self::axis::{Across, Tap};
use self::fixed::Fixed;
pub use self::letterbox::Letterbox;
pub use self::source::SIDE_MAX;
use self::source::{Channel, Meaning, Picture, Planes};
pub use self::tensor::Tensor;
use crate::frame::{Colour, Frame, Matrix, PixelFormat, Range};

/// Why a frame cannot be looked at.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PreprocessFault {
    /// A side is zero or too long.
    #[error("a picture of {width}x{height} cannot be looked at; each side must have 1 to {SIDE_MAX} pixels")]
    Size {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// The bytes end before the picture does.
    #[error("the picture has fewer bytes than its format needs")]
    TooShort,
    /// libjpeg says why.
    #[error("the JPEG cannot be decoded: {0}")]
    Jpeg(String),
    /// The caller's tensor is not of this model.
    #[error("the model sees {}x{} pixels, and the tensor is for {}x{}", model.0, model.1, tensor.0, tensor.1)]
    Tensor {
        /// The model's input.
        model: Size,
        /// What the tensor was made for.
        tensor: Size,
    },
}

/// Pixels across and down.
pub type Size = (usize, usize);

/// One channel's tables for one frame size.
#[derive(Default)]
struct Table {
    channel: Channel,
    across: Across,
}

/// Values that a tensor for an input of this size holds: three planes.
pub fn tensor_len((width, height): Size) -> usize {
    width * height * 3
}

/// Turns frames into the input of one model.
pub struct Preprocess {
    input: Size,
    tables: [Table; 3],
    down: [Vec<Tap>; 2],
    /// What the tables were made for: the picture's and the letterbox's size, and the rows of what are planes.
    made_for: Option<(Size, Size, Option<[Channel; 3]>)>,
    blended: [Vec<f32>; 3],
    row: [Vec<f32>; 3],
    fixed: Fixed,
    jpeg: Option<Decompressor>,
    decoded: Vec<u8>,
}

impl Preprocess {
    /// For a model whose input has this many pixels across and down.
    pub fn new(input_width: usize, input_height: usize) -> Preprocess {
        Preprocess {
            input: (input_width, input_height),
            tables: Default::default(),
            down: Default::default(),
            made_for: None,
            blended: Default::default(),
            row: Default::default(),
            fixed: Fixed::default(),
            jpeg: None,
            decoded: Vec::new(),
        }
    }

    /// Fills the tensor, which must be one of this model.
    ///
    /// # Errors
    /// When the frame has no size, too few bytes, or is no JPEG although it says so, or the tensor is another model's; it
    /// then shows what it showed before.
    pub fn run(&mut self, frame: &Frame, tensor: &mut Tensor) -> Result<Letterbox, PreprocessFault> {
        if frame.layout.format == PixelFormat::Mjpeg {
            return self.run_jpeg(&frame.bytes, tensor);
        }
        let planes = Planes::of(frame)?;
        self.fill(&Picture::Planes(&planes), planes.size, tensor)
    }

    /// The same for rows of R, G, B without padding.
    ///
    /// # Errors
    /// When there are too few bytes for the size, the size is out of bounds, or the tensor is another model's.
    pub fn run_rgb(&mut self, rgb: &[u8], size: Size, tensor: &mut Tensor) -> Result<Letterbox, PreprocessFault> {
        self.fill(&Picture::rgb(rgb, size)?, size, tensor)
    }

    fn run_jpeg(&mut self, jpeg: &[u8], tensor: &mut Tensor) -> Result<Letterbox, PreprocessFault> {
        let fault = |e: turbojpeg::Error| PreprocessFault::Jpeg(e.to_string());
        let mut library = match self.jpeg.take() {
            Some(library) => library,
            None => Decompressor::new().map_err(fault)?,
        };
        let mut decoded = std::mem::take(&mut self.decoded);
        let result = decode(&mut library, jpeg, self.input, &mut decoded)
            .and_then(|(whole, size)| self.fill(&Picture::rgb(&decoded, size)?, whole, tensor));
        (self.jpeg, self.decoded) = (Some(library), decoded);
        result
    }

    /// Lays the picture in the tensor as a frame of `whole` pixels lies there: a JPEG may have been decoded smaller.
    fn fill(&mut self, picture: &Picture, whole: Size, tensor: &mut Tensor) -> Result<Letterbox, PreprocessFault> {
        if tensor.input() != self.input {
            return Err(PreprocessFault::Tensor { model: self.input, tensor: tensor.input() });
        }
        let letterbox = Letterbox::new(whole, self.input);
        self.prepare(picture, &letterbox);
        tensor.pad(letterbox);
        self.fixed.begin();
        for y in 0..letterbox.scaled.1 {
            let rows = tensor.rows(&letterbox, y);
            match picture {
                Picture::Rgb(_, band) => self.fixed.row(band, y, rows),
                Picture::Planes(planes) => {
                    self.gather(planes, y);
                    colour(planes.meaning, [&self.row[0], &self.row[1], &self.row[2]], rows);
                }
            }
        }
        Ok(letterbox)
    }

    /// Makes the tables unless they are there.
    fn prepare(&mut self, picture: &Picture, letterbox: &Letterbox) {
        let channels = match picture {
            Picture::Rgb(..) => None,
            Picture::Planes(planes) => Some(planes.channels),
        };
        let key = (picture.size(), letterbox.scaled, channels);
        if self.made_for == Some(key) {
            return;
        }
        match picture {
            Picture::Rgb(size, _) => self.fixed.prepare(*size, letterbox.scaled),
            Picture::Planes(planes) => self.prepare_planes(planes, letterbox.scaled),
        }
        self.made_for = Some(key);
    }

    fn prepare_planes(&mut self, planes: &Planes, (across, down): Size) {
        let (width, height) = planes.size;
        for (table, channel) in self.tables.iter_mut().zip(planes.channels) {
            table.channel = channel;
            table.across.prepare(width, across, channel.samples, channel.step);
        }
        axis::fill(&mut self.down[0], height, down, height, 1);
        axis::fill(&mut self.down[1], height, down, height.div_ceil(2), 2);
        for (blended, band) in self.blended.iter_mut().zip(&planes.bands) {
            blended.resize(band.map_or(0, |b| b.row), 0.0);
        }
        self.row.iter_mut().for_each(|row| row.resize(across, 0.0));
    }

    /// The three channels of output row `y`, in steps of 0 to 255.
    fn gather(&mut self, planes: &Planes, y: usize) {
        for (band, blended) in planes.bands.iter().zip(&mut self.blended) {
            let Some(band) = band else { continue };
            let tap = self.down[band.step - 1][y];
            let [a, b] = tap.pair.map(|row| band.row((row as usize).min(band.rows - 1)));
            if tap.share == 0.0 {
                a.iter().zip(blended.iter_mut()).for_each(|(a, to)| *to = f32::from(*a));
                continue;
            }
            for ((a, b), to) in a.iter().zip(b).zip(blended.iter_mut()) {
                let (a, b) = (f32::from(*a), f32::from(*b));
                *to = a + (b - a) * tap.share;
            }
        }
        let seen = if matches!(planes.meaning, Meaning::Grey(_)) { 1 } else { 3 };
        for (table, row) in self.tables.iter().zip(&mut self.row).take(seen) {
            let Channel { band, offset, pitch, .. } = table.channel;
            table.across.run(&self.blended[band][offset..], pitch, row);
        }
    }
}

/// The JPEG as R, G, B at the least of four sizes (1/8, 1/4, 1/2, 1) that still has a pixel for each one the model sees,
/// or at its own where none has; its own size and that.
fn decode(
    library: &mut Decompressor,
    jpeg: &[u8],
    input: Size,
    decoded: &mut Vec<u8>,
) -> Result<(Size, Size), PreprocessFault> {
    let fault = |e: turbojpeg::Error| PreprocessFault::Jpeg(e.to_string());
    let header = library.read_header(jpeg).map_err(fault)?;
    let whole = (header.width, header.height);
    source::check_size(whole)?;
    let wanted = Letterbox::new(whole, input).scaled;
    let enough = |factor: &ScalingFactor| factor.scale(whole.0) >= wanted.0 && factor.scale(whole.1) >= wanted.1;
    // libjpeg-turbo knows every eighth from 1/8 to 16/8, but has SIMD for these alone.
    let factors = [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF];
    let factor = factors.into_iter().find(enough).unwrap_or(ScalingFactor::ONE);
    library.set_scaling_factor(factor).map_err(fault)?;
    let (width, height) = (factor.scale(whole.0), factor.scale(whole.1));
    decoded.resize(width * height * 3, 0);
    let image = Image { pixels: &mut decoded[..], width, pitch: width * 3, height, format: Packed::RGB };
    library.decompress(jpeg, image).map_err(fault)?;
    Ok((whole, (width, height)))
}

/// How the values of a range become 0 to 255, and what chroma adds: R += rv V, G -= gu U + gv V, B += bu U.
struct Mix {
    black: f32,
    luma: f32,
    rv: f32,
    gu: f32,
    gv: f32,
    bu: f32,
}

impl Mix {
    /// From the luma weights Kr, Kb of ITU-R BT.601-7 and BT.709-6; limited range has 219 steps of luma, 224 of chroma.
    fn of(colour: Colour) -> Mix {
        let (kr, kb) = match colour.matrix {
            Matrix::Bt601 => (0.299f32, 0.114f32),
            Matrix::Bt709 => (0.2126, 0.0722),
        };
        let (black, luma, chroma) = match colour.range {
            Range::Full => (0.0, 1.0, 1.0),
            Range::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
        };
        let kg = 1.0 - kr - kb;
        let (red, blue) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
        Mix {
            black,
            luma,
            rv: red * chroma,
            gu: blue * kb / kg * chroma,
            gv: red * kr / kg * chroma,
            bu: blue * chroma,
        }
    }
}

/// One row of three channels as R, G, B of 0 to 1.
fn colour(meaning: Meaning, from: [&[f32]; 3], [red, green, blue]: [&mut [f32]; 3]) {
    match meaning {
        Meaning::Grey(colour) => {
            let mix = Mix::of(colour);
            from[0].iter().zip(red.iter_mut()).for_each(|(y, to)| *to = stepped((y - mix.black) * mix.luma));
            green.copy_from_slice(red);
            blue.copy_from_slice(red);
        }
        Meaning::Yuv(colour) => {
            let mix = Mix::of(colour);
            let chroma = from[1].iter().zip(from[2]);
            let to = red.iter_mut().zip(green).zip(blue);
            for ((y, (u, v)), ((red, green), blue)) in from[0].iter().zip(chroma).zip(to) {
                let (y, u, v) = ((y - mix.black) * mix.luma, u - 128.0, v - 128.0);
                *red = stepped(y + mix.rv * v);
                *green = stepped(y - mix.gu * u - mix.gv * v);
                *blue = stepped(y + mix.bu * u);
            }
        }
    }
}

/// The nearest of the 256 values. Adding 2^23 leaves no room for a fraction: the processor rounds, in any SIMD.
fn stepped(value: f32) -> f32 {
    const NO_FRACTION: f32 = 8_388_608.0;
    unit(value.clamp(0.0, 255.0) + NO_FRACTION - NO_FRACTION)
}

/// `step / 255` for a whole step of 0 to 255, to the last bit and without a division: 1/255 is 257/65536 and as much
/// again of a 65536th part; the first product is exact.
fn unit(step: f32) -> f32 {
    step * (257.0 / 65536.0) + step * (1.0 / 255.0 / 65536.0)
}

//! From a frame to the planes that an encoder takes: the steps that are the same whatever encodes.
//!
//! A frame goes through at most three steps, each of which is left out where it has nothing to do: its bytes become
//! planes (`planes.rs`), the planes are [scaled](super::scale), and their [colour](super::colour) becomes JPEG's. A
//! camera's own JPEG is handed on untouched unless a quality or a smaller width is asked for; then it is decoded to
//! planes (at a half, a quarter or an eighth of its size where that is enough) and goes the same way.
//!
//! Bytes from a device are never trusted: what does not fit its layout is a fault, said before any library sees it.
//! All memory is kept for the next frame.

use turbojpeg::{Colorspace, Decompressor, ScalingFactor, Subsamp, YuvImage};

use super::colour::Converter;
use super::planes::{self, Picture, Plane, Scratch};
use super::scale::{Scaler, scaled_size};
use super::{EncodeFault, Variant};
use crate::frame::{Colour, Frame, PixelFormat};

/// The memory of the steps.
pub(super) struct Prepare {
    decoder: Decoder,
    unpacked: Scratch,
    scaler: Scaler,
    converter: Converter,
    padded: Scratch,
}

/// The same for hardware, which takes 4:2:0 and grey alone.
pub(super) struct Quartered {
    prepare: Prepare,
    chroma: Scratch,
}

/// From a camera's own JPEG to planes.
struct Decoder {
    library: Decompressor,
    planes: Vec<u8>,
    scratch: Scratch,
}

/// What is left to do.
pub(super) enum Prepared<'a> {
    /// Nothing: the camera's own JPEG is in `out`; its size.
    Done(usize, usize),
    /// To encode this.
    Planes(Picture<'a>),
}

impl Quartered {
    /// A new one.
    ///
    /// # Errors
    /// When the decoder of JPEGs cannot be set up.
    pub fn new() -> Result<Quartered, EncodeFault> {
        Ok(Quartered { prepare: Prepare::new()?, chroma: Scratch::default() })
    }

    /// The planes, with room in `out` for the longest JPEG of their size, so that a busier picture does not make it grow;
    /// or the frame's own JPEG in `out`.
    pub fn picture<'a>(
        &'a mut self,
        frame: &'a Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<Prepared<'a>, EncodeFault> {
        let picture = match self.prepare.picture(frame, variant, out)? {
            Prepared::Planes(picture) => planes::with_quartered_chroma(picture, &mut self.chroma),
            done => return Ok(done),
        };
        out.clear();
        out.reserve_exact(longest(&picture)?);
        Ok(Prepared::Planes(picture))
    }
}

/// The most bytes that a JPEG of this picture's size has in 4:2:0.
pub(super) fn longest(picture: &Picture) -> Result<usize, EncodeFault> {
    Ok(turbojpeg::compressed_buf_len(picture.width, picture.height, Subsamp::Sub2x2)?)
}

impl Prepare {
    /// A new one.
    ///
    /// # Errors
    /// When the decoder of JPEGs cannot be set up.
    pub fn new() -> Result<Prepare, EncodeFault> {
        let mut library = Decompressor::new()?;
        // No camera writes a progressive JPEG of so many scans; a hostile one could take minutes.
        library.set_scan_limit(100)?;
        Ok(Prepare {
            decoder: Decoder { library, planes: Vec::new(), scratch: Scratch::default() },
            unpacked: Scratch::default(),
            scaler: Scaler::default(),
            converter: Converter::default(),
            padded: Scratch::default(),
        })
    }

    /// The planes of `frame` as `variant`, or the frame's own JPEG in `out`.
    pub fn picture<'a>(
        &'a mut self,
        frame: &'a Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<Prepared<'a>, EncodeFault> {
        let Prepare { decoder, unpacked, scaler, converter, padded } = self;
        let layout = &frame.layout;
        let smaller = |than: usize| variant.width.map(usize::from).filter(|width| *width < than);
        let (picture, size, colour) = if layout.format == PixelFormat::Mjpeg {
            if variant.quality.is_none() && smaller(layout.width).is_none() {
                return passed_through(frame, out);
            }
            let (picture, size) = decoder.decode(&frame.bytes, variant.width)?;
            (picture, size, Colour::JPEG)
        } else {
            (planes::of_frame(frame, unpacked)?, (layout.width, layout.height), layout.colour)
        };
        let picture = match smaller(size.0) {
            Some(width) => scaler.scale(picture, scaled_size(size, width))?,
            None => picture,
        };
        Ok(Prepared::Planes(planes::padded(converter.convert(picture, colour), padded)))
    }
}

fn passed_through<'a>(frame: &Frame, out: &mut Vec<u8>) -> Result<Prepared<'a>, EncodeFault> {
    if !frame.bytes.starts_with(&[0xff, 0xd8]) {
        return Err(EncodeFault::Failed("it is no JPEG".into()));
    }
    out.clear();
    // The frame's room is what the camera's longest JPEG needs.
    out.reserve_exact(frame.bytes.capacity());
    out.extend_from_slice(&frame.bytes);
    Ok(Prepared::Done(frame.layout.width, frame.layout.height))
}

impl Decoder {
    /// The planes of a JPEG, made smaller in one go as far as they stay at least `width` across; and its own size.
    fn decode(&mut self, bytes: &[u8], width: Option<u16>) -> Result<(Picture<'_>, (usize, usize)), EncodeFault> {
        let header = self.library.read_header(bytes)?;
        planes::check_size(header.width, header.height)?;
        if header.is_lossless || !matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray) {
            return Err(EncodeFault::Failed("a JPEG of this kind is no camera's".into()));
        }
        let factors = [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF];
        let enough = |f: &ScalingFactor| width.is_some_and(|w| f.scale(header.width) >= usize::from(w));
        let factor = factors.into_iter().find(enough).unwrap_or(ScalingFactor::ONE);
        self.library.set_scaling_factor(factor)?;
        let (size, subsamp) = ((header.width, header.height), header.subsamp);
        let (width, height) = (factor.scale(size.0), factor.scale(size.1));
        let length = turbojpeg::yuv_pixels_len(width, 1, height, subsamp)?;
        if self.planes.len() < length {
            self.planes.resize(length, 0);
        }
        let pixels = &mut self.planes[..length];
        match self.library.decompress_to_yuv(bytes, YuvImage { pixels, width, align: 1, height, subsamp }) {
            Err(turbojpeg::Error::TurboJpegError(words)) if is_harmless(&words, bytes) => {}
            done => done?,
        }
        let (across, down) = planes::chroma_step(subsamp);
        let (full, rows) = (width.next_multiple_of(across), height.next_multiple_of(down));
        let (chroma, chroma_rows) = if subsamp == Subsamp::Gray { (0, 0) } else { (full / across, rows / down) };
        let (y, rest) = self.planes[..length].split_at(full * rows);
        let (u, v) = rest.split_at(chroma * chroma_rows);
        let planes = [
            Plane::packed(y, full, rows),
            Plane::packed(u, chroma, chroma_rows),
            Plane::packed(v, chroma, chroma_rows),
        ];
        Ok((planes::with_halved_chroma(Picture { width, height, subsamp, planes }, &mut self.scratch), size))
    }
}

/// Whether the library only mentions bytes between two markers, which some cameras write, with a whole picture made.
/// It tells the first complaint alone, so the end of the JPEG is looked for here.
fn is_harmless(words: &str, bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    words.contains("extraneous bytes before marker") && bytes[..end].ends_with(&[0xff, 0xd9])
}

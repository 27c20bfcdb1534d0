//! A picture as the preprocess reads it: rows of bytes, and where in a row each channel's samples stand.
//!
//! A band is a plane, or several interleaved in one. Every band is checked against the bytes that are really there
//! before anything reads it; nothing is copied.

use super::{PreprocessFault, Size};
use crate::frame::{Colour, Frame, PixelFormat};

/// Sides beyond this are refused: a header of a few bytes must not ask for gigabytes.
pub const SIDE_MAX: usize = 16_384;

/// Rows of bytes.
#[derive(Clone, Copy)]
pub struct Band<'a> {
    pub bytes: &'a [u8],
    pub stride: usize,
    /// Bytes of a row that mean something.
    pub row: usize,
    pub rows: usize,
    /// Pixels of the picture that one row stands for, down.
    pub step: usize,
}

/// Where one channel's samples stand in the rows of a band.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Channel {
    pub band: usize,
    /// Bytes before the first sample, and from one to the next.
    pub offset: usize,
    pub pitch: usize,
    /// Samples in a row, and the pixels across that one stands for.
    pub samples: usize,
    pub step: usize,
}

/// What the three channels mean.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Meaning {
    Yuv(Colour),
    Grey(Colour),
}

/// A picture that can be read.
pub enum Picture<'a> {
    /// One band of R, G, B.
    Rgb(Size, Band<'a>),
    /// A camera's planes; whoever made them keeps them, as they are large.
    Planes(&'a Planes<'a>),
}

/// Planes that can be read.
pub struct Planes<'a> {
    pub size: Size,
    pub bands: [Option<Band<'a>>; 3],
    pub channels: [Channel; 3],
    pub meaning: Meaning,
}

impl<'a> Band<'a> {
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.stride..][..self.row]
    }
}

impl<'a> Planes<'a> {
    /// The uncompressed picture in `frame`.
    pub fn of(frame: &'a Frame) -> Result<Planes<'a>, PreprocessFault> {
        let layout = &frame.layout;
        let (width, height) = (layout.width, layout.height);
        check_size((width, height))?;
        let (half, half_rows) = (width.div_ceil(2), height.div_ceil(2));
        let band = |index: usize, row: usize, rows: usize, step: usize| {
            let plane = layout.planes().get(index).ok_or(PreprocessFault::TooShort)?;
            let needed = (rows - 1).checked_mul(plane.stride).and_then(|n| n.checked_add(row));
            let bytes = frame.bytes.get(plane.offset..).ok_or(PreprocessFault::TooShort)?;
            if plane.stride < row || needed.is_none_or(|n| n > bytes.len()) {
                return Err(PreprocessFault::TooShort);
            }
            Ok(Some(Band { bytes, stride: plane.stride, row, rows, step }))
        };
        let channel = |band, offset, pitch, samples, step| Channel { band, offset, pitch, samples, step };
        let luma = channel(0, 0, 1, width, 1);
        let (bands, channels) = match layout.format {
            PixelFormat::I420 => (
                [band(0, width, height, 1)?, band(1, half, half_rows, 2)?, band(2, half, half_rows, 2)?],
                [luma, channel(1, 0, 1, half, 2), channel(2, 0, 1, half, 2)],
            ),
            PixelFormat::Nv12 => (
                [band(0, width, height, 1)?, band(1, half * 2, half_rows, 2)?, None],
                [luma, channel(1, 0, 2, half, 2), channel(1, 1, 2, half, 2)],
            ),
            PixelFormat::Yuyv | PixelFormat::Uyvy => {
                let (y, u, v) = if layout.format == PixelFormat::Yuyv { (0, 1, 3) } else { (1, 0, 2) };
                (
                    [band(0, half * 4, height, 1)?, None, None],
                    [channel(0, y, 2, width, 1), channel(0, u, 4, half, 2), channel(0, v, 4, half, 2)],
                )
            }
            PixelFormat::Grey => ([band(0, width, height, 1)?, None, None], [luma; 3]),
            PixelFormat::Mjpeg => return Err(PreprocessFault::TooShort),
        };
        let meaning = match layout.format {
            PixelFormat::Grey => Meaning::Grey(layout.colour),
            _ => Meaning::Yuv(layout.colour),
        };
        Ok(Planes { size: (width, height), bands, channels, meaning })
    }
}

impl<'a> Picture<'a> {
    /// `bytes` as rows of R, G, B without padding; `size` in pixels.
    pub fn rgb(bytes: &'a [u8], size: Size) -> Result<Picture<'a>, PreprocessFault> {
        check_size(size)?;
        if bytes.len() < size.0 * size.1 * 3 {
            return Err(PreprocessFault::TooShort);
        }
        Ok(Picture::Rgb(size, Band { bytes, stride: size.0 * 3, row: size.0 * 3, rows: size.1, step: 1 }))
    }

    /// Pixels across and down.
    pub fn size(&self) -> Size {
        match self {
            Picture::Rgb(size, _) => *size,
            Picture::Planes(planes) => planes.size,
        }
    }
}

/// Refuses a picture without pixels, or with too many.
pub fn check_size((width, height): Size) -> Result<(), PreprocessFault> {
    match (1..=SIDE_MAX).contains(&width) && (1..=SIDE_MAX).contains(&height) {
        true => Ok(()),
        false => Err(PreprocessFault::Size { width, height }),
    }
}

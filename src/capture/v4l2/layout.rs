//! From what a driver settled on to the house's layout: planes, strides and colours. Pure.

use super::sys::Pix;
use crate::frame::{Colour, Layout, Matrix, PixelFormat, Plane, Range};

/// Where the planes of a picture lie, by the kernel's rules: one plane after the other, each with the first one's
/// stride or its half.
pub(super) fn layout(format: PixelFormat, pix: &Pix) -> Layout {
    let packed = Layout::packed(format, pix.width, pix.height).with_colour(colour(format, pix));
    // Some drivers leave the stride at 0, or report that of the pixels without their padding.
    let Some(first) = packed.planes().first() else { return packed };
    let stride = pix.stride.max(first.stride);
    let chroma_stride = if format == PixelFormat::I420 { stride.div_ceil(2) } else { stride };
    let (mut places, mut offset) = ([Plane::default(); 3], 0);
    for (i, plane) in packed.planes().iter().enumerate() {
        let stride = if i == 0 { stride } else { chroma_stride };
        places[i] = Plane { offset, stride, rows: plane.rows };
        offset += stride * plane.rows;
    }
    packed.with_planes(&places)
}

/// The kernel's defaults where the driver leaves a value open: YUV is BT.601 and limited unless its colour space says
/// otherwise, and a JPEG is always what JPEG means.
fn colour(format: PixelFormat, pix: &Pix) -> Colour {
    use v4l::v4l_sys as raw;
    if format == PixelFormat::Mjpeg {
        return Colour::JPEG;
    }
    let by_space = match pix.colorspace {
        raw::v4l2_colorspace_V4L2_COLORSPACE_REC709
        | raw::v4l2_colorspace_V4L2_COLORSPACE_DCI_P3
        | raw::v4l2_colorspace_V4L2_COLORSPACE_SMPTE240M
        | raw::v4l2_colorspace_V4L2_COLORSPACE_BT2020 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    let matrix = match pix.ycbcr {
        0 => by_space,
        raw::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_601
        | raw::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_XV601
        | raw::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_SYCC => Matrix::Bt601,
        // BT.2020 and SMPTE 240M are nearer to BT.709 than to BT.601.
        _ => Matrix::Bt709,
    };
    let range = match pix.quantization {
        raw::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE => Range::Full,
        raw::v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE => Range::Limited,
        // Grey is what the sensor measured, as RGB would be.
        _ if format == PixelFormat::Grey => Range::Full,
        _ if pix.colorspace == raw::v4l2_colorspace_V4L2_COLORSPACE_JPEG => Range::Full,
        _ => Range::Limited,
    };
    Colour { matrix, range }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pix(width: usize, height: usize, stride: usize) -> Pix {
        Pix { width, height, fourcc: *b"----", stride, bytes: 0, colorspace: 0, ycbcr: 0, quantization: 0 }
    }

    fn places(format: PixelFormat, pix: &Pix) -> Vec<(usize, usize, usize)> {
        layout(format, pix).planes().iter().map(|p| (p.offset, p.stride, p.rows)).collect()
    }

    #[test]
    fn padded_rows_move_the_planes_that_follow() {
        assert_eq!(places(PixelFormat::Nv12, &pix(100, 10, 128)), [(0, 128, 10), (1280, 128, 5)]);
        assert_eq!(places(PixelFormat::I420, &pix(100, 10, 128)), [(0, 128, 10), (1280, 64, 5), (1600, 64, 5)]);
        assert_eq!(places(PixelFormat::Yuyv, &pix(100, 10, 256)), [(0, 256, 10)]);
        assert_eq!(places(PixelFormat::Grey, &pix(100, 10, 0)), [(0, 100, 10)]);
        assert_eq!(places(PixelFormat::Mjpeg, &pix(100, 10, 0)), []);
    }

    #[test]
    fn colours_follow_the_driver_and_else_the_kernels_defaults() {
        let of = |colorspace, ycbcr, quantization| {
            colour(PixelFormat::Yuyv, &Pix { colorspace, ycbcr, quantization, ..pix(2, 2, 4) })
        };
        let (lim, full) = (Range::Limited, Range::Full);
        for (given, matrix, range) in [
            ((0, 0, 0), Matrix::Bt601, lim),
            ((8, 0, 0), Matrix::Bt601, lim),
            ((3, 0, 0), Matrix::Bt709, lim),
            ((3, 1, 1), Matrix::Bt601, full),
            ((7, 0, 0), Matrix::Bt601, full),
            ((8, 2, 2), Matrix::Bt709, lim),
        ] {
            assert_eq!(of(given.0, given.1, given.2), Colour { matrix, range }, "{given:?}");
        }
        assert_eq!(colour(PixelFormat::Grey, &pix(2, 2, 2)).range, full);
        let jpeg = Pix { colorspace: 3, quantization: 2, ..pix(2, 2, 0) };
        assert_eq!(colour(PixelFormat::Mjpeg, &jpeg), Colour::JPEG);
    }
}

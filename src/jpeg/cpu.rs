//! The CPU encoder: libjpeg-turbo from YUV planes, without an RGB detour.
//!
//! libjpeg is given a buffer that its output cannot overflow, and the JPEG is copied from there: that costs a hundredth
//! of the encode, and of a shot only as many pages are used as its JPEG fills. libjpeg itself takes and gives back some
//! of its working memory for each picture; all other memory is kept for the next frame.

use turbojpeg::{Compressor, Image, OutputBuf, PixelFormat as Packed, Subsamp, YuvPlanesImage};

use super::planes::{self, Picture};
use super::prepare::{Prepare, Prepared};
use super::{EncodeFault, Variant};
use crate::frame::Frame;

/// One encoder and its scratch memory; owned by one jpeg thread.
pub struct Cpu {
    compressor: Compressor,
    prepare: Prepare,
    /// Where libjpeg writes: as long as its output can get, and never shortened.
    jpeg: Vec<u8>,
}

impl Cpu {
    /// A new one.
    ///
    /// # Errors
    /// When the library cannot be set up.
    pub fn new() -> Result<Cpu, EncodeFault> {
        Ok(Cpu { compressor: Compressor::new()?, prepare: Prepare::new()?, jpeg: Vec::new() })
    }

    pub(super) fn encode(
        &mut self,
        frame: &Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<(usize, usize), EncodeFault> {
        let Cpu { compressor, prepare, jpeg } = self;
        let picture = match prepare.picture(frame, variant, out)? {
            Prepared::Done(width, height) => return Ok((width, height)),
            Prepared::Planes(picture) => picture,
        };
        if picture.lies_in(&frame.bytes) {
            planes::touch(&picture);
        }
        compressor.set_quality(i32::from(variant.quality_or_default()))?;
        let length = compress(compressor, &picture, jpeg)?;
        // Room for the longest, so that a busier picture does not make it grow.
        out.clear();
        out.reserve_exact(jpeg.len());
        out.extend_from_slice(&jpeg[..length]);
        Ok((picture.width, picture.height))
    }
}

/// Encodes into `jpeg`, and tells how long the result is.
fn compress(compressor: &mut Compressor, picture: &Picture, jpeg: &mut Vec<u8>) -> Result<usize, EncodeFault> {
    let &Picture { width, height, subsamp, planes: [y, u, v] } = picture;
    let longest = turbojpeg::compressed_buf_len(width, height, subsamp)?;
    if jpeg.len() < longest {
        // Fresh zeros come from the kernel page by page as they are written; growing would touch all of them now.
        *jpeg = vec![0; longest];
    }
    let mut output = OutputBuf::borrowed(jpeg);
    if subsamp == Subsamp::Gray {
        compressor.set_subsamp(Subsamp::Gray)?;
        let image = Image { pixels: y.bytes, width, pitch: y.stride, height, format: Packed::GRAY };
        compressor.compress(image, &mut output)?;
    } else {
        let image = YuvPlanesImage {
            y_plane: y.bytes,
            u_plane: u.bytes,
            v_plane: v.bytes,
            width,
            height,
            y_stride: y.stride,
            u_stride: u.stride,
            v_stride: v.stride,
            subsamp,
        };
        compressor.compress_yuv_planes(&image, &mut output)?;
    }
    Ok(output.len())
}

#[cfg(test)]
mod tests {
    use super::super::scale::scaled_size;
    use super::*;
    use crate::frame::{Colour, Layout, Matrix, PixelFormat, Plane as Place, Range};

    type Rgb = [f64; 3];
    const BARS: [Rgb; 8] = [
        [255.0, 0.0, 0.0],
        [0.0, 255.0, 0.0],
        [0.0, 0.0, 255.0],
        [255.0, 255.0, 255.0],
        [0.0, 0.0, 0.0],
        [224.0, 172.0, 105.0],
        [30.0, 90.0, 60.0],
        [128.0, 128.0, 128.0],
    ];
    const RAW: [PixelFormat; 5] =
        [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Grey];

    fn colours() -> [Colour; 4] {
        let of = |matrix, range| Colour { matrix, range };
        [
            of(Matrix::Bt601, Range::Full),
            of(Matrix::Bt601, Range::Limited),
            of(Matrix::Bt709, Range::Full),
            of(Matrix::Bt709, Range::Limited),
        ]
    }

    /// The definition, in floating point.
    fn yuv([r, g, b]: Rgb, colour: Colour) -> [f64; 3] {
        let (kr, kb) = if colour.matrix == Matrix::Bt601 { (0.299, 0.114) } else { (0.2126, 0.0722) };
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (u, v) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        match colour.range {
            Range::Full => [y, u + 128.0, v + 128.0],
            Range::Limited => [y * 219.0 / 255.0 + 16.0, u * 224.0 / 255.0 + 128.0, v * 224.0 / 255.0 + 128.0],
        }
    }

    /// A frame of what `light` shows, each row `padding` bytes longer than it must be, in a buffer that ends with the
    /// last sample.
    fn frame(layout: Layout, padding: usize, light: impl Fn(usize, usize) -> Rgb) -> Frame {
        let mut places = [Place::default(); 3];
        let mut offset = padding;
        for (place, packed) in places.iter_mut().zip(layout.planes()) {
            *place = Place { offset, stride: packed.stride + padding, rows: packed.rows };
            offset += place.stride * place.rows;
        }
        let layout = layout.with_planes(&places);
        let mut bytes = vec![0xaa; offset - padding];
        let (width, height) = (layout.width, layout.height);
        let at = |x: usize, y: usize| {
            yuv(light(x.min(width - 1), y.min(height - 1)), layout.colour).map(|v| v.round().clamp(0.0, 255.0) as u8)
        };
        let mut put = |plane: usize, x: usize, y: usize, value: u8| {
            bytes[places[plane].offset + y * places[plane].stride + x] = value;
        };
        for y in 0..height {
            for x in 0..width {
                let [luma, u, v] = at(x, y);
                match layout.format {
                    PixelFormat::Yuyv | PixelFormat::Uyvy => {
                        let chroma = if x % 2 == 0 { u } else { v };
                        let first = usize::from(layout.format == PixelFormat::Uyvy);
                        put(0, x * 2 + first, y, luma);
                        put(0, x * 2 + 1 - first, y, chroma);
                        if width % 2 == 1 && x == width - 1 {
                            put(0, x * 2 + 3 - first, y, v);
                        }
                    }
                    PixelFormat::I420 => {
                        put(0, x, y, luma);
                        put(1, x / 2, y / 2, u);
                        put(2, x / 2, y / 2, v);
                    }
                    PixelFormat::Nv12 => {
                        put(0, x, y, luma);
                        put(1, x / 2 * 2, y / 2, u);
                        put(1, x / 2 * 2 + 1, y / 2, v);
                    }
                    _ => put(0, x, y, luma),
                }
            }
        }
        Frame { layout, bytes, ..Frame::default() }
    }

    fn bars(width: usize) -> impl Fn(usize, usize) -> Rgb {
        move |x, _| BARS[x * BARS.len() / width]
    }

    /// Something with light, texture and slow colour, as a camera sees it.
    fn textured(x: usize, y: usize) -> Rgb {
        let (x, y) = (x as f64, y as f64);
        let light = 110.0 + 60.0 * (x / 90.0).sin() + 30.0 * (y / 7.0).sin() * (x / 11.0).cos();
        [light, light * 0.9 + 12.0 * (y / 60.0).cos(), light * 0.8 + 10.0]
    }

    fn encoded(frame: &Frame, quality: u8, width: Option<u16>) -> (Vec<u8>, (usize, usize)) {
        let mut out = vec![1, 2, 3];
        let variant = Variant { quality: Some(quality), width };
        let size = Cpu::new().unwrap().encode(frame, variant, &mut out).unwrap();
        (out, size)
    }

    fn rgb(jpeg: &[u8]) -> turbojpeg::Image<Vec<u8>> {
        turbojpeg::decompress(jpeg, Packed::RGB).unwrap()
    }

    fn pixel(image: &turbojpeg::Image<Vec<u8>>, x: usize, y: usize) -> Rgb {
        let at = y * image.pitch + x * 3;
        [0, 1, 2].map(|i| f64::from(image.pixels[at + i]))
    }

    fn furthest(a: Rgb, b: Rgb) -> f64 {
        (0..3).map(|i| (a[i] - b[i]).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn every_format_matrix_and_range_shows_the_colours_that_were_there() {
        let mut worst = 0.0f64;
        for format in RAW {
            for colour in colours() {
                for padding in [0, 13] {
                    let layout = Layout::packed(format, 256, 48).with_colour(colour);
                    let (jpeg, size) = encoded(&frame(layout, padding, bars(256)), 95, None);
                    assert_eq!(size, (256, 48));
                    let image = rgb(&jpeg);
                    for (i, bar) in BARS.iter().enumerate() {
                        let want = if format == PixelFormat::Grey {
                            [yuv(*bar, Colour { range: Range::Full, ..colour })[0]; 3]
                        } else {
                            *bar
                        };
                        let error = furthest(pixel(&image, i * 32 + 16, 24), want);
                        worst = worst.max(error);
                        assert!(error <= 3.0, "{format:?} {colour:?} bar {i}: {:?}", pixel(&image, i * 32 + 16, 24));
                    }
                }
            }
        }
        println!("furthest from the right colour: {worst}");
    }

    #[test]
    fn a_grey_ramp_stays_one() {
        for colour in colours() {
            for format in RAW {
                let ramp = |x: usize, _: usize| [(x / 16 * 16) as f64; 3];
                let layout = Layout::packed(format, 256, 16).with_colour(colour);
                let image = rgb(&encoded(&frame(layout, 0, ramp), 95, None).0);
                for x in (8..256).step_by(16) {
                    let error = furthest(pixel(&image, x, 8), ramp(x, 0));
                    assert!(error <= 3.0, "{format:?} {colour:?} at {x}: {:?}", pixel(&image, x, 8));
                }
            }
        }
    }

    #[test]
    fn odd_sizes_keep_their_size_and_their_edges() {
        for format in RAW {
            for colour in [colours()[0], colours()[3]] {
                for (width, height) in [(17, 13), (16, 13), (17, 12), (1, 1), (1, 2), (3, 1)] {
                    let light = |_, _| [70.0, 130.0, 90.0];
                    let layout = Layout::packed(format, width, height).with_colour(colour);
                    let (jpeg, size) = encoded(&frame(layout, 5, light), 95, None);
                    assert_eq!(size, (width, height));
                    let image = rgb(&jpeg);
                    assert_eq!((image.width, image.height), size);
                    if format != PixelFormat::Grey {
                        let corner = pixel(&image, width - 1, height - 1);
                        assert!(
                            furthest(corner, light(0, 0)) <= 3.0,
                            "{format:?} {colour:?} {width}x{height}: {corner:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_width_scales_and_keeps_shape_and_colour() {
        for format in RAW {
            for (asked, want) in [(128, (128, 24)), (101, (101, 19)), (1, (1, 1)), (256, (256, 48)), (999, (256, 48))] {
                let layout = Layout::packed(format, 256, 48);
                let (jpeg, size) = encoded(&frame(layout, 3, bars(256)), 95, Some(asked));
                assert_eq!(size, want, "{format:?}");
                let image = rgb(&jpeg);
                assert_eq!((image.width, image.height), want);
                if asked > 100 && format != PixelFormat::Grey {
                    for (i, bar) in BARS.iter().enumerate() {
                        let got = pixel(&image, (i * 2 + 1) * want.0 / 16, want.1 / 2);
                        assert!(furthest(got, *bar) <= 4.0, "{format:?} {asked} bar {i}: {got:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_textured_picture_loses_little() {
        for (format, quality, least_db) in
            [(PixelFormat::I420, 75, 38.0), (PixelFormat::Yuyv, 75, 38.0), (PixelFormat::I420, 40, 34.0)]
        {
            let layout = Layout::packed(format, 320, 240).with_colour(Colour::JPEG);
            let image = rgb(&encoded(&frame(layout, 0, textured), quality, None).0);
            let mut sum = 0.0;
            for y in 0..240 {
                for x in 0..320 {
                    let (is, was) = (pixel(&image, x, y), textured(x, y));
                    sum += (0..3).map(|i| (is[i] - was[i]).powi(2)).sum::<f64>();
                }
            }
            let db = 10.0 * (255.0 * 255.0 / (sum / (320.0 * 240.0 * 3.0))).log10();
            println!("{format:?} q {quality}: {db:.1} dB");
            assert!(db >= least_db, "{format:?} q {quality}: {db:.1} dB");
        }
    }

    /// A camera's JPEG of this subsampling.
    fn camera_jpeg(width: usize, height: usize, subsamp: Subsamp) -> Frame {
        let pixels: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| textured(x, y).map(|v| v.clamp(0.0, 255.0) as u8)))
            .collect();
        let image = Image { pixels: &pixels[..], width, pitch: width * 3, height, format: Packed::RGB };
        let bytes = turbojpeg::compress(image, 90, subsamp).unwrap().to_vec();
        Frame { layout: Layout::jpeg(width, height), bytes, ..Frame::default() }
    }

    #[test]
    fn a_cameras_own_jpeg_is_handed_on_untouched() {
        let frame = camera_jpeg(64, 48, Subsamp::Sub2x1);
        for width in [None, Some(64), Some(2000)] {
            let mut out = Vec::new();
            let size = Cpu::new().unwrap().encode(&frame, Variant { quality: None, width }, &mut out).unwrap();
            assert_eq!((size, &out), ((64, 48), &frame.bytes));
        }
    }

    #[test]
    fn a_cameras_jpeg_is_made_anew_for_a_quality_or_a_width() {
        let kinds = [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Sub1x2, Subsamp::Sub4x1, Subsamp::Gray];
        for subsamp in kinds {
            for (width, height) in [(320, 240), (321, 239)] {
                let frame = camera_jpeg(width, height, subsamp);
                for asked in [None, Some(300), Some(160), Some(77), Some(20)] {
                    let (jpeg, size) = encoded(&frame, 90, asked);
                    let want = asked.map_or((width, height), |w| scaled_size((width, height), usize::from(w)));
                    assert_eq!(size, want, "{subsamp:?}");
                    let (is, was) = (rgb(&jpeg), rgb(&frame.bytes));
                    let at = |image: &Image<Vec<u8>>| pixel(image, image.width / 2, image.height / 3);
                    let error = furthest(at(&is), at(&was));
                    assert!(asked.is_some() || error <= 12.0, "{subsamp:?} {width} {asked:?}: {error}");
                    assert_eq!((is.width, is.height), want);
                }
            }
        }
    }

    #[test]
    fn a_truncated_jpeg_is_a_fault_where_it_must_be_decoded() {
        let mut frame = camera_jpeg(320, 240, Subsamp::Sub2x1);
        let whole = frame.bytes.clone();
        let mut cpu = Cpu::new().unwrap();
        for keep in [0, 1, 2, 50, whole.len() / 2, whole.len() - 40] {
            frame.bytes.truncate(keep);
            let asked = Variant { quality: Some(75), width: None };
            assert!(cpu.encode(&frame, asked, &mut Vec::new()).is_err(), "{keep} bytes");
            frame.bytes.clone_from(&whole);
        }
        assert!(cpu.encode(&frame, Variant { quality: Some(75), width: None }, &mut Vec::new()).is_ok());
    }

    #[test]
    fn a_frame_with_too_few_bytes_is_a_fault() {
        let mut cpu = Cpu::new().unwrap();
        for format in RAW {
            let mut frame = frame(Layout::packed(format, 64, 48), 0, bars(64));
            frame.bytes.pop();
            let fault = cpu.encode(&frame, Variant::default(), &mut Vec::new()).unwrap_err();
            assert!(fault.to_string().contains("too few bytes"), "{fault}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

        #[test]
        fn no_layout_and_no_bytes_bring_it_down(
            kind in 0..6usize,
            (width, height) in (0..70usize, 0..70usize),
            places in proptest::array::uniform3((0..6000usize, 0..200usize, 0..80usize)),
            wild in proptest::option::of((0..3usize, proptest::num::usize::ANY, proptest::num::usize::ANY)),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..12_000),
            colour in 0..4usize,
            quality in proptest::option::of(proptest::num::u8::ANY),
            across in proptest::option::of(0..80u16),
        ) {
            let formats = [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Grey, PixelFormat::Mjpeg];
            let mut places = places.map(|(offset, stride, rows)| Place { offset, stride, rows });
            if let Some((which, offset, stride)) = wild {
                places[which] = Place { offset, stride, rows: usize::MAX };
            }
            let layout = Layout::packed(formats[kind], width, height).with_planes(&places).with_colour(colours()[colour]);
            let frame = Frame { layout, bytes, ..Frame::default() };
            let mut out = Vec::new();
            if let Ok(size) = Cpu::new().unwrap().encode(&frame, Variant { quality, width: across }, &mut out) {
                let image = rgb(&out);
                proptest::prop_assert_eq!((image.width, image.height), size);
            }
        }

        #[test]
        fn no_damage_to_a_jpeg_brings_it_down(
            harm in proptest::collection::vec((0..8000usize, proptest::num::u8::ANY), 1..20),
            keep in 0..8000usize,
            across in proptest::option::of(1..80u16),
        ) {
            let mut frame = camera_jpeg(96, 64, Subsamp::Sub2x1);
            let length = frame.bytes.len();
            harm.into_iter().for_each(|(at, byte)| frame.bytes[at % length] = byte);
            frame.bytes.truncate(keep.max(length / 2));
            let _ = Cpu::new().unwrap().encode(&frame, Variant { quality: Some(50), width: across }, &mut Vec::new());
        }
    }
}

//! From a sample of the library to a frame: one copy, no allocation once the frame's buffer has grown to its size.

use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::capture::jfif;
use crate::frame::{Colour, Frame, Layout, Matrix, PixelFormat, Plane, Range};

/// Knows what the last sample's caps meant, since they rarely change.
#[derive(Default)]
pub(super) struct Reader {
    caps: Option<gst::Caps>,
    info: Option<gst_video::VideoInfo>,
}

impl Reader {
    /// Fills layout and bytes; false when the sample is no picture that can be used.
    pub fn read(&mut self, sample: &gst::Sample, frame: &mut Frame) -> bool {
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else { return false };
        if self.caps.as_ref().is_none_or(|known| known.as_ptr() != caps.as_ptr()) {
            self.info = gst_video::VideoInfo::from_caps(caps).ok();
            self.caps = Some(caps.to_owned());
        }
        match &self.info {
            Some(info) if format_of(info).is_some() => read_planes(info, buffer, frame),
            _ => read_jpeg(buffer, frame),
        }
    }
}

/// The pixel format in the house's words.
fn format_of(info: &gst_video::VideoInfo) -> Option<PixelFormat> {
    Some(match info.format() {
        gst_video::VideoFormat::I420 => PixelFormat::I420,
        gst_video::VideoFormat::Nv12 => PixelFormat::Nv12,
        gst_video::VideoFormat::Yuy2 => PixelFormat::Yuyv,
        gst_video::VideoFormat::Uyvy => PixelFormat::Uyvy,
        gst_video::VideoFormat::Gray8 => PixelFormat::Grey,
        _ => return None,
    })
}

fn colour_of(info: &gst_video::VideoInfo) -> Colour {
    let colorimetry = info.colorimetry();
    let matrix = match colorimetry.matrix() {
        gst_video::VideoColorMatrix::Bt709 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    let range = match colorimetry.range() {
        gst_video::VideoColorRange::Range0_255 => Range::Full,
        _ => Range::Limited,
    };
    Colour { matrix, range }
}

fn read_planes(info: &gst_video::VideoInfo, buffer: &gst::BufferRef, frame: &mut Frame) -> bool {
    let Some(format) = format_of(info) else { return false };
    let Ok(video) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info) else { return false };
    let packed = Layout::packed(format, video.width() as usize, video.height() as usize);
    let mut planes = [Plane::default(); 3];
    let count = packed.planes().len();
    for (index, plane) in planes.iter_mut().enumerate().take(count) {
        let (Ok(data), Some(stride)) = (video.plane_data(index as u32), video.plane_stride().get(index)) else {
            return false;
        };
        let own = packed.planes()[index];
        let Ok(stride) = usize::try_from(*stride) else { return false };
        // The last row may end with its pixels instead of its stride.
        let needed = stride * own.rows.saturating_sub(1) + own.stride.min(stride);
        if stride < own.stride && index == 0 || data.len() < needed {
            return false;
        }
        *plane = Plane { offset: frame.bytes.len(), stride, rows: own.rows };
        let whole = stride * own.rows;
        frame.bytes.extend_from_slice(&data[..whole.min(data.len())]);
        frame.bytes.resize(plane.offset + whole, 0);
    }
    frame.layout = packed.with_planes(&planes[..count]).with_colour(colour_of(info));
    true
}

fn read_jpeg(buffer: &gst::BufferRef, frame: &mut Frame) -> bool {
    let Ok(map) = buffer.map_readable() else { return false };
    frame.bytes.extend_from_slice(&map);
    let Ok(info) = jfif::repair(&mut frame.bytes) else { return false };
    frame.layout = Layout::jpeg(info.width, info.height);
    true
}

/// The picture's place in its recording.
pub(super) fn media_time(sample: &gst::Sample) -> Option<Duration> {
    let pts = sample.buffer()?.pts()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_stream_time(pts).or(Some(pts)).map(|t| Duration::from_nanos(t.nseconds()))
}

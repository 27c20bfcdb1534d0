//! The board's JPEG hardware, through GStreamer's element `nvjpegenc`, which is there where the board's plugins are.
//!
//! Each size and quality has a pipeline of its own, `appsrc ! nvjpegenc ! appsink`, since not every element takes a new
//! size in the middle of a stream; there are at most as many as the picture table has variants, and the one that was
//! used longest ago gives way. Its threads are started by the jpeg thread and run where that may run. The element
//! takes 4:2:0 and grey; any other chroma is halved first. After a fault its pipeline is given back, and the next frame
//! makes a new one.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_video::{VideoFormat, VideoInfo};
use turbojpeg::Subsamp;

use super::planes::Picture;
use super::prepare::{Prepared, Quartered};
use super::shots::VARIANTS;
use super::{EncodeFault, Variant};
use crate::error::one_line;
use crate::frame::Frame;

/// The element.
const ELEMENT: &str = "nvjpegenc";
/// An encoder that takes longer for one picture hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// Folders where the package managers put plugins, beside those that GStreamer's own variables name.
const FOLDERS: [&str; 3] = ["/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"];

/// Whether a plugin is there that may have the element. Waking GStreamer costs time and memory that a box without
/// such a board need not spend.
pub(super) fn may_be_there() -> bool {
    let of_variable =
        ["GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_SYSTEM_PATH_1_0"]
            .iter()
            .filter_map(std::env::var_os)
            .flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>());
    let usual = FOLDERS.iter().map(|folder| std::path::Path::new(folder).join("gstreamer-1.0"));
    of_variable.chain(usual).any(|folder| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_string_lossy().contains("nvjpeg"))
    })
}

/// Looks for the element.
///
/// # Errors
/// When GStreamer cannot start, or does not have it.
pub(super) fn find() -> Result<(), EncodeFault> {
    gst::init().map_err(|why| EncodeFault::Element(why.to_string()))?;
    gst::ElementFactory::find(ELEMENT).map(|_| ()).ok_or(EncodeFault::NoElement)
}

/// One encoder; owned by one jpeg thread.
pub struct Nvjpegenc {
    prepare: Quartered,
    /// The one used last stands last.
    pipelines: Vec<(Kind, Pipeline)>,
}

/// What one pipeline encodes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    width: usize,
    height: usize,
    grey: bool,
    quality: u8,
}

struct Pipeline {
    whole: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    info: VideoInfo,
    sent: u64,
}

impl Nvjpegenc {
    /// A new one.
    ///
    /// # Errors
    /// When there is no such element.
    pub fn new() -> Result<Nvjpegenc, EncodeFault> {
        find()?;
        Ok(Nvjpegenc { prepare: Quartered::new()?, pipelines: Vec::new() })
    }

    pub(super) fn encode(
        &mut self,
        frame: &Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<(usize, usize), EncodeFault> {
        let picture = match self.prepare.picture(frame, variant, out)? {
            Prepared::Done(width, height) => return Ok((width, height)),
            Prepared::Planes(picture) => picture,
        };
        let (width, height, grey) = (picture.width, picture.height, picture.subsamp == Subsamp::Gray);
        let kind = Kind { width, height, grey, quality: variant.quality_or_default() };
        let mut pipeline = match self.pipelines.iter().position(|(of, _)| *of == kind) {
            Some(place) => self.pipelines.remove(place).1,
            None => Pipeline::start(kind)?,
        };
        pipeline.encode(&picture, out)?;
        if self.pipelines.len() == VARIANTS {
            self.pipelines.remove(0);
        }
        self.pipelines.push((kind, pipeline));
        Ok((width, height))
    }
}

fn fails(why: impl std::fmt::Display) -> EncodeFault {
    EncodeFault::Element(one_line(&why))
}

impl Pipeline {
    fn start(kind: Kind) -> Result<Pipeline, EncodeFault> {
        let side = |side: usize| u32::try_from(side).map_err(fails);
        let format = if kind.grey { VideoFormat::Gray8 } else { VideoFormat::I420 };
        let info = VideoInfo::builder(format, side(kind.width)?, side(kind.height)?)
            .fps(gst::Fraction::new(30, 1))
            .build()
            .map_err(fails)?;
        let caps = info.to_caps().map_err(fails)?;
        let source = AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
        let encoder = gst::ElementFactory::make(ELEMENT).build().map_err(|_| EncodeFault::NoElement)?;
        if encoder.find_property("quality").is_none() {
            return Err(fails("it has no property `quality`"));
        }
        encoder.set_property_from_str("quality", &kind.quality.to_string());
        let sink = AppSink::builder().sync(false).build();
        let whole = gst::Pipeline::new();
        whole.add_many([source.upcast_ref(), &encoder, sink.upcast_ref()]).map_err(fails)?;
        gst::Element::link_many([source.upcast_ref(), &encoder, sink.upcast_ref()]).map_err(fails)?;
        let pipeline = Pipeline { whole, source, sink, info, sent: 0 };
        match pipeline.whole.set_state(gst::State::Playing) {
            Ok(_) => Ok(pipeline),
            Err(why) => Err(pipeline.complaint().unwrap_or_else(|| fails(why))),
        }
    }

    /// One picture in, its JPEG out.
    fn encode(&mut self, picture: &Picture, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let buffer = self.buffer(picture)?;
        self.source.push_buffer(buffer).map_err(|why| self.complaint().unwrap_or_else(|| fails(why)))?;
        let patience = gst::ClockTime::from_nseconds(PATIENCE.as_nanos() as u64);
        let Some(sample) = self.sink.try_pull_sample(patience) else {
            let late = || fails(format!("it gives no picture within {} s", PATIENCE.as_secs()));
            return Err(self.complaint().unwrap_or_else(late));
        };
        let buffer = sample.buffer().ok_or_else(|| fails("it gives an empty picture"))?;
        let bytes = buffer.map_readable().map_err(fails)?;
        out.clear();
        out.extend_from_slice(&bytes);
        Ok(())
    }

    /// The planes as GStreamer lays them out.
    fn buffer(&mut self, picture: &Picture) -> Result<gst::Buffer, EncodeFault> {
        let mut buffer = gst::Buffer::with_size(self.info.size()).map_err(fails)?;
        let writable = buffer.get_mut().expect("nobody else has it yet");
        writable.set_pts(gst::ClockTime::from_mseconds(self.sent * 33));
        writable.set_duration(gst::ClockTime::from_mseconds(33));
        self.sent += 1;
        let mut bytes = writable.map_writable().map_err(fails)?;
        let sizes = picture.sizes();
        let places = self.info.offset().iter().zip(self.info.stride());
        for ((plane, (width, height)), (offset, stride)) in picture.planes.iter().zip(sizes).zip(places) {
            let stride = usize::try_from(*stride).map_err(fails)?;
            for (y, to) in bytes[*offset..].chunks_mut(stride).enumerate().take(height) {
                to[..width].copy_from_slice(&plane.row(y)[..width]);
            }
        }
        drop(bytes);
        Ok(buffer)
    }

    /// What the pipeline says is wrong.
    fn complaint(&self) -> Option<EncodeFault> {
        let bus = self.whole.bus()?;
        let message = bus.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(fails(error.error())),
            _ => None,
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _ = self.whole.set_state(gst::State::Null);
    }
}

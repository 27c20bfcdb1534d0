//! Where pictures come from: one enum of sources, one closed list of reasons why there is none.
//!
//! A source is opened, asked for the next picture again and again, and closed by dropping it, always by the one capture
//! thread that owns it. It must never block for longer than the timeout it is given, must never hand out credentials,
//! and must never know the pose or jpeg rooms. Retry and backoff are not its business but its caller's.

pub mod demo;
mod fault;
#[cfg(feature = "gst")]
pub mod gst;
pub mod jfif;
pub mod knock;
pub mod paced;
pub mod uri;
#[cfg(target_os = "linux")]
pub mod v4l2;
#[cfg(feature = "webcam")]
pub mod webcam;

use std::time::Duration;

pub use fault::CaptureFault;
pub use uri::Address;

use crate::frame::Frame;
use crate::threads::Stop;

/// How a source is to be opened. Config fills it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to open.
    pub address: Address,
    /// RTSP over UDP instead of TCP.
    pub rtsp_udp: bool,
    /// How long opening may take before it counts as stalled; also how long a source may deliver nothing.
    pub stall: Duration,
    /// A recording is played as fast as it can be read, not at its own pace.
    pub full_speed: bool,
}

/// What asking for a picture gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// The frame is filled: `captured`, `captured_wall`, `media_time`, `layout` and `bytes`.
    Frame,
    /// Nothing came within the timeout; ask again.
    Nothing,
    /// A picture came that cannot be used (truncated, garbled); it is to be counted.
    Broken,
    /// The recording is over.
    Ended,
}

/// An open camera.
pub enum Source {
    /// A rendered athlete.
    Demo(Box<demo::Demo>),
    /// A stand-in that keeps time.
    Paced(paced::Paced),
    /// A stand-in that gives what a test has written down.
    #[cfg(test)]
    Told(Told),
    /// A V4L2 device.
    #[cfg(target_os = "linux")]
    V4l2(Box<v4l2::V4l2>),
    /// Anything GStreamer reads.
    #[cfg(feature = "gst")]
    Gst(Box<gst::Gst>),
    /// A developer's webcam.
    #[cfg(feature = "webcam")]
    Webcam(Box<webcam::Webcam>),
}

impl Source {
    /// Opens a source. It may take up to `settings.stall`, and as long again for what was opened before to end; it gives up
    /// early when `stop` is raised. It calls `waits` at each turn of its waiting, but not while a library call does not return.
    ///
    /// # Errors
    /// Why there is no picture to be had from it.
    pub fn open(settings: &Settings, stop: &Stop, waits: &dyn Fn()) -> Result<Source, CaptureFault> {
        match &settings.address {
            Address::File(path) if is_no_file(path) => Err(CaptureFault::NotVideo { what: path.clone() }),
            Address::Demo(demo) => Ok(Source::Demo(Box::new(demo::Demo::open(demo)))),
            Address::Paced(paced) => Ok(Source::Paced(paced::Paced::open(*paced))),
            #[cfg(target_os = "linux")]
            Address::V4l2(device) => v4l2::V4l2::open(device).map(|d| Source::V4l2(Box::new(d))),
            #[cfg(feature = "gst")]
            Address::Rtsp(_) | Address::Http(_) | Address::File(_) | Address::Gst(_) => {
                gst::Gst::open(settings, stop, waits).map(|g| Source::Gst(Box::new(g)))
            }
            #[cfg(feature = "webcam")]
            Address::Webcam(index) => webcam::Webcam::open(*index).map(|w| Source::Webcam(Box::new(w))),
            #[allow(unreachable_patterns)]
            other => {
                let _ = (stop, waits);
                Err(CaptureFault::NotBuilt { what: other.scheme() })
            }
        }
    }

    /// Fills `frame` (which was [reset](Frame::reset)) with the next picture. A live source gives its newest, a
    /// recording its next.
    ///
    /// # Errors
    /// Why there will be no more pictures until it is opened anew.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, CaptureFault> {
        match self {
            Source::Demo(demo) => Ok(demo.next(frame, timeout)),
            Source::Paced(paced) => Ok(paced.next(frame, timeout)),
            #[cfg(test)]
            Source::Told(told) => told.next(frame),
            #[cfg(target_os = "linux")]
            Source::V4l2(device) => device.next(frame, timeout),
            #[cfg(feature = "gst")]
            Source::Gst(gst) => gst.next(frame, timeout),
            #[cfg(feature = "webcam")]
            Source::Webcam(webcam) => webcam.next(frame, timeout),
        }
    }

    /// What decodes its pictures, where GStreamer chose it; known with its first picture.
    pub fn decoder(&self) -> Option<String> {
        match self {
            #[cfg(feature = "gst")]
            Source::Gst(gst) => gst.decoder(),
            _ => None,
        }
    }
}

/// What a stand-in camera is told to give next: this, captured then, with these bytes.
#[cfg(test)]
pub struct Told {
    pub(crate) next: Result<Next, CaptureFault>,
    pub(crate) captured: crate::time::Mono,
    pub(crate) layout: crate::frame::Layout,
    pub(crate) bytes: [u8; 4],
}

#[cfg(test)]
impl Told {
    fn next(&self, frame: &mut Frame) -> Result<Next, CaptureFault> {
        (frame.captured, frame.layout) = (self.captured, self.layout);
        frame.bytes.extend_from_slice(&self.bytes);
        self.next.clone()
    }
}

/// Whether a path is there and is a pipe, a folder or a device: the opening of a pipe waits for a writer, for ever.
fn is_no_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|there| !there.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_or_a_folder_as_a_recording_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for path in [pipe.as_path(), dir.path()] {
            let address = Address::File(path.display().to_string());
            let stall = Duration::from_secs(1);
            let settings = Settings { address, rtsp_udp: false, stall, full_speed: true };
            let fault = Source::open(&settings, &Stop::default(), &|| ()).err().map(|f| f.kind());
            assert_eq!(fault, Some("not_video"));
        }
    }
}

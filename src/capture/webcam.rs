//! A developer's webcam through nokhwa, so that the box runs on a laptop of any make. Not for the box itself, whose
//! cameras are V4L2's or GStreamer's.
//!
//! nokhwa asks for a picture without a timeout, and opens a device for as long as that takes. So the camera lives on a
//! thread of its own, which puts each picture into a slot where a newer one replaces it; the capture thread waits at
//! the slot for no longer than it wants. That thread is told to end and never waited for: if the library hangs it
//! stays behind with its device, until the library lets go or the process ends. Every picture is allocated by the
//! library and copied once more here.
//!
//! Only formats that the encoders read are asked for. What nokhwa says in words is matched with the faults by those
//! words, for want of codes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType as Wanted, Resolution,
};
use nokhwa::{Buffer, Camera, NokhwaError};

use crate::capture::{CaptureFault, Next};
use crate::frame::{Frame, Layout, PixelFormat};
use crate::time::{Mono, Wall};

/// How long a camera may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// What is asked for, best first; the size and rate are the nearest the camera has.
const FORMATS: [FrameFormat; 4] = [FrameFormat::MJPEG, FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::GRAY];

/// An open webcam.
pub struct Webcam {
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    /// Nobody wants pictures any more.
    closed: bool,
    picture: Option<(Buffer, Mono, Wall)>,
    fault: Option<CaptureFault>,
}

impl Webcam {
    /// Opens the camera of this index.
    ///
    /// # Errors
    /// Why there is no picture.
    pub fn open(index: u32) -> Result<Webcam, CaptureFault> {
        let webcam = Webcam { slot: Arc::default() };
        let slot = webcam.slot.clone();
        let thread = std::thread::Builder::new().name("webcam".into());
        thread.spawn(move || run(index, &slot)).map_err(|e| failed(index, e.to_string()))?;
        let state = webcam.slot.wait(OPEN_LIMIT, |state| state.open || state.fault.is_some());
        match (&state.fault, state.open) {
            (Some(fault), _) => Err(fault.clone()),
            (None, false) => Err(CaptureFault::Stalled { after: OPEN_LIMIT }),
            (None, true) => {
                drop(state);
                Ok(webcam)
            }
        }
    }

    /// The next picture.
    ///
    /// # Errors
    /// Why it must be opened anew.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, CaptureFault> {
        let mut state = self.slot.wait(timeout, |state| state.picture.is_some() || state.fault.is_some());
        let picture = state.picture.take();
        let fault = state.fault.clone();
        drop(state);
        match (picture, fault) {
            (Some((buffer, captured, wall)), _) => {
                (frame.captured, frame.captured_wall) = (captured, wall);
                Ok(fill(frame, &buffer))
            }
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(Next::Nothing),
        }
    }
}

impl Drop for Webcam {
    fn drop(&mut self) {
        self.slot.state().closed = true;
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    fn wait(&self, timeout: Duration, ready: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let wait = self.changed.wait_timeout_while(self.state(), timeout, |state| !ready(state));
        wait.expect("nothing panics under this lock").0
    }

    /// Changes the state and wakes who waits for it. False when nobody does any more.
    fn tell(&self, change: impl FnOnce(&mut State)) -> bool {
        let mut state = self.state();
        change(&mut state);
        self.changed.notify_all();
        !state.closed
    }
}

/// The camera's own thread.
fn run(index: u32, slot: &Slot) {
    let mut camera = match opened(index) {
        Ok(camera) => camera,
        Err(fault) => {
            slot.tell(|state| state.fault = Some(fault));
            return;
        }
    };
    let mut wanted = slot.tell(|state| state.open = true);
    while wanted {
        wanted = match camera.frame() {
            Ok(buffer) => {
                let picture = (buffer, Mono::now(), Wall::now());
                slot.tell(|state| state.picture = Some(picture))
            }
            Err(error) => {
                slot.tell(|state| state.fault = Some(fault_of(index, &error)));
                false
            }
        };
    }
}

fn opened(index: u32) -> Result<Camera, CaptureFault> {
    let mut last = None;
    for format in FORMATS {
        let near = CameraFormat::new(Resolution::new(1280, 720), format, 30);
        let only = [format];
        let request = RequestedFormat::with_formats(Wanted::Closest(near), &only);
        let camera = Camera::new(CameraIndex::Index(index), request);
        match camera.and_then(|mut camera| camera.open_stream().map(|()| camera)) {
            Ok(camera) => return Ok(camera),
            Err(error) => match fault_of(index, &error) {
                fault @ CaptureFault::FormatRefused { .. } => last = Some(fault),
                fault => return Err(fault),
            },
        }
    }
    Err(last.unwrap_or_else(|| failed(index, "it offers no format".into())))
}

fn failed(index: u32, why: String) -> CaptureFault {
    CaptureFault::Failed { what: format!("webcam {index}"), why }
}

fn fault_of(index: u32, error: &NokhwaError) -> CaptureFault {
    let what = format!("webcam {index}");
    let words = error.to_string().to_lowercase();
    let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if says(&["no such", "not found", "no device", "os error 2)", "os error 19)"]) {
        CaptureFault::NoDevice { what }
    } else if says(&["permission", "not authorized", "os error 13)"]) {
        CaptureFault::NoPermission { what }
    } else if says(&["busy", "in use", "os error 16)"]) {
        CaptureFault::Busy { what, holder: "another program".into() }
    } else if says(&["no space", "os error 28)"]) {
        CaptureFault::UsbBandwidth { what }
    } else if says(&["fufill", "fulfill", "unsupported"]) {
        CaptureFault::FormatRefused { what, asked: "MJPEG, NV12, YUYV or grey".into(), offered: "other formats".into() }
    } else {
        failed(index, error.to_string())
    }
}

fn fill(frame: &mut Frame, buffer: &Buffer) -> Next {
    let format = match buffer.source_frame_format() {
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::GRAY => PixelFormat::Grey,
        FrameFormat::RAWRGB | FrameFormat::RAWBGR => return Next::Broken,
    };
    let size = buffer.resolution();
    frame.layout = Layout::packed(format, size.width() as usize, size.height() as usize);
    let bytes = buffer.buffer();
    let whole = match format {
        PixelFormat::Mjpeg => bytes.starts_with(&[0xff, 0xd8]),
        _ => bytes.len() >= frame.layout.bytes(),
    };
    if !whole {
        return Next::Broken;
    }
    frame.bytes.clear();
    frame.bytes.extend_from_slice(bytes);
    Next::Frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_not_there_is_a_fault() {
        let fault = Webcam::open(63).err().unwrap();
        assert_eq!(fault, CaptureFault::NoDevice { what: "webcam 63".into() });
    }

    #[test]
    fn the_librarys_words_become_faults() {
        for (words, kind) in [
            ("V4L2 Error: Permission denied (os error 13)", "no_permission"),
            ("V4L2 Error: Device or resource busy (os error 16)", "busy"),
            ("No space left on device (os error 28)", "usb_bandwidth"),
            ("Failed to Fufill", "format_refused"),
            ("something else", "failed"),
        ] {
            assert_eq!(fault_of(0, &NokhwaError::OpenStreamError(words.into())).kind(), kind, "{words}");
        }
    }

    #[test]
    fn a_picture_fills_the_frame_and_a_short_one_is_broken() {
        let mut frame = Frame::default();
        let size = Resolution::new(4, 2);
        assert_eq!(fill(&mut frame, &Buffer::new(size, &[7; 16], FrameFormat::YUYV)), Next::Frame);
        assert_eq!((frame.bytes.len(), frame.layout.format), (16, PixelFormat::Yuyv));
        assert_eq!(fill(&mut frame, &Buffer::new(size, &[7; 15], FrameFormat::YUYV)), Next::Broken);
        assert_eq!(fill(&mut frame, &Buffer::new(size, &[7; 24], FrameFormat::RAWRGB)), Next::Broken);
    }
}

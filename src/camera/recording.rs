//! A recording that somebody hands in, looked at frame by frame as fast as it can be read: every frame in order, at the
//! recording's own time. Nothing here is live and nothing is shown; the caller's thread does all the work.
//!
//! The box's cameras go on meanwhile: whoever looks waits for his turn at the engine.

use std::path::Path;
use std::time::Duration;

use crate::capture::{Address, CaptureFault, Next, Settings, Source};
use crate::frame::Frame;
use crate::pose::{Engine, Looker, PoseFault};
use crate::skeleton::Pose;
use crate::threads::Stop;
use crate::time::Mono;

/// The stop flag is looked at this often while no frame comes.
const PATIENCE: Duration = Duration::from_millis(100);

/// A picture has no more pixels. Those of a JPEG are known only when it is here, still coded.
const PIXELS_MOST: usize = 4096 * 4096;

/// Why a recording cannot be looked at to its end.
#[derive(Debug, thiserror::Error)]
pub enum RecordingFault {
    /// It cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureFault),
    /// Nobody can be found in it.
    #[error(transparent)]
    Pose(#[from] PoseFault),
    /// The box ends.
    #[error("the box is ending")]
    Stopped,
}

/// What was found on one frame.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The recording's own time.
    pub stamp: Mono,
    /// Width and height, pixels.
    pub size: (usize, usize),
    /// The people, by falling score, in pixels.
    pub poses: Vec<Pose>,
}

/// An open recording and who looks at it.
pub struct Recording {
    source: Source,
    looker: Looker,
    frame: Frame,
    stall: Duration,
    what: String,
    stop: Stop,
}

impl Recording {
    /// Opens it and gets the engine ready. `stall` is how long it may give nothing.
    ///
    /// # Errors
    /// Why there is nothing to be looked at.
    pub fn open(path: &Path, stall: Duration, engine: &Engine, stop: &Stop) -> Result<Recording, RecordingFault> {
        let what = path.to_string_lossy().into_owned();
        let address = Address::File(what.clone());
        let source = Source::open(&Settings { address, rtsp_udp: false, stall, full_speed: true }, stop, &|| ())?;
        let looker = engine.looker();
        looker.prepare()?;
        Ok(Recording { source, looker, frame: Frame::default(), stall, what, stop: stop.clone() })
    }

    /// What is on the next frame; nothing at the end. Frames that are garbled are passed over, as a box does.
    ///
    /// # Errors
    /// Why it does not go on.
    pub fn look(&mut self) -> Result<Option<Sighting>, RecordingFault> {
        let begun = Mono::now();
        while !self.stop.is_raised() {
            self.frame.reset();
            match self.source.next(&mut self.frame, PATIENCE)? {
                Next::Frame => return self.see().map(Some),
                Next::Ended => return Ok(None),
                Next::Nothing | Next::Broken => {}
            }
            if Mono::now().since(begun) >= self.stall {
                return Err(CaptureFault::Stalled { after: self.stall }.into());
            }
        }
        Err(RecordingFault::Stopped)
    }

    fn see(&mut self) -> Result<Sighting, RecordingFault> {
        let timeless = || CaptureFault::Failed { what: self.what.clone(), why: "its pictures have no time".into() };
        let stamp = Mono::ZERO.plus(self.frame.media_time.ok_or_else(timeless)?);
        let size = (self.frame.layout.width, self.frame.layout.height);
        if size.0 * size.1 > PIXELS_MOST {
            let why = "its pictures have more than 4096 x 4096 pixels".into();
            return Err(CaptureFault::Failed { what: self.what.clone(), why }.into());
        }
        let mut poses = Vec::new();
        self.looker.look(&self.frame, &mut poses)?;
        Ok(Sighting { stamp, size, poses })
    }
}

//! Everything that GStreamer reads: RTSP, MJPEG over HTTP, recordings, pipelines. (Provisional body.)

use std::time::Duration;

use super::Settings;
use crate::capture::{CaptureFault, Next};
use crate::frame::Frame;
use crate::threads::Stop;

/// An open pipeline.
pub struct Gst {}

impl Gst {
    /// Builds the pipeline and waits for its first picture.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(_settings: &Settings, _stop: &Stop) -> Result<Gst, CaptureFault> {
        Err(CaptureFault::Ended)
    }

    /// The next picture.
    ///
    /// # Errors
    /// Why the pipeline must be opened anew.
    pub fn next(&mut self, _frame: &mut Frame, _timeout: Duration) -> Result<Next, CaptureFault> {
        Ok(Next::Nothing)
    }
}

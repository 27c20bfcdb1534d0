//! A developer's webcam through nokhwa, so that the box runs on a laptop. (Provisional body.)

use std::time::Duration;

use crate::capture::{CaptureFault, Next};
use crate::frame::Frame;

/// An open webcam.
pub struct Webcam {}

impl Webcam {
    /// Opens the camera of this index.
    ///
    /// # Errors
    /// Why there is no picture.
    pub fn open(index: u32) -> Result<Webcam, CaptureFault> {
        Err(CaptureFault::NoDevice { what: format!("webcam {index}") })
    }

    /// The next picture.
    ///
    /// # Errors
    /// Why it must be opened anew.
    pub fn next(&mut self, _frame: &mut Frame, _timeout: Duration) -> Result<Next, CaptureFault> {
        Ok(Next::Nothing)
    }
}

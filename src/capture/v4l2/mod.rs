//! Cameras through V4L2. (Provisional body.)

use std::time::Duration;

use super::uri::V4l2Address;
use crate::capture::{CaptureFault, Next};
use crate::frame::Frame;

/// An open device.
pub struct V4l2 {}

impl V4l2 {
    /// Opens and negotiates.
    ///
    /// # Errors
    /// Why the device gives no picture.
    pub fn open(address: &V4l2Address) -> Result<V4l2, CaptureFault> {
        Err(CaptureFault::NoDevice { what: address.path.clone() })
    }

    /// The next picture.
    ///
    /// # Errors
    /// Why the device must be opened anew.
    pub fn next(&mut self, _frame: &mut Frame, _timeout: Duration) -> Result<Next, CaptureFault> {
        Ok(Next::Nothing)
    }
}

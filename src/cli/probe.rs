//! `spotter probe`: the cameras of this machine. (Provisional body.)

use crate::error::Exit;

/// Prints them.
pub(super) fn probe(_json: bool) -> Exit {
    super::say("this build cannot list cameras", Exit::Failed)
}

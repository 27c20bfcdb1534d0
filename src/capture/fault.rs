//! The closed list of reasons why a camera gives no picture, each with one sentence for people.
//!
//! The sentence is the same in the log, the API and on the page, and never holds a credential. `kind` is for machines.

use std::time::Duration;

/// Why there is no picture.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaptureFault {
    /// The device or file is not there.
    #[error("there is no {what}")]
    NoDevice {
        /// The path as given.
        what: String,
    },
    /// Somebody else has the device.
    #[error("{what} is in use by {holder}")]
    Busy {
        /// The path as given.
        what: String,
        /// The program and its process id, or "another program".
        holder: String,
    },
    /// The device may not be opened by this user.
    #[error("no permission to open {what}; the service's user must be in the group video")]
    NoPermission {
        /// The path as given.
        what: String,
    },
    /// The device works but has no picture (an HDMI grabber without a cable).
    #[error("{what} has no signal")]
    NoSignal {
        /// The path as given.
        what: String,
    },
    /// The camera does not offer what was asked.
    #[error("{what} does not offer {asked}; it offers {offered}")]
    FormatRefused {
        /// The path as given.
        what: String,
        /// The wanted format, size or rate.
        asked: String,
        /// What it has, in short.
        offered: String,
    },
    /// ENOSPC from the kernel: isochronous bandwidth is used up.
    #[error(
        "the USB bus has no bandwidth left for {what}; use MJPEG, a smaller picture, a lower rate or another USB port"
    )]
    UsbBandwidth {
        /// The path as given.
        what: String,
    },
    /// Nobody answers at the address.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// Host and port.
        host: String,
    },
    /// The host answers, and has nothing at that path.
    #[error("{host} has no stream at this path")]
    NotFound {
        /// Host and port.
        host: String,
    },
    /// The camera wants another user or password.
    #[error("{host} refuses the user name or password")]
    WrongPassword {
        /// Host and port.
        host: String,
    },
    /// The picture is in a coding that this machine cannot decode.
    #[error("no decoder for {codec} on this machine")]
    UnsupportedCodec {
        /// The coding's name.
        codec: String,
    },
    /// It is no picture, or a broken one.
    #[error("{what} is not a video that can be read")]
    NotVideo {
        /// The path as given.
        what: String,
    },
    /// Nothing came for too long.
    #[error("no picture for {} s", after.as_secs())]
    Stalled {
        /// How long nothing came.
        after: Duration,
    },
    /// The other side ended the stream.
    #[error("the stream has ended")]
    Ended,
    /// The kind of source was left out of this build.
    #[error("this build has no support for {what} sources")]
    NotBuilt {
        /// The URI's scheme.
        what: &'static str,
    },
    /// The device or library failed in a way that has no sentence of its own.
    #[error("{what} failed: {why}")]
    Failed {
        /// The path or host.
        what: String,
        /// The system's own words, without credentials.
        why: String,
    },
}

impl CaptureFault {
    /// A short name for machines: the label in metrics and the API.
    pub fn kind(&self) -> &'static str {
        match self {
            CaptureFault::NoDevice { .. } => "no_device",
            CaptureFault::Busy { .. } => "busy",
            CaptureFault::NoPermission { .. } => "no_permission",
            CaptureFault::NoSignal { .. } => "no_signal",
            CaptureFault::FormatRefused { .. } => "format_refused",
            CaptureFault::UsbBandwidth { .. } => "usb_bandwidth",
            CaptureFault::Unreachable { .. } => "unreachable",
            CaptureFault::NotFound { .. } => "not_found",
            CaptureFault::WrongPassword { .. } => "wrong_password",
            CaptureFault::UnsupportedCodec { .. } => "unsupported_codec",
            CaptureFault::NotVideo { .. } => "not_video",
            CaptureFault::Stalled { .. } => "stalled",
            CaptureFault::Ended => "ended",
            CaptureFault::NotBuilt { .. } => "not_built",
            CaptureFault::Failed { .. } => "failed",
        }
    }
}

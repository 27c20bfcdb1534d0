//! What the library says on its bus, and the fault that it means.

use gstreamer as gst;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::capture::CaptureFault;
use crate::error::redacted;

/// Keeps errors, drops the rest, so that nothing piles up on a bus that is read only when pictures fail to come.
///
/// The library takes its threads from a pool shared by all cameras; each is put onto the cores of the thread that
/// calls this whenever it begins to serve this pipeline.
pub(super) fn listen(bus: &gst::Bus) {
    let cores: Option<CpuSet> = sched_getaffinity(None).ok();
    bus.set_sync_handler(move |_, message| match message.view() {
        gst::MessageView::Error(_) => gst::BusSyncReply::Pass,
        gst::MessageView::StreamStatus(status) => {
            if let (gst::StreamStatusType::Enter, Some(cores)) = (status.get().0, &cores) {
                // Refused only when the cores have gone away meanwhile; then any core will do.
                let _ = sched_setaffinity(None, cores);
            }
            gst::BusSyncReply::Drop
        }
        _ => gst::BusSyncReply::Drop,
    });
}

/// The fault that an error means. `what` is the host and port, or the path.
pub(super) fn fault(error: &gst::message::Error, what: &str, remote: bool, had_pictures: bool) -> CaptureFault {
    let debug = error.debug().map(|d| d.to_string()).unwrap_or_default();
    classify(&error.error(), &debug, what, remote, had_pictures)
}

fn classify(error: &gst::glib::Error, debug: &str, what: &str, remote: bool, had_pictures: bool) -> CaptureFault {
    use gst::{CoreError, ResourceError, StreamError};
    let (host, what) = (what.to_string(), what.to_string());
    let has = |part: &str| debug.contains(part) || error.message().contains(part);
    if let Some(kind) = error.kind::<ResourceError>() {
        return match kind {
            ResourceError::NotAuthorized => CaptureFault::WrongPassword { host },
            _ if has("Unauthorized") || has("(401)") => CaptureFault::WrongPassword { host },
            ResourceError::NotFound if remote && has("resolve") => CaptureFault::Unreachable { host },
            ResourceError::NotFound if remote => CaptureFault::NotFound { host },
            ResourceError::NotFound => CaptureFault::NoDevice { what },
            // What should describe the stream is missing or describes none.
            ResourceError::Settings if remote && has("SDP") => CaptureFault::NotVideo { what },
            _ if has("Not Found") || has("(404)") => CaptureFault::NotFound { host },
            ResourceError::Read | ResourceError::Write | ResourceError::Close if remote && had_pictures => {
                CaptureFault::Ended
            }
            ResourceError::OpenRead
            | ResourceError::OpenReadWrite
            | ResourceError::OpenWrite
            | ResourceError::Read
            | ResourceError::Write
                if remote =>
            {
                match status(debug) {
                    Some(status) => CaptureFault::Failed { what, why: format!("it answers {status}") },
                    None => CaptureFault::Unreachable { host },
                }
            }
            _ => failed(error, debug, what),
        };
    }
    match (error.kind::<StreamError>(), error.kind::<CoreError>()) {
        (Some(StreamError::CodecNotFound), _) | (_, Some(CoreError::MissingPlugin)) => {
            CaptureFault::UnsupportedCodec { codec: "this coding".into() }
        }
        (Some(_), _) if has("not-negotiated") => failed(error, debug, what),
        // souphttpsrc of 1.22 keeps a refused connection to itself: its base class says only that it gave up.
        (Some(StreamError::Failed), _) if remote && has("gst_base_src_loop") && has("reason error") => {
            if had_pictures {
                CaptureFault::Ended
            } else {
                CaptureFault::Unreachable { host }
            }
        }
        (
            Some(
                StreamError::TypeNotFound
                | StreamError::WrongType
                | StreamError::Demux
                | StreamError::Decode
                | StreamError::Failed
                | StreamError::Format,
            ),
            _,
        ) => CaptureFault::NotVideo { what },
        _ => failed(error, debug, what),
    }
}

/// The status with which a host refused or sent elsewhere, as the library quotes it: `Busy (503)`.
fn status(debug: &str) -> Option<u16> {
    let quoted = debug.match_indices(" (").filter_map(|(at, _)| debug[at + 2..].split_once(')'));
    quoted.filter_map(|(inside, _)| inside.parse().ok()).find(|status| (300..600).contains(status))
}

fn failed(error: &gst::glib::Error, debug: &str, what: String) -> CaptureFault {
    // The debug text begins with the place in the library's source; what follows its line end is for people.
    let detail = debug.split_once('\n').map(|(_, d)| d.trim()).filter(|d| !d.is_empty());
    let why = detail.map_or_else(|| error.message().to_string(), |d| format!("{} {}", error.message(), d));
    CaptureFault::Failed { what, why: redacted(&why.replace('\n', " ")) }
}

/// The name that people know a coding by.
pub(super) fn codec_name(caps: &gst::CapsRef) -> String {
    let Some(kind) = caps.structure(0) else { return "an unknown coding".into() };
    match kind.name().as_str() {
        "video/x-h264" => "H.264".into(),
        "video/x-h265" => "H.265".into(),
        "video/x-av1" => "AV1".into(),
        "video/x-vp8" => "VP8".into(),
        "video/x-vp9" => "VP9".into(),
        "application/x-rtp" => kind.get::<&str>("encoding-name").unwrap_or("an unknown RTP payload").into(),
        other => other.trim_start_matches("video/").trim_start_matches("x-").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_become_the_closed_list() {
        use gst::{ResourceError as R, StreamError as S};
        let kind = |e: gst::glib::Error, debug: &str, had| classify(&e, debug, "cam:554", true, had).kind();
        let resource = |r: R| gst::glib::Error::new(r, "words");
        assert_eq!(kind(resource(R::NotAuthorized), "", false), "wrong_password");
        assert_eq!(kind(resource(R::Read), "gstrtspsrc.c\nUnauthorized (401)", false), "wrong_password");
        assert_eq!(kind(resource(R::NotFound), "", false), "not_found");
        assert_eq!(kind(resource(R::NotFound), "Could not resolve server name", false), "unreachable");
        assert_eq!(kind(resource(R::OpenRead), "", false), "unreachable");
        assert_eq!(kind(resource(R::Read), "", true), "ended");
        let said = |debug: &str| classify(&resource(R::OpenRead), debug, "cam:80", true, false).to_string();
        let busy = "gstsouphttpsrc.c(1690): gst_soup_http_src_parse_status (): /x:\nBusy (503), URL: http://cam/1 (2)";
        assert_eq!(said(busy), "cam:80 failed: it answers 503");
        assert_eq!(said("gst.c(503): f ():\nno answer (7)"), "cam:80 cannot be reached");
        let gave_up = "basesrc.c(3132): gst_base_src_loop (): s\nstreaming stopped, reason error (-5)";
        assert_eq!(kind(gst::glib::Error::new(S::Failed, "words"), gave_up, false), "unreachable");
        assert_eq!(kind(gst::glib::Error::new(S::WrongType, "words"), "", false), "not_video");
        assert_eq!(kind(gst::glib::Error::new(S::CodecNotFound, "words"), "", false), "unsupported_codec");
    }

    #[test]
    fn the_librarys_words_lose_their_credentials() {
        let error = gst::glib::Error::new(gst::ResourceError::Busy, "cannot play rtsp://u:geheim@cam/1");
        let said = classify(&error, "a.c(1): f ()\nsee rtsp://u:geheim@cam/2", "cam", true, false).to_string();
        assert!(!said.contains("geheim"), "{said}");
    }
}

//! Ends the pipeline of a source that is no recording, however long that takes.
//!
//! GStreamer cannot be interrupted in the middle of an RTSP message. A camera that sends an endless one, a byte now and then, would
//! keep the thread that closes it for as long as it likes, and with it the box's sign of life; so may any element that stands in
//! a written pipeline. So the library closes it on a thread
//! of its own pool; who closes waits a while and leaves. What has not ended is remembered, and its camera is not opened again
//! until it has: there is at most one such line for each address. Two accounts of one host are two addresses.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::capture::Address;

/// Hears, by a hang-up, that a pipeline has ended.
struct Ending {
    /// With its user and password, which its printed form never shows.
    address: Address,
    over: Receiver<()>,
}

static ENDINGS: Mutex<Vec<Ending>> = Mutex::new(Vec::new());

/// Ends a pipeline that was opened from `address`, and waits up to `patience` for it.
pub(super) fn end(pipeline: &gst::Pipeline, address: &Address, patience: Duration) {
    let (not_yet, over) = channel::<()>();
    pipeline.call_async(move |pipeline| {
        // An element that refuses to stop has no say any more; there is nobody left to tell.
        let _ = pipeline.set_state(gst::State::Null);
        drop(not_yet);
    });
    if over.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        log::debug!("{address} has not ended after {patience:?}");
        let ending = Ending { address: address.clone(), over };
        ENDINGS.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }
}

/// Whether what was opened from `address` has not ended yet.
pub(super) fn is_ending(address: &Address) -> bool {
    let mut endings = ENDINGS.lock().unwrap_or_else(PoisonError::into_inner);
    endings.retain(|ending| ending.over.try_recv() != Err(TryRecvError::Disconnected));
    endings.iter().any(|ending| ending.address == *address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Settings, Source};
    use crate::threads::Stop;
    use crate::time::Mono;

    /// The capture thread was inside the element for as long as that liked, and counted as hung.
    #[test]
    fn a_written_pipeline_that_does_not_stop_is_left_to_itself_and_not_opened_again_beside_itself() {
        const HOLDS: Duration = Duration::from_secs(12);
        let text = format!("gst:videotestsrc is-live=true ! identity sleep-time={}", HOLDS.as_micros());
        let address = Address::parse(&text).unwrap();
        let settings = Settings { address, rtsp_udp: false, stall: Duration::from_secs(1), full_speed: false };
        let begun = Mono::now();
        for _ in 0..2 {
            let fault = Source::open(&settings, &Stop::default(), &|| ()).err().map(|fault| fault.kind());
            assert_eq!(fault, Some("stalled"));
        }
        assert!(Mono::now().since(begun) < HOLDS, "it waited for the element");
    }

    /// Both shared the printed form, in which neither user nor password is shown.
    #[test]
    fn one_account_of_a_recorder_does_not_wait_for_the_end_of_another() {
        gst::init().unwrap();
        let [gym, office] =
            ["rtsp://gym:1@recorder/1", "rtsp://office:2@recorder/1"].map(|a| Address::parse(a).unwrap());
        let pipeline = gst::parse::launch("fakesrc is-live=true ! fakesink name=sink async=false").unwrap();
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        let ((tell, entered), (open, gate)) = (channel(), channel::<()>());
        let gate = Mutex::new(gate);
        let pad = pipeline.by_name("sink").unwrap().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            // The test listens for the first time only; the gate opens by its hang-up.
            let _ = tell.send(());
            let _ = gate.lock().unwrap().recv();
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        entered.recv().unwrap();
        end(&pipeline, &gym, Duration::from_millis(1));
        assert_eq!((is_ending(&gym), is_ending(&office)), (true, false));
        drop(open);
        let begun = Mono::now();
        while is_ending(&gym) {
            assert!(Mono::now().since(begun) < Duration::from_secs(20), "it does not end");
            std::thread::yield_now();
        }
    }
}

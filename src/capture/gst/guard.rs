//! What keeps a stranger's stream from filling the memory and from showing what no camera saw: looks at what passes by an
//! element's pads, on the library's own threads, and never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::{Shared, with};

/// A decoded picture has no more pixels; a small file, or a few bytes of a camera, can ask for gigabytes.
const PIXELS_MOST: u64 = 4096 * 4096;
/// An HTTP camera's stream has no more bytes without a picture; a part without an end would fill the memory.
const PART_MOST: usize = 16 << 20;

/// Whether a stream's pictures are too large to be decoded; notes it.
pub(super) fn is_too_large(stream: &gst::StructureRef, notes: &Shared) -> bool {
    let side = |name| stream.get::<i32>(name).ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let too_large = side("width") * side("height") > PIXELS_MOST;
    if too_large {
        with(notes, |n| n.refused = Some("its pictures have more than 4096 x 4096 pixels"));
    }
    too_large
}

/// Keeps a decoder from pictures that are too large, also where a stream becomes so under way.
pub(super) fn bound_pictures(decoder: &gst::Element, notes: &Shared) {
    let (Some(pad), notes) = (decoder.static_pad("sink"), notes.clone()) else { return };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| match info.event().map(|event| event.view()) {
        Some(gst::EventView::Caps(caps)) if caps.caps().structure(0).is_some_and(|s| is_too_large(s, &notes)) => {
            gst::PadProbeReturn::Drop
        }
        _ => gst::PadProbeReturn::Ok,
    });
}

/// Counts what a demuxer has taken and not given on; what is more than a picture can have is thrown away and noted.
pub(super) fn bound_parts(demuxer: &gst::Element, notes: &Shared) {
    let (Some(pad), notes) = (demuxer.static_pad("sink"), notes.clone()) else { return };
    let held = Arc::new(AtomicUsize::new(0));
    let given = held.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let bytes = info.buffer().map_or(0, |buffer| buffer.size());
        // Ordering: one thread, that of the source, does all of this.
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes <= PART_MOST {
            return gst::PadProbeReturn::Ok;
        }
        with(&notes, |n| n.refused = Some("there is no picture in 16 MiB of its stream"));
        gst::PadProbeReturn::Drop
    });
    demuxer.connect_pad_added(move |_, pad| {
        let given = given.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            given.store(0, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    });
}

/// Keeps a decoder from what comes before the first picture that stands by itself: it would make up what that one showed.
pub(super) fn await_whole_picture(decoder: &gst::Element) {
    let Some(pad) = decoder.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let changes_another = info.buffer().is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::DELTA_UNIT));
        if changes_another { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Remove }
    });
}

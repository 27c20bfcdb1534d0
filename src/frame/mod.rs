//! The noun of the house: one picture, where its pixels lie, when it was made.
//!
//! A frame is filled once by a capture thread and then shared, read-only, with the pose and jpeg threads. Its buffer
//! comes from a [`pool`] and goes back when the last reader lets go. Ids grow by one per published frame of a camera
//! and never restart while the box runs; 0 is no frame.

pub mod format;
pub mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use format::{Colour, Layout, Matrix, PixelFormat, Plane, Range};
pub use pool::Pool;

use crate::time::{Mono, Wall};

/// A frame that others may read.
pub type FrameRef = Arc<Frame>;

/// One picture.
#[derive(Default)]
pub struct Frame {
    /// 1 for the first published frame of a camera; 0: not published.
    pub id: u64,
    /// When the picture was taken, as near to the sensor as the source can tell.
    pub captured: Mono,
    /// The same moment for people.
    pub captured_wall: Wall,
    /// Time within a recording that is read once; nothing for what may be opened again and begin anew.
    pub media_time: Option<Duration>,
    /// What the bytes mean.
    pub layout: Layout,
    /// The pixels, or for [`PixelFormat::Mjpeg`] one whole JPEG. Capacity is kept from frame to frame.
    pub bytes: Vec<u8>,
    /// What happened to it since.
    pub stamps: Stamps,
}

/// What happened to a frame after it was shared; each is written once, by the pose thread.
#[derive(Default)]
pub struct Stamps {
    taken_ns: AtomicU64,
    inferred_ns: AtomicU64,
}

impl Frame {
    /// Its own time: within a recording the recording's, however fast it is read; else when it was captured.
    pub fn own_time(&self) -> Mono {
        self.media_time.map_or(self.captured, |at| Mono::ZERO.plus(at))
    }

    /// Forgets the last picture, keeps its memory.
    pub fn reset(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Frame { bytes, ..Frame::default() };
    }

    /// The bytes of one plane, rows `stride` apart; empty if the layout has no such plane or the bytes are too few.
    pub fn plane(&self, index: usize) -> &[u8] {
        let Some(plane) = self.layout.planes().get(index) else { return &[] };
        let end = (plane.offset + plane.stride * plane.rows).min(self.bytes.len());
        self.bytes.get(plane.offset..end).unwrap_or(&[])
    }
}

impl Stamps {
    /// Stamps the moment the pose thread took it.
    pub fn mark_taken(&self, now: Mono) {
        self.taken_ns.store(now.as_ns(), Ordering::Relaxed);
    }

    /// Stamps the moment its poses were known.
    pub fn mark_inferred(&self, now: Mono) {
        self.inferred_ns.store(now.as_ns(), Ordering::Relaxed);
    }

    /// When the pose thread took it.
    pub fn taken(&self) -> Option<Mono> {
        Some(self.taken_ns.load(Ordering::Relaxed)).filter(|ns| *ns > 0).map(Mono::from_ns)
    }

    /// When its poses were known.
    pub fn inferred(&self) -> Option<Mono> {
        Some(self.inferred_ns.load(Ordering::Relaxed)).filter(|ns| *ns > 0).map(Mono::from_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_keeps_the_memory_and_nothing_else() {
        let mut frame = Frame { id: 3, ..Frame::default() };
        frame.bytes.resize(100, 7);
        frame.stamps.mark_taken(Mono::from_ns(5));
        frame.reset();
        assert_eq!((frame.id, frame.bytes.len(), frame.stamps.taken()), (0, 0, None));
        assert!(frame.bytes.capacity() >= 100);
    }

    #[test]
    fn a_plane_of_a_short_buffer_is_short_and_never_panics() {
        let mut frame = Frame { layout: Layout::packed(PixelFormat::I420, 4, 4), ..Frame::default() };
        frame.bytes.resize(18, 0);
        assert_eq!([0, 1, 2, 3].map(|i| frame.plane(i).len()), [16, 2, 0, 0]);
    }
}

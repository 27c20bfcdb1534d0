//! The kernel's side of V4L2: ioctls and mapped buffers, wrapped so that the rest of the room needs no unsafe code.
//!
//! The numbers and structures are the `v4l` crate's. Its own device and stream are not used: they panic on a product
//! name that is cut inside a character, on an unknown colour space and when a stream cannot be stopped, and a stream
//! whose wait timed out cannot go on.
//!
//! *node*: an open device file · *buffer*: memory of the driver's, mapped here; it is either queued (the driver's to
//! fill) or dequeued (ours to read)
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use v4l::v4l_sys as raw;
use v4l::v4l2::vidioc;

const CAPTURE: u32 = v4l::buffer::Type::VideoCapture as u32;
const MMAP: u32 = v4l::memory::Memory::Mmap as u32;

/// Structures that the kernel fills, for which all zeros is a valid value.
///
/// # Safety
/// All zeros must be valid, and no field may be a pointer that the kernel follows for the requests used here.
unsafe trait Plain: Sized {
    fn zeroed() -> Self {
        // SAFETY: the trait's promise.
        unsafe { std::mem::zeroed() }
    }
}

// SAFETY: integers and unions of integers. `v4l2_buffer` has a pointer, which the kernel follows only for multi-planar
// buffers and user memory; here buffers are single-planar and the driver's.
unsafe impl Plain for raw::v4l2_buffer {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_capability {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_fmtdesc {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_frmsizeenum {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_frmivalenum {}
// SAFETY: the window member has pointers, which the kernel follows only for overlay types, never for capture.
unsafe impl Plain for raw::v4l2_format {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_streamparm {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_requestbuffers {}
// SAFETY: integers only.
unsafe impl Plain for raw::v4l2_input {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}

fn ioctl<T: Plain>(file: &File, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
    assert_eq!((request >> 16) as usize & 0x3fff, size_of::<T>(), "the request says how large its argument is");
    loop {
        // SAFETY: the descriptor is open; the kernel reads and writes as many bytes as the request encodes, which is
        // the argument's size, and follows no pointer in it (`Plain`).
        match unsafe { v4l::v4l2::ioctl(file.as_raw_fd(), request, std::ptr::from_mut(argument).cast()) } {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Bytes of a C string, whatever they are, as text.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().trim_end_matches('\u{fffd}').to_string()
}

/// Who a device says it is.
pub(super) struct Caps {
    pub driver: String,
    pub card: String,
    pub bus: String,
    pub capture: bool,
    pub planes_only: bool,
}

/// One entry of a list of sizes or of frame intervals: a single value, or all from the first to the last.
pub(super) enum Span<T> {
    One(T),
    Range { min: T, max: T, step: T },
}

/// The format a driver settled on.
pub(super) struct Pix {
    pub width: usize,
    pub height: usize,
    pub fourcc: [u8; 4],
    pub stride: usize,
    pub bytes: usize,
    pub colorspace: u32,
    pub ycbcr: u32,
    pub quantization: u32,
}

/// What a wait ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Buffer,
    Timeout,
    Error,
}

/// An open device file.
pub(super) struct Node {
    file: File,
}

// A driver that never says "no more" must not hold us for ever.
const LIST_LIMIT: u32 = 256;

impl Node {
    pub fn open(path: &str) -> io::Result<Node> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.file_type().is_char_device() {
            return Err(io::Error::from_raw_os_error(libc::ENOTTY));
        }
        Ok(Node { file })
    }

    /// The number of the device behind the file.
    pub fn device_number(&self) -> io::Result<u64> {
        use std::os::unix::fs::MetadataExt;
        Ok(self.file.metadata()?.rdev())
    }

    pub fn caps(&self) -> io::Result<Caps> {
        let mut caps = raw::v4l2_capability::zeroed();
        ioctl(&self.file, vidioc::VIDIOC_QUERYCAP, &mut caps)?;
        let flags = if caps.capabilities & 0x8000_0000 != 0 { caps.device_caps } else { caps.capabilities };
        Ok(Caps {
            driver: text(&caps.driver),
            card: text(&caps.card),
            bus: text(&caps.bus_info),
            capture: flags & 0x1 != 0 && flags & 0x0400_0000 != 0,
            planes_only: flags & 0x1 == 0 && flags & 0x1000 != 0,
        })
    }

    /// The codes of all pixel formats on offer.
    pub fn formats(&self) -> Vec<[u8; 4]> {
        let entry = |index| {
            let mut entry = raw::v4l2_fmtdesc { index, type_: CAPTURE, ..Plain::zeroed() };
            ioctl(&self.file, vidioc::VIDIOC_ENUM_FMT, &mut entry).ok()?;
            Some(entry.pixelformat.to_le_bytes())
        };
        (0..LIST_LIMIT).map_while(entry).collect()
    }

    pub fn sizes(&self, fourcc: [u8; 4]) -> Vec<Span<(u32, u32)>> {
        let entry = |index| {
            let pixel_format = u32::from_le_bytes(fourcc);
            let mut entry = raw::v4l2_frmsizeenum { index, pixel_format, ..Plain::zeroed() };
            ioctl(&self.file, vidioc::VIDIOC_ENUM_FRAMESIZES, &mut entry).ok()?;
            // SAFETY: both members are integers, and the type says which one was filled.
            let (one, span) = unsafe { (entry.__bindgen_anon_1.discrete, entry.__bindgen_anon_1.stepwise) };
            Some(if entry.type_ == raw::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
                Span::One((one.width, one.height))
            } else {
                Span::Range {
                    min: (span.min_width, span.min_height),
                    max: (span.max_width, span.max_height),
                    step: (span.step_width.max(1), span.step_height.max(1)),
                }
            })
        };
        (0..LIST_LIMIT).map_while(entry).collect()
    }

    /// Frame intervals in seconds, as fractions.
    pub fn intervals(&self, fourcc: [u8; 4], width: u32, height: u32) -> Vec<Span<(u32, u32)>> {
        let entry = |index| {
            let pixel_format = u32::from_le_bytes(fourcc);
            let mut entry = raw::v4l2_frmivalenum { index, pixel_format, width, height, ..Plain::zeroed() };
            ioctl(&self.file, vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut entry).ok()?;
            // SAFETY: both members are integers, and the type says which one was filled.
            let (one, span) = unsafe { (entry.__bindgen_anon_1.discrete, entry.__bindgen_anon_1.stepwise) };
            let fraction = |f: raw::v4l2_fract| (f.numerator, f.denominator);
            Some(if entry.type_ == raw::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
                Span::One(fraction(one))
            } else {
                Span::Range { min: fraction(span.min), max: fraction(span.max), step: fraction(span.step) }
            })
        };
        (0..LIST_LIMIT).map_while(entry).collect()
    }

    pub fn set_format(&self, fourcc: [u8; 4], width: usize, height: usize) -> io::Result<Pix> {
        let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut format = raw::v4l2_format { type_: CAPTURE, ..Plain::zeroed() };
        // SAFETY: `pix` is the member that belongs to the capture type; all its fields are integers, zero before.
        let pix = unsafe { &mut format.fmt.pix };
        (pix.width, pix.height, pix.pixelformat) = (side(width), side(height), u32::from_le_bytes(fourcc));
        pix.field = raw::v4l2_field_V4L2_FIELD_NONE;
        ioctl(&self.file, vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: as above; the kernel has filled it. The encoding is an integer under two names.
        let (pix, ycbcr) = unsafe { (format.fmt.pix, format.fmt.pix.__bindgen_anon_1.ycbcr_enc) };
        Ok(Pix {
            width: pix.width as usize,
            height: pix.height as usize,
            fourcc: pix.pixelformat.to_le_bytes(),
            stride: pix.bytesperline as usize,
            bytes: pix.sizeimage as usize,
            colorspace: pix.colorspace,
            ycbcr,
            quantization: pix.quantization,
        })
    }

    /// Asks for a frame interval; gives the one that the driver chose.
    pub fn set_interval(&self, numerator: u32, denominator: u32) -> io::Result<(u32, u32)> {
        let mut parameters = raw::v4l2_streamparm { type_: CAPTURE, ..Plain::zeroed() };
        parameters.parm.capture.timeperframe = raw::v4l2_fract { numerator, denominator };
        ioctl(&self.file, vidioc::VIDIOC_S_PARM, &mut parameters)?;
        // SAFETY: `capture` is the member that belongs to the capture type; integers.
        let chosen = unsafe { parameters.parm.capture.timeperframe };
        Ok((chosen.numerator, chosen.denominator))
    }

    /// Whether the chosen input says that it has no power, signal or lock; `false` when it cannot tell.
    pub fn lacks_signal(&self) -> bool {
        let mut index = 0u32;
        if ioctl(&self.file, vidioc::VIDIOC_G_INPUT, &mut index).is_err() {
            return false;
        }
        let mut input = raw::v4l2_input { index, ..Plain::zeroed() };
        let bad = raw::V4L2_IN_ST_NO_POWER | raw::V4L2_IN_ST_NO_SIGNAL | raw::V4L2_IN_ST_NO_SYNC;
        ioctl(&self.file, vidioc::VIDIOC_ENUMINPUT, &mut input).is_ok() && input.status & bad != 0
    }

    /// Sleeps until a buffer is full, at most `timeout`.
    pub fn wait(&self, timeout: Duration) -> io::Result<Ready> {
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        let limit = Timespec { tv_sec: timeout.as_secs().min(86_400) as i64, tv_nsec: timeout.subsec_nanos().into() };
        match rustix::event::poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Ready::Timeout),
            Ok(_) => {}
            Err(why) => return Err(why.into()),
        }
        Ok(if fds[0].revents().contains(PollFlags::IN) { Ready::Buffer } else { Ready::Error })
    }
}

/// A full buffer that was taken from the driver.
pub(super) struct Full {
    index: u32,
    used: usize,
    /// `CLOCK_MONOTONIC` in nanoseconds; nothing when the driver stamps with another clock.
    pub stamp_ns: Option<u64>,
    /// The driver says that its data is damaged.
    pub damaged: bool,
}

struct Map {
    start: *mut std::ffi::c_void,
    length: usize,
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: `start` and `length` are one whole mapping made by `Stream::start`, and `Stream::bytes` lends its
        // memory only for as long as the stream, which owns this map, is borrowed.
        let _ = unsafe { v4l::v4l2::munmap(self.start, self.length) };
    }
}

/// A running stream with its buffers.
pub(super) struct Stream {
    node: Node,
    maps: Vec<Map>,
}

// SAFETY: the pointers are of mappings that only this value knows; the kernel does not care which thread reads them.
unsafe impl Send for Stream {}

impl Stream {
    /// Asks for `count` buffers, maps and queues them, and starts.
    pub fn start(node: Node, count: u32) -> io::Result<Stream> {
        let mut request = raw::v4l2_requestbuffers { count, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() };
        ioctl(&node.file, vidioc::VIDIOC_REQBUFS, &mut request)?;
        if request.count == 0 {
            return Err(io::Error::other("its driver has no buffers"));
        }
        let mut stream = Stream { node, maps: Vec::with_capacity(request.count as usize) };
        for index in 0..request.count {
            let mut buffer = descriptor(index);
            ioctl(&stream.node.file, vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
            let length = buffer.length as usize;
            // SAFETY: `offset` is what the driver filled in for a buffer of mapped memory.
            let offset = libc::off_t::from(unsafe { buffer.m.offset });
            let (prot, flags, fd) = (libc::PROT_READ, libc::MAP_SHARED, stream.node.file.as_raw_fd());
            // SAFETY: a new mapping at an address of the kernel's choosing aliases nothing of ours.
            let start = unsafe { v4l::v4l2::mmap(std::ptr::null_mut(), length, prot, flags, fd, offset) }?;
            stream.maps.push(Map { start, length });
            stream.queue(index)?;
        }
        let mut kind = CAPTURE;
        ioctl(&stream.node.file, vidioc::VIDIOC_STREAMON, &mut kind)?;
        Ok(stream)
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    /// How many buffers there are.
    pub fn buffers(&self) -> usize {
        self.maps.len()
    }

    /// Bytes of the shortest buffer.
    pub fn shortest(&self) -> usize {
        self.maps.iter().map(|map| map.length).min().unwrap_or(0)
    }

    fn queue(&self, index: u32) -> io::Result<()> {
        ioctl(&self.node.file, vidioc::VIDIOC_QBUF, &mut descriptor(index))
    }

    /// A full buffer, if there is one.
    pub fn dequeue(&mut self) -> io::Result<Option<Full>> {
        let mut buffer = descriptor(0);
        match ioctl(&self.node.file, vidioc::VIDIOC_DQBUF, &mut buffer) {
            Ok(()) => {}
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(why) => return Err(why),
        }
        let monotonic =
            buffer.flags & v4l::buffer::Flags::TIMESTAMP_MASK.bits() == v4l::buffer::Flags::TIMESTAMP_MONOTONIC.bits();
        let stamp = buffer.timestamp.tv_sec as u64 * 1_000_000_000 + buffer.timestamp.tv_usec as u64 * 1000;
        Ok(Some(Full {
            index: buffer.index,
            used: buffer.bytesused as usize,
            stamp_ns: Some(stamp).filter(|ns| monotonic && *ns > 0),
            damaged: buffer.flags & v4l::buffer::Flags::ERROR.bits() != 0,
        }))
    }

    /// What a full buffer holds.
    pub fn bytes(&self, full: &Full) -> &[u8] {
        let Some(map) = self.maps.get(full.index as usize) else { return &[] };
        // SAFETY: the mapping is `length` bytes and lives as long as `self`; the buffer is dequeued (a `Full` is made
        // by `dequeue` and ended by `give_back`), so the driver does not write to it meanwhile.
        unsafe { std::slice::from_raw_parts(map.start.cast::<u8>(), map.length.min(full.used)) }
    }

    /// Lets the driver fill the buffer again.
    pub fn give_back(&mut self, full: Full) -> io::Result<()> {
        self.queue(full.index)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A device that is gone refuses all this, and there is nothing left to stop.
        let _ = ioctl(&self.node.file, vidioc::VIDIOC_STREAMOFF, &mut { CAPTURE });
        self.maps.clear();
        let mut none = raw::v4l2_requestbuffers { count: 0, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() };
        let _ = ioctl(&self.node.file, vidioc::VIDIOC_REQBUFS, &mut none);
    }
}

fn descriptor(index: u32) -> raw::v4l2_buffer {
    raw::v4l2_buffer { index, type_: CAPTURE, memory: MMAP, ..Plain::zeroed() }
}

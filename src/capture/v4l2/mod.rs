//! Cameras of the kernel's V4L2: found, negotiated, streamed from mapped buffers.
//!
//! The newest full buffer becomes the frame; its bytes are copied out, and all buffers go back to the driver at once, so
//! a slow reader never starves the camera. Nothing here sleeps longer than it is told to, allocates per frame, or
//! takes another camera for the one that was unplugged.
//!
//! *node*: `/dev/videoN` · *offer*: what the camera can do · *choice*: what is set

mod busy;
mod identity;
mod layout;
pub mod negotiate;
pub mod probe;
mod sys;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::uri::V4l2Address;
use crate::capture::{CaptureFault, Next, jfif};
use crate::frame::{Frame, Layout, PixelFormat};
use crate::time::{Mono, Wall};
use identity::Identity;
use negotiate::{Choice, Offer, SizeOffer, Wish};
use sys::{Caps, Full, Node, Pix, Ready, Span, Stream};

/// Enough that the driver fills one while one is read and two wait for a late reader.
const BUFFERS: u32 = 4;
/// A driver that says "ready" and then has nothing, or nothing of use, is asked again after this: it must not cost a core.
const PAUSE: Duration = Duration::from_millis(5);
/// A side of a picture has no more pixels; a driver that says so is not believed.
const SIDE_MOST: usize = 16_384;
/// Memory that a frame is given before one has needed it.
const CAPACITY_MOST: usize = 64 << 20;
/// Drivers round the length of a picture up to this.
const PAGE: usize = 4096;

/// An open device.
pub struct V4l2 {
    path: String,
    stream: Stream,
    layout: Layout,
    /// Memory for the largest picture, so that no later one makes the buffer grow.
    capacity: usize,
    /// A raw picture has no more bytes; one that has is of another size than was agreed.
    most: usize,
    clock: Clock,
}

/// When pictures were captured, by the driver's clock for as long as that one can be believed.
struct Clock {
    opened: Mono,
    driver: Mono,
    given: Mono,
}

impl Clock {
    fn new(opened: Mono) -> Clock {
        Clock { opened, driver: opened, given: opened }
    }

    /// The driver's stamp, or `now` for one of the future, of before the opening, or not after the one before. What is given
    /// never goes back.
    fn captured(&mut self, stamp: Option<Mono>, now: Mono) -> Mono {
        let believed = stamp.filter(|at| *at <= now && *at >= self.opened && *at > self.driver);
        self.driver = believed.unwrap_or(self.driver);
        self.given = believed.unwrap_or(now).max(self.given.plus(Duration::from_nanos(1)));
        self.given
    }
}

impl V4l2 {
    /// Opens and negotiates.
    ///
    /// # Errors
    /// Why the device gives no picture.
    pub fn open(address: &V4l2Address) -> Result<V4l2, CaptureFault> {
        let path = &address.path;
        let (node, found, caps) = find(path)?;
        let number = node.device_number().unwrap_or(0);
        if node.lacks_signal() {
            return Err(CaptureFault::NoSignal { what: path.clone() });
        }
        let wish = Wish { size: address.size, fps: address.fps, format: address.format };
        let choice = negotiate::choose(&offers_of(&node, wish.size), &wish, is_usb(&caps))
            .map_err(|r| CaptureFault::FormatRefused { what: path.clone(), asked: r.asked, offered: r.offered })?;
        let pix = set(path, &node, &choice, &wish, number)?;
        let clock = Clock::new(Mono::now());
        let stream = Stream::start(node, BUFFERS).map_err(|why| start_fault(path, &why, number))?;
        let layout = layout::layout(choice.format, &pix);
        if stream.shortest() < layout.bytes() {
            let why = "its buffers are too small for its pictures".to_string();
            return Err(CaptureFault::Failed { what: path.clone(), why });
        }
        identity::remember(path, found);
        let fps = choice.fps.map_or("its own".to_string(), |fps| fps.to_string());
        log::info!("{path}: {}, {}x{} at {fps} fps", caps.card, pix.width, pix.height);
        let most = pix.bytes.max(layout.bytes());
        let capacity = most.min(CAPACITY_MOST) + jfif::REPAIR_BYTES;
        Ok(V4l2 { path: path.clone(), stream, layout, capacity, most: most.next_multiple_of(PAGE), clock })
    }

    /// The next picture: the newest that is ready, or the first that comes within `timeout`.
    ///
    /// # Errors
    /// Why the device must be opened anew.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, CaptureFault> {
        let ready = self.stream.node().wait(timeout).map_err(|why| self.fault(&why))?;
        if ready == Ready::Timeout {
            let lacks_signal = self.stream.node().lacks_signal();
            return if lacks_signal { Err(self.no_signal()) } else { Ok(Next::Nothing) };
        }
        match self.newest().map_err(|why| self.fault(&why))? {
            Some(full) => {
                let next = self.fill(frame, &full);
                self.stream.give_back(full).map_err(|why| self.fault(&why))?;
                if next == Next::Broken {
                    std::thread::sleep(PAUSE.min(timeout));
                }
                Ok(next)
            }
            // The wait ended with an error and yet the driver only says "not now": it would end so at once for ever.
            None if ready == Ready::Error => Err(self.fault(&io::Error::from_raw_os_error(libc::EIO))),
            None => {
                std::thread::sleep(PAUSE.min(timeout));
                Ok(Next::Nothing)
            }
        }
    }

    /// Takes all full buffers and keeps the last.
    fn newest(&mut self) -> io::Result<Option<Full>> {
        let Some(mut newest) = self.stream.dequeue()? else { return Ok(None) };
        // No more than there are: a driver that always has one more would keep us here for ever.
        for _ in 1..self.stream.buffers() {
            let Some(newer) = self.stream.dequeue()? else { break };
            self.stream.give_back(std::mem::replace(&mut newest, newer))?;
        }
        Ok(Some(newest))
    }

    fn fill(&mut self, frame: &mut Frame, full: &Full) -> Next {
        let bytes = self.stream.bytes(full);
        if full.damaged || bytes.is_empty() || bytes.len() < self.layout.bytes() {
            return Next::Broken;
        }
        frame.bytes.clear();
        frame.bytes.reserve(self.capacity);
        frame.layout = self.layout;
        if self.layout.format == PixelFormat::Mjpeg {
            frame.bytes.extend_from_slice(bytes);
            let Ok(info) = jfif::repair(&mut frame.bytes) else { return Next::Broken };
            frame.layout = Layout::jpeg(info.width, info.height);
        } else if bytes.len() > self.most {
            return Next::Broken;
        } else {
            frame.bytes.extend_from_slice(&bytes[..self.layout.bytes()]);
        }
        let now = Mono::now();
        frame.captured = self.clock.captured(full.stamp_ns.map(Mono::from_ns), now);
        let age_ms = u64::try_from(now.since(frame.captured).as_millis()).unwrap_or(0);
        frame.captured_wall = Wall::from_unix_ms(Wall::now().unix_ms().saturating_sub(age_ms));
        Next::Frame
    }

    fn no_signal(&self) -> CaptureFault {
        CaptureFault::NoSignal { what: self.path.clone() }
    }

    /// What an error of a running stream means.
    fn fault(&self, why: &io::Error) -> CaptureFault {
        match why.raw_os_error() {
            Some(libc::ENODEV | libc::ENXIO) => CaptureFault::NoDevice { what: self.path.clone() },
            Some(libc::ENOLINK) => self.no_signal(),
            Some(libc::EIO) if self.stream.node().lacks_signal() => self.no_signal(),
            _ => CaptureFault::Failed { what: self.path.clone(), why: why.to_string() },
        }
    }
}

/// Opens the device behind a path; for a bare number the one that had the number first.
fn find(path: &str) -> Result<(Node, Identity, Caps), CaptureFault> {
    let Some(wanted) = identity::remembered(path) else { return open_camera(path, path) };
    // Its old number first, then every other.
    let candidates = std::iter::once(PathBuf::from(path)).chain(identity::nodes());
    let mut refused = None;
    for candidate in candidates.filter_map(|c| c.to_str().map(str::to_string)) {
        match open_camera(&candidate, path) {
            Ok(opened) if opened.1.is_same(&wanted) => return Ok(opened),
            Ok(_) | Err(CaptureFault::NoDevice { .. } | CaptureFault::Failed { .. }) => {}
            Err(other) if candidate == path => refused = Some(other),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or(CaptureFault::NoDevice { what: path.to_string() }))
}

/// Opens a node and makes sure that it is a camera. `what` is the path as the user knows it.
fn open_camera(node_path: &str, what: &str) -> Result<(Node, Identity, Caps), CaptureFault> {
    let failed = |why: &str| CaptureFault::Failed { what: what.to_string(), why: why.to_string() };
    let node = Node::open(node_path).map_err(|why| {
        use std::os::unix::fs::MetadataExt;
        open_fault(what, &why, std::fs::metadata(node_path).map_or(0, |m| m.rdev()))
    })?;
    let caps = node.caps().map_err(|why| match why.raw_os_error() {
        Some(libc::ENODEV) => CaptureFault::NoDevice { what: what.to_string() },
        _ => failed("it is not a video device"),
    })?;
    if caps.planes_only {
        return Err(failed("it only gives pictures in several buffers at once, which this build does not read"));
    } else if !caps.capture {
        return Err(failed("it is a video device but not one that captures"));
    }
    let real = std::fs::canonicalize(node_path).unwrap_or_else(|_| PathBuf::from(node_path));
    let identity = Identity::of(&real, &caps);
    Ok((node, identity, caps))
}

/// Sets format and rate, and makes sure that the driver took them.
fn set(path: &str, node: &Node, choice: &Choice, wish: &Wish, number: u64) -> Result<Pix, CaptureFault> {
    let (width, height) = choice.size;
    let pix = node.set_format(choice.fourcc, width, height).map_err(|why| start_fault(path, &why, number))?;
    let refused = |asked: String, offered: String| CaptureFault::FormatRefused { what: path.into(), asked, offered };
    let same_size = wish.size.is_none_or(|size| size == (pix.width, pix.height));
    let believed = [pix.width, pix.height].iter().all(|side| (1..=SIDE_MOST).contains(side));
    if pix.fourcc != choice.fourcc || !same_size || !believed {
        let offered = format!("{} {}x{}", String::from_utf8_lossy(&pix.fourcc), pix.width, pix.height);
        return Err(refused(format!("{} {width}x{height}", String::from_utf8_lossy(&choice.fourcc)), offered));
    }
    let Some(fps) = choice.fps else { return Ok(pix) };
    let asked = (1000u32, (fps * 1000.0).round() as u32);
    match node.set_interval(asked.0, asked.1) {
        Ok((numerator, denominator)) if wish.fps.is_some() && numerator > 0 => {
            let set = f64::from(denominator) / f64::from(numerator);
            let near = (set - fps).abs() <= fps * 0.02;
            if near { Ok(pix) } else { Err(refused(format!("{fps} fps"), format!("{set:.2} fps"))) }
        }
        // Not every driver can set a rate; it then runs at its own.
        Ok(_) => Ok(pix),
        Err(why) if matches!(why.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)) => Ok(pix),
        Err(why) => Err(start_fault(path, &why, number)),
    }
}

/// Everything on offer that the house can read. `size` is where the rates of a range of sizes are asked for.
fn offers_of(node: &Node, size: Option<(usize, usize)>) -> Vec<Offer> {
    let offer = |fourcc: [u8; 4]| {
        let format = negotiate::format_of(fourcc)?;
        let mut sizes: Vec<SizeOffer> = node.sizes(fourcc).into_iter().map(size_offer).collect();
        if sizes.is_empty() {
            // The driver lists no sizes: it is asked for the wish, and says what it takes.
            sizes.push(SizeOffer { max: (8192, 8192), ..SizeOffer::one(16, 16, &[]) });
        }
        for entry in &mut sizes {
            let (width, height) = entry.nearest(size.unwrap_or((1280, 720)));
            (entry.rates, entry.any_rate) = rates(&node.intervals(fourcc, width as u32, height as u32));
        }
        Some(Offer { format, fourcc, sizes })
    };
    let mut codes = node.formats();
    // A driver whose list of one format has no end is asked for its sizes once.
    codes.dedup();
    codes.into_iter().filter_map(offer).collect()
}

fn size_offer(span: Span<(u32, u32)>) -> SizeOffer {
    let wide = |(w, h): (u32, u32)| (w as usize, h as usize);
    match span {
        Span::One((width, height)) => SizeOffer::one(width as usize, height as usize, &[]),
        Span::Range { min, max, step } => {
            SizeOffer { min: wide(min), max: wide(max), step: wide(step), rates: Vec::new(), any_rate: false }
        }
    }
}

/// Frames a second, highest first, and whether all between can be had.
fn rates(intervals: &[Span<(u32, u32)>]) -> (Vec<f64>, bool) {
    let fps = |(numerator, denominator): (u32, u32)| f64::from(denominator) / f64::from(numerator.max(1));
    let mut rates = Vec::new();
    let mut any = false;
    for interval in intervals {
        match interval {
            Span::One(one) => rates.push(fps(*one)),
            Span::Range { min, max, step: _ } => {
                any = true;
                rates.extend([fps(*min), fps(*max)]);
            }
        }
    }
    rates.retain(|r| *r > 0.0);
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.dedup();
    (rates, any)
}

fn is_usb(caps: &Caps) -> bool {
    caps.driver == "uvcvideo" || caps.bus.starts_with("usb-")
}

/// What a refused open means.
fn open_fault(what: &str, why: &io::Error, number: u64) -> CaptureFault {
    let what = what.to_string();
    match why.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO | libc::ENOTDIR) => CaptureFault::NoDevice { what },
        Some(libc::EACCES | libc::EPERM) => CaptureFault::NoPermission { what },
        Some(libc::EBUSY) => CaptureFault::Busy { what, holder: busy::holder(number) },
        Some(libc::ENOTTY | libc::EISDIR) => CaptureFault::Failed { what, why: "it is not a video device".into() },
        // A path with a NUL, which never reached the kernel.
        None if why.kind() == io::ErrorKind::InvalidInput => CaptureFault::NoDevice { what },
        _ => CaptureFault::Failed { what, why: why.to_string() },
    }
}

/// What a refused format or start of the stream means.
fn start_fault(what: &str, why: &io::Error, number: u64) -> CaptureFault {
    match why.raw_os_error() {
        Some(libc::ENOSPC) => CaptureFault::UsbBandwidth { what: what.to_string() },
        Some(libc::ENOLINK) => CaptureFault::NoSignal { what: what.to_string() },
        _ => open_fault(what, why, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str) -> String {
        let address = V4l2Address { path: path.into(), size: None, fps: None, format: None };
        V4l2::open(&address).err().map(|f| f.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_no_camera_is_refused_in_one_sentence() {
        assert_eq!(fault("/dev/video977"), "there is no /dev/video977");
        assert_eq!(fault("/dev/nul\0"), "there is no /dev/nul\0");
        for other in ["/dev/null", "/etc/hostname", "/dev"] {
            assert_eq!(fault(other), format!("{other} failed: it is not a video device"));
        }
    }

    #[test]
    fn each_error_of_the_kernel_has_its_sentence() {
        for (code, open, start) in [
            (libc::ENOENT, "no_device", "no_device"),
            (libc::ENODEV, "no_device", "no_device"),
            (libc::EACCES, "no_permission", "no_permission"),
            (libc::EBUSY, "busy", "busy"),
            (libc::ENOSPC, "failed", "usb_bandwidth"),
            (libc::ENOLINK, "failed", "no_signal"),
            (libc::EIO, "failed", "failed"),
            (libc::EINVAL, "failed", "failed"),
        ] {
            let why = io::Error::from_raw_os_error(code);
            assert_eq!(open_fault("x", &why, u64::MAX).kind(), open, "{why}");
            assert_eq!(start_fault("x", &why, u64::MAX).kind(), start, "{why}");
        }
    }

    #[test]
    fn a_clock_that_jumps_is_ours_and_what_is_given_never_goes_back() {
        let at = |ms: u64| Mono::from_ns(ms * 1_000_000);
        let mut clock = Clock::new(at(1000));
        for (stamp, now, want) in [
            (Some(1030), 1050, 1030),
            (None, 1090, 1090),
            (Some(1095), 1110, 1095),
            (Some(1060), 1150, 1150),
            (Some(2000), 1190, 1190),
            (Some(10), 1230, 1230),
            (Some(1250), 1270, 1250),
            (Some(1250), 1310, 1310),
        ] {
            assert_eq!(clock.captured(stamp.map(at), at(now)), at(want), "{stamp:?} at {now}");
        }
        let next = clock.captured(Some(at(1300)), at(1350));
        assert!(next > at(1310) && next < at(1311), "a good one that is behind what was given: {next:?}");
    }

    #[test]
    fn intervals_become_rates() {
        assert_eq!(rates(&[Span::One((1, 15)), Span::One((1001, 30000)), Span::One((0, 0))]).0.len(), 2);
        let range = Span::Range { min: (1, 60), max: (1, 1), step: (1, 1) };
        assert_eq!(rates(&[range]), (vec![60.0, 1.0], true));
    }
}

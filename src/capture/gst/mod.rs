//! Everything that GStreamer reads: RTSP, MJPEG over HTTP, recordings, pipelines.
//!
//! A pipeline ends in an appsink, which the capture thread empties; no GLib main loop runs. A camera on the network and a
//! written pipeline that is live keep only their newest picture; a recording, and a written pipeline that says it is not live,
//! give every picture in order and at their own pace. Only a recording's pictures have its time: what is opened again may begin
//! at 0 again, so all others bear the moment at which they came. JPEG is handed on as it came, all else is decoded by what the
//! machine has, `nvv4l2decoder` first.
//!
//! It must never hand credentials to an element's `location`, where the library's own messages would quote them; and
//! never wait without looking at the stop flag. A certificate of rtsps or https is not checked, since cameras sign
//! their own: the line is encrypted, but who is at its other end is not proven.

mod bus;
mod ending;
mod guard;
mod login;
mod picture;
mod pipeline;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::Settings;
use crate::capture::{Address, CaptureFault, Next};
use crate::error::redacted;
use crate::frame::Frame;
use crate::threads::Stop;
use crate::time::{Mono, Wall};

/// The stop flag is looked at this often while a source is being opened.
const LOOK: Duration = Duration::from_millis(50);
/// How long the closing of a source is waited for that is no recording.
const CLOSING: Duration = Duration::from_secs(2);

/// What the library's threads tell the capture thread.
#[derive(Default)]
struct Notes {
    /// The factory's name of the decoder in use.
    decoder: Option<String>,
    /// A coding that nothing on this machine reads.
    unknown: Option<String>,
    /// Why what comes is not taken any further: it has more of something than is read.
    refused: Option<&'static str>,
    /// A stream with pictures was found and joined to the sink.
    linked: bool,
    /// All streams were seen.
    complete: bool,
    /// The sink is that of a live source.
    live: bool,
}

type Shared = Arc<Mutex<Notes>>;

/// Threads that a pipeline may want beside one of a decoder's for each core; an RTSP camera was seen to take six.
const THREADS: usize = 8;

/// And descriptors: an RTSP camera was seen to take six.
const DESCRIPTORS: usize = 16;

/// Whether the machine has what a pipeline takes. GLib ends the whole program where it gets no thread or no descriptor, so as
/// many as may be wanted are taken here first, all at once, and given back.
fn is_room() -> Result<(), String> {
    // One at a time: sixteen cameras that begin at once would take it from each other.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().expect("nothing panics under this lock");
    threads_are_left().map_err(|why| format!("the machine has no thread left for it: {why}"))?;
    let descriptors = (0..DESCRIPTORS).map(|_| std::fs::File::open("/dev/null")).collect::<Result<Vec<_>, _>>();
    descriptors.map(drop).map_err(|why| format!("the box has no descriptor left for it: {why}"))
}

fn threads_are_left() -> std::io::Result<()> {
    let many = THREADS + std::thread::available_parallelism().map_or(1, usize::from);
    let gate = Stop::default();
    std::thread::scope(|scope| {
        let begin = || {
            let wait = || _ = gate.wait(Duration::from_secs(1));
            std::thread::Builder::new().name("trial".into()).spawn_scoped(scope, wait)
        };
        let begun = (0..many).try_for_each(|_| begin().map(drop));
        gate.raise();
        begun
    })
}

fn with<T>(notes: &Shared, look: impl FnOnce(&mut Notes) -> T) -> T {
    look(&mut notes.lock().expect("nothing panics under this lock"))
}

/// An open pipeline.
pub struct Gst {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    bus: gst::Bus,
    notes: Shared,
    /// Host and port, or path: what faults speak of.
    what: String,
    address: Address,
    remote: bool,
    stall: Duration,
    first: Option<gst::Sample>,
    reader: picture::Reader,
    last_picture: Mono,
    pictures: u64,
    /// The recording ends in the middle.
    broke_off: bool,
    /// It is a file of this machine.
    recorded_here: bool,
}

impl Gst {
    /// Builds the pipeline and waits for its first picture. `waits` is called at each turn of the waiting.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(settings: &Settings, stop: &Stop, waits: &dyn Fn()) -> Result<Gst, CaptureFault> {
        init()?;
        wait_for_end(&settings.address, settings.stall, stop, waits)?;
        let notes = Shared::default();
        let built = pipeline::build(settings, &notes)?;
        if let Err(why) = is_room() {
            return Err(CaptureFault::Failed { what: built.what, why });
        }
        let bus = built.pipeline.bus().expect("a pipeline has a bus from its making on");
        bus::listen(&bus);
        let mut gst = Gst {
            pipeline: built.pipeline,
            sink: built.sink,
            bus,
            notes,
            what: built.what,
            address: settings.address.clone(),
            remote: built.remote,
            stall: settings.stall,
            first: None,
            reader: picture::Reader::default(),
            last_picture: Mono::now(),
            pictures: 0,
            broke_off: false,
            recorded_here: settings.address.is_recording(),
        };
        gst.start(built.ask_live, settings.full_speed)?;
        gst.wait_for_first(stop, waits)?;
        Ok(gst)
    }

    /// The name of the decoder in use; nothing for JPEG that is handed on, and for pictures that come raw.
    pub fn decoder(&self) -> Option<String> {
        with(&self.notes, |n| n.decoder.clone())
    }

    /// The next picture.
    ///
    /// # Errors
    /// Why the pipeline must be opened anew.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, CaptureFault> {
        let waiting = self.first.take();
        let sample = match waiting {
            Some(sample) => sample,
            None => match self.sink.try_pull_sample(clock_time(timeout)) {
                Some(sample) => sample,
                None => return self.nothing_came(),
            },
        };
        let now = Mono::now();
        self.last_picture = now;
        if !self.reader.read(&sample, frame) {
            return Ok(Next::Broken);
        }
        self.pictures += 1;
        frame.captured = now;
        frame.captured_wall = Wall::now();
        frame.media_time = if self.recorded_here { picture::media_time(&sample) } else { None };
        Ok(Next::Frame)
    }

    fn is_live(&self) -> bool {
        with(&self.notes, |n| n.live)
    }

    fn nothing_came(&mut self) -> Result<Next, CaptureFault> {
        let live = self.is_live();
        if let Some(fault) = self.fault() {
            // A recording that breaks off is over where it breaks off.
            let broke_off = matches!(fault, CaptureFault::NotVideo { .. }) && !live && self.pictures > 0;
            if !broke_off {
                return Err(fault);
            }
            self.broke_off = true;
        }
        // What was read before the break may still be on its way through the decoder.
        if self.broke_off && Mono::now().since(self.last_picture) >= self.stall {
            return Ok(Next::Ended);
        }
        if self.sink.is_eos() {
            return if live { Err(CaptureFault::Ended) } else { Ok(Next::Ended) };
        }
        if live && Mono::now().since(self.last_picture) >= self.stall {
            return Err(CaptureFault::Stalled { after: self.stall });
        }
        Ok(Next::Nothing)
    }

    /// The first error on the bus, if there is one.
    fn fault(&self) -> Option<CaptureFault> {
        if let Some(why) = with(&self.notes, |n| n.refused) {
            return Some(CaptureFault::Failed { what: self.what.clone(), why: why.to_string() });
        }
        let unknown = with(&self.notes, |n| if n.linked { None } else { n.unknown.clone() });
        if let Some(codec) = unknown {
            return Some(CaptureFault::UnsupportedCodec { codec });
        }
        let message = self.bus.pop_filtered(&[gst::MessageType::Error])?;
        let gst::MessageView::Error(error) = message.view() else { return None };
        Some(bus::fault(error, &self.what, self.remote, self.pictures > 0))
    }

    fn start(&self, ask_live: bool, full_speed: bool) -> Result<(), CaptureFault> {
        let refused = |_| {
            let words = || CaptureFault::Failed { what: self.what.clone(), why: "the pipeline does not start".into() };
            self.fault().unwrap_or_else(words)
        };
        if ask_live {
            let live =
                self.pipeline.set_state(gst::State::Paused).map_err(refused)? == gst::StateChangeSuccess::NoPreroll;
            pipeline::settle(&self.sink, &self.notes, live, full_speed);
        }
        self.pipeline.set_state(gst::State::Playing).map(drop).map_err(refused)
    }

    fn wait_for_first(&mut self, stop: &Stop, waits: &dyn Fn()) -> Result<(), CaptureFault> {
        let begun = Mono::now();
        loop {
            waits();
            self.first = self.sink.try_pull_sample(clock_time(LOOK));
            if self.first.is_some() {
                self.last_picture = Mono::now();
                return Ok(());
            }
            if let Some(fault) = self.fault() {
                return Err(fault);
            }
            let empty = with(&self.notes, |n| n.complete && !n.linked);
            if empty || (self.sink.is_eos() && !self.is_live()) {
                return Err(CaptureFault::NotVideo { what: self.what.clone() });
            }
            if self.sink.is_eos() || stop.is_raised() {
                return Err(CaptureFault::Ended);
            }
            if Mono::now().since(begun) >= self.stall {
                // Decodebin keeps an error to itself that comes while it is still choosing the next element: a film
                // without its table then says nothing at all.
                let silent_file = self.recorded_here && !self.is_live();
                let stalled = CaptureFault::Stalled { after: self.stall };
                return Err(if silent_file { CaptureFault::NotVideo { what: self.what.clone() } } else { stalled });
            }
        }
    }
}

impl Drop for Gst {
    fn drop(&mut self) {
        self.first = None;
        if self.recorded_here {
            // An element that refuses to stop has no say any more; there is nobody left to tell.
            let _ = self.pipeline.set_state(gst::State::Null);
        } else {
            ending::end(&self.pipeline, &self.address, CLOSING);
        }
        self.bus.unset_sync_handler();
        self.bus.set_flushing(true);
    }
}

/// Waits until what was opened from this address before has ended.
fn wait_for_end(address: &Address, stall: Duration, stop: &Stop, waits: &dyn Fn()) -> Result<(), CaptureFault> {
    let begun = Mono::now();
    while ending::is_ending(address) {
        waits();
        if Mono::now().since(begun) >= stall {
            return Err(CaptureFault::Stalled { after: stall });
        }
        if stop.wait(LOOK) {
            return Err(CaptureFault::Ended);
        }
    }
    Ok(())
}

fn clock_time(span: Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX - 1))
}

/// Wakes the library once for all cameras, and puts the Jetson's decoder before all others.
fn init() -> Result<(), CaptureFault> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    let ready = READY.get_or_init(|| {
        // Its elements complain of each wrong byte of a stranger's, thousands of times a second; what matters comes by the bus.
        gst::glib::log_set_default_handler(|_, _, words| log::debug!("GStreamer: {}", redacted(words)));
        gst::init().map_err(|e| redacted(&e.to_string()))?;
        if let Some(decoder) = gst::ElementFactory::find("nvv4l2decoder") {
            decoder.set_rank(gst::Rank::PRIMARY + 100);
        }
        Ok(())
    });
    ready.clone().map_err(|why| CaptureFault::Failed { what: "GStreamer".into(), why })
}

//! Puts the elements together: source, decodebin, sink. Which parser and decoder stand between is found when the stream
//! is known; JPEG is not decoded, sound is not even unpacked.

use std::io::ErrorKind;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::login::{self, Login};
use super::{Shared, bus, guard, with};
use crate::capture::{Address, CaptureFault, Settings};
use crate::error::{redacted, secrets_in};

/// Milliseconds that RTP packets may wait for a late one.
const LATENCY_MS: u32 = 100;
/// Nanoseconds a closing RTSP source may wait for the server's goodbye.
const TEARDOWN_NS: u64 = 100_000_000;
/// Pictures of a recording that are decoded ahead.
const AHEAD: u32 = 4;
/// What a frame can hold without conversion.
const FORMATS: [&str; 5] = ["NV12", "I420", "YUY2", "UYVY", "GRAY8"];

/// Kinds of files with pictures in them whose names say nothing of pictures.
const CONTAINERS: [&str; 7] = [
    "application/ogg",
    "application/mxf",
    "application/x-3gp",
    "application/x-id3",
    "application/x-apetag",
    "application/vnd.rn-realmedia",
    "application/x-yuv4mpeg",
];

/// A pipeline that was put together and not yet started.
pub(super) struct Built {
    pub pipeline: gst::Pipeline,
    pub sink: gst_app::AppSink,
    /// What faults speak of.
    pub what: String,
    pub remote: bool,
    /// Only its state change to paused will tell whether it is live.
    pub ask_live: bool,
}

/// Puts together what the address asks for.
pub(super) fn build(settings: &Settings, notes: &Shared) -> Result<Built, CaptureFault> {
    match &settings.address {
        Address::Rtsp(uri) => rtsp(login::split(uri), settings, notes),
        Address::Http(uri) => http(login::split(uri), settings, notes),
        Address::File(path) => file(path, settings, notes),
        Address::Gst(text) => launch(text, notes),
        other => Err(CaptureFault::NotBuilt { what: other.scheme() }),
    }
}

/// A sink that takes what a frame can hold.
fn new_sink() -> gst_app::AppSink {
    let raw = gst::Structure::builder("video/x-raw").field("format", gst::List::new(FORMATS)).build();
    let caps = gst::Caps::builder_full().structure(raw).structure(gst::Structure::new_empty("image/jpeg")).build();
    let sink = gst_app::AppSink::builder().name("spotter").caps(&caps).enable_last_sample(false).build();
    // Says that padded rows are welcome; without it the decoder would copy each picture once more.
    if let Some(pad) = sink.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| match info.query_mut().map(|q| q.view_mut()) {
            Some(gst::QueryViewMut::Allocation(query)) => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        });
    }
    sink
}

/// Makes the sink that of a live source, which keeps the newest, or of a recording, which keeps all.
pub(super) fn settle(sink: &gst_app::AppSink, notes: &Shared, live: bool, full_speed: bool) {
    sink.set_max_buffers(if live { 1 } else { AHEAD });
    sink.set_drop(live);
    sink.set_sync(!live && !full_speed);
    with(notes, |n| n.live = live);
}

fn make(name: &str, what: &str) -> Result<gst::Element, CaptureFault> {
    gst::ElementFactory::make(name).build().map_err(|_| CaptureFault::Failed {
        what: what.to_string(),
        why: format!("GStreamer's element {name} is not installed"),
    })
}

fn internal(what: &str) -> impl Fn(gst::glib::BoolError) -> CaptureFault + '_ {
    move |e| CaptureFault::Failed { what: what.to_string(), why: redacted(&e.message) }
}

fn rtsp(login: Login, settings: &Settings, notes: &Shared) -> Result<Built, CaptureFault> {
    let what = login.host;
    let source = make("rtspsrc", &what)?;
    // Shorter than the stall, so that a host that does not answer is said to be unreachable.
    let stall_us = u64::try_from(settings.stall.as_micros()).unwrap_or(u64::MAX) / 5 * 4;
    source.set_property("location", &login.location);
    source.set_property_from_str("protocols", if settings.rtsp_udp { "udp" } else { "tcp" });
    source.set_property("latency", LATENCY_MS);
    source.set_property("drop-on-latency", true);
    source.set_property("tcp-timeout", stall_us);
    source.set_property("timeout", stall_us);
    source.set_property("teardown-timeout", TEARDOWN_NS);
    source.set_property_from_str("tls-validation-flags", "0");
    if let Some((user, password)) = &login.user {
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
    }
    source.connect("select-stream", false, |args| {
        let caps = args.get(2).and_then(|c| c.get::<gst::Caps>().ok());
        let media = caps.as_ref().and_then(|c| c.structure(0)).and_then(|s| s.get::<&str>("media").ok());
        Some((media == Some("video")).to_value())
    });
    let built = assemble(&source, what, true, settings, notes)?;
    settle(&built.sink, notes, true, false);
    let decode = built.pipeline.by_name("decode").expect("assemble made it").downgrade();
    source.connect_pad_added(move |_, pad| {
        let Some(sink) = decode.upgrade().and_then(|d| d.static_pad("sink")) else { return };
        if !sink.is_linked() {
            // A second video stream of the same camera stays unread.
            let _ = pad.link(&sink);
        }
    });
    Ok(built)
}

fn http(login: Login, settings: &Settings, notes: &Shared) -> Result<Built, CaptureFault> {
    let what = login.host;
    let source = make("souphttpsrc", &what)?;
    source.set_property("location", &login.location);
    source.set_property("timeout", u32::try_from(settings.stall.as_secs()).unwrap_or(u32::MAX).clamp(1, 3600));
    source.set_property("retries", 0i32);
    source.set_property("ssl-strict", false);
    if let Some((user, password)) = &login.user {
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
    }
    let built = assemble(&source, what, true, settings, notes)?;
    settle(&built.sink, notes, true, false);
    join_source(&source, &built)?;
    Ok(built)
}

fn file(path: &str, settings: &Settings, notes: &Shared) -> Result<Built, CaptureFault> {
    let what = path.to_string();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() || (found.is_file() && found.len() == 0) => {
            return Err(CaptureFault::NotVideo { what });
        }
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(CaptureFault::NoDevice { what }),
        Err(e) => return Err(CaptureFault::Failed { what, why: e.to_string() }),
    }
    let source = make("filesrc", &what)?;
    source.set_property("location", path);
    let built = assemble(&source, what, false, settings, notes)?;
    join_source(&source, &built)?;
    Ok(built)
}

fn join_source(source: &gst::Element, built: &Built) -> Result<(), CaptureFault> {
    let decode = built.pipeline.by_name("decode").expect("assemble made it");
    source.link(&decode).map_err(internal(&built.what))
}

/// A pipeline as somebody wrote it, up to the sink.
fn launch(text: &str, notes: &Shared) -> Result<Built, CaptureFault> {
    let what = "the pipeline".to_string();
    let bad = |why: String| CaptureFault::Failed { what: "the pipeline".into(), why };
    let parsed = gst::parse::launch(&format!("{text} ! appsink name=spotter"));
    let element = parsed.map_err(|e| bad(hidden(text, e.message())))?;
    let pipeline = element.downcast::<gst::Pipeline>().map_err(|_| bad("it is a single element".into()))?;
    let sink = pipeline.by_name("spotter").and_then(|s| s.downcast::<gst_app::AppSink>().ok());
    let sink = sink.ok_or_else(|| bad("it has an element of its own that is named spotter".into()))?;
    sink.set_caps(new_sink().caps().as_ref());
    sink.set_property("enable-last-sample", false);
    note_decoders(&pipeline, &sink, notes, true, false);
    with(notes, |n| n.linked = true);
    Ok(Built { pipeline, sink, what, remote: false, ask_live: true })
}

/// The library's words about a written pipeline, without what that pipeline sets as user or password.
fn hidden(text: &str, words: &str) -> String {
    let mut out = redacted(words);
    for value in secrets_in(text) {
        out = out.replace(&value, "***");
    }
    out
}

/// Source, decodebin and sink in one pipeline. The caller joins the source to the element named `decode`.
fn assemble(
    source: &gst::Element,
    what: String,
    remote: bool,
    settings: &Settings,
    notes: &Shared,
) -> Result<Built, CaptureFault> {
    let pipeline = gst::Pipeline::new();
    let sink = new_sink();
    settle(&sink, notes, false, settings.full_speed);
    let decode = make("decodebin", &what)?;
    decode.set_property("name", "decode");
    let parts = [source, &decode, sink.upcast_ref()];
    pipeline.add_many(parts).map_err(internal(&what))?;
    let live = matches!(settings.address, Address::Rtsp(_));
    note_decoders(&pipeline, &sink, notes, live, live && !settings.rtsp_udp);

    let own = notes.clone();
    decode.connect("autoplug-continue", false, move |args| {
        let caps = args.get(2).and_then(|c| c.get::<gst::Caps>().ok());
        let stream = caps.as_ref().and_then(|c| c.structure(0));
        let too_large = stream.is_some_and(|stream| guard::is_too_large(stream, &own));
        Some((!too_large && !stream.is_some_and(|s| is_left(s.name(), remote))).to_value())
    });
    let own = notes.clone();
    decode.connect("unknown-type", false, move |args| {
        if let Some(caps) = args.get(2).and_then(|c| c.get::<gst::Caps>().ok()) {
            let picture = caps.structure(0).is_some_and(|s| {
                s.name().starts_with("video/") || s.name().starts_with("image/") || s.name() == "application/x-rtp"
            });
            if picture {
                with(&own, |n| n.unknown = Some(bus::codec_name(&caps)));
            }
        }
        None
    });
    let own = notes.clone();
    decode.connect_no_more_pads(move |_| with(&own, |n| n.complete = true));
    let (own, weak, weak_sink) = (notes.clone(), pipeline.downgrade(), sink.downgrade());
    decode.connect_pad_added(move |_, pad| {
        if let (Some(pipeline), Some(sink)) = (weak.upgrade(), weak_sink.upgrade())
            && !with(&own, |n| n.linked)
            && join(&pipeline, pad, sink.upcast_ref(), remote).is_some()
        {
            with(&own, |n| n.linked = true);
        }
    });
    Ok(Built { pipeline, sink, what, remote, ask_live: false })
}

/// Whether a stream is not taken any further: JPEG as it is, the others never.
fn is_left(name: &str, remote: bool) -> bool {
    let no_picture = ["audio/", "text/", "subpicture/"].iter().any(|kind| name.starts_with(kind));
    name == "image/jpeg" || no_picture || (!remote && !of_a_film(name))
}

/// Whether data of this kind can be part of a film in one file. A list of other addresses (HLS, DASH, SDP) would have the
/// library ask the network for what a stranger wrote into a file, and is not followed.
fn of_a_film(kind: &str) -> bool {
    ["video/", "image/", "multipart/"].iter().any(|family| kind.starts_with(family)) || CONTAINERS.contains(&kind)
}

/// Joins a pad with pictures to the sink, by way of a conversion only where a frame cannot hold them as they are.
fn join(pipeline: &gst::Pipeline, pad: &gst::Pad, sink: &gst::Element, remote: bool) -> Option<()> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let kind = caps.structure(0)?;
    let format = kind.get::<&str>("format").unwrap_or("");
    let on_device = caps.features(0).is_some_and(|f| f.contains("memory:NVMM"));
    let between: &[&str] = match kind.name().as_str() {
        // Bytes of a file are not cut into pictures yet; those of a network's parts and packets are.
        "image/jpeg" if !remote => &["jpegparse"],
        "image/jpeg" => &[],
        "video/x-raw" if on_device => &["nvvidconv"],
        "video/x-raw" if FORMATS.contains(&format) => &[],
        "video/x-raw" => &["videoconvert"],
        _ => return None,
    };
    let mut last = sink.clone();
    for name in between {
        let element = gst::ElementFactory::make(name).build().ok()?;
        pipeline.add(&element).ok()?;
        element.link(&last).ok()?;
        element.sync_state_with_parent().ok()?;
        last = element;
    }
    pad.link(&last.static_pad("sink")?).ok().map(drop)
}

/// Looks at each element that the library adds: notes the decoder, and tunes those that are known. `whole`: what is lost, the
/// camera itself has left out, so that there is no better picture until the next that stands by itself.
fn note_decoders(pipeline: &gst::Pipeline, sink: &gst_app::AppSink, notes: &Shared, live: bool, whole: bool) {
    let (notes, sink) = (notes.clone(), sink.downgrade());
    pipeline.connect_deep_element_added(move |_, _, element| {
        let Some(factory) = element.factory() else { return };
        let name = factory.name();
        if factory.metadata("klass").is_some_and(|k| k.contains("Decoder") && k.contains("Video")) {
            with(&notes, |n| n.decoder = Some(name.to_string()));
            guard::bound_pictures(element, &notes);
            if live {
                guard::await_whole_picture(element);
            }
        }
        let set = |property: &str| {
            if element.has_property(property) {
                element.set_property(property, true);
            }
        };
        match name.as_str() {
            "nvv4l2decoder" => {
                set("enable-max-performance");
                // It would break the order of recordings with B-frames; cameras send none.
                if live {
                    set("disable-dpb");
                }
            }
            "rtph264depay" | "rtph265depay" if whole => set("wait-for-keyframe"),
            "multipartdemux" => {
                // Its one stream is then known to be all there is, and a camera's parts have no pace but their coming.
                set("single-stream");
                guard::bound_parts(element, &notes);
                if let Some(sink) = sink.upgrade() {
                    settle(&sink, &notes, true, false);
                }
            }
            _ => {}
        }
    });
}

//! A camera to test against: a real RTSP server in a process of its own, so that it can be killed and halted.
//!
//! `rtsp_server WIDTH HEIGHT FPS [PORT]` prints `rtsp://127.0.0.1:PORT` and serves SMPTE bars at `/h264`, `/h265`,
//! `/mjpeg` and, for the user `user` with the password `pass`, at `/auth`; at `/changes` they are now of that size, now of twice
//! that. It ends when its input is closed, so that it never outlives its test.

use std::io::Read;

use gstreamer as gst;
use gstreamer_rtsp_server as server;
use gstreamer_rtsp_server::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    gst::init()?;
    let numbers: Vec<u32> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let &[width, height, fps, ref port @ ..] = numbers.as_slice() else {
        return Err("rtsp_server WIDTH HEIGHT FPS [PORT]".into());
    };
    let rtsp = server::RTSPServer::new();
    rtsp.set_address("127.0.0.1");
    rtsp.set_service(&port.first().copied().unwrap_or(0).to_string());
    rtsp.set_auth(Some(&login()));
    let mounts = rtsp.mount_points().ok_or("a server without mounts")?;
    let bars = format!(
        "videotestsrc is-live=true pattern=smpte75 ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
    );
    let changing = bars.replace("video/x-raw,", "capsfilter name=size caps=video/x-raw,");
    let changes = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96";
    let h264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96";
    let h265 = "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph265pay name=pay0 pt=96";
    for (path, bars, coding, open) in [
        ("/h264", &bars, h264, true),
        ("/h265", &bars, h265, true),
        ("/mjpeg", &bars, "jpegenc ! rtpjpegpay name=pay0 pt=26", true),
        ("/auth", &bars, h264, false),
        ("/changes", &changing, changes, true),
    ] {
        let factory = server::RTSPMediaFactory::new();
        factory.set_launch(&format!("( {bars} ! {coding} )"));
        factory.connect_media_configure(|_, media| change_size(media));
        factory.set_shared(true);
        for (role, construct) in [("anonymous", open), ("user", true)] {
            let rights = gst::Structure::builder(role)
                .field(server::RTSP_PERM_MEDIA_FACTORY_ACCESS.as_str(), true)
                .field(server::RTSP_PERM_MEDIA_FACTORY_CONSTRUCT.as_str(), construct);
            factory.add_role_from_structure(&rights.build());
        }
        mounts.add_factory(path, factory);
    }
    let _attached = rtsp.attach(None)?;
    println!("rtsp://127.0.0.1:{}", rtsp.bound_port());
    let main = gst::glib::MainLoop::new(None, false);
    let end = main.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.quit();
    });
    main.run();
    Ok(())
}

/// Twice the size and back, every second, where the pipeline has an element of that name.
fn change_size(media: &server::RTSPMedia) {
    let element = media.element().downcast::<gst::Bin>().ok();
    let Some(size) = element.and_then(|bin| bin.by_name("size")) else { return };
    let weak = size.downgrade();
    let small = size.property::<gst::Caps>("caps");
    let mut large = small.clone();
    if let Some(caps) = large.make_mut().structure_mut(0) {
        for side in ["width", "height"] {
            let pixels = caps.get::<i32>(side).unwrap_or(16);
            caps.set(side, pixels * 2);
        }
    }
    let mut next = [large, small].into_iter().cycle();
    gst::glib::timeout_add(std::time::Duration::from_secs(1), move || match (weak.upgrade(), next.next()) {
        (Some(size), Some(caps)) => {
            size.set_property("caps", caps);
            gst::glib::ControlFlow::Continue
        }
        _ => gst::glib::ControlFlow::Break,
    });
}

/// Anybody may see everything but `/auth`.
fn login() -> server::RTSPAuth {
    let auth = server::RTSPAuth::new();
    let role = |name: &str| server::RTSPToken::builder().field(server::RTSP_TOKEN_MEDIA_FACTORY_ROLE, name).build();
    auth.set_default_token(Some(&mut role("anonymous")));
    auth.add_basic(&server::RTSPAuth::make_basic("user", "pass"), &role("user"));
    auth
}

//! A disk that is full, under the whole box: a real file system of 4 MiB that its namespace alone has. What the log itself does
//! there, and on one that can only be read, is `full_disk`'s.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::common::{Parts, request, until};
use super::rig::{Rig, SHOWN, is_root};

/// Asks the log to keep a threshold, each time another, since what it has already it does not write.
pub fn set(rig: &Rig) -> (u16, String) {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let body =
        format!(r#"{{"rep.smoothing_s":{}}}"#, 0.3 + 0.001 * f64::from(ASKED.fetch_add(1, Ordering::Relaxed) % 1000));
    let reply = request(rig.spotter.address, "PATCH", "/api/v1/thresholds", &[], body.as_bytes());
    (reply.status, reply.text())
}

#[test]
fn on_a_full_disk_pictures_go_on_and_what_is_asked_of_the_log_is_told_why() {
    if !is_root("a mount") {
        return;
    }
    let rig = Rig::start_as(SHOWN, |folder, program| {
        let data = folder.join("data");
        std::fs::create_dir(&data).expect("there is room");
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o size=4m spotter-test \"$1\" && shift && exec \"$@\"";
        command.args(["-m", "sh", "-c", script, "sh"]).arg(data).arg(program);
        command
    });
    rig.has_picture();
    until("the log is open", || if set(&rig).0 == 200 { Ok(()) } else { Err(rig.log()) });
    // Its namespace as it sees it.
    let ballast = format!("/proc/{}/root{}/data/ballast", rig.pid(), rig.folder.path().display());
    let mut file = std::fs::File::create(&ballast).expect("there is room yet");
    let full = std::io::copy(&mut std::io::repeat(7), &mut file).expect_err("four megabytes are soon full");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    drop(file);
    let mut stream = Parts::open(rig.spotter.address, "/stream");
    let mut newest = 0;
    until("what is asked of the log is told why", || {
        let id = stream.next_part().expect("pictures go on").frame_id;
        assert!(id > newest, "{id} after {newest}");
        newest = id;
        let (status, said) = set(&rig);
        if status == 503 && said.contains("spotter.db is full") { Ok(()) } else { Err(format!("{status} {said}")) }
    });
    rig.metric_is("spotter_store_up ", |up| up == 0.0);
    let admin = rig.spotter.json("/api/v1/admin");
    assert!(admin["log"]["fault"].as_str().is_some_and(|fault| fault.ends_with("spotter.db is full")), "{admin}");
    assert_eq!(rig.spotter.get("/healthz").status, 200);
    std::fs::remove_file(ballast).expect("it is ours");
    until("the log can be written again", || match set(&rig) {
        (200, _) => Ok(()),
        (status, said) => Err(format!("{status} {said}")),
    });
    rig.metric_is("spotter_store_up ", |up| up == 1.0);
    rig.says("the log can be written again");
}

//! A machine that gives no more: descriptors, threads, memory.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::common::{Parts, SpotterBox, until};
use super::helpers::Server;
use super::rig::{Line, Rig, SHOWN, is_root, program};

/// What the kernel allows the box: now, and at most.
fn limits(rig: &Rig, name: &str) -> [Option<u64>; 2] {
    let all = std::fs::read_to_string(format!("/proc/{}/limits", rig.pid())).expect("it runs");
    let line = all.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel knows it");
    let mut words = line.split_whitespace().map(|word| word.parse().ok());
    [(); 2].map(|()| words.next().expect("two numbers"))
}

/// Allows it so much from now on, or as much as at most.
fn allow(rig: &Rig, (resource, name): (Resource, &str), most: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(rig.pid()).expect("a pid")).expect("a pid");
    let maximum = limits(rig, name)[1];
    prlimit(Some(pid), resource, Rlimit { current: most.or(maximum), maximum }).expect("less than the most is allowed");
}

const DESCRIPTORS: (Resource, &str) = (Resource::Nofile, "Max open files");
const MEMORY: (Resource, &str) = (Resource::As, "Max address space");

/// Processor time that the box has used, in ticks of a hundredth of a second.
fn spent(rig: &Rig) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", rig.pid())).expect("it runs");
    let after = stat.rsplit(')').next().expect("a name in brackets");
    after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[test]
fn without_descriptors_those_who_are_in_see_on_and_it_ends_when_there_are_some_again() {
    let rig = Rig::start(SHOWN);
    rig.has_picture();
    let (mut line, mut stream) = (Line::open(&rig), Parts::open(rig.spotter.address, "/stream"));
    let first = stream.next_part().expect("a picture").frame_id;
    assert_eq!(line.metric("spotter_http_unaccepted_total "), 0.0);
    // It takes descriptors of its own to open the log, which is done beside the first pictures: until then it answers 503.
    until("the log is open", || match line.ask("PATCH", "/api/v1/thresholds", r#"{"rep.smoothing_s":0.2}"#) {
        (200, _) => Ok(()),
        (status, said) => Err(format!("{status}: {}", String::from_utf8_lossy(&said))),
    });
    let open = std::fs::read_dir(format!("/proc/{}/fd", rig.pid())).expect("it runs").count() as u64;
    let [before, _] = limits(&rig, DESCRIPTORS.1);
    allow(&rig, DESCRIPTORS, Some(open + 4));
    assert_eq!(line.metric("spotter_process_max_descriptors "), (open + 4) as f64);
    let crowd: Vec<TcpStream> =
        (0..30).map(|_| TcpStream::connect(rig.spotter.address).expect("the kernel takes it")).collect();
    rig.says("no connection can be accepted: ");
    until("it is counted", || match line.metric("spotter_http_unaccepted_total ") {
        0.0 => Err(rig.log()),
        _ => Ok(()),
    });
    // The log and the pictures go on, and nobody turns in circles.
    let (begun, used) = (Instant::now(), spent(&rig));
    let (status, said) = line.ask("PATCH", "/api/v1/thresholds", r#"{"rep.smoothing_s":0.3}"#);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&said));
    let mut newest = first;
    while begun.elapsed() < Duration::from_secs(2) {
        let id = stream.next_part().expect("the stream goes on").frame_id;
        assert!(id > newest, "{id} after {newest}");
        newest = id;
    }
    let share = (spent(&rig) - used) as f64 / 100.0 / begun.elapsed().as_secs_f64();
    println!("{:.0} frames shown, {share:.2} of a core used", newest - first);
    assert!(share < 0.8, "{share} of a core");
    drop(crowd);
    allow(&rig, DESCRIPTORS, before);
    rig.says("connections are accepted again");
    rig.has_picture();
    assert_eq!(rig.log().matches("no connection can be accepted").count(), 1, "{}", rig.log());
}

/// GLib ends the program when it gets no descriptor.
#[test]
fn without_descriptors_for_a_camera_that_comes_back_the_box_goes_on_until_there_are_some() {
    let server = Server::start(160, 120, 10, None);
    let port = server.port();
    let rig = Rig::start(&format!("{SHOWN}{}", net(&server)));
    rig.metric_is("spotter_camera_up{camera=\"net\"}", |up| up == 1.0);
    let mut line = Line::open(&rig);
    drop(server);
    rig.says("camera net: 127.0.0.1:");
    let open = std::fs::read_dir(format!("/proc/{}/fd", rig.pid())).expect("it runs").count() as u64;
    let [before, _] = limits(&rig, DESCRIPTORS.1);
    allow(&rig, DESCRIPTORS, Some(open + 2));
    let server = Server::start(160, 120, 10, Some(port));
    rig.says("the box has no descriptor left for it: ");
    let shown = line.metric("spotter_frames_published_total{camera=\"rack\"}");
    until("the other camera goes on", || match line.metric("spotter_frames_published_total{camera=\"rack\"}") {
        more if more > shown => Ok(()),
        same => Err(same.to_string()),
    });
    allow(&rig, DESCRIPTORS, before);
    rig.metric_is("spotter_camera_up{camera=\"net\"}", |up| up == 1.0);
    drop(server);
}

/// A network camera beside the other, which is tried often.
fn net(server: &Server) -> String {
    let source = format!("[[camera]]\nname = \"net\"\nsource = \"{}/mjpeg\"\npose = false\n", server.url);
    format!("{source}[capture]\nretry_most_s = 0.5\n")
}

/// Users of nobody else's, one for each test: what one has takes from no other's limit.
const USER: u32 = 54321;
const NET_USER: u32 = 54322;

fn as_user(user: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".into()]);
    command
}

/// The box as a user of its own who may have so many threads; root has no such limit.
fn with_threads(user: u32, most: u32, folder: &Path) -> Command {
    let mut command = as_user(user);
    command.args(["prlimit", &format!("--nproc={most}")]);
    command.arg(env!("CARGO_BIN_EXE_spotter")).args(["run", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(folder.join("spotter.toml")).arg("--data-dir").arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn open_folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("spotter.toml"), config).expect("there is room");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("it is ours");
    folder
}

/// What it said and how it ended, if it did before it served.
fn ended(mut command: Command, log: &Path) -> Option<Output> {
    let stderr = std::fs::File::create(log).expect("there is room");
    let mut child = command.stderr(stderr).spawn().expect("it starts");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut first = [0; 1];
    // The address, or the end.
    let serves = stdout.read(&mut first).expect("a pipe") > 0;
    if serves {
        let _ = child.kill();
    }
    let status = child.wait().expect("it is our child");
    let stderr = std::fs::read(log).expect("it was made");
    (!serves).then_some(Output { status, stdout: Vec::new(), stderr })
}

#[test]
fn without_threads_it_does_not_start_by_halves() {
    if !is_root("another user's limit") {
        return;
    }
    let trains = "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?fps=10&size=160x120\"\n";
    for config in [SHOWN, trains] {
        let folder = open_folder(config);
        let mut refused = 0;
        let enough = (1..60).find(|most| {
            let Some(out) = ended(with_threads(USER, *most, folder.path()), &folder.path().join("log")) else {
                return true;
            };
            let said = String::from_utf8_lossy(&out.stderr);
            let sentences: Vec<&str> = said.lines().filter(|line| line.starts_with("spotter: ")).collect();
            let whole = matches!(sentences[..], [one] if one.contains("the machine has no thread left for "));
            assert!(out.status.code() == Some(1) && whole, "{most} threads: {}\n{said}", out.status);
            refused += 1;
            false
        });
        println!("{refused} starts were refused, {enough:?} threads are enough");
        let enough = enough.expect("sixty are enough");
        assert!(refused > 2);
        // With just as many as it wants it is a whole box.
        let spotter = SpotterBox::of({
            let mut command = with_threads(USER, enough, folder.path());
            command.stderr(Stdio::null());
            command
        });
        until("it is ready and has a picture", || match (spotter.get("/readyz"), spotter.get("/snapshot")) {
            (ready, picture) if ready.status == 200 && picture.status == 200 => Ok(()),
            (ready, picture) => Err(format!("{} {}", ready.text(), picture.status)),
        });
    }
}

/// Sets how many threads the user of the box may have, in his name: even root may not without CAP_SYS_RESOURCE.
fn allow_threads(spotter: &SpotterBox, most: usize) {
    let mut command = as_user(NET_USER);
    command.args(["prlimit", "--pid", &spotter.child.id().to_string(), &format!("--nproc={most}:200")]);
    assert!(command.status().expect("it is part of util-linux").success());
}

/// GLib ends the program when it gets no thread.
#[test]
fn without_threads_for_a_camera_that_comes_back_the_box_goes_on_until_there_are_some() {
    if !is_root("another user's limit") {
        return;
    }
    let server = Server::start(160, 120, 10, None);
    let port = server.port();
    let folder = open_folder(&format!("{SHOWN}{}", net(&server)));
    let mut command = with_threads(NET_USER, 200, folder.path());
    let log = std::fs::File::create(folder.path().join("log")).expect("there is room");
    command.env("HOME", folder.path()).stderr(log);
    let spotter = SpotterBox::of(command);
    let net = "/api/v1/cameras/net/snapshot";
    let is = |what: &str, is: &dyn Fn(u16, &str) -> bool| {
        until(what, || {
            let reply = spotter.get(net);
            let said = if reply.status == 200 { String::new() } else { reply.text() };
            if is(reply.status, &said) { Ok(()) } else { Err(format!("{} {said}", reply.status)) }
        });
    };
    is("a picture", &|status, _| status == 200);
    drop(server);
    is("it is gone", &|status, said| status == 404 && said.contains("cannot be reached"));
    let own = spotter.json("/api/v1/admin")["threads"].as_array().expect("a list").len();
    allow_threads(&spotter, own + 4);
    let server = Server::start(160, 120, 10, Some(port));
    is("there is no thread", &|status, said| status == 404 && said.contains("the machine has no thread left for it"));
    assert_eq!(spotter.get("/snapshot").status, 200, "the other camera goes on");
    allow_threads(&spotter, 200);
    is("it is back", &|status, _| status == 200);
    drop(server);
}

#[test]
fn without_descriptors_it_does_not_start_by_halves() {
    let folder = open_folder(SHOWN);
    let mut refused = 0;
    let enough = (6..80).step_by(2).find(|most| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={most}")).arg(env!("CARGO_BIN_EXE_spotter"));
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(folder.path().join("spotter.toml"));
        command.arg("--data-dir").arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let Some(out) = ended(command, &folder.path().join("log")) else { return true };
        let said = String::from_utf8_lossy(&out.stderr);
        let sentences: Vec<&str> = said.lines().filter(|line| line.starts_with("spotter: ")).collect();
        let once = matches!(sentences[..], [one] if one.matches(": Too many open files").count() == 1);
        // What was told twice in one sentence.
        let once = once && !sentences[0].contains("0: cannot listen on ");
        assert!(out.status.code() == Some(1) && once, "{most} descriptors: {}\n{said}", out.status);
        refused += 1;
        false
    });
    println!("{refused} starts were refused, {enough:?} descriptors are enough");
    assert!(refused > 2 && enough.is_some());
}

/// A sentence and an end, never a hang and never a wrong step.
#[test]
fn with_too_little_memory_to_start_it_says_so_and_ends() {
    let folder = open_folder(SHOWN);
    let mut codes = Vec::new();
    for most_mib in [40, 80, 120, 160, 240, 320, 480] {
        let mut command = Command::new("prlimit");
        command.arg(format!("--as={}", most_mib << 20)).arg(env!("CARGO_BIN_EXE_spotter"));
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(folder.path().join("spotter.toml"));
        command.arg("--data-dir").arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let Some(out) = ended(command, &folder.path().join("log")) else {
            codes.push(format!("{most_mib} MiB: serves"));
            continue;
        };
        let said = String::from_utf8_lossy(&out.stderr);
        // By its own word, by the allocator's, or by the loader's, which comes before the program.
        let by_itself = out.status.code() == Some(1) && said.lines().any(|line| line.starts_with("spotter: "));
        let by_allocator = out.status.signal() == Some(6) && said.contains("memory allocation of ");
        let by_loader = out.status.code() == Some(127) && said.contains("error while loading shared libraries");
        assert!(by_itself || by_allocator || by_loader, "{most_mib} MiB: {}\n{said}", out.status);
        codes.push(format!("{most_mib} MiB: {}", said.lines().last().unwrap_or_default()));
    }
    println!("{codes:#?}");
    assert!(codes.iter().any(|code| !code.ends_with("serves")) && codes.iter().any(|code| code.ends_with("serves")));
}

/// What a box answers that may end meanwhile; nothing when it does.
pub fn status_of(address: SocketAddr, path: &str) -> Option<u16> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut socket, head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

/// With no more than it has it goes on, or ends by the allocator's sentence; what was written is there.
#[test]
fn without_memory_it_says_so_and_ends_and_the_log_is_whole() {
    let mut rig = Rig::start(&SHOWN.replace("160x120", "1280x720"));
    rig.has_picture();
    let mut line = Line::open(&rig);
    assert_eq!(line.ask("PATCH", "/api/v1/thresholds", r#"{"rep.smoothing_s":0.3}"#).0, 200);
    let status = std::fs::read_to_string(format!("/proc/{}/status", rig.pid())).expect("it runs");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("it has memory");
    let size: u64 = size.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
    allow(&rig, MEMORY, Some(size << 10));
    for n in 0..12 {
        let path = format!("/snapshot?q={}&w={}", 30 + n, 1280 - 64 * n);
        let _ = status_of(rig.spotter.address, &path);
    }
    allow(&rig, MEMORY, None);
    // One that ends answers no more some time before its parent hears of it.
    let mut dead = None;
    until("it goes on, or it has ended", || {
        dead = rig.spotter.child.try_wait().expect("it is our child");
        if dead.is_some() || status_of(rig.spotter.address, "/snapshot") == Some(200) {
            Ok(())
        } else {
            Err("neither".to_owned())
        }
    });
    match dead {
        Some(status) => {
            let said = rig.log();
            assert!(status.signal() == Some(6) && said.contains("memory allocation of "), "{status}\n{said}");
            let last = said.lines().find(|line| line.contains("memory allocation of "));
            println!("it ended: {}", last.unwrap_or_default());
        }
        None => println!("it went on"),
    }
    drop(line);
    let _ = rig.spotter.child.kill();
    let _ = rig.spotter.child.wait();
    let mut again = program();
    again.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(rig.folder.path().join("spotter.toml"));
    again.arg("--data-dir").arg(rig.folder.path().join("data")).stdout(Stdio::piped()).stderr(Stdio::null());
    let again = SpotterBox::of(again);
    until("what was set is kept", || {
        let kept = again.json("/api/v1/thresholds");
        if kept["rep.smoothing_s"] == 0.3 { Ok(()) } else { Err(kept.to_string()) }
    });
}

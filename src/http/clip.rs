//! Clips: a recorded exercise comes in as the body of a request and becomes a prototype. It is a film, or a poses file, which is
//! known by its content type or, in a form, by its name.
//!
//! Whether a clip may come is said by the request worker, before the first byte of it is read. Then the connection is
//! brought to this room's own thread, which may wait for the network, the disk and the engine, so that neither a request
//! worker nor the clerk, who keeps the log, is held up by a film. One clip is taken at a time, and its connection ends
//! with the answer. The film goes to a file without a name: whatever happens, nothing of it is left.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::json;

use super::clerk::Answer;
use super::desk::{Desk, Shared};
use super::limits::Ticket;
use super::multipart::{self, Multipart};
use super::transport::Transport;
use super::{logbook, query};
use crate::events::Bell;
use crate::metrics::RouteClass;
use crate::store::Reading;
use crate::threads::{Beat, Stop};
use crate::time::{Mono, Wall};
use crate::workout::is_exercise_name;

/// The form's field with the clip.
pub const FIELD: &str = "clip";
/// The content type of a poses file.
pub const POSES: &str = "application/jsonl";
/// What its name ends in.
const POSES_NAME: &str = ".jsonl";
/// The file has this name for the moment between its making and the loss of its name.
const FILE: &str = "clip.part";
/// The stop flag is looked at this often while nothing comes.
const LOOK: Duration = Duration::from_millis(100);
/// A clip must be here within this time.
const UPLOAD_MOST: Duration = Duration::from_secs(600);
/// How long a client whose answer is out may go on sending.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// Why it is not done: a status and a sentence.
pub type Refused = (u16, String);

/// What a clip's request says before its body.
pub struct Asked<'a> {
    /// What follows the question mark.
    pub query: &'a [u8],
    /// Its content type.
    pub kind: &'a [u8],
    /// Bytes of body.
    pub length: u64,
    /// It waits for "100 Continue".
    pub expects_continue: bool,
}

/// A clip that may come.
pub struct Clip {
    exercise: String,
    form: Option<Multipart>,
    /// It is a poses file, as far as its request's head says.
    poses: bool,
    length: u64,
    expects_continue: bool,
    /// What of it came with its head.
    pub begun: Vec<u8>,
    _place: Place,
}

/// The one place there is; free again when this goes.
struct Place(Arc<AtomicBool>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A connection with a clip to come.
pub struct Caller {
    /// The connection.
    pub socket: Transport,
    /// Its place among connections.
    pub ticket: Ticket,
    /// What it brings.
    pub clip: Box<Clip>,
}

/// Where clips are announced and brought.
pub struct Clips {
    sender: SyncSender<Caller>,
    taken: Arc<AtomicBool>,
}

/// The thread's side.
pub struct ClipClerk(Receiver<Caller>);

/// The counter before which clips stand, and its clerk.
pub fn clips() -> (Clips, ClipClerk) {
    let (sender, receiver) = sync_channel(1);
    (Clips { sender, taken: Arc::default() }, ClipClerk(receiver))
}

impl Clip {
    /// Whether it is a poses file rather than a film, once it is here.
    fn has_poses(&self) -> bool {
        let file = self.form.as_ref().and_then(Multipart::file_name);
        self.poses || file.is_some_and(|name| name.to_ascii_lowercase().ends_with(POSES_NAME))
    }
}

/// Whether a content type is that of a poses file, whatever its parameters.
fn is_poses(kind: &[u8]) -> bool {
    let name = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(POSES.as_bytes())
}

impl Clips {
    /// Whether this clip may come.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, shared: &Shared, asked: &Asked<'_>) -> Result<Box<Clip>, Refused> {
        let refuse = |status: u16, why: &str| Err((status, why.to_string()));
        let named = query::text(asked.query, "exercise_name").filter(|name| is_exercise_name(name));
        let Some(name) = named else {
            return refuse(422, "exercise_name must be the exercise's name, at most 64 characters");
        };
        if shared.house.reference.is_none() {
            return refuse(503, "nobody looks at pictures in this box: it has no model");
        }
        if shared.house.store.is_none() {
            return refuse(503, "this box keeps no log");
        }
        if asked.length == 0 {
            return refuse(422, "the body must be a recorded clip");
        }
        if asked.length > shared.settings.clip_bytes {
            return Err((413, format!("a clip may have {} MiB", shared.settings.clip_bytes >> 20)));
        }
        let form = match Multipart::of(asked.kind, FIELD).transpose() {
            Ok(form) => form,
            Err(multipart::Fault::Form(why)) => return refuse(422, why),
            Err(multipart::Fault::Write(why)) => return Err((503, why.to_string())),
        };
        if self.taken.swap(true, Ordering::AcqRel) {
            return refuse(503, "another clip is being taken; ask again when it is done");
        }
        let (length, expects_continue) = (asked.length, asked.expects_continue);
        let (exercise, place) = (name.trim().to_string(), Place(self.taken.clone()));
        let poses = is_poses(asked.kind);
        Ok(Box::new(Clip { exercise, form, poses, length, expects_continue, begun: Vec::new(), _place: place }))
    }

    /// Brings the connection; nothing, and the connection closed, when the thread is gone.
    pub fn bring(&self, caller: Caller) {
        if self.sender.try_send(caller).is_err() {
            log::warn!("a clip is not taken: its thread is gone");
        }
    }
}

/// The desk of this thread waits for nobody's bell.
struct Silent;

impl Bell for Silent {
    fn ring(&self) {}
}

impl ClipClerk {
    /// The thread's body.
    pub fn work(self, shared: &Arc<Shared>, beat: &Beat, stop: &Stop) {
        // What a crash left between the making of the file and the loss of its name.
        let _ = std::fs::remove_file(shared.settings.data_dir.join(FILE));
        let mut desk = Desk::new(shared.clone(), Arc::new(Silent));
        while !stop.is_raised() {
            beat.mark(Mono::now());
            match self.0.recv_timeout(beat.turn().min(LOOK)) {
                Ok(caller) => serve(&mut desk, caller, beat, stop),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

fn serve(desk: &mut Desk, caller: Caller, beat: &Beat, stop: &Stop) {
    let Caller { mut socket, ticket: _ticket, mut clip } = caller;
    let began = Mono::now();
    if let Err(why) = socket.wait_at_most(LOOK) {
        log::warn!("a clip's connection cannot be read: {why}");
        return;
    }
    let answer = take(&desk.shared.clone(), &mut clip, &mut socket, beat, stop);
    // Free before the answer, so that who has it may bring the next.
    drop(clip);
    desk.turn();
    let answer = answer.unwrap_or_else(|(status, why)| Answer::refusal(status, &why));
    let mut out = Vec::new();
    let reply = desk.deliver(&mut out, RouteClass::Api, answer, true);
    out.extend_from_slice(reply.body.bytes());
    // Some hundred bytes always fit a socket's buffer; a client that has gone does not miss them.
    let _ = socket.write_all(&out).and_then(|()| socket.flush());
    desk.count(RouteClass::Api, reply.status);
    let http = &desk.shared.house.metrics.http;
    http.seconds(RouteClass::Api).observe(Mono::now().since(began).as_secs_f64());
    http.sent_bytes.inc_by(out.len() as u64);
    linger(&mut socket, beat);
}

/// What the client still sends must not be answered by a reset that takes the answer's end with it.
fn linger(socket: &mut Transport, beat: &Beat) {
    let (end, mut piece) = (Mono::now().plus(LINGER), [0; 4096]);
    socket.finish();
    while Mono::now() < end {
        beat.mark(Mono::now());
        match socket.read(&mut piece) {
            Ok(0) => return,
            Ok(_) => {}
            Err(why) if is_a_pause(&why) => {}
            Err(_) => return,
        }
    }
}

fn is_a_pause(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn take(shared: &Shared, clip: &mut Clip, socket: &mut Transport, beat: &Beat, stop: &Stop) -> Result<Answer, Refused> {
    let (Some(reference), Some(store)) = (&shared.house.reference, &shared.house.store) else {
        return Err((503, "this box keeps no log".into()));
    };
    let film = Film::new(&shared.settings.data_dir).map_err(|why| unwritten(&why))?;
    receive(clip, socket, &film.file, shared.settings.head_timeout, beat, stop)?;
    let example = if clip.has_poses() {
        let file = File::open(film.path()).map_err(|why| unwritten(&why))?;
        reference.of_poses(file, &clip.exercise, beat)
    } else {
        reference.of_film(&film.path(), &clip.exercise, beat)
    };
    let (prototype, reps) = example.map_err(|why| {
        log::info!("a clip of {} is no example: {why}", clip.exercise);
        (if why.is_of_the_clip() { 422 } else { 503 }, why.to_string())
    })?;
    drop(film);
    let features = serde_json::to_string(&prototype).map_err(|why| (503, why.to_string()))?;
    // Each clip is an example of its own.
    let (now, source) = (Reading::now(), format!("clip of {}", Wall::now().unix_ms()));
    let id = store.add_prototype(&clip.exercise, &features, &source, now);
    match id {
        // It is in the log; what cannot be read now is learnt with the next one, or after a restart.
        Ok(id) => {
            if let Err(fault) = logbook::learn(store, &shared.house.orders) {
                log::warn!("the example of {} is kept and not in force yet: {fault}", clip.exercise);
            }
            Ok(Answer::json(200, &json!({"id": id, "exercise": clip.exercise, "reps": reps})))
        }
        Err(fault) => Ok(fault.into()),
    }
}

fn unwritten(why: &io::Error) -> Refused {
    match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (503, "the disk is full; the clip is not kept".into()),
        _ => (503, format!("the clip cannot be written: {why}")),
    }
}

/// Reads the clip into `file`. Something must come within each `pause`, the whole within [`UPLOAD_MOST`].
fn receive(
    clip: &mut Clip,
    socket: &mut Transport,
    mut file: &File,
    pause: Duration,
    beat: &Beat,
    stop: &Stop,
) -> Result<(), Refused> {
    let begun = std::mem::take(&mut clip.begun);
    let mut left = clip.length - begun.len() as u64;
    if left > 0 && clip.expects_continue {
        // If the client does not hear it, it goes on anyway.
        let _ = socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    let mut put = |piece: &[u8]| match &mut clip.form {
        None => file.write_all(piece).map_err(|why| unwritten(&why)),
        Some(form) => form.take(piece, &mut file).map_err(torn),
    };
    put(&begun)?;
    let end = Mono::now().plus(UPLOAD_MOST);
    let (mut last, mut came, mut piece) = (Mono::now(), socket.came(), vec![0; PIECE]);
    while left > 0 {
        let now = Mono::now();
        beat.mark(now);
        if stop.is_raised() {
            return Err((503, "the box is ending".into()));
        }
        if now.since(last) >= pause || now >= end {
            return Err((408, "the request did not come in time".into()));
        }
        // At most a piece, so it fits a usize.
        let room = left.min(PIECE as u64) as usize;
        match socket.read(&mut piece[..room]) {
            Ok(0) => return Err((400, "the clip broke off".into())),
            Ok(n) => {
                put(&piece[..n])?;
                (left, last) = (left - n as u64, Mono::now());
            }
            // A part of a record that says nothing yet.
            Err(why) if is_a_pause(&why) && socket.came() != came => (last, came) = (Mono::now(), socket.came()),
            Err(why) if is_a_pause(&why) => {}
            Err(_) => return Err((400, "the clip broke off".into())),
        }
    }
    clip.form.as_ref().map_or(Ok(()), |form| form.end().map_err(torn))
}

fn torn(fault: multipart::Fault) -> Refused {
    match fault {
        multipart::Fault::Form(why) => (422, why.into()),
        multipart::Fault::Write(why) => unwritten(&why),
    }
}

/// A film on the disk, in a file that has lost its name: it is gone when it is closed, also by a crash.
struct Film {
    file: File,
}

impl Film {
    fn new(folder: &Path) -> io::Result<Film> {
        let named = folder.join(FILE);
        match std::fs::remove_file(&named) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&named)?;
        std::fs::remove_file(&named)?;
        Ok(Film { file })
    }

    /// Where it can be opened while it is here.
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_film_has_no_name_is_for_the_box_alone_and_can_be_opened() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "what a crash left").unwrap();
        let film = Film::new(dir.path()).unwrap();
        (&film.file).write_all(b"film").unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(std::fs::read(film.path()).unwrap(), b"film");
        assert_eq!(film.file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            Film::new(&dir.path().join("no such folder")).err().map(|why| why.kind()),
            Some(ErrorKind::NotFound)
        );
    }

    fn clip(length: u64, kind: &str) -> Clip {
        let form = Multipart::of(kind.as_bytes(), FIELD).map(|form| form.ok().unwrap());
        let place = Place(Arc::default());
        Clip {
            exercise: "Row".into(),
            form,
            poses: false,
            length,
            expects_continue: false,
            begun: Vec::new(),
            _place: place,
        }
    }

    /// A client's end and the box's.
    fn pair() -> (TcpStream, Transport) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut socket = Transport::plain(mio::net::TcpStream::from_std(listener.accept().unwrap().0));
        socket.wait_at_most(Duration::from_millis(5)).unwrap();
        (client, socket)
    }

    #[test]
    fn a_full_disk_ends_an_upload_with_its_sentence() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let form = "multipart/form-data; boundary=b";
        for (kind, body) in [
            ("video/mp4", "film".to_string()),
            (form, "--b\r\nContent-Disposition: form-data; name=clip\r\n\r\nfilm\r\n--b--".to_string()),
        ] {
            let ((mut client, mut socket), mut clip) = (pair(), clip(body.len() as u64, kind));
            client.write_all(body.as_bytes()).unwrap();
            let (beat, stop) = (Beat::detached(), Stop::default());
            let done = receive(&mut clip, &mut socket, &full, Duration::from_secs(20), &beat, &stop);
            assert_eq!(done, Err((503, "the disk is full; the clip is not kept".into())), "{kind}");
        }
    }

    #[test]
    fn one_who_stops_sending_is_told_so_and_one_who_hangs_up_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let film = Film::new(dir.path()).unwrap();
        let ((mut client, mut socket), pause) = (pair(), Duration::from_millis(30));
        let (beat, stop) = (Beat::detached(), Stop::default());
        client.write_all(b"fi").unwrap();
        let late = receive(&mut clip(4, "video/mp4"), &mut socket, &film.file, pause, &beat, &stop);
        assert_eq!(late.map_err(|(status, _)| status), Err(408));
        drop(client);
        let gone = receive(&mut clip(4, "video/mp4"), &mut socket, &film.file, pause, &beat, &stop);
        assert_eq!(gone.map_err(|(status, _)| status), Err(400));
        stop.raise();
        let ended = receive(&mut clip(4, "video/mp4"), &mut socket, &film.file, pause, &beat, &stop);
        assert_eq!(ended.map_err(|(status, _)| status), Err(503));
    }
}

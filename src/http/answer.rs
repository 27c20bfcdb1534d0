//! From a request to what is done about it: the route's own room, a page, or a sentence why not.

use std::net::IpAddr;
use std::time::Duration;

use super::auth::{Asker, Verdict};
use super::clip::{Asked, Clip};
use super::desk::{Awaited, Desk, Hand, Owed};
use super::head::{Field, Head, Method};
use super::pages::Page;
use super::query::{self, Number};
use super::reply::{self, Body, Reply};
use super::route::{self, Entry, Found, Route};
use super::{admin, api, auth, logbook, openapi, snapshot, stream, tuning};
use crate::metrics::RouteClass;
use crate::threads::Beat;

/// How long the clerk is waited for.
const ERRAND_PATIENCE: Duration = Duration::from_secs(10);

/// What `OPTIONS *` is answered: all that any route takes.
const EVERY_METHOD: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

const FOREIGN: &str = "this request comes from a page of another host";
const UNKNOWN_HOST: &str = "this box does not go by that name; hosts in [http] of its config says which it goes by";

/// A whole request.
pub struct Request<'a> {
    /// Its head,
    pub head: &'a Head,
    /// the bytes that the head's positions mean,
    pub bytes: &'a [u8],
    /// and its body.
    pub body: &'a [u8],
    /// Who sent it.
    pub peer: IpAddr,
    /// It came over TLS.
    pub secure: bool,
    /// The answer is the last on its connection.
    pub close: bool,
}

impl<'a> Request<'a> {
    /// A header's value.
    pub fn field(&self, field: Field) -> Option<&'a [u8]> {
        self.head.field(self.bytes, field)
    }

    fn asker(&self, desk: &Desk) -> Asker {
        Asker { peer: self.peer, now: desk.now, wall: desk.wall }
    }

    /// What follows the question mark.
    pub fn query(&self) -> &'a [u8] {
        self.head.query(self.bytes)
    }
}

/// What becomes of a request.
pub enum Outcome {
    /// It is answered.
    Reply(Reply),
    /// Its picture or the clerk must be waited for.
    Wait(Awaited),
    /// Its connection goes to a stream worker; the head of the answer is written.
    Hand(Hand),
}

/// Pages run no foreign and no inline script and stand in no frame.
const PAGE_POLICY: &str = "Content-Security-Policy: default-src 'self'; img-src 'self' blob: data:; \
     style-src 'self'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Answers a request; the head goes to `out`.
pub fn answer(desk: &mut Desk, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome {
    let (head, path) = (request.head, request.head.path(request.bytes));
    let refuse = |desk: &mut Desk, out: &mut Vec<u8>, class, status, why: &str| {
        Outcome::Reply(desk.refuse(out, class, status, why, request.close))
    };
    // mjpg-streamer's addresses, for programs that know them.
    let path = match (path, query::raw(request.query(), "action")) {
        ("/", Some(b"snapshot")) => "/snapshot",
        ("/", Some(b"stream")) => "/stream",
        _ => path,
    };
    match route::find(path, head.method) {
        Found::Entry(entry, name) => match barred(desk, request, entry, out) {
            Some(reply) => Outcome::Reply(reply),
            None => enter(desk, request, entry, name, out),
        },
        Found::Page(_) if !knows_host(desk, request) => refuse(desk, out, RouteClass::Page, 421, UNKNOWN_HOST),
        Found::Page(page) => Outcome::Reply(show(desk, request, page, out)),
        Found::WrongMethod(class, allowed) => Outcome::Reply(wrong_method(desk, request, class, &allowed, out)),
        Found::Nothing if head.method == Method::Options && path == "*" => {
            Outcome::Reply(wrong_method(desk, request, RouteClass::Api, EVERY_METHOD, out))
        }
        Found::Nothing => refuse(desk, out, RouteClass::Refused, 404, "there is nothing at this address"),
    }
}

fn knows_host(desk: &Desk, request: &Request<'_>) -> bool {
    auth::knows_host(request.head, request.bytes, &desk.shared.settings.hosts)
}

/// The answer to who may not have this row: asked by a stranger's name, without the key, or from a page of another host.
fn barred(desk: &mut Desk, request: &Request<'_>, entry: &Entry, out: &mut Vec<u8>) -> Option<Reply> {
    let (head, bytes) = (request.head, request.bytes);
    if entry.is_told_to_known_hosts_only() && !knows_host(desk, request) {
        return Some(desk.refuse(out, entry.class, 421, UNKNOWN_HOST, request.close));
    }
    if entry.wants_key {
        match desk.shared.gate.judge(head, bytes, request.asker(desk)) {
            Verdict::Admitted => {}
            Verdict::Refused => return Some(unauthorized(desk, request, entry.class, out)),
            Verdict::Slowed(wait) => return Some(desk.slow(out, entry.class, wait, request.close)),
        }
    }
    let foreign = entry.method != Method::Get && !auth::same_origin(head, bytes, request.secure);
    foreign.then(|| desk.refuse(out, entry.class, 403, FOREIGN, request.close))
}

/// Whether a clip may come, before its body is read; nothing: the request brings none. A refusal is its connection's last
/// answer. `bytes` begin with the head.
pub fn clip(
    desk: &mut Desk,
    (peer, secure): (IpAddr, bool),
    head: &Head,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Option<Result<Box<Clip>, Reply>> {
    let Found::Entry(entry, _) = route::find(head.path(bytes), head.method) else { return None };
    if entry.route != Route::Reference {
        return None;
    }
    if let Some(reply) = barred(desk, &Request { head, bytes, body: &[], peer, secure, close: true }, entry, out) {
        return Some(Err(reply));
    }
    let asked = Asked {
        query: head.query(bytes),
        kind: head.field(bytes, Field::ContentType).unwrap_or(&[]),
        length: head.content_length,
        expects_continue: head.expects_continue,
    };
    let shared = desk.shared.clone();
    let judged = shared.clips.admit(&shared, &asked);
    Some(judged.map_err(|(status, why)| desk.refuse(out, entry.class, status, &why, true)))
}

fn enter(desk: &mut Desk, request: &Request<'_>, entry: &'static Entry, name: &str, out: &mut Vec<u8>) -> Outcome {
    let house = desk.shared.house.clone();
    let (now, wall) = (desk.now, desk.wall);
    let (status, body) = match entry.route {
        Route::Snapshot | Route::Stream => return picture(desk, request, entry, name, out),
        Route::Events => return listen(desk, request, out),
        Route::Login => return Outcome::Reply(login(desk, request, out)),
        Route::Logout => return Outcome::Reply(logout(desk, request, out)),
        Route::Exercise | Route::Choose => return Outcome::Reply(exercise(desk, request, entry, name, out)),
        Route::Exercises => (200, tuning::exercises(&house)),
        Route::Thresholds => (200, tuning::thresholds(&house)),
        Route::Health => api::health(&house, desk.shared.settings.stale, now, wall),
        Route::Ready => api::ready(&house, now),
        Route::Cameras => (200, api::cameras(&house, now, desk.wall)),
        Route::State => (200, api::state(&house, desk.shared.tls.as_deref(), now, desk.wall)),
        Route::Metrics => (200, house.metrics.text().into_bytes()),
        Route::OpenApi => (200, Vec::new()),
        Route::Admin => (200, admin::report(&house, desk.shared.tls.as_deref(), now, wall)),
        _ => return errand(desk, request, entry, name, out),
    };
    let mut lines = desk.begin(out, status);
    match entry.route {
        Route::Metrics => {
            lines.fixed("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8");
        }
        _ => {
            lines.fixed("Content-Type: application/json");
        }
    }
    let body = match entry.route {
        Route::OpenApi => Body::Static(openapi::document()),
        _ => Body::Owned(body),
    };
    lines.fixed("Cache-Control: no-store").end(body.bytes().len(), request.close);
    Outcome::Reply(Reply { class: entry.class, status, body, close: request.close })
}

/// What may wait for the disk is the clerk's.
fn errand(desk: &mut Desk, request: &Request<'_>, entry: &'static Entry, name: &str, out: &mut Vec<u8>) -> Outcome {
    let house = desk.shared.house.clone();
    // A name that is no UTF-8 names nothing.
    let name = query::decoded(name.as_bytes(), false).unwrap_or_default().into_owned();
    let ask = logbook::Ask { route: entry.route, name, query: request.query().to_vec(), body: request.body.to_vec() };
    let work = move |beat: &Beat| match ask.route {
        Route::Tune => tuning::tune(&house, &ask.body),
        Route::Reset => tuning::reset(&house),
        _ => logbook::answer(&house, &ask, beat),
    };
    match desk.shared.clerks.ask(desk.bell.clone(), work) {
        Some(tray) => Outcome::Wait(Awaited::Errand(Owed { tray, class: entry.class, patience: ERRAND_PATIENCE })),
        None => Outcome::Reply(desk.refuse(out, entry.class, 503, "too many ask at once; ask again", request.close)),
    }
}

fn exercise(desk: &mut Desk, request: &Request<'_>, entry: &'static Entry, name: &str, out: &mut Vec<u8>) -> Reply {
    let house = desk.shared.house.clone();
    let named = query::decoded(name.as_bytes(), false);
    let view = named.and_then(|name| house.views.iter().find(|view| view.name() == name));
    let Some(view) = view else {
        return desk.refuse(out, entry.class, 404, "there is no camera of this name", request.close);
    };
    if entry.route == Route::Choose
        && let Err(why) = tuning::choose(view, request.body)
    {
        return desk.refuse(out, entry.class, 422, &why, request.close);
    }
    let body = tuning::exercise(view);
    let mut lines = desk.begin(out, 200);
    lines.fixed("Content-Type: application/json").fixed("Cache-Control: no-store").end(body.len(), request.close);
    Reply { class: entry.class, status: 200, body: Body::Owned(body), close: request.close }
}

fn picture(desk: &mut Desk, request: &Request<'_>, entry: &'static Entry, name: &str, out: &mut Vec<u8>) -> Outcome {
    let camera = match entry.variable {
        None => (!desk.shared.house.views.is_empty()).then_some(0),
        Some(_) => query::decoded(name.as_bytes(), false)
            .and_then(|name| desk.shared.house.views.iter().position(|v| v.name() == name)),
    };
    match camera {
        None => Outcome::Reply(desk.refuse(out, entry.class, 404, "there is no camera of this name", request.close)),
        Some(camera) if desk.shared.house.views[camera].is_private() => {
            let why = format!("camera {} shows no pictures, only skeletons", desk.shared.house.views[camera].name());
            Outcome::Reply(desk.refuse(out, entry.class, 403, &why, request.close))
        }
        Some(camera) if entry.route == Route::Snapshot => snapshot::answer(desk, request, camera, out),
        Some(camera) => watch(desk, request, camera, out),
    }
}

fn watch(desk: &mut Desk, request: &Request<'_>, camera: usize, out: &mut Vec<u8>) -> Outcome {
    let shared = desk.shared.clone();
    let view = &shared.house.views[camera];
    let refuse = |desk: &mut Desk, out: &mut Vec<u8>, status, why: &str| {
        Outcome::Reply(desk.refuse(out, RouteClass::Stream, status, why, request.close))
    };
    if view.newest_id_at(desk.now, desk.wall) == 0 {
        return refuse(desk, out, 404, &snapshot::absence(view));
    }
    let variant = match snapshot::variant(request.query(), view) {
        Ok(variant) => variant,
        Err(why) => return refuse(desk, out, 422, &why),
    };
    let period = match query::number::<f64>(request.query(), "fps") {
        Number::Absent => None,
        Number::Is(fps) if (route::FPS_LEAST..=route::FPS_MOST).contains(&fps) => {
            Some(Duration::from_secs_f64(1.0 / fps))
        }
        _ => {
            let why = format!("fps must be a number from {} to {}", route::FPS_LEAST, route::FPS_MOST);
            return refuse(desk, out, 422, &why);
        }
    };
    let head_only = request.head.method == Method::Head;
    let seat = if head_only { None } else { shared.limits.watch(request.peer, view) };
    if seat.is_none() && !head_only {
        return refuse(desk, out, 503, "as many streams are open as this box allows; close one or ask again later");
    }
    let mut lines = desk.begin_picture(out, 200);
    lines.fixed(stream::CONTENT_TYPE).fixed("Cache-Control: no-cache, no-store").fixed("X-Accel-Buffering: no");
    lines.end_open(true);
    match seat {
        Some(seat) => Outcome::Hand(Hand::Pictures(seat, view.clone(), variant, period)),
        None => Outcome::Reply(Reply { class: RouteClass::Stream, status: 200, body: Body::Empty, close: true }),
    }
}

fn listen(desk: &mut Desk, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome {
    let head_only = request.head.method == Method::Head;
    let seat = if head_only { None } else { desk.shared.limits.listen(request.peer) };
    if seat.is_none() && !head_only {
        let why = "as many listen as this box allows; ask again later";
        return Outcome::Reply(desk.refuse(out, RouteClass::Events, 503, why, request.close));
    }
    let mut lines = desk.begin(out, 200);
    lines.fixed("Content-Type: text/event-stream").fixed("Cache-Control: no-cache, no-store");
    lines.fixed("X-Accel-Buffering: no").end_open(true);
    match seat {
        Some(seat) => Outcome::Hand(Hand::Events(seat)),
        None => Outcome::Reply(Reply { class: RouteClass::Events, status: 200, body: Body::Empty, close: true }),
    }
}

/// A page's own script says X-Requested-With and shows its own words; for it no browser's dialog may open.
fn unauthorized(desk: &mut Desk, request: &Request<'_>, class: RouteClass, out: &mut Vec<u8>) -> Reply {
    let body = reply::detail("this wants the box's key");
    let mut lines = desk.begin(out, 401);
    lines.fixed("Content-Type: application/json").fixed("Cache-Control: no-store");
    if request.field(Field::RequestedWith).is_none() {
        lines.fixed("WWW-Authenticate: Basic realm=\"spotter\"");
    }
    lines.end(body.len(), request.close);
    Reply { class, status: 401, body: Body::Owned(body), close: request.close }
}

fn wrong_method(desk: &mut Desk, request: &Request<'_>, class: RouteClass, allowed: &str, out: &mut Vec<u8>) -> Reply {
    if request.head.method == Method::Options {
        desk.begin(out, 204).line("Allow", allowed.as_bytes()).end_open(request.close);
        return Reply { class, status: 204, body: Body::Empty, close: request.close };
    }
    let body = reply::detail(&format!("this address allows {allowed}"));
    let mut lines = desk.begin(out, 405);
    lines.fixed("Content-Type: application/json").line("Allow", allowed.as_bytes()).end(body.len(), request.close);
    Reply { class, status: 405, body: Body::Owned(body), close: request.close }
}

fn show(desk: &mut Desk, request: &Request<'_>, page: &'static Page, out: &mut Vec<u8>) -> Reply {
    let class = RouteClass::Page;
    let judged = || desk.shared.gate.judge(request.head, request.bytes, request.asker(desk));
    if page.needs_login && judged() != Verdict::Admitted {
        let next = request.head.path(request.bytes);
        return see_other(desk, request, &[b"/login?next=", next.as_bytes()].concat(), &[], out);
    }
    let fresh = request.field(Field::IfNoneMatch).is_some_and(|known| snapshot::is_among(known, page.etag.as_bytes()));
    let status = if fresh { 304 } else { 200 };
    let mut lines = desk.begin_page(out, status);
    lines.line("ETag", page.etag.as_bytes()).fixed("Cache-Control: no-cache").fixed(PAGE_POLICY);
    if fresh {
        lines.end_open(request.close);
        return Reply { class, status, body: Body::Empty, close: request.close };
    }
    lines.line("Content-Type", page.content_type.as_bytes()).end(page.body.len(), request.close);
    Reply { class, status, body: Body::Static(page.body), close: request.close }
}

fn see_other(desk: &mut Desk, request: &Request<'_>, place: &[u8], cookies: &[&[u8]], out: &mut Vec<u8>) -> Reply {
    let mut lines = desk.begin(out, 303);
    lines.line("Location", place).fixed("Cache-Control: no-store");
    for cookie in cookies {
        lines.line("Set-Cookie", cookie);
    }
    lines.end(0, request.close);
    Reply { class: RouteClass::Page, status: 303, body: Body::Empty, close: request.close }
}

/// A form is sent on to the next page, or back with `wrong=1`; JSON and scripts get a status.
fn login(desk: &mut Desk, request: &Request<'_>, out: &mut Vec<u8>) -> Reply {
    let class = RouteClass::Page;
    let kind = request.field(Field::ContentType).unwrap_or(&[]);
    let json = kind.get(..16).is_some_and(|k| k.eq_ignore_ascii_case(b"application/json"));
    let form = !json && request.field(Field::RequestedWith).is_none();
    let Some(key) = auth::key_in(request.body, json) else {
        return desk.refuse(out, class, 400, "a login must bring the field key", request.close);
    };
    let asked = query::text(request.query(), "next").or_else(|| query::text(request.body, "next"));
    let next = auth::next_place(asked.as_deref());
    let verdict = desk.shared.gate.judge_key(key.as_bytes(), request.asker(desk));
    if let Verdict::Slowed(wait) = verdict {
        return desk.slow(out, class, wait, request.close);
    }
    if verdict == Verdict::Refused {
        if form {
            return see_other(desk, request, &[b"/login?wrong=1&next=", next.as_bytes()].concat(), &[], out);
        }
        return desk.refuse(out, class, 401, "this is not the box's key", request.close);
    }
    let cookie = match desk.shared.gate.cookie(desk.wall, request.secure) {
        Ok(cookie) => cookie,
        Err(why) => {
            log::error!("no cookie can be made: {why}");
            return desk.refuse(out, class, 503, "the box has no random numbers; ask again later", request.close);
        }
    };
    if form {
        return see_other(desk, request, next.as_bytes(), &[&cookie], out);
    }
    done(desk, request, &[&cookie], out)
}

fn logout(desk: &mut Desk, request: &Request<'_>, out: &mut Vec<u8>) -> Reply {
    if request.field(Field::RequestedWith).is_none() {
        return see_other(desk, request, b"/login", auth::gone(request.secure), out);
    }
    done(desk, request, auth::gone(request.secure), out)
}

fn done(desk: &mut Desk, request: &Request<'_>, cookies: &[&[u8]], out: &mut Vec<u8>) -> Reply {
    const BODY: &[u8] = br#"{"status":"ok"}"#;
    let mut lines = desk.begin(out, 200);
    lines.fixed("Content-Type: application/json").fixed("Cache-Control: no-store");
    for cookie in cookies {
        lines.line("Set-Cookie", cookie);
    }
    lines.end(BODY.len(), request.close);
    Reply { class: RouteClass::Page, status: 200, body: Body::Static(BODY), close: request.close }
}

//! The one table of routes: what is there, who may see it, what it answers. The OpenAPI document is made from it.

use std::sync::LazyLock;

use super::head::Method;
use super::pages::{self, Page};
use crate::metrics::RouteClass;

/// What a path is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// Is any live camera fresh?
    Health,
    /// Do all threads beat?
    Ready,
    /// The numbers.
    Metrics,
    /// All cameras.
    Cameras,
    /// The newest picture.
    Snapshot,
    /// All pictures.
    Stream,
    /// What happens.
    Events,
    /// What is seen.
    State,
    /// The table itself.
    OpenApi,
    /// The inside of the box.
    Admin,
    /// The key for a cookie.
    Login,
    /// The cookie's end.
    Logout,
}

/// A parameter in the query.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// JSON Schema type.
    pub kind: &'static str,
    /// The least value.
    pub least: f64,
    /// The greatest value.
    pub most: f64,
    /// What it does.
    pub help: &'static str,
}

/// One row.
pub struct Entry {
    /// The path, up to a camera's name if it has one.
    pub prefix: &'static str,
    /// What follows the camera's name.
    pub suffix: Option<&'static str>,
    /// GET implies HEAD.
    pub method: Method,
    /// What it is for.
    pub route: Route,
    /// What it is counted as.
    pub class: RouteClass,
    /// Whether it wants the key.
    pub wants_key: bool,
    /// One line for people.
    pub summary: &'static str,
    /// The media type of its 200.
    pub media: &'static str,
    /// What it may answer beside 200.
    pub answers: &'static [u16],
    /// What its query may hold.
    pub parameters: &'static [Parameter],
}

const QUALITY: Parameter =
    Parameter { name: "q", kind: "integer", least: 1.0, most: 95.0, help: "JPEG quality; 75 when absent" };
const WIDTH: Parameter = Parameter {
    name: "w",
    kind: "integer",
    least: 16.0,
    most: 65_535.0,
    help: "pixels across, at most the camera's own; the camera's own when absent",
};
const FPS: Parameter = Parameter {
    name: "fps",
    kind: "number",
    least: FPS_LEAST,
    most: FPS_MOST,
    help: "at most this many pictures a second",
};
/// The slowest pace of a stream.
pub const FPS_LEAST: f64 = 0.1;
/// The fastest pace of a stream.
pub const FPS_MOST: f64 = 240.0;

const JSON: &str = "application/json";

const fn open(prefix: &'static str, route: Route, summary: &'static str) -> Entry {
    Entry {
        prefix,
        suffix: None,
        method: Method::Get,
        route,
        class: RouteClass::Probe,
        wants_key: false,
        summary,
        media: JSON,
        answers: &[],
        parameters: &[],
    }
}

const fn api(prefix: &'static str, route: Route, summary: &'static str) -> Entry {
    Entry { class: RouteClass::Api, wants_key: true, ..open(prefix, route, summary) }
}

const fn snapshot(prefix: &'static str, suffix: Option<&'static str>, summary: &'static str) -> Entry {
    Entry {
        suffix,
        class: RouteClass::Snapshot,
        media: "image/jpeg",
        answers: &[304, 403, 404, 422, 503],
        parameters: &[QUALITY, WIDTH],
        ..api(prefix, Route::Snapshot, summary)
    }
}

const fn stream(prefix: &'static str, suffix: Option<&'static str>, summary: &'static str) -> Entry {
    Entry {
        suffix,
        class: RouteClass::Stream,
        media: "multipart/x-mixed-replace",
        answers: &[403, 404, 422, 503],
        parameters: &[QUALITY, WIDTH, FPS],
        ..api(prefix, Route::Stream, summary)
    }
}

/// Every route but the pages. The busiest stand first: the table is searched from the top.
pub static TABLE: [Entry; 14] = [
    snapshot("/api/v1/cameras/", Some("/snapshot"), "The newest picture of a camera"),
    snapshot("/snapshot", None, "The newest picture of the first camera"),
    stream("/api/v1/cameras/", Some("/stream"), "The pictures of a camera as they come"),
    stream("/stream", None, "The pictures of the first camera as they come"),
    api("/api/v1/cameras", Route::Cameras, "All cameras and how they do"),
    api("/api/v1/state", Route::State, "What each camera's pipeline sees now"),
    Entry {
        class: RouteClass::Events,
        media: "text/event-stream",
        answers: &[503],
        ..api("/api/v1/events", Route::Events, "What happens, as server-sent events")
    },
    Entry { answers: &[503], ..open("/healthz", Route::Health, "Whether any live camera is fresh") },
    Entry { answers: &[503], ..open("/readyz", Route::Ready, "Whether every thread has begun") },
    Entry { media: "application/openmetrics-text", ..open("/metrics", Route::Metrics, "The numbers, for Prometheus") },
    api("/api/v1/admin", Route::Admin, "Threads, versions, drops, temperatures and the config as resolved"),
    api("/api/v1/openapi.json", Route::OpenApi, "This table as OpenAPI"),
    Entry {
        method: Method::Post,
        class: RouteClass::Page,
        answers: &[303, 400, 401, 403, 503],
        ..open("/login", Route::Login, "Gives a cookie for the key")
    },
    Entry {
        method: Method::Post,
        class: RouteClass::Page,
        answers: &[303, 403],
        ..open("/logout", Route::Logout, "Ends the cookie")
    },
];

impl Entry {
    /// The camera's name in the path as sent (empty for rows without one), if the path is this row's.
    fn matches<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.suffix {
            None => (path == self.prefix).then_some(""),
            Some(suffix) => {
                let name = path.strip_prefix(self.prefix)?.strip_suffix(suffix)?;
                (!name.is_empty() && !name.contains('/')).then_some(name)
            }
        }
    }

    /// The path for people and for OpenAPI.
    pub fn template(&self) -> String {
        match self.suffix {
            None => self.prefix.to_string(),
            Some(suffix) => format!("{}{{name}}{suffix}", self.prefix),
        }
    }
}

/// Where a request goes.
pub enum Found<'a> {
    /// A row of the table, and the camera's name as sent.
    Entry(&'static Entry, &'a str),
    /// A page or one of its files.
    Page(&'static Page),
    /// The path is there, the method is not; these are allowed.
    WrongMethod(RouteClass, String),
    /// No such path.
    Nothing,
}

/// The place for a path and a method.
pub fn find(path: &str, method: Method) -> Found<'_> {
    let asked = if method == Method::Head { Method::Get } else { method };
    for entry in &TABLE {
        if entry.method == asked
            && let Some(name) = entry.matches(path)
        {
            return Found::Entry(entry, name);
        }
    }
    let page = pages::find(path);
    if let (Some(page), Method::Get) = (page, asked) {
        return Found::Page(page);
    }
    let mut allowed = String::new();
    let mut class = RouteClass::Page;
    for entry in TABLE.iter().filter(|e| e.matches(path).is_some()) {
        class = entry.class;
        allow(&mut allowed, entry.method);
    }
    if page.is_some() {
        allow(&mut allowed, Method::Get);
    }
    if allowed.is_empty() {
        return Found::Nothing;
    }
    allowed.push_str("OPTIONS");
    Found::WrongMethod(class, allowed)
}

fn allow(list: &mut String, method: Method) {
    list.push_str(if method == Method::Get { "GET, HEAD" } else { method.name() });
    list.push_str(", ");
}

/// Every template once, in the order of the table.
pub fn templates() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut all: Vec<String> = Vec::new();
        for template in TABLE.iter().map(Entry::template) {
            if !all.contains(&template) {
                all.push(template);
            }
        }
        all
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, method: Method) -> Option<(Route, String)> {
        match find(path, method) {
            Found::Entry(entry, name) => Some((entry.route, name.to_string())),
            _ => None,
        }
    }

    fn allowed(path: &str, method: Method) -> String {
        match find(path, method) {
            Found::WrongMethod(_, allowed) => allowed,
            _ => String::new(),
        }
    }

    #[test]
    fn paths_lead_where_the_contract_says() {
        let get = |path| route(path, Method::Get);
        assert_eq!(get("/api/v1/cameras/rack%201/snapshot"), Some((Route::Snapshot, "rack%201".into())));
        assert_eq!(get("/api/v1/cameras/a/stream"), Some((Route::Stream, "a".into())));
        assert_eq!(get("/snapshot"), Some((Route::Snapshot, String::new())));
        assert_eq!(route("/healthz", Method::Head), Some((Route::Health, String::new())));
        for nowhere in ["/api/v1/cameras/", "/api/v1/cameras//snapshot", "/api/v1/cameras/a/b/snapshot", "/snapshot/"] {
            assert_eq!(get(nowhere), None, "{nowhere}");
        }
        assert!(matches!(find("/", Method::Get), Found::Page(_)));
        assert!(matches!(find("/assets/../x", Method::Get), Found::Nothing));
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        assert_eq!(allowed("/snapshot", Method::Post), "GET, HEAD, OPTIONS");
        assert_eq!(allowed("/login", Method::Put), "POST, GET, HEAD, OPTIONS");
        assert_eq!(allowed("/logout", Method::Get), "POST, OPTIONS");
        assert_eq!(allowed("/nowhere", Method::Post), "");
    }

    #[test]
    fn no_row_stands_twice() {
        for (i, a) in TABLE.iter().enumerate() {
            for b in &TABLE[i + 1..] {
                assert!(a.template() != b.template() || a.method != b.method, "{}", a.template());
            }
        }
    }
}

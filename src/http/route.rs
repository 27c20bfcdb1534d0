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
    /// The log's sets.
    Sets,
    /// The whole log as a table.
    SetsCsv,
    /// The whole log with its repetitions.
    SetsJson,
    /// One set.
    Set,
    /// What the athlete says of it instead.
    Correct,
    /// It is right as it stands.
    Confirm,
    /// It was none.
    Delete,
    /// Its movement is an example of an exercise.
    Remember,
    /// The pictures of sets.
    Pictures,
    /// One of them.
    Picture,
    /// What counts as a repetition and as a set.
    Thresholds,
    /// The same, changed.
    Tune,
    /// The same, as the config has it.
    Reset,
    /// The exercises known by name.
    Exercises,
    /// What the athlete says he does.
    Exercise,
    /// He says it.
    Choose,
    /// Recorded exercises.
    Prototypes,
    /// No longer.
    Forget,
    /// What a sink refused is tried again.
    Retry,
    /// One more, from a clip.
    Reference,
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

/// The part of a path that names something.
#[derive(Clone, Copy)]
pub struct Variable {
    /// What it is called in the templates.
    pub name: &'static str,
    /// What follows it.
    pub suffix: &'static str,
    /// It may hold slashes.
    pub deep: bool,
    /// What it names.
    pub help: &'static str,
}

/// One row.
pub struct Entry {
    /// The path, up to its variable part if it has one.
    pub prefix: &'static str,
    /// The variable part, such as a camera's name.
    pub variable: Option<Variable>,
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
const SINCE: Parameter = Parameter {
    name: "since",
    kind: "integer",
    least: 0.0,
    most: 9_007_199_254_740_991.0,
    help: "only what began at this moment or later, Unix milliseconds",
};
const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: "integer",
    least: 1.0,
    most: LIMIT_MOST as f64,
    help: "at most so many; 50 when absent",
};
const BEFORE: Parameter = Parameter {
    name: "before",
    kind: "integer",
    least: 1.0,
    most: 9_007_199_254_740_991.0,
    help: "only sets with a smaller number: the page after the one that ended with it",
};
const EXERCISE: Parameter =
    Parameter { name: "exercise", kind: "string", least: 0.0, most: 0.0, help: "of this exercise; all when absent" };
const EXERCISE_NAME: Parameter = Parameter {
    name: "exercise_name",
    kind: "string",
    least: 0.0,
    most: 0.0,
    help: "what is done in the clip; it must be there, at most 64 characters",
};
/// The most sets in one list.
pub const LIMIT_MOST: u64 = 500;
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
        variable: None,
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

const fn camera(suffix: &'static str) -> Option<Variable> {
    Some(Variable { name: "name", suffix, deep: false, help: "the camera's name" })
}

const fn snapshot(prefix: &'static str, variable: Option<Variable>, summary: &'static str) -> Entry {
    Entry {
        variable,
        class: RouteClass::Snapshot,
        media: "image/jpeg",
        answers: &[304, 403, 404, 422, 503],
        parameters: &[QUALITY, WIDTH],
        ..api(prefix, Route::Snapshot, summary)
    }
}

const fn stream(prefix: &'static str, variable: Option<Variable>, summary: &'static str) -> Entry {
    Entry {
        variable,
        class: RouteClass::Stream,
        media: "multipart/x-mixed-replace",
        answers: &[403, 404, 422, 503],
        parameters: &[QUALITY, WIDTH, FPS],
        ..api(prefix, Route::Stream, summary)
    }
}

const fn log(prefix: &'static str, route: Route, summary: &'static str) -> Entry {
    Entry { answers: &[422, 503], parameters: &[SINCE, LIMIT], ..api(prefix, route, summary) }
}

const fn set(suffix: &'static str, method: Method, route: Route, summary: &'static str) -> Entry {
    let variable = Some(Variable { name: "id", suffix, deep: false, help: "the set's number" });
    let answers: &[u16] = if matches!(method, Method::Get) { &[404, 503] } else { &[403, 404, 422, 503] };
    Entry { variable, method, answers, ..api("/api/v1/sets/", route, summary) }
}

/// Every route but the pages. The busiest stand first: the table is searched from the top.
pub static TABLE: [Entry; 34] = [
    snapshot("/api/v1/cameras/", camera("/snapshot"), "The newest picture of a camera"),
    snapshot("/snapshot", None, "The newest picture of the first camera"),
    stream("/api/v1/cameras/", camera("/stream"), "The pictures of a camera as they come"),
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
    Entry { parameters: &[SINCE, LIMIT, BEFORE], ..log("/api/v1/sets", Route::Sets, "The log, the newest set first") },
    Entry {
        media: "text/csv",
        parameters: &[SINCE],
        ..log("/api/v1/sets.csv", Route::SetsCsv, "The log as a table, the oldest set first")
    },
    Entry {
        parameters: &[SINCE],
        ..log("/api/v1/sets.json", Route::SetsJson, "The log with all repetitions, the oldest set first")
    },
    set("", Method::Get, Route::Set, "One set with its repetitions and deliveries"),
    set("", Method::Patch, Route::Correct, "What the athlete says of a set instead"),
    set("", Method::Delete, Route::Delete, "Takes a set out of the log"),
    set("/confirm", Method::Post, Route::Confirm, "A set is right as it stands, or as the body says"),
    set("/remember", Method::Post, Route::Remember, "A set's movement becomes an example of an exercise"),
    log("/api/v1/snapshots", Route::Pictures, "The pictures of sets, the newest first"),
    Entry {
        variable: Some(Variable { name: "path", suffix: "", deep: true, help: "the picture's place" }),
        media: "image/jpeg",
        answers: &[404, 503],
        ..api("/api/v1/snapshots/", Route::Picture, "The picture of a set")
    },
    api("/api/v1/thresholds", Route::Thresholds, "What counts as a repetition and as a set"),
    Entry {
        method: Method::Patch,
        answers: &[403, 422, 503],
        ..api("/api/v1/thresholds", Route::Tune, "Changes thresholds at once; all that are named, or none")
    },
    Entry {
        method: Method::Delete,
        answers: &[403, 503],
        ..api("/api/v1/thresholds", Route::Reset, "The thresholds of the config again")
    },
    api("/api/v1/exercises", Route::Exercises, "The exercises that the box knows by name"),
    Entry {
        variable: camera("/exercise"),
        answers: &[404],
        ..api("/api/v1/cameras/", Route::Exercise, "What the athlete says he does; null: it is recognised")
    },
    Entry {
        variable: camera("/exercise"),
        method: Method::Put,
        answers: &[403, 404, 422],
        ..api("/api/v1/cameras/", Route::Choose, "The athlete says what he does")
    },
    Entry { answers: &[503], ..api("/api/v1/prototypes", Route::Prototypes, "Recorded exercises") },
    Entry {
        method: Method::Delete,
        parameters: &[EXERCISE],
        answers: &[403, 503],
        ..api("/api/v1/prototypes", Route::Forget, "Forgets recorded exercises")
    },
    Entry {
        method: Method::Post,
        parameters: &[EXERCISE_NAME],
        answers: &[403, 408, 413, 422, 503],
        ..api("/api/v1/reference", Route::Reference, "A recorded clip of one exercise becomes a prototype")
    },
    Entry {
        variable: Some(Variable { name: "name", suffix: "/retry", deep: false, help: "the sink's name" }),
        method: Method::Post,
        answers: &[403, 404, 503],
        ..api("/api/v1/sinks/", Route::Retry, "What a sink refused is tried again")
    },
    api("/api/v1/admin", Route::Admin, "Threads, versions, drops, temperatures and the config as resolved"),
    api("/api/v1/openapi.json", Route::OpenApi, "This table as OpenAPI"),
    Entry {
        method: Method::Post,
        class: RouteClass::Page,
        answers: &[303, 400, 401, 403, 429, 503],
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
    /// Whether it lives may be asked by any name: what watches over a box has names of its own for it.
    pub fn is_told_to_known_hosts_only(&self) -> bool {
        !matches!(self.route, Route::Health | Route::Ready | Route::Metrics)
    }

    /// The variable part of the path as sent (empty for rows without one), if the path is this row's.
    fn matches<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some(variable) = self.variable else { return (path == self.prefix).then_some("") };
        let name = path.strip_prefix(self.prefix)?.strip_suffix(variable.suffix)?;
        (!name.is_empty() && (variable.deep || !name.contains('/'))).then_some(name)
    }

    /// The path for people and for OpenAPI.
    pub fn template(&self) -> String {
        match self.variable {
            None => self.prefix.to_string(),
            Some(variable) => format!("{}{{{}}}{}", self.prefix, variable.name, variable.suffix),
        }
    }
}

/// Where a request goes.
pub enum Found<'a> {
    /// A row of the table, and its variable part as sent.
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

//! The pages, compiled into the program. (Provisional: the face is final, the contents come from their own room.)

/// One file that a browser asks for.
pub struct Page {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: &'static [u8],
    /// Different for different bytes; with its quotation marks.
    pub etag: &'static str,
    /// Sent to the login page when a key is set and the browser has not logged in.
    pub needs_login: bool,
}

macro_rules! provisional {
    ($name:literal, $needs_login:literal) => {
        Page {
            content_type: "text/html; charset=utf-8",
            body: concat!("<!doctype html><title>Spotter ", $name, "</title><p>", $name, "</p>\n").as_bytes(),
            etag: concat!("\"", $name, "-0\""),
            needs_login: $needs_login,
        }
    };
}

static WALL: Page = provisional!("wall", true);
static ADMIN: Page = provisional!("admin", true);
static LOGIN: Page = provisional!("login", false);
static STYLE: Page = Page {
    content_type: "text/css; charset=utf-8",
    body: b"body{background:#111;color:#eee}\n",
    etag: "\"style-0\"",
    needs_login: false,
};

/// The page at this path.
pub fn find(path: &str) -> Option<&'static Page> {
    match path {
        "/" => Some(&WALL),
        "/admin" => Some(&ADMIN),
        "/login" => Some(&LOGIN),
        "/assets/style.css" => Some(&STYLE),
        _ => None,
    }
}

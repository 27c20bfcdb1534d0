//! The pages that a browser shows, compiled into the program: the wall, the admin page, the login, and their assets.
//!
//! Plain HTML, CSS and JavaScript modules as they stand in this folder: no build step, nothing inline, nothing from
//! elsewhere, so that the strictest content policy holds and a box without the internet shows everything. All of them
//! carry one tag, made from the bytes of all: a page that stayed open over a restart asks for the tag again, and loads
//! itself anew when the box has become another one.

/// One file that a browser asks for.
#[derive(Clone, Copy)]
pub struct Page {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: &'static [u8],
    /// Different for different bytes of any page; with its quotation marks.
    pub etag: &'static str,
    /// Sent to the login page when a key is set and the browser has not logged in.
    pub needs_login: bool,
}

type File = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The first of [`FILES`] want a login. Assets hold no secret, and the login page needs some of them.
const BEHIND_THE_LOGIN: usize = 2;

/// Every file, by its path.
const FILES: &[File] = &[
    ("/", HTML, include_bytes!("wall.html")),
    ("/admin", HTML, include_bytes!("admin.html")),
    ("/login", HTML, include_bytes!("login.html")),
    ("/assets/favicon.svg", SVG, include_bytes!("favicon.svg")),
    ("/assets/base.css", CSS, include_bytes!("base.css")),
    ("/assets/wall.css", CSS, include_bytes!("wall.css")),
    ("/assets/skeleton.css", CSS, include_bytes!("skeleton.css")),
    ("/assets/board.css", CSS, include_bytes!("board.css")),
    ("/assets/opened.css", CSS, include_bytes!("opened.css")),
    ("/assets/admin.css", CSS, include_bytes!("admin.css")),
    ("/assets/log.css", CSS, include_bytes!("log.css")),
    ("/assets/record.css", CSS, include_bytes!("record.css")),
    ("/assets/login.css", CSS, include_bytes!("login.css")),
    ("/assets/theme.js", JS, include_bytes!("js/theme.js")),
    ("/assets/words.js", JS, include_bytes!("js/words.js")),
    ("/assets/clock.js", JS, include_bytes!("js/clock.js")),
    ("/assets/pause.js", JS, include_bytes!("js/pause.js")),
    ("/assets/box.js", JS, include_bytes!("js/box.js")),
    ("/assets/multipart.js", JS, include_bytes!("js/multipart.js")),
    ("/assets/stream.js", JS, include_bytes!("js/stream.js")),
    ("/assets/feed.js", JS, include_bytes!("js/feed.js")),
    ("/assets/pairs.js", JS, include_bytes!("js/pairs.js")),
    ("/assets/skeleton.js", JS, include_bytes!("js/skeleton.js")),
    ("/assets/overlay.js", JS, include_bytes!("js/overlay.js")),
    ("/assets/switch.js", JS, include_bytes!("js/switch.js")),
    ("/assets/nodes.js", JS, include_bytes!("js/nodes.js")),
    ("/assets/asked.js", JS, include_bytes!("js/asked.js")),
    ("/assets/rest.js", JS, include_bytes!("js/rest.js")),
    ("/assets/sets.js", JS, include_bytes!("js/sets.js")),
    ("/assets/today.js", JS, include_bytes!("js/today.js")),
    ("/assets/picker.js", JS, include_bytes!("js/picker.js")),
    ("/assets/board.js", JS, include_bytes!("js/board.js")),
    ("/assets/canvas.js", JS, include_bytes!("js/canvas.js")),
    ("/assets/tile.js", JS, include_bytes!("js/tile.js")),
    ("/assets/layout.js", JS, include_bytes!("js/layout.js")),
    ("/assets/wall.js", JS, include_bytes!("js/wall.js")),
    ("/assets/parts.js", JS, include_bytes!("js/parts.js")),
    ("/assets/editor.js", JS, include_bytes!("js/editor.js")),
    ("/assets/cells.js", JS, include_bytes!("js/cells.js")),
    ("/assets/log.js", JS, include_bytes!("js/log.js")),
    ("/assets/tune.js", JS, include_bytes!("js/tune.js")),
    ("/assets/sinks.js", JS, include_bytes!("js/sinks.js")),
    ("/assets/recorded.js", JS, include_bytes!("js/recorded.js")),
    ("/assets/example.js", JS, include_bytes!("js/example.js")),
    ("/assets/recorder.js", JS, include_bytes!("js/recorder.js")),
    ("/assets/trace.js", JS, include_bytes!("js/trace.js")),
    ("/assets/traces.js", JS, include_bytes!("js/traces.js")),
    ("/assets/admin.js", JS, include_bytes!("js/admin.js")),
    ("/assets/login.js", JS, include_bytes!("js/login.js")),
];

static PAGES: [Page; FILES.len()] = {
    let mut pages = [Page { content_type: HTML, body: &[], etag: TAG, needs_login: true }; FILES.len()];
    let mut i = 0;
    while i < FILES.len() {
        let (_, content_type, body) = FILES[i];
        pages[i] = Page { content_type, body, etag: TAG, needs_login: i < BEHIND_THE_LOGIN };
        i += 1;
    }
    pages
};

const TAG: &str = match std::str::from_utf8(&TAG_BYTES) {
    Ok(tag) => tag,
    Err(_) => panic!("hexadecimal digits are UTF-8"),
};

/// FNV-1a over every byte of every file, in hexadecimal between quotation marks.
const TAG_BYTES: [u8; 18] = {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut file = 0;
    while file < FILES.len() {
        let body = FILES[file].2;
        let mut i = 0;
        while i < body.len() {
            hash = (hash ^ body[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        file += 1;
    }
    let mut tag = [b'"'; 18];
    let mut digit = 0;
    while digit < 16 {
        tag[1 + digit] = b"0123456789abcdef"[(hash >> (60 - 4 * digit)) as usize & 15];
        digit += 1;
    }
    tag
};

/// The page at this path.
pub fn find(path: &str) -> Option<&'static Page> {
    FILES.iter().position(|file| file.0 == path).map(|i| &PAGES[i])
}

#[cfg(test)]
mod tests {
    use super::super::head::Method;
    use super::super::route::{self, Found};
    use super::*;

    fn text(page: &Page) -> &'static str {
        std::str::from_utf8(page.body).unwrap()
    }

    /// What a file names between `before` and the next quotation mark.
    fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_file_that_a_page_names_is_there() {
        for (path, ..) in FILES {
            let text = text(find(path).unwrap());
            for asked in named(text, "src=\"/").chain(named(text, "href=\"/")) {
                let asked = format!("/{asked}");
                let known = find(&asked).is_some() || matches!(route::find(&asked, Method::Get), Found::Entry(..));
                assert!(known, "{path} asks for {asked}");
            }
            for module in named(text, "from \"./") {
                assert!(find(&format!("/assets/{module}")).is_some(), "{path} imports {module}");
            }
        }
    }

    #[test]
    fn nothing_stands_inline_and_nothing_comes_from_elsewhere() {
        for (path, kind, body) in FILES {
            let text = std::str::from_utf8(body).unwrap();
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("://"), "{path} names another host");
            if *kind == HTML {
                assert!(!text.contains("<style") && !text.contains(" style="), "{path}");
                assert!(
                    text.split("<script").skip(1).all(|s| s.contains("></script>") && s.contains("src=")),
                    "{path}"
                );
            }
            assert!(text.lines().count() <= 200, "{path} is long");
        }
    }

    #[test]
    fn only_the_wall_and_the_admin_page_want_a_login() {
        let shut: Vec<_> = FILES.iter().map(|f| f.0).filter(|path| find(path).unwrap().needs_login).collect();
        assert_eq!(shut, ["/", "/admin"]);
        assert!(find("/assets/../mod.rs").is_none() && find("").is_none());
    }

    #[test]
    fn the_tag_is_sixteen_digits_in_quotation_marks() {
        let tag = find("/").unwrap().etag;
        assert_eq!(tag.len(), 18);
        assert!(tag.starts_with('"') && tag.ends_with('"'));
        assert!(tag[1..17].bytes().all(|b| b.is_ascii_hexdigit()));
    }
}

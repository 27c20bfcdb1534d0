//! The rules of the house, kept by reading its sources: who may import whom, how long things may be, where `unsafe` may
//! stand, what must not be committed. Each rule is a function from a text to its faults, and has a test of its own that
//! shows it can fail.
//!
//! *code*: a source with the insides of comments and literals blanked, so that braces and words in them do not count ·
//! *words*: the same with the literals left in.

use std::path::Path;
use std::process::Command;

/// Rooms and their strata, as the head of `src/lib.rs` has them.
const STRATA: [(&str, u8); 21] = [
    ("main", 5),
    ("bin", 5),
    ("cli", 5),
    ("config", 5),
    ("http", 4),
    ("camera", 3),
    ("capture", 2),
    ("jpeg", 2),
    ("pose", 2),
    ("store", 2),
    ("sink", 2),
    ("update", 2),
    ("frame", 1),
    ("skeleton", 1),
    ("workout", 1),
    ("time", 0),
    ("error", 0),
    ("metrics", 0),
    ("threads", 0),
    ("mailbox", 0),
    ("events", 0),
];
/// Arrows within a stratum that are right.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("main", &["cli", "config"]),
    ("cli", &["config"]),
    ("sink", &["store"]),
    ("workout", &["skeleton"]),
    ("threads", &["time", "error", "metrics"]),
];
/// Downward arrows that are wrong all the same: the face sees a camera only through its view.
const FORBIDDEN: [(&str, &[&str]); 1] = [("http", &["capture", "pose", "mailbox"])];
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
/// Lines above an `unsafe` in which its argument is looked for.
const SAFETY_REACH: usize = 10;
const BOARDS: [&str; 4] = ["orin", "jetson", "nano", "xavier"];
const RUNTIMES: [&str; 10] = [
    "tokio",
    "async-std",
    "smol",
    "embassy-executor",
    "hyper",
    "async-executor",
    "async-global-executor",
    "async-io",
    "actix-rt",
    "monoio",
];

/// One committed file.
struct Source {
    path: String,
    text: String,
}

/// The files git knows or would add, without those that are not text.
fn committed() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git is there, as it was for the checkout");
    assert!(listed.status.success(), "git cannot list the files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let read = |path: &str| Some(Source { text: std::fs::read_to_string(root.join(path)).ok()?, path: path.into() });
    paths.split_terminator('\0').filter_map(read).collect()
}

/// The committed Rust files below one of `folders`.
fn rust(folders: &[&str]) -> Vec<Source> {
    let mut all = committed();
    all.retain(|s| s.path.ends_with(".rs") && folders.iter().any(|f| s.path.starts_with(&format!("{f}/"))));
    assert!(!all.is_empty(), "there are sources in {folders:?}");
    all
}

/// Fails with every fault that `rule` finds in `sources`.
fn keep(sources: &[Source], rule: impl Fn(&str, &str) -> Vec<String>) {
    let faults: Vec<String> =
        sources.iter().flat_map(|s| rule(&s.path, &s.text).into_iter().map(|f| format!("{}: {f}", s.path))).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

const EVERYWHERE: [&str; 3] = ["src", "tests", "benches"];

// ---- reading Rust ----

/// `text` with comments blanked, and the insides of literals too unless `keep_literals`. Lines stay where they are.
fn blanked(text: &str, keep_literals: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, keep) = match token_end(&chars, at) {
            Some((end, Token::Comment)) => (end, false),
            Some((end, Token::Literal)) => (end, keep_literals),
            None => (at + 1, true),
        };
        out.extend(chars[at..end].iter().map(|&c| if keep || c == '\n' { c } else { ' ' }));
        at = end;
    }
    out
}

enum Token {
    Comment,
    Literal,
}

/// If a comment or a literal begins at `at`: where it ends, and which of them it is.
fn token_end(chars: &[char], at: usize) -> Option<(usize, Token)> {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\n');
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next(1) == '/' => {
            let end = chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| at + n);
            Some((end, Token::Comment))
        }
        '/' if next(1) == '*' => Some((block_comment_end(chars, at), Token::Comment)),
        '"' => Some((quoted_end(chars, at, '"'), Token::Literal)),
        'r' if !in_word || chars[at - 1] == 'b' || chars[at - 1] == 'c' => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            (next(1 + hashes) == '"').then(|| (raw_end(chars, at + 2 + hashes, hashes), Token::Literal))
        }
        // A lifetime has no closing quote after one character.
        '\'' if next(1) == '\\' || next(2) == '\'' => Some((quoted_end(chars, at, '\''), Token::Literal)),
        _ => None,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_end(chars: &[char], start: usize, hashes: usize) -> usize {
    let closes = |at: usize| {
        chars[at] == '"' && chars.get(at + 1..at + 1 + hashes).is_some_and(|tail| tail.iter().all(|c| *c == '#'))
    };
    (start..chars.len()).find(|&at| closes(at)).map_or(chars.len(), |at| at + 1 + hashes)
}

/// `text` up to a trailing `#[cfg(test)] mod`; nothing of a room's `tests.rs` and of what lies in its `tests/`, which are that
/// module in files of its own.
fn without_tests<'a>(path: &str, text: &'a str) -> &'a str {
    if path.starts_with("src/") && (path.ends_with("/tests.rs") || path.contains("/tests/")) {
        return "";
    }
    text.rfind("\n#[cfg(test)]\nmod ").map_or(text, |at| &text[..at + 1])
}

/// Identifiers of `text` with the byte where each begins.
fn identifiers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let start = rest + text[rest..].find(is_word)?;
        let end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |n| start + n);
        rest = end;
        Some((start, &text[start..end]))
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

// ---- the rules ----

fn head(_: &str, text: &str) -> Vec<String> {
    if text.starts_with("//! ") { vec![] } else { vec!["it does not open with its story (//!)".into()] }
}

fn file_length(path: &str, text: &str) -> Vec<String> {
    let lines = without_tests(path, text).lines().count();
    if lines <= FILE_LINES { vec![] } else { vec![format!("{lines} lines, {FILE_LINES} allowed")] }
}

fn function_length(_: &str, text: &str) -> Vec<String> {
    let code = blanked(text, false);
    let mut faults = vec![];
    for (at, _) in identifiers(&code).filter(|(_, word)| *word == "fn") {
        let Some(body) = code[at..].find(['{', ';']).map(|n| at + n).filter(|&n| code[n..].starts_with('{')) else {
            continue; // a declaration or a type
        };
        let mut depth = 0;
        let end = code[body..].char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        let end = end.map_or(code.len(), |(n, _)| body + n);
        let lines = line_of(&code, end) - line_of(&code, at) + 1;
        if lines > FUNCTION_LINES {
            let name = identifiers(&code[at..]).nth(1).map_or("?", |(_, name)| name);
            faults.push(format!("line {}: fn {name} has {lines} lines", line_of(&code, at)));
        }
    }
    faults
}

fn unsafe_fence(path: &str, text: &str) -> Vec<String> {
    let behind = path.ends_with("/ffi.rs") || path.ends_with("/sys.rs") || path.starts_with("src/mailbox/");
    let code = blanked(text, false);
    let found = identifiers(&code).filter(|(_, word)| !behind && *word == "unsafe");
    found.map(|(at, _)| format!("line {}: unsafe outside ffi.rs, sys.rs and mailbox", line_of(&code, at))).collect()
}

fn safety_argument(_: &str, text: &str) -> Vec<String> {
    let code = blanked(text, false);
    let lines: Vec<&str> = text.lines().collect();
    let mut faults = vec![];
    for (at, _) in identifiers(&code).filter(|(_, word)| *word == "unsafe") {
        let next = code[at + "unsafe".len()..].trim_start();
        if !["{", "impl", "extern"].iter().any(|start| next.starts_with(start)) || next.starts_with("extern \"C\" fn") {
            continue; // `unsafe fn`: its blocks are asked, not its head
        }
        let line = line_of(&code, at);
        let above = lines[..line].iter().rev().take(SAFETY_REACH + 1).take_while(|l| !l.trim().is_empty());
        if !above.clone().any(|l| l.contains("// SAFETY: ")) {
            faults.push(format!("line {line}: unsafe without a SAFETY comment just above"));
        }
    }
    faults
}

fn unfinished(_: &str, text: &str) -> Vec<String> {
    let code = blanked(text, false);
    let macros = ["todo", "unimplemented", "dbg"];
    identifiers(&code)
        .filter(|(at, word)| macros.contains(word) && code[at + word.len()..].starts_with('!'))
        .map(|(at, word)| format!("line {}: {word}!", line_of(&code, at)))
        .collect()
}

fn board_names(_: &str, text: &str) -> Vec<String> {
    let words = blanked(text, true);
    identifiers(&words)
        .filter(|(_, word)| word.to_lowercase().split('_').any(|part| BOARDS.contains(&part)))
        .map(|(at, word)| format!("line {}: a board's name, {word}", line_of(&words, at)))
        .collect()
}

/// The room a file in `src` belongs to.
fn room(path: &str) -> &str {
    let inside = path.trim_start_matches("src/");
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The first names of what follows `crate::`, of all members if it is a group.
fn first_names(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else {
        return identifiers(path).next().map(|(_, name)| name).into_iter().collect();
    };
    let (mut depth, mut names, mut start) = (1, vec![], 0);
    for (at, c) in group.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || depth == 1 && c == ',' {
            names.extend(identifiers(&group[start..at]).next().map(|(_, name)| name));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn arrows(path: &str, text: &str) -> Vec<String> {
    let code = blanked(without_tests(path, text), false);
    let own = room(path);
    if own == "lib" {
        return vec![];
    }
    let stratum = |name: &str| STRATA.iter().find(|(room, _)| *room == name).map(|(_, stratum)| *stratum);
    let listed = |list: &[(&str, &[&str])], to: &str| list.iter().any(|(from, tos)| *from == own && tos.contains(&to));
    let Some(own_stratum) = stratum(own) else { return vec![format!("the room {own} is not in the table of strata")] };
    let mut faults = vec![];
    for (at, found) in code.match_indices("crate::") {
        let line = line_of(&code, at);
        let path = &code[at + found.len()..];
        for name in first_names(path) {
            match stratum(name) {
                None => faults.push(format!("line {line}: crate::{name} is no room of the table")),
                Some(_) if name == own => {}
                Some(to) if to < own_stratum && !listed(&FORBIDDEN, name) => {}
                Some(to) if to == own_stratum && listed(&ALLOWED, name) => {}
                Some(_) => faults.push(format!("line {line}: {own} must not import {name}")),
            }
            let whole: String = path.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
            if name != own && whole.split("::").any(|part| part == "sys" || part == "ffi") {
                faults.push(format!("line {line}: {whole} is for its own room only"));
            }
        }
    }
    faults
}

fn async_runtimes(_: &str, lock: &str) -> Vec<String> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.filter(|name| RUNTIMES.contains(name)).map(|name| format!("the async runtime {name}")).collect()
}

/// Hosts of package registries, in pieces so that this file does not name them itself.
fn registry_hosts(_: &str, text: &str) -> Vec<String> {
    let hosts = [
        ["index.", "crates.io"],
        ["static.", "crates.io"],
        ["registry.", "npmjs.org"],
        ["files.", "pythonhosted.org"],
        ["pypi.", "org"],
        ["registry.", "yarnpkg.com"],
        ["deb.", "debian.org"],
        ["proxy.", "golang.org"],
    ];
    let hosts = hosts.iter().map(|pieces| pieces.concat());
    let mut faults: Vec<String> = hosts.filter(|h| text.contains(h)).map(|h| format!("names {h}")).collect();
    let known = "registry+https://github.com/rust-lang/crates.io-index";
    let source = |line: &str| line.starts_with("source = \"registry+") && !line.contains(known);
    faults.extend(text.lines().filter(|line| source(line)).map(|line| format!("another registry: {line}")));
    faults
}

// ---- the tree keeps them ----

#[test]
fn every_file_opens_with_its_story() {
    keep(&rust(&EVERYWHERE), head);
}

#[test]
fn files_and_functions_are_short() {
    keep(&rust(&EVERYWHERE), file_length);
    keep(&rust(&EVERYWHERE), function_length);
}

#[test]
fn unsafe_stays_behind_its_fence_and_argues() {
    keep(&rust(&["src"]), unsafe_fence);
    keep(&rust(&EVERYWHERE), safety_argument);
}

#[test]
fn nothing_is_left_unfinished() {
    keep(&rust(&EVERYWHERE), unfinished);
}

#[test]
fn no_board_is_named_in_the_code() {
    keep(&rust(&["src"]), board_names);
}

#[test]
fn rooms_import_only_lower_rooms() {
    keep(&rust(&["src"]), arrows);
}

#[test]
fn no_async_runtime_is_in_the_tree() {
    let locks: Vec<Source> = committed().into_iter().filter(|s| s.path.ends_with("Cargo.lock")).collect();
    assert!(locks.iter().any(|lock| lock.path == "Cargo.lock"), "Cargo.lock is committed");
    keep(&locks, async_runtimes);
}

#[test]
fn no_registry_host_is_committed() {
    keep(&committed(), registry_hosts);
}

// ---- each rule can fail ----

#[test]
fn comments_and_literals_are_blanked_and_the_rest_is_not() {
    let text = "a(\"}\\\"{\", r#\"\"{\"#, '{', '\\'', b\"{\"); // {\nfn f<'a>(x: &'a u8) { /* { /* } */ */ }\n";
    let code = blanked(text, false);
    assert_eq!(code.matches('{').count(), 1, "{code}");
    assert_eq!(code.matches('}').count(), 1, "{code}");
    assert_eq!(code.lines().count(), 2);
    assert!(code.contains("fn f<'a>(x: &'a u8) {"), "{code}");
    assert!(blanked("let x = \"nano\"; // orin", true).trim_end().ends_with("\"nano\";"));
}

#[test]
fn a_file_without_a_head_or_too_long_is_found() {
    assert_eq!(head("", "use x;\n").len(), 1);
    assert_eq!(file_length("", &"x\n".repeat(501)).len(), 1);
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "x\n".repeat(500), "x\n".repeat(300));
    assert!(file_length("", &tests).is_empty(), "tests do not count");
    let long = "x\n".repeat(600);
    assert!(file_length("src/http/tests.rs", &long).is_empty(), "nor does a file of tests");
    assert!(file_length("src/http/tests/wire.rs", &long).is_empty(), "nor one that it is divided into");
    assert!(!file_length("tests/http/wire.rs", &long).is_empty(), "a program of tests does");
    assert!(!file_length("src/http/contests.rs", &long).is_empty());
}

#[test]
fn a_long_function_is_found_whatever_its_strings_say() {
    let long =
        |lines: usize| format!("fn f() {{\n    let a = \"}}\"; // }}\n{}}}\nfn g();\n", "    b();\n".repeat(lines));
    assert!(function_length("", &long(67)).is_empty());
    assert_eq!(function_length("", &long(68)), ["line 1: fn f has 71 lines"]);
}

#[test]
fn a_stray_unsafe_and_one_without_an_argument_are_found() {
    let block = "fn f() {\n    unsafe { g() }\n}\n";
    assert_eq!(unsafe_fence("src/jpeg/cpu.rs", block).len(), 1);
    assert!(unsafe_fence("src/threads/sys.rs", block).is_empty());
    assert!(unsafe_fence("src/jpeg/cpu.rs", "#![deny(unsafe_code)] // unsafe\n").is_empty());
    assert_eq!(safety_argument("", block).len(), 1);
    assert_eq!(safety_argument("", "// SAFETY: far away\n\nunsafe impl Send for X {}\n").len(), 1);
    assert!(safety_argument("", "fn f() {\n    // SAFETY: g asks nothing.\n    unsafe { g() }\n}\n").is_empty());
}

#[test]
fn unfinished_work_and_a_boards_name_are_found() {
    for name in ["todo", "unimplemented", "dbg"] {
        assert_eq!(unfinished("", &format!("fn f() {{ {name}!() }}")).len(), 1);
    }
    assert!(unfinished("", "// todo!()\nlet todo = 1;").is_empty());
    assert_eq!(board_names("", "let x = \"/etc/jetson\";\nfn is_orin() {}\n").len(), 2);
    assert!(board_names("", "// on an Orin\nfn nanos() { from_nanos() }\n").is_empty());
}

#[test]
fn an_arrow_upwards_or_sideways_is_found() {
    let faults = |path, text| arrows(path, text).len();
    assert_eq!(faults("src/jpeg/cpu.rs", "use crate::capture::Source;"), 1);
    assert_eq!(faults("src/frame/mod.rs", "fn f() -> crate::camera::View {}"), 1);
    assert_eq!(faults("src/camera/mod.rs", "use crate::{frame::{Frame, Pool}, http::Face, config};"), 2);
    assert_eq!(faults("src/http/mod.rs", "use crate::mailbox::mailbox;"), 1);
    assert_eq!(faults("src/camera/mod.rs", "use crate::threads::sys::pin;"), 1);
    assert_eq!(faults("src/attic.rs", ""), 1);
    assert_eq!(faults("src/time.rs", "use crate::attic;"), 1);
    assert_eq!(faults("src/camera/view.rs", "use crate::{frame::{Frame, Pool}, time::Mono}; // crate::http"), 0);
    assert_eq!(faults("src/frame/mod.rs", "use crate::time;\n#[cfg(test)]\nmod tests {\n    use crate::http;\n}\n"), 0);
}

#[test]
fn a_runtime_or_a_registry_host_is_found() {
    assert_eq!(async_runtimes("", "[[package]]\nname = \"tokio\"\nversion = \"1\"\n").len(), 1);
    assert!(async_runtimes("", "name = \"tokio-no-such\"\n").is_empty());
    assert_eq!(registry_hosts("", &format!("https://registry.{}/left-pad", "npmjs.org")).len(), 1);
    assert_eq!(registry_hosts("", "source = \"registry+https://packages.example/index\"\n").len(), 1);
    let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert!(registry_hosts("", usual).is_empty());
}

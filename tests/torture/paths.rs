//! Ways out of the folder: made from their parts, each asked at every route that takes a name, a number or a place, and at
//! the pages. None may be answered with a file, and none may break the box.

use std::io::{Read, Write};
use std::path::Path;

use super::common::{Reply, SpotterBox, open, parse};

/// What lies beside the box's folder, and must stay there.
const TREASURE: &str = "the-treasure-beside-the-box";

const UP: [&str; 15] = [
    "..",
    "%2e%2e",
    ".%2e",
    "%2E.",
    "%252e%252e",
    "....",
    "..;",
    ".. ",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "%uff0e%uff0e",
    "．．",
    "..%00",
    "%2e%2e%2e",
    "",
];
const SLASHES: [&str; 7] = ["/", "%2f", "%5c", "\\", "//", "%252f", "%c0%af"];
const AIMS: [&str; 4] = ["treasure.txt", "etc/passwd", "proc/self/environ", "spotter.db"];

/// More than two hundred: every way up with every slash, to each aim in turn, once and many times.
fn ways() -> Vec<String> {
    let mut ways = Vec::new();
    for (i, up) in UP.iter().enumerate() {
        for (j, slash) in SLASHES.iter().enumerate() {
            for (depth, aim) in [(1, AIMS[(i + j) % AIMS.len()]), (9, AIMS[(i + j + 1) % AIMS.len()])] {
                ways.push(format!("{}{}", format!("{up}{slash}").repeat(depth), aim.replace('/', slash)));
            }
        }
    }
    for aim in AIMS {
        ways.extend([format!("/{aim}"), format!("%2f{aim}"), format!("file:///{aim}"), format!("{aim}%00.jpg")]);
    }
    ways
}

/// The answer, or nothing where the box hung up on what is not even a request.
fn ask(spotter: &SpotterBox, method: &str, path: &str) -> Option<Reply> {
    let mut socket = open(spotter.address);
    let request = format!("{method} {path} HTTP/1.1\r\nHost: box\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    socket.write_all(request.as_bytes()).ok()?;
    let mut all = Vec::new();
    socket.read_to_end(&mut all).ok()?;
    Some(parse(&all))
}

/// Where a way is put: the method, what stands before it and what after.
type Place = (String, String, String);

/// The places of the table that hold something of the asker's choice, for each method they know.
fn places(spotter: &SpotterBox) -> Vec<Place> {
    let document = spotter.json("/api/v1/openapi.json");
    let paths = document["paths"].as_object().expect("the document has paths");
    let mut places: Vec<Place> = Vec::new();
    for (template, methods) in paths {
        let Some((before, rest)) = template.split_once('{') else { continue };
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        let methods = methods.as_object().expect("methods").keys().filter(|method| *method != "head");
        places.extend(methods.map(|method| (method.to_ascii_uppercase(), before.to_string(), after.to_string())));
    }
    assert!(places.len() >= 8, "{places:?}");
    for page in ["/", "/assets/", "/admin/", "/api/v1/snapshots/2026-11-26/"] {
        places.push(("GET".into(), page.to_string(), String::new()));
    }
    places
}

fn with_treasure(folder: &Path) -> std::path::PathBuf {
    std::fs::write(folder.join("treasure.txt"), TREASURE).expect("there is room");
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("there is room");
    std::fs::create_dir_all(data.join("snapshots/2026-11-26")).expect("there is room");
    std::fs::write(data.join("treasure.txt"), TREASURE).expect("there is room");
    std::fs::write(data.join("snapshots/treasure.txt"), TREASURE).expect("there is room");
    data
}

#[test]
fn no_way_out_of_the_folder_gives_a_file_or_breaks_the_box() {
    let folder = tempfile::tempdir().expect("there is room");
    let data = with_treasure(folder.path());
    let camera = "demo=demo:squat?size=64x48&fps=1";
    let spotter = SpotterBox::start(&["--camera", camera, "--data-dir", data.to_str().expect("UTF-8")]);
    let (ways, places) = (ways(), places(&spotter));
    assert!(ways.len() >= 200, "{}", ways.len());
    let mut wrong = Vec::new();
    for (method, before, after) in &places {
        for way in &ways {
            let path = format!("{before}{way}{after}");
            match ask(&spotter, method, &path) {
                Some(reply) if matches!(reply.status, 400 | 404 | 414 | 422) => {
                    let text = reply.text();
                    if [TREASURE, "root:", "PATH=", "SQLite format"].iter().any(|file| text.contains(file)) {
                        wrong.push(format!("{path}: {text}"));
                    }
                }
                Some(reply) => wrong.push(format!("{method} {path}: {}", reply.status)),
                None => wrong.push(format!("{path}: no answer")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ways.len() * places.len(), wrong.join("\n"));
    println!("paths: {} ways at {} places gave nothing", ways.len(), places.len());
}

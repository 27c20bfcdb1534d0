//! The pages for people, held against the program: what it can say has its place in the troubleshooting page, every route
//! stands in the contracts, every command that is named is there, and no link leads nowhere.
//!
//! *heading*: a line of `docs/troubleshoot.md` that begins with `## `; words in capitals stand for what differs from case
//! to case.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use common::SpotterBox;
use spotter::capture::CaptureFault;
use spotter::pose::onnxruntime::LibraryFault;
use spotter::store::StoreFault;
use spotter::workout::KnobFault;

const README: &str = include_str!("../README.md");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");
const CONTRACTS: &str = include_str!("../docs/contracts.md");
const DECISIONS: &str = include_str!("../docs/decisions.md");
const OPERATE: &str = include_str!("../docs/operate.md");
const THREATS: &str = include_str!("../docs/threats.md");
const TROUBLESHOOT: &str = include_str!("../docs/troubleshoot.md");
const VERIFIED: &str = include_str!("../docs/verified.md");
const BOX_FILE: &str = include_str!("../board/rootfs/etc/spotter/spotter.toml");
const MAKEFILE: &str = include_str!("../Makefile");

/// Each page with its path from the root.
const PAGES: [(&str, &str); 8] = [
    ("README.md", README),
    ("CHANGELOG.md", CHANGELOG),
    ("docs/contracts.md", CONTRACTS),
    ("docs/decisions.md", DECISIONS),
    ("docs/operate.md", OPERATE),
    ("docs/threats.md", THREATS),
    ("docs/troubleshoot.md", TROUBLESHOOT),
    ("docs/verified.md", VERIFIED),
];

/// One of each kind of fault, with the words that stand in its heading. A kind without a row does not compile.
fn every_fault() -> Vec<CaptureFault> {
    use CaptureFault::*;
    let (what, host) = (|| "PATH".to_string(), || "HOST".to_string());
    let all = vec![
        NoDevice { what: what() },
        Busy { what: what(), holder: "PROGRAM".into() },
        NoPermission { what: what() },
        NoSignal { what: what() },
        FormatRefused { what: what(), asked: "FORMAT".into(), offered: "FORMATS".into() },
        UsbBandwidth { what: what() },
        Unreachable { host: host() },
        NotFound { host: host() },
        WrongPassword { host: host() },
        UnsupportedCodec { codec: "CODEC".into() },
        NotVideo { what: what() },
        Stalled { after: Duration::from_secs(7) },
        Ended,
        NotBuilt { what: "SCHEME" },
        Failed { what: what(), why: "WHY".into() },
    ];
    for fault in &all {
        // A new kind stops the build here, and wants a row above.
        match fault {
            NoDevice { .. } | Busy { .. } | NoPermission { .. } | NoSignal { .. } | FormatRefused { .. } => {}
            UsbBandwidth { .. } | Unreachable { .. } | NotFound { .. } | WrongPassword { .. } => {}
            UnsupportedCodec { .. } | NotVideo { .. } | Stalled { .. } | Ended | NotBuilt { .. } | Failed { .. } => {}
        }
    }
    all
}

fn headings() -> BTreeSet<String> {
    TROUBLESHOOT.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_string).collect()
}

/// What is between each `from` and the `to` that ends it.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, after)) = rest.split_once(from) {
        let Some((inner, beyond)) = after.split_once(to) else { break };
        found.push(inner);
        rest = beyond;
    }
    found
}

/// A page without its blocks of commands, whose fences would pair with the marks of words.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[test]
fn every_fault_of_a_camera_has_its_sentence_as_a_heading_in_the_order_of_the_list() {
    let faults = every_fault();
    let kinds: BTreeSet<&str> = faults.iter().map(CaptureFault::kind).collect();
    assert_eq!(kinds.len(), faults.len(), "one row for each kind");
    let said: Vec<String> = faults.iter().map(|fault| fault.to_string().replace("for 7 s", "for SECONDS s")).collect();
    let first_chapter = between(TROUBLESHOOT, "# A camera gives no picture\n", "\n# ")[0];
    let there: Vec<&str> = first_chapter.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(there[..said.len()], said, "docs/troubleshoot.md");
}

#[test]
fn every_fault_of_the_log_has_its_sentence_as_a_heading() {
    use StoreFault::*;
    let path = || "PATH".to_string();
    let all = [
        Opening,
        DiskFull { path: path() },
        ReadOnly { path: path() },
        InUse { path: path() },
        Newer { path: path(), found: 2, known: 1 },
        Damaged { path: path() },
        Failed { path: path(), why: "WHY".into() },
        Late,
        NoSuchSet,
        Refused { what: "reps", want: "a whole number" },
    ];
    for fault in &all {
        // A new kind stops the build here, and wants a row above.
        match fault {
            Opening | DiskFull { .. } | ReadOnly { .. } | InUse { .. } | Newer { .. } | Damaged { .. } => {}
            Failed { .. } | Late | NoSuchSet | Refused { .. } => {}
        }
        let said = fault.to_string().replace("schema 2", "schema N").replace("knows 1", "knows M");
        let said = said.replace("reps wants a whole number", "WHAT wants RANGE");
        assert!(headings().contains(&said), "docs/troubleshoot.md has no heading \"{said}\"");
    }
}

/// A status of 400 or more stands before its sentence; what differs from case to case is in braces.
#[test]
fn every_refusal_of_http_has_its_sentence_as_a_heading() {
    let mut source = String::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http")), &mut |path, text| {
        // What the tests say is not what the program says.
        if !path.to_string_lossy().contains("/src/http/tests") {
            source.push_str(text.split("#[cfg(test)]").next().unwrap_or(text));
        }
    });
    let refused = source.split("\n").filter_map(|line| {
        let at = ["4", "5"].iter().filter_map(|first| line.find(&format!("{first}0"))).chain(line.find("422")).min()?;
        let (status, rest) = line[at..].split_once(", ")?;
        let sentence =
            rest.trim_start_matches('&').trim_start_matches("format!(").strip_prefix('"')?.split('"').next()?;
        (status.len() == 3 && status.parse::<u16>().is_ok()).then_some(sentence)
    });
    let (headings, mut seen) = (headings(), 0);
    for sentence in refused {
        seen += 1;
        let fixed: Vec<&str> = sentence.split('{').map(|piece| piece.split('}').next_back().unwrap_or("")).collect();
        let stands = headings.iter().any(|heading| fixed.iter().all(|piece| heading.contains(piece)));
        assert!(stands, "docs/troubleshoot.md has no heading \"{sentence}\"");
    }
    assert!(seen > 20, "only {seen} were found: they are written otherwise now");
}

#[test]
fn every_fault_of_a_threshold_and_of_the_onnx_runtime_has_its_sentence_as_a_heading() {
    let (file, other) = (|| "FILE".into(), || "OTHER".into());
    let all = [
        LibraryFault::Absent.to_string(),
        LibraryFault::Unloadable { path: file(), why: "WHY".into() }.to_string(),
        LibraryFault::Other { path: file() }.to_string(),
        LibraryFault::Version { path: file(), found: "VERSION".into() }.to_string(),
        LibraryFault::Second { path: file(), other: other() }.to_string(),
        KnobFault::Unknown("NAME".into()).to_string(),
        KnobFault::Range { name: "NAME", least: 2.0, most: 3.0 }.to_string().replace("2 to 3", "N to M"),
    ];
    for said in all {
        assert!(headings().contains(&said), "docs/troubleshoot.md has no heading \"{said}\"");
    }
}

#[test]
fn every_fault_of_an_encoder_has_its_sentence_as_a_heading() {
    use spotter::jpeg::EncodeFault::{self, *};
    use spotter::jpeg::nvjpeg::{CallFault, LibraryFault};
    let file = || "FILE".into();
    let libraries = [
        LibraryFault::Absent,
        LibraryFault::NoRuntime,
        LibraryFault::Unloadable { path: file(), why: "WHY".into() },
        LibraryFault::Libjpeg { path: file() },
        LibraryFault::Lacks { path: file(), function: "NAME" },
    ];
    let calls = [
        CallFault::Cuda { call: "CALL", code: 2, text: "TEXT".into() },
        CallFault::Nvjpeg { call: "CALL", code: 2 },
        CallFault::NoDevice,
        CallFault::Length { bytes: 2 },
    ];
    let own = [NoElement, NotBuilt, Element("WHY".into()), Trial { encoder: "NAME", levels: 7.0 }];
    let all = libraries.map(EncodeFault::from).into_iter().chain(calls.map(EncodeFault::from)).chain(own);
    for fault in all {
        // A new kind stops the build here, and wants a row above. What one frame's bytes lack is the log's alone.
        match &fault {
            Failed(_) | Library(_) | Call(_) | NoElement | NotBuilt | Element(_) | Trial { .. } => {}
        }
        let said = fault.to_string().replace("answers 2 (invalid parameter)", "answers CODE (TEXT)");
        let said = said.replace("answers 2", "answers CODE").replace("of 2 bytes", "of N bytes");
        let said = said.replace("7.0 levels", "N levels").replace("at most 2 are", "at most M are");
        assert!(headings().contains(&said), "docs/troubleshoot.md has no heading \"{said}\"");
    }
}

#[test]
fn every_fault_of_tensorrt_has_its_sentence_as_a_heading() {
    use spotter::pose::tensorrt::Fault::{self, *};
    let (file, why) = (|| "FILE".into(), || "WHY".to_string());
    let all = [
        NotBuilt,
        Absent,
        Unloadable { path: file(), why: why() },
        Other { path: file() },
        Refused(why()),
        NotKept { path: "FOLDER".into(), why: why() },
        NoTrtexec,
        Unreadable { path: file(), why: why() },
        Building { since: "TIME".into() },
        Build(why()),
    ];
    for fault in &all {
        // A new kind stops the build here, and wants a row above.
        match fault {
            NotBuilt | Absent | Unloadable { .. } | Other { .. } | Refused(_) | NotKept { .. } => {}
            NoTrtexec | Unreadable { .. } | Building { .. } | Fault::Build(_) => {}
        }
        assert!(headings().contains(&fault.to_string()), "docs/troubleshoot.md has no heading \"{fault}\"");
    }
}

#[test]
fn every_fault_of_tls_and_of_the_start_has_its_sentence_as_a_heading() {
    use spotter::http::StartFault;
    use spotter::http::tls::TlsFault::*;
    let (path, why) = (|| "PATH".to_string(), || "WHY".to_string());
    let all = [
        Unread { path: path(), why: why() },
        NoCertificate { path: path() },
        NoKey { path: path() },
        BadCertificate { path: path(), why: why() },
        BadKey { path: path(), why: why() },
        NoPair { certificate: path(), key: path() },
        NotMade { why: why() },
    ];
    for fault in &all {
        // A new kind stops the build here, and wants a row above.
        match fault {
            Unread { .. } | NoCertificate { .. } | NoKey { .. } | BadCertificate { .. } | BadKey { .. } => {}
            NoPair { .. } | NotMade { .. } => {}
        }
        assert!(headings().contains(&fault.to_string()), "docs/troubleshoot.md has no heading \"{fault}\"");
    }
    let (address, why) = (|| "ADDRESS".to_string(), || std::io::Error::other("WHY"));
    let all = [
        StartFault::InUse { address: address() },
        StartFault::NoPermission { address: address() },
        StartFault::Address { address: address(), why: why() },
        StartFault::NoPoll(why()),
    ];
    for fault in &all {
        match fault {
            StartFault::InUse { .. } | StartFault::NoPermission { .. } => {}
            StartFault::Address { .. } | StartFault::NoThread(_) | StartFault::NoPoll(_) => {}
        }
        assert!(headings().contains(&fault.to_string()), "docs/troubleshoot.md has no heading \"{fault}\"");
    }
}

#[test]
fn every_fault_of_an_update_has_its_sentence_as_a_heading() {
    use spotter::update::Fault::*;
    use spotter::update::Reason;
    let (path, why) = (|| "PATH".to_string(), || "WHY".to_string());
    let (version, other) = (|| "VERSION".to_string(), || "OTHER".to_string());
    let all = [
        NotRoot,
        Busy,
        NoKeys { path: path() },
        BadKeys { path: path() },
        Loose { path: path() },
        Unreadable { path: path(), why: why() },
        NotRelease { path: path() },
        Stranger { path: path() },
        Damaged { path: path() },
        Label { path: path(), why: why() },
        Processor { path: path(), wanted: "ARCH".into(), own: "ARCH".into() },
        Board { path: path(), wanted: "BOARD".into(), own: "BOARD".into() },
        Older { version: version(), runs: other() },
        Same { version: version() },
        Large { path: path(), mib: 2 },
        Member { path: path(), member: "MEMBER".into(), why: "WHY" },
        NoProgram { path: path() },
        NoRoom { path: path(), free_mib: 2, mib: 3 },
        DiskFull { path: path() },
        Unwritable { path: path(), why: why() },
        NoStart { version: version(), why: why() },
        KeyRefused { path: path(), status: 2 },
        NothingKept,
        TakenBack { version: version(), back: other(), reason: Reason::Dead },
        NotBack { version: version(), back: other(), reason: Reason::Dead },
    ];
    for fault in &all {
        // A new kind stops the build here, and wants a row above.
        match fault {
            NotRoot | Busy | NoKeys { .. } | BadKeys { .. } | Loose { .. } | Unreadable { .. } | NotRelease { .. } => {}
            Stranger { .. } | Damaged { .. } | Label { .. } | Processor { .. } | Board { .. } | Older { .. } => {}
            Same { .. } | Large { .. } | Member { .. } | NoProgram { .. } | NoRoom { .. } | DiskFull { .. } => {}
            Unwritable { .. }
            | NoStart { .. }
            | KeyRefused { .. }
            | NothingKept
            | TakenBack { .. }
            | NotBack { .. } => {}
        }
        let said = fault.to_string().replace(&Reason::Dead.to_string(), "WHY");
        let said = said.replace("has 2 MiB free, and the update wants 3", "has N MiB free, and the update wants M");
        let said = said.replace("the 2 MiB", "the N MiB").replace("answers 2", "answers N");
        assert!(headings().contains(&said), "docs/troubleshoot.md has no heading \"{said}\"");
    }
}

#[test]
fn every_reason_why_a_version_is_taken_back_has_its_sentence_as_a_heading() {
    use spotter::update::Reason::*;
    let why = || "WHY".to_string();
    let all = [
        NotReady { seconds: 2 },
        Blind { seconds: 2, live: 3, wanted: 4 },
        Unsteady { seconds: 2 },
        Ended { starts: 2 },
        NotCounted,
        Dead,
        Interrupted,
        Service(why()),
        Unkept(why()),
    ];
    for reason in &all {
        // A new kind stops the build here, and wants a row above.
        match reason {
            NotReady { .. } | Blind { .. } | Unsteady { .. } | Ended { .. } | NotCounted | Dead | Interrupted => {}
            Service(_) | Unkept(_) => {}
        }
        let said = reason
            .to_string()
            .replace("after 2 s", "after N s")
            .replace("for 2 s", "for N s")
            .replace("2 times", "N times");
        let said = said.replace("cameras: 3 after", "cameras: N after").replace("4 before", "M before");
        assert!(headings().contains(&said), "docs/troubleshoot.md has no heading \"{said}\"");
    }
}

/// The sentences of the source that stand in quotes whole and are headings must still be there, so that a heading cannot
/// outlive its sentence.
#[test]
fn every_heading_is_a_sentence_of_the_program() {
    let mut source = String::new();
    gather(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |_, text| source.push_str(text));
    // A sentence is broken by line ends in the source, and quotes in it are escaped.
    let flat = source.replace("\\\"", "\"").split_whitespace().collect::<Vec<_>>().join(" ").replace("\\ ", "");
    for heading in headings() {
        for piece in fixed_pieces(&heading) {
            assert!(flat.contains(&piece), "no sentence of the program has \"{piece}\", of the heading \"{heading}\"");
        }
    }
}

/// A heading without what differs from case to case, in pieces of two words or more.
fn fixed_pieces(heading: &str) -> Vec<String> {
    let differs = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let kept = ["MJPEG", "USB", "TOML", "UTF-8", "HOST:PORT", "NAME=URI"].iter().any(|kept| word.contains(kept));
        let number = bare.starts_with(|c: char| c.is_ascii_digit());
        let capitals = bare.chars().any(|c| c.is_ascii_uppercase()) && !bare.chars().any(|c| c.is_ascii_lowercase());
        !kept && (number || capitals)
    };
    let words: Vec<&str> = heading.split(' ').collect();
    let pieces = words.split(|word| differs(word)).filter(|piece| piece.len() >= 2);
    pieces.map(|piece| piece.join(" ")).collect()
}

/// Hands over every source with its path.
fn gather(folder: &Path, into: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).expect("the sources are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into(&path, &std::fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

#[test]
fn the_contracts_have_every_route_and_no_other() {
    let pages = ["/", "/admin", "/login"].map(|path| ("GET".to_string(), path.to_string()));
    let document = SpotterBox::start(&["--camera", "a=demo:squat?size=160x120&fps=1"]).json("/api/v1/openapi.json");
    let mut known: BTreeSet<(String, String)> = pages.into();
    for (path, methods) in document["paths"].as_object().expect("paths are an object") {
        for method in methods.as_object().expect("methods are an object").keys().filter(|m| *m != "head") {
            known.insert((method.to_ascii_uppercase(), path.clone()));
        }
    }
    let mut written = BTreeSet::new();
    for row in CONTRACTS.lines() {
        let Some((method, rest)) = ["GET", "POST", "PUT", "PATCH", "DELETE"]
            .iter()
            .find_map(|method| Some((*method, row.strip_prefix(&format!("| {method} "))?)))
        else {
            continue;
        };
        let (paths, _) = rest.split_once(" | ").expect("a row has two cells");
        for path in between(paths, "`", "`").into_iter().filter(|p| p.starts_with('/')) {
            // mjpg-streamer's addresses are the wall's path with a query.
            let path = path.split('?').next().unwrap_or(path);
            written.insert((method.to_string(), path.to_string()));
        }
    }
    assert_eq!(written, known, "docs/contracts.md against the table of routes");
}

#[test]
fn every_target_of_make_that_is_named_is_there() {
    let targets: BTreeSet<&str> = MAKEFILE
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    for (page, text) in PAGES {
        let plain = prose(text);
        let lines = text.lines().filter_map(|line| line.strip_prefix("make "));
        for named in lines.chain(between(&plain, "`make ", "`")) {
            let targets_named = named.split_whitespace().take_while(|word| !word.contains('='));
            for name in targets_named {
                assert!(targets.contains(name), "{page} names `make {name}`, which the Makefile does not have");
            }
        }
    }
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, text) in PAGES {
        let folder = root.join(page).parent().expect("a page is in a folder").to_path_buf();
        for link in between(text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            let file = link.split('#').next().unwrap_or(link);
            assert!(folder.join(file).exists(), "{page} leads to {link}, which is not there");
        }
    }
}

#[test]
fn every_key_that_a_page_names_is_in_the_boxs_file() {
    let keys: BTreeSet<&str> = BOX_FILE
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once(" = "))
        .map(|(key, _)| key)
        .filter(|key| !key.contains(' '))
        .collect();
    let sections =
        ["http.tls.", "http.", "capture.", "health.", "jpeg.", "pose.", "store.", "retention.", "sink.", "threads."];
    for (page, text) in PAGES {
        for named in between(&prose(text), "`", "`") {
            let Some(key) = sections.iter().find_map(|section| named.strip_prefix(section)) else { continue };
            let key = key.split([' ', '=']).next().unwrap_or(key);
            assert!(keys.contains(key), "{page} names the key {named}, which spotter.toml does not have");
        }
    }
}

#[test]
fn every_subcommand_and_option_in_the_pages_is_understood() {
    let help = |arguments: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_spotter"))
            .args(arguments)
            .arg("--help")
            .output()
            .expect("the binary is there");
        assert!(out.status.success(), "{arguments:?}");
        String::from_utf8(out.stdout).expect("help is text")
    };
    let contract = between(CONTRACTS, "```\n", "```")[0];
    for line in contract.lines() {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("spotter"), "{line}");
        let command = words.next().expect("a line names a subcommand");
        let said = help(&[command]);
        for option in words.filter_map(|word| word.strip_prefix('[')).filter(|word| word.starts_with('-')) {
            let option = option.trim_end_matches([']', '.']);
            assert!(said.contains(option), "{command} knows no {option}");
        }
        assert!(help(&[]).contains(&format!("\n  {command} ")), "{command}");
    }
}

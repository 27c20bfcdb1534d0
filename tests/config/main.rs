//! The config by the front door: the real program, real files, and what it says of them.

mod cameras;
mod sinks;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use spotter::config::{Config, Flags, keys::KEYS};

const BOX_FILE: &str = include_str!("../../board/rootfs/etc/spotter/spotter.toml");
const SECRET: &str = "geheim-4711";

fn spotter(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    command.args(args).env_clear().env("PLANTED", SECRET).output().unwrap()
}

/// Checks `text` with the program; exit code, stdout, and stderr with the file's name taken away.
fn check(text: impl AsRef<[u8]>) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("box.toml");
    std::fs::write(&file, text).unwrap();
    let out = spotter(&["check", "--config", file.to_str().unwrap()]);
    let (said, shown) = (String::from_utf8(out.stderr).unwrap(), String::from_utf8(out.stdout).unwrap());
    for text in [&said, &shown] {
        assert!(!text.contains(SECRET), "a secret is shown: {text}");
    }
    (out.status.code().unwrap(), shown, said.replace(file.to_str().unwrap(), "box.toml"))
}

fn refused(text: impl AsRef<[u8]>) -> Vec<String> {
    let (code, shown, said) = check(text);
    assert_eq!((code, shown.as_str()), (2, ""), "{said}");
    said.lines().map(String::from).collect()
}

fn load(text: &str) -> Result<Config, String> {
    Config::from_text("box.toml", Some(text), &Flags::default(), &|_| None).map_err(|faults| faults.to_string())
}

/// A config with one camera and `lines` in `section`.
fn with(section: &str, lines: &str) -> String {
    let camera = "[[camera]]\nname = \"a\"\nsource = \"demo:\"\n";
    if section == "camera" { format!("{camera}{lines}\n") } else { format!("{camera}[{section}]\n{lines}\n") }
}

/// The box's file with every key that is commented out put in force.
fn uncommented() -> String {
    let is_key = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
    };
    BOX_FILE.lines().map(|line| if is_key(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_key_stands_in_the_boxs_file_and_every_key_of_the_file_is_known() {
    fn gather(prefix: &str, value: &toml::Value, into: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    gather(&path, value, into);
                }
            }
            toml::Value::Array(list) if list.iter().any(|item| item.is_table()) => {
                list.iter().for_each(|item| gather(prefix, item, into));
            }
            _ => {
                into.insert(prefix.to_string());
            }
        }
    }
    let mut documented = BTreeSet::new();
    gather("", &toml::Value::Table(uncommented().parse().unwrap()), &mut documented);
    let known: BTreeSet<String> = KEYS.iter().map(|key| key.to_string()).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_boxs_file_is_right_as_it_is_and_its_commented_values_are_the_defaults() {
    let as_it_is = load(BOX_FILE).unwrap();
    let without = load("[[camera]]\nname = \"demo\"\nsource = \"demo:\"\n").unwrap();
    assert_eq!(as_it_is.resolved_toml(), without.resolved_toml());
    // These have no default to be told apart from, one that depends on the machine, or belong to another kind of source.
    let example = [
        "workers",
        "api_key",
        "model",
        "onnxruntime",
        "tensorrt",
        "trtexec",
        "cuda",
        "zone",
        "transport",
        "pace",
        "certificate",
        "key = ",
        "capture = 50",
        "pose = 10",
        "jpeg = 20",
    ];
    // Without a sink there is none, so what stands there is no default but an example.
    let (before, sinks) = uncommented().split_once("[[sink]]").map(|(a, b)| (a.to_string(), b.to_string())).unwrap();
    let all = before + &sinks[sinks.find("# ---- ").unwrap()..];
    let all: Vec<String> =
        all.lines().filter(|l| !example.iter().any(|e| l.starts_with(e))).map(String::from).collect();
    assert_eq!(load(&all.join("\n")).unwrap().resolved_toml(), without.resolved_toml());
}

#[test]
fn faults_are_said_all_at_once_in_the_order_of_their_lines() {
    let said = refused(
        "[http]\n\
         workers = \"two\"\n\
         colour = \"red\"\n\
         api_key = \"${NO_SUCH_VARIABLE}\"\n\
         [[camera]]\n\
         name = \"rack\"\n\
         source = \"demo:\"\n\
         [[camera]]\n\
         name = \"rack\"\n\
         source = \"ftp://admin:geheim-4711@cam/\"\n\
         [[camera]]\n\
         source = \"demo:yoga\"\n\
         [reps]\n",
    );
    let want = [
        "box.toml:2: `workers` in [http] wants a whole number from 1 to 64, not a text",
        "box.toml:3: unknown key `colour`; [http] knows listen, api_key, wrong_keys_per_minute, hosts, open, workers, stream_workers, \
         stream_viewers, stream_viewers_per_peer, event_viewers, event_viewers_per_peer, connections, connections_per_peer, \
         head_bytes, body_bytes, clip_mb, head_timeout_s, idle_timeout_s, write_timeout_s, shot_timeout_s, cores, tls",
        "box.toml:4: the environment variable NO_SUCH_VARIABLE is not set",
        "box.toml:9: the camera name `rack` is already used in line 6",
        "box.toml:10: a source begins with demo:, v4l2:, rtsp://, rtsps://, http://, https://, file:, gst: or webcam:",
        "box.toml:11: this camera has no `name`",
        "box.toml:12: `exercise=yoga`: the demo athlete knows squat, curl, press, deadlift and lunge",
        "box.toml:13: unknown key `reps`; the config knows data_dir, confidence_threshold, http, camera, capture, health, jpeg, pose, \
         rep, set_boundary, store, retention, sink, threads",
    ];
    assert_eq!(said, want);
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence() {
    let out = spotter(&["check", "--config", "/no/such/box.toml"]);
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said, "/no/such/box.toml: the config cannot be read: No such file or directory (os error 2)\n");
    let out = spotter(&["run", "--config", "/"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(refused(b"[http]\nlisten = \"\xff\"\n"), ["box.toml:2: this is not UTF-8"]);
    assert_eq!(refused(vec![b'#'; 1024 * 1024 + 1]), ["box.toml: the config is longer than 1048576 bytes"]);
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_line_and_without_its_content() {
    for (text, line) in [
        ("[http]\napi_key = geheim-4711\n", 2),
        ("[http]\n\n\napi_key = \"geheim-4711\n", 4),
        ("[http\nlisten = \"a\"\n", 1),
        ("[http]\nopen = true\nopen = true\n", 3),
    ] {
        let said = refused(text);
        assert!(said[0].starts_with(&format!("box.toml:{line}: this is not TOML: ")), "{said:?}");
    }
}

#[test]
fn a_config_without_a_camera_is_refused_and_no_config_is_the_demo_box() {
    assert!(refused("")[0].starts_with("box.toml: there is no [[camera]]"));
    let out = spotter(&["check"]);
    assert_eq!(out.status.code(), Some(0));
    let shown = String::from_utf8(out.stdout).unwrap();
    let again = load(&shown).unwrap();
    let (shown, taken) = shown.split_once("\n# [pose] looks with ").expect("it says which engine looks");
    let (config, encoder) = shown.split_once("\n# [jpeg] encodes with ").expect("it says what encodes");
    assert!(encoder.starts_with("cpu: ") || encoder.starts_with("nvjpeg"), "{encoder}");
    assert_eq!(again.resolved_toml(), config, "what check prints is a config of the same meaning");
    assert!(taken.starts_with("cpu: ") || taken.starts_with("onnxruntime: "), "{taken}");
    assert_eq!((again.cameras.len(), again.cameras[0].name.as_str()), (1, "demo"));
    assert_eq!(again.http.listen, "127.0.0.1:8080");
}

#[test]
fn beyond_this_machine_a_key_or_a_plain_word_is_wanted() {
    let said = refused(with("http", "listen = \"0.0.0.0:80\""));
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("box.toml:5: listening on 0.0.0.0:80 beyond this machine wants an `api_key`"),
        "{said:?}"
    );
    for extra in ["open = true", "api_key = \"${PLANTED}\""] {
        let (code, _, said) = check(with("http", &format!("listen = \"0.0.0.0:80\"\n{extra}")));
        assert_eq!(code, 0, "{said}");
    }
    let out = spotter(&["run", "--listen", "0.0.0.0:0"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8(out.stderr).unwrap().starts_with("--listen: listening on 0.0.0.0:0 beyond this machine"));
}

#[test]
fn a_box_listens_somewhere_and_a_certificate_has_its_key() {
    let address = "the listening address wants HOST:PORT, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080";
    let pair = "`certificate` and `key` in [http.tls] belong together: give both or neither";
    let key = "listening on 0.0.0.0:443 beyond this machine wants an `api_key` in [http], or `open = true` to serve without one";
    for (lines, line, want) in [
        ("listen = \"\"", 5, address),
        ("listen = \"\"\n[http.tls]\nlisten = \"\"", 5, address),
        ("[http.tls]\nlisten = \"443\"", 6, address),
        ("[http.tls]\nlisten = \"0.0.0.0:443\"", 6, key),
        ("[http.tls]\ncertificate = \"a\"", 6, pair),
        ("[http.tls]\n\nkey = \"a\"", 7, pair),
        ("[http.tls]\ncertificate = \"\"\nkey = \"a\"", 6, "`certificate` in [http.tls] wants a path"),
        ("[http.tls]\ncertificate = \"a\"\nkey = \"\"", 7, "`key` in [http.tls] wants a path"),
    ] {
        assert_eq!(refused(with("http", lines)), [format!("box.toml:{line}: {want}")], "{lines}");
    }
    let alone = load(&with("http", "listen = \"\"\n[http.tls]\nlisten = \"127.0.0.1:443\"")).unwrap();
    assert_eq!((alone.http.listen.as_str(), alone.http.tls.listen.as_str()), ("", "127.0.0.1:443"));
    assert_eq!(load(&alone.resolved_toml()).unwrap().resolved_toml(), alone.resolved_toml());
    let given = load(&with("http", "[http.tls]\ncertificate = \"a.crt\"\nkey = \"a.key\"")).unwrap();
    let given = given.http.tls.given.unwrap();
    assert_eq!((given.certificate.to_str(), given.key.to_str()), (Some("a.crt"), Some("a.key")));
}

#[test]
fn streams_and_listeners_never_take_all_connections() {
    let load = |lines: &str| {
        let (code, _, said) = check(with("http", lines));
        (code, said)
    };
    assert_eq!(load("connections = 41").0, 0, "24 streams and 16 listeners leave one");
    assert_eq!(load("connections = 301\nstream_viewers = 284").0, 0);
    assert_eq!(load("event_viewers = 64\nstream_viewers = 191").0, 0);
    for (lines, line, stay, connections) in [
        ("connections = 40", 5, 40, 40),
        ("stream_viewers = 284\nconnections = 300", 6, 300, 300),
        ("event_viewers = 64\nstream_viewers = 192", 6, 256, 256),
        ("stream_viewers = 240", 5, 256, 256),
    ] {
        let want = format!(
            "box.toml:{line}: `connections` in [http] wants more than the {stay} of `stream_viewers` and \
             `event_viewers` together, not {connections}"
        );
        assert_eq!(refused(with("http", lines)), [want], "{lines}");
    }
}

#[cfg(feature = "gst")]
#[test]
fn no_secret_is_ever_shown() {
    let text = with("http", "api_key = \"${PLANTED}\"")
        + "[[camera]]\nname = \"b\"\nsource = \"rtsp://admin:${PLANTED}@cam/1\"\n"
        + "[[camera]]\nname = \"c\"\nsource = \"http://cam/s?user=a&pwd=${PLANTED}\"\n";
    let (code, shown, said) = check(&text);
    assert_eq!(code, 0, "{said}");
    assert!(shown.contains("rtsp://***@cam/1") && shown.contains("api_key = \"***\""), "{shown}");
    let env = |_: &str| Some(SECRET.to_string());
    let config = Config::from_text("f", Some(&text), &Flags::default(), &env).unwrap();
    assert_eq!(config.http.api_key.as_deref(), Some(SECRET));
    assert!(!format!("{config:?} {}", config.resolved_json()).contains(SECRET));
    // In wrong places it is not repeated either.
    for wrong in [
        with("http", "listen = \"${PLANTED}\""),
        with("http", "workers = \"${PLANTED}\""),
        with("http", "api_key = \"${PLANTED} and a space\""),
        with("camera", "transport = \"${PLANTED}\""),
        "[[camera]]\nname = \"${PLANTED} \"\nsource = \"rtps://a:${PLANTED}@cam\"\n".to_string(),
    ] {
        refused(wrong);
    }
    for args in [
        ["run", "--camera", "rtsp://a:geheim-4711@cam/"],
        ["run", "--camera", "a=rtps://a:geheim-4711@cam/"],
        ["snapshot", "rtps://a:geheim-4711@cam/", "-oa.jpg"],
        ["snapshot", "-q200", "rtsp://a:geheim-4711@cam/"],
        ["rtsp://a:geheim-4711@cam/", "-x", "-y"],
    ] {
        let out = spotter(&args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(!String::from_utf8([out.stderr, out.stdout].concat()).unwrap().contains(SECRET), "{args:?}");
    }
}

#[test]
fn every_limit_holds_at_its_edge() {
    for (section, key, low, high) in [
        ("http", "workers", 1, 64),
        ("http", "wrong_keys_per_minute", 1, 1000),
        ("http", "stream_workers", 1, 64),
        ("http", "stream_viewers", 1, 1000),
        ("http", "stream_viewers_per_peer", 1, 1000),
        ("http", "event_viewers", 1, 64),
        ("http", "event_viewers_per_peer", 1, 1000),
        ("http", "connections", 4, 4096),
        ("http", "connections_per_peer", 1, 4096),
        ("http", "head_bytes", 1024, 65_536),
        ("http", "body_bytes", 1024, 16_777_216),
        ("http", "clip_mb", 1, 4096),
        ("camera.priority", "capture", 1, 99),
        ("camera.priority", "pose", 1, 99),
        ("camera.priority", "jpeg", 1, 99),
        ("http", "idle_timeout_s", 1, 600),
        ("http", "write_timeout_s", 1, 600),
        ("capture", "stall_s", 1, 60),
        ("health", "stale_s", 1, 3600),
        ("threads", "hung_s", 5, 600),
        ("store", "waiting", 1, 100_000),
        ("store", "page_most", 1, 5000),
        ("store", "clock_wait_s", 0, 86_400),
        ("retention", "sets_days", 0, 36_500),
        ("retention", "snapshots_days", 0, 36_500),
        ("retention", "snapshots_mb", 0, 1_000_000),
    ] {
        // Both ends of these two hold only beside others.
        let beside = match key {
            "stream_viewers" => "connections = 4096",
            "connections" => "stream_viewers = 1\nevent_viewers = 1",
            _ => "",
        };
        for n in [low, high] {
            load(&with(section, &format!("{key} = {n}\n{beside}"))).unwrap();
        }
        for n in [low - 1, high + 1, -1, i64::MIN, i64::MAX] {
            let said = load(&with(section, &format!("{key} = {n}"))).unwrap_err();
            assert!(said.starts_with(&format!("box.toml:5: `{key}` in [{section}] wants ")), "{said}");
            assert!(said.contains(&format!("{low} to {high}")), "{said}");
        }
    }
}

type Row = (&'static str, &'static str, [&'static str; 2], [&'static str; 2]);

/// Keys with values that fit and values that do not.
const EDGES: &[Row] = &[
    ("http", "head_timeout_s", ["0.5", "60"], ["0.49", "60.1"]),
    ("http", "shot_timeout_s", ["0.1", "30.0"], ["0.0", "30.5"]),
    ("capture", "retry_first_s", ["0.1", "10"], ["0.09", "10.1"]),
    ("capture", "retry_most_s", ["0.5", "600"], ["0.4", "nan"]),
    ("store", "patience_s", ["0.1", "30"], ["0.09", "30.1"]),
    ("http", "hosts", ["[]", "[\"spotter.gym.example\", \"box\"]"], ["[\"a:80\"]", "\"box\""]),
    ("http", "cores", ["[]", "[0, 1023]"], ["[1024]", "[-1]"]),
    ("threads", "main_cores", ["[0]", "[3, 2]"], ["[1, 1]", "[\"1\"]"]),
    ("camera.cores", "pose", ["[0]", "[3, 2]"], ["1", "[[1]]"]),
    ("jpeg", "encoder", ["\"auto\"", "\"cpu\""], ["\"libjpeg\"", "\"\""]),
    ("jpeg", "encoder", ["\"nvjpeg\"", "\"nvjpegenc\""], ["\"nvjpegdec\"", "1"]),
    ("jpeg", "cuda", ["\"/usr/local/cuda/lib64\"", "\"a b\""], ["\"\"", "true"]),
    ("pose", "engine", ["\"cpu\"", "\"off\""], ["\"trt\"", "\"\""]),
    ("pose", "engine", ["\"tensorrt\"\nmodel = \"m\"", "\"off\""], ["\"tensor\"", "1"]),
    ("pose", "tensorrt", ["\"libspotter_trt.so\"", "\"/a b.so\""], ["\"\"", "true"]),
    ("pose", "trtexec", ["\"trtexec\"", "\"/a b\""], ["\"\"", "true"]),
    ("pose", "precision", ["\"fp16\"", "\"fp32\""], ["\"int8\"", "16"]),
    ("pose", "meanwhile", ["\"nobody\"", "\"cpu\""], ["\"onnxruntime\"", "true"]),
    ("pose", "threads", ["0", "64"], ["-1", "65"]),
    ("pose", "max_fps", ["0", "240"], ["241", "1.5"]),
    ("pose", "most_people", ["1", "100"], ["0", "101"]),
    ("pose", "model", ["\"m.onnx\"", "\"/a b.onnx\""], ["\"\"", "1"]),
    ("pose", "score", ["0.01", "0.99"], ["0.009", "1"]),
    ("pose", "overlap", ["0.1", "1"], ["0.09", "1.01"]),
    ("pose", "overlap", ["0.7", "0.5"], ["nan", "\"0.7\""]),
    ("pose", "engine", ["\"onnxruntime\"\nmodel = \"m.onnx\"", "\"cpu\"\nmodel = \"m\""], ["\"onnx\"", "\"ort\""]),
    ("pose", "onnxruntime", ["\"libonnxruntime.so\"", "\"/a b.so\""], ["\"\"", "true"]),
    ("rep", "min_amplitude_deg", ["5", "120.0"], ["4.9", "121"]),
    ("rep", "min_period_s", ["0.2", "10"], ["0.19", "nan"]),
    ("rep", "smoothing_s", ["0", "2"], ["-0.1", "\"1\""]),
    ("set_boundary", "quiet_seconds", ["3", "600"], ["2.9", "601"]),
    ("camera", "pose", ["true", "false"], ["1", "\"yes\""]),
    ("camera", "privacy", ["false", "true\n[pose]\nmodel = \"m.onnx\""], ["1", "\"yes\""]),
];

#[test]
fn what_fits_is_taken_and_what_does_not_is_refused_with_its_line() {
    for (section, key, good, bad) in EDGES {
        for value in good {
            load(&with(section, &format!("{key} = {value}"))).unwrap();
        }
        for value in bad {
            let said = load(&with(section, &format!("{key} = {value}"))).unwrap_err();
            assert!(said.starts_with("box.toml:") && !said.contains('\n'), "{key} = {value}: {said}");
        }
    }
}

#[test]
fn sections_of_the_wrong_shape_are_one_sentence_each() {
    let camera = "[[camera]]\nname = \"a\"\nsource = \"demo:\"\n";
    for (text, want) in [
        ("[camera]\nname = \"a\"\n".to_string(), "box.toml:1: `camera` wants [[camera]] tables, not a table"),
        ("camera = [\"x\"]\n".to_string(), "box.toml:1: `camera` wants [[camera]] tables, not a text"),
        (format!("[[http]]\n{camera}"), "box.toml:1: `http` is a section and wants keys of its own, not a list"),
        (format!("{camera}cores = [1]\n"), "box.toml:4: `cores` is a section and wants keys of its own, not a list"),
        (
            format!("{camera}was.a = 1\n"),
            "box.toml:4: unknown key `was`; [camera] knows name, source, transport, pace, \
            pose, privacy, zone, cores, priority",
        ),
    ] {
        assert_eq!(load(&text).unwrap_err(), want);
    }
}

#[cfg(feature = "gst")]
#[test]
fn the_command_line_wins_over_the_file() {
    let flags = Flags {
        cameras: vec!["a=demo:curl".into(), "b=demo:press".into()],
        listen: Some("[::1]:0".into()),
        data_dir: Some("/tmp/x".into()),
    };
    let text = with("http", "listen = \"127.0.0.1:1\"");
    let config = Config::from_text("f", Some(&text), &flags, &|_| None).unwrap();
    assert_eq!((config.http.listen.as_str(), config.data_dir.as_path()), ("[::1]:0", Path::new("/tmp/x")));
    let shown: Vec<String> = config.cameras.iter().map(|c| format!("{} {}", c.name, c.source)).collect();
    assert!(shown[0].starts_with("a demo:curl") && shown[1].starts_with("b demo:press"), "{shown:?}");

    let flags =
        Flags { cameras: ["a=demo:", "a=demo:", "x", "ä=demo:", "c=demo:no"].map(String::from).into(), ..flags };
    let said = Config::from_text("f", None, &flags, &|_| None).unwrap_err().to_string();
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.lines().all(|line| line.starts_with("--camera: ")), "{said}");
}

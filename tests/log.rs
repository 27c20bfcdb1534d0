//! The log through the front door: the real binary looks at its rendered athlete, counts, and keeps what it counted.

mod common;
mod receiver;

use common::{Reply, SpotterBox, request, until};
use receiver::{Manner, Part, Receiver, SECRET};
use serde_json::{Value, json};

const SQUATS: &str = "\
confidence_threshold = 0.5
[[camera]]
name = \"rack\"
source = \"demo:squat?reps=3&rest=7&fps=12&size=480x270&seed=4\"
[set_boundary]
quiet_seconds = 3.0
";

fn send(a_box: &SpotterBox, method: &str, path: &str, body: &str) -> (u16, Value) {
    let reply: Reply = request(a_box.address, method, path, &[("Content-Type", "application/json")], body.as_bytes());
    let value = serde_json::from_slice(&reply.body).unwrap_or_else(|why| panic!("{path}: {why}: {}", reply.text()));
    (reply.status, value)
}

fn detail(a_box: &SpotterBox, method: &str, path: &str, body: &str) -> (u16, String) {
    let (status, value) = send(a_box, method, path, body);
    (status, value["detail"].as_str().unwrap_or_default().to_string())
}

/// A box with this config in a folder of its own.
fn start(folder: &std::path::Path) -> SpotterBox {
    start_with(folder, "")
}

/// The same, and more of a config.
fn start_with(folder: &std::path::Path, more: &str) -> SpotterBox {
    let config = folder.join("spotter.toml");
    std::fs::write(&config, format!("{SQUATS}{more}")).unwrap();
    let (config, folder) = (config.display().to_string(), folder.display().to_string());
    SpotterBox::start(&["--config", &config, "--data-dir", &folder])
}

/// The second set in the log, once it is there: the first began before anybody looked.
fn second_set(a_box: &SpotterBox) -> Value {
    let sets = until("two sets are in the log", || {
        let (status, sets) = send(a_box, "GET", "/api/v1/sets", "");
        let state = || a_box.json("/api/v1/state").to_string();
        let is_there = status == 200 && sets.as_array().is_some_and(|all| all.len() >= 2);
        if is_there { Ok(sets) } else { Err(state()) }
    });
    sets.as_array().and_then(|all| all.iter().rev().nth(1)).unwrap().clone()
}

/// A set's movement becomes an example, which can be chosen, and forgotten.
fn is_remembered_and_forgotten(a_box: &SpotterBox, one: &str) {
    let (status, made) = send(a_box, "POST", &format!("{one}/remember"), r#"{"name":"My Squat"}"#);
    assert_eq!((status, &made["exercise"]), (200, &json!("My Squat")), "{made}");
    assert_eq!(a_box.json("/api/v1/prototypes")[0]["exercise"], "My Squat");
    assert!(a_box.json("/api/v1/exercises").as_array().unwrap().contains(&json!({"name": "My Squat"})));
    assert_eq!(detail(a_box, "POST", &format!("{one}/remember"), "{}").0, 422);
    assert_eq!(send(a_box, "DELETE", "/api/v1/prototypes?exercise=My+Squat", ""), (200, json!({"deleted": 1})));
    assert!(!a_box.json("/api/v1/exercises").as_array().unwrap().contains(&json!({"name": "My Squat"})));
}

/// What cannot be is refused with a sentence and changes nothing.
fn refuses_what_cannot_be(a_box: &SpotterBox, one: &str) {
    for (method, path, body, status) in [
        ("PATCH", one, r#"{"reps":1001}"#, 422),
        ("PATCH", one, r#"{"repz":1}"#, 422),
        ("PATCH", one, "[]", 422),
        ("PATCH", "/api/v1/sets/999999", r#"{"reps":1}"#, 404),
        ("GET", "/api/v1/sets/x", "", 404),
        ("GET", "/api/v1/sets/-1", "", 404),
        ("GET", "/api/v1/sets?limit=501", "", 422),
        ("GET", "/api/v1/sets?since=yesterday", "", 422),
        ("GET", "/api/v1/snapshots/..%2f..%2fspotter.toml", "", 404),
        ("GET", "/api/v1/snapshots/2026-11-26/x.jpg", "", 404),
    ] {
        let (found, why) = detail(a_box, method, path, body);
        assert!(found == status && !why.is_empty(), "{method} {path} {body}: {found} {why}");
    }
}

#[test]
fn a_set_is_counted_kept_shown_corrected_confirmed_exported_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut a_box = start(folder.path());
    assert_eq!(
        send(&a_box, "PUT", "/api/v1/cameras/rack/exercise", r#"{"name":"Squat"}"#),
        (200, json!({"name": "Squat"}))
    );
    let set = second_set(&a_box);
    assert_eq!((&set["camera"], &set["reps"], &set["reps_machine"]), (&json!("rack"), &json!(3), &json!(3)), "{set}");
    assert_eq!((&set["exercise"], &set["chosen"]), (&json!("Squat"), &json!(true)), "{set}");
    let id = set["id"].as_i64().unwrap();
    let one = format!("/api/v1/sets/{id}");
    let whole = a_box.json(&one);
    assert_eq!(whole["repetitions"].as_array().unwrap().len(), 3);
    let rep = &whole["repetitions"][1];
    assert!(rep["min_deg"].as_f64().unwrap() < rep["max_deg"].as_f64().unwrap() - 25.0, "{rep}");

    // Its picture is a JPEG of the camera's size.
    let place = whole["picture"].as_str().unwrap();
    let picture = until("its picture is written, which comes after the set", || {
        let picture = a_box.get(&format!("/api/v1/snapshots/{place}"));
        if picture.status == 404 { Err(picture.text()) } else { Ok(picture) }
    });
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/jpeg")));
    let policy = picture.header("content-security-policy").unwrap();
    assert!(policy.contains("style-src-attr 'unsafe-inline'"), "a browser centres it: {policy}");
    let header = turbojpeg::read_header(&picture.body).unwrap();
    assert_eq!((header.width, header.height), (480, 270));
    assert_eq!(a_box.json("/api/v1/snapshots")[0]["path"], place);

    // The human's word stands beside the machine's.
    let (status, said) = send(&a_box, "PATCH", &one, r#"{"reps":5,"weight":82.5,"note":"paused"}"#);
    assert_eq!(status, 200, "{said}");
    let told = [&said["reps"], &said["reps_machine"], &said["reps_human"], &said["weight"], &said["note"]];
    assert_eq!(told, [&json!(5), &json!(3), &json!(5), &json!(82.5), &json!("paused")]);
    let (status, said) = send(&a_box, "POST", &format!("{one}/confirm"), "");
    assert_eq!((status, &said["pending"], said["confirmed_ms"].is_u64()), (200, &json!(false), true));

    is_remembered_and_forgotten(&a_box, &one);

    let csv = a_box.get("/api/v1/sets.csv");
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"sets.csv\""));
    assert!(
        csv.text().lines().any(|line| line.starts_with(&format!("{id},rack,Squat,5,82.5,paused,"))),
        "{}",
        csv.text()
    );
    // Another set may have come meanwhile.
    let sets = a_box.json("/api/v1/sets.json");
    let same = sets.as_array().unwrap().iter().find(|set| set["id"] == id).unwrap();
    assert_eq!(same["repetitions"].as_array().unwrap().len(), 3);

    refuses_what_cannot_be(&a_box, &one);
    assert_eq!(a_box.json(&one)["reps"], 5);

    // All of it outlives a restart, and a set that is deleted is gone.
    a_box.signal("TERM");
    assert_eq!(a_box.wait(), 0);
    let a_box = start(folder.path());
    assert_eq!((&a_box.json(&one)["reps"], &a_box.json(&one)["note"]), (&json!(5), &json!("paused")));
    assert_eq!(send(&a_box, "DELETE", &one, "").0, 200);
    assert_eq!(a_box.get(&one).status, 404);
}

#[test]
fn what_a_receiver_refused_is_tried_again_when_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Receiver::start(Part::Webhook(SECRET), |_| Manner::status(422));
    let sink =
        format!("[[sink]]\nname = \"hook-1\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n", hook.url());
    let a_box = start_with(folder.path(), &sink);
    until("a set is refused and parked", || match a_box.json("/api/v1/admin")["sinks"][0]["parked"].as_u64() {
        Some(1..) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    for nobody in ["hook", "hook-1."] {
        let told = detail(&a_box, "POST", &format!("/api/v1/sinks/{nobody}/retry"), "");
        assert_eq!(told, (404, "there is no sink of this name".to_string()), "{nobody}");
    }
    let first = hook.got().first().expect("it was asked").key().to_string();
    hook.behave(|_| Manner::Well);
    let path = "/api/v1/sinks/hook%2D1/retry";
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(request(a_box.address, "POST", path, &foreign, b"").status, 403);
    let (status, said) = send(&a_box, "POST", path, "");
    assert!(status == 200 && said["retried"].as_u64() >= Some(1), "{status} {said}");
    until("what was refused is taken", || {
        let got = hook.got();
        if got.iter().any(|request| request.is_taken && request.key() == first) {
            Ok(())
        } else {
            Err(format!("{got:?}"))
        }
    });
}

#[test]
fn thresholds_change_at_once_outlive_a_restart_and_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = "/api/v1/thresholds";
    let mut a_box = start(folder.path());
    let before = a_box.json(path);
    assert_eq!((&before["set_boundary.quiet_seconds"], &before["confidence_threshold"]), (&json!(3.0), &json!(0.5)));
    let (status, after) =
        until("the log is open", || match send(&a_box, "PATCH", path, r#"{"rep.min_amplitude_deg":31.5}"#) {
            (503, why) => Err(why.to_string()),
            done => Ok(done),
        });
    assert_eq!((status, &after["rep.min_amplitude_deg"]), (200, &json!(31.5)));
    // What is taken while the log opens is told before that it is open.
    let admin = until("the log is open, and says so", || {
        let admin = a_box.json("/api/v1/admin");
        if admin["log"]["fault"].is_null() { Ok(admin) } else { Err(admin["log"].to_string()) }
    });
    let mut knob = admin["thresholds"][0].clone();
    assert!(knob.as_object_mut().unwrap().remove("help").is_some_and(|help| help.is_string()));
    let name = "rep.min_amplitude_deg";
    let wanted = json!({"name": name, "least": 5.0, "most": 120.0, "value": 31.5, "configured": before[name]});
    assert_eq!(knob, wanted, "the admin page's row");
    assert_eq!(admin["sinks"], json!([]));
    for (body, why) in [
        (r#"{"rep.min_period_s":1.0,"rep.x":1}"#, "there is no threshold `rep.x`"),
        (r#"{"rep.min_period_s":1.0,"confidence_threshold":1.5}"#, "confidence_threshold must be a number from 0 to 1"),
        (r#"{"confidence_threshold":"1"}"#, "confidence_threshold must be a number from 0 to 1"),
        ("{}", "the body must be a JSON object of thresholds and numbers"),
        ("", "the body must be a JSON object of thresholds and numbers"),
    ] {
        assert_eq!(detail(&a_box, "PATCH", path, body), (422, why.to_string()), "{body}");
    }
    assert_eq!(a_box.json(path), after, "what was refused changed nothing");
    let foreign = [("Origin", "http://evil.example"), ("Content-Type", "application/json")];
    let reply = request(a_box.address, "PATCH", path, &foreign, br#"{"rep.min_period_s":1.0}"#);
    assert_eq!(reply.status, 403, "{}", reply.text());
    a_box.signal("TERM");
    a_box.wait();
    let a_box = start(folder.path());
    until("the thresholds are back", || {
        let found = a_box.json(path);
        if found == after { Ok(()) } else { Err(found.to_string()) }
    });
    let (status, back) = until("the log is open", || match send(&a_box, "DELETE", path, "") {
        (503, why) => Err(why.to_string()),
        done => Ok(done),
    });
    assert_eq!((status, back), (200, before));
}

#[test]
fn what_an_athlete_says_he_does_is_a_name_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let a_box = start(folder.path());
    let path = "/api/v1/cameras/rack/exercise";
    assert_eq!(a_box.json(path), json!({"name": null}));
    assert_eq!(send(&a_box, "PUT", path, r#"{"name":"Kettlebell Swing"}"#).0, 200);
    assert_eq!(a_box.json(path), json!({"name": "Kettlebell Swing"}));
    for body in [
        "",
        "{}",
        r#"{"name":3}"#,
        r#"{"name":""}"#,
        r#"{"name":"a\nb"}"#,
        &format!(r#"{{"name":"{}"}}"#, "x".repeat(65)),
    ] {
        assert_eq!(detail(&a_box, "PUT", path, body).0, 422, "{body}");
    }
    assert_eq!(a_box.json(path), json!({"name": "Kettlebell Swing"}));
    assert_eq!(send(&a_box, "PUT", path, r#"{"name":null}"#), (200, json!({"name": null})));
    assert_eq!(detail(&a_box, "PUT", "/api/v1/cameras/no/exercise", "{}").0, 404);
    assert!(a_box.json("/api/v1/exercises").as_array().unwrap().contains(&json!({"name": "Bench Press"})));
}

#[test]
fn only_what_was_changed_is_kept_so_that_the_config_still_counts_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = "/api/v1/thresholds";
    let mut a_box = start(folder.path());
    until("the log is open", || match send(&a_box, "PATCH", path, r#"{"confidence_threshold":0.6}"#) {
        (200, _) => Ok(()),
        (_, why) => Err(why.to_string()),
    });
    a_box.signal("TERM");
    a_box.wait();
    let config = folder.path().join("spotter.toml");
    std::fs::write(&config, SQUATS.replace("quiet_seconds = 3.0", "quiet_seconds = 40.0")).unwrap();
    let (config, data) = (config.display().to_string(), folder.path().display().to_string());
    let a_box = SpotterBox::start(&["--config", &config, "--data-dir", &data]);
    until("both are in force", || {
        let found = a_box.json(path);
        let both = found["confidence_threshold"] == 0.6 && found["set_boundary.quiet_seconds"] == 40.0;
        if both { Ok(()) } else { Err(found.to_string()) }
    });
}

#[test]
fn a_name_that_cannot_be_read_does_not_forget_everything() {
    let folder = tempfile::tempdir().unwrap();
    let a_box = start(folder.path());
    for query in ["exercise=%ff", "exersice=Squat"] {
        assert_eq!(detail(&a_box, "DELETE", &format!("/api/v1/prototypes?{query}"), "").0, 422, "{query}");
    }
}

//! `[[camera]]`, and who looks at it.

use super::*;

#[test]
fn names_and_numbers_of_cameras_have_limits() {
    let camera = |name: &str| format!("[[camera]]\nname = \"{name}\"\nsource = \"demo:\"\n");
    for good in ["a", "rack-1_B", &"x".repeat(32)] {
        load(&camera(good)).unwrap();
    }
    for bad in ["", "a b", "ä", "a/b", &"x".repeat(33)] {
        assert!(load(&camera(bad)).unwrap_err().starts_with("box.toml:2: a camera's name wants"), "{bad}");
    }
    let many = |count: usize| (0..count).map(|i| camera(&format!("c{i}"))).collect::<String>();
    assert_eq!(load(&many(16)).unwrap().cameras.len(), 16);
    assert_eq!(load(&many(17)).unwrap_err(), "box.toml:49: a box has at most 16 cameras, and here are 17");
}

#[test]
fn keys_that_fit_only_one_kind_of_source_are_refused_for_another() {
    let said =
        load("[[camera]]\nname = \"a\"\nsource = \"demo:\"\ntransport = \"udp\"\npace = \"full\"\n").unwrap_err();
    let want =
        "box.toml:4: `transport` is for rtsp: and rtsps: sources only\nbox.toml:5: `pace` is for file: sources only";
    assert_eq!(said, want);
}

#[test]
fn a_private_camera_that_nobody_looks_at_is_refused() {
    let camera = |lines: &str, rest: &str| format!("[[camera]]\nname = \"a\"\nsource = \"demo:\"\n{lines}\n{rest}");
    let model = "[pose]\nmodel = \"m.onnx\"\n";
    assert!(load(&camera("privacy = true", model)).unwrap().cameras[0].privacy);
    let nobody = "box.toml:4: `privacy` in [camera] shows skeletons only, and with `pose = false` nobody looks for any";
    assert_eq!(refused(camera("privacy = true\npose = false", model)), [nobody]);
    let nothing =
        "box.toml:4: `privacy` in [camera] shows skeletons only, and [pose] has no engine and model to find any";
    assert_eq!(refused(camera("privacy = true", "").replace("demo:", "rtsp://c/1")), [nothing]);
    assert!(
        load(&camera("privacy = true", "")).unwrap().pose.looks(),
        "the model in the binary sees the demo's athlete"
    );
    assert_eq!(refused(camera("privacy = true", "[pose]\nengine = \"off\"\nmodel = \"m.onnx\"\n")), [nothing]);
    load(&camera("privacy = false\npose = false", "")).unwrap();
}

#[test]
fn a_zone_is_read_told_again_and_refused_with_its_line() {
    let of = |zone: &str| with("camera", &format!("zone = {zone}"));
    let config = load(&of("[[0.2, 0.5], [0.8, 0.5], [1, 1], [0, 1.0]]")).unwrap();
    assert_eq!(config.cameras[0].zone.unwrap().corners(), [(0.2, 0.5), (0.8, 0.5), (1.0, 1.0), (0.0, 1.0)]);
    let again = load(&config.resolved_toml()).unwrap();
    assert_eq!(again.resolved_toml(), config.resolved_toml());
    assert_eq!(again.cameras[0].zone, config.cameras[0].zone);
    // Of sixteen corners there is a way around; of seventeen as well, but they are too many.
    let around = |count: usize| {
        let corner = |n: usize| std::f64::consts::TAU * n as f64 / count as f64;
        let corners = (0..count).map(|n| format!("[{}, {}]", 0.5 + 0.4 * corner(n).cos(), 0.5 + 0.4 * corner(n).sin()));
        format!("[{}]", corners.collect::<Vec<_>>().join(", "))
    };
    load(&of(&around(3))).unwrap();
    load(&of(&around(16))).unwrap();
    let shape =
        "`zone` in [camera] wants a list of corners, such as [[0.3, 0.6], [0.7, 0.6], [0.8, 1.0], [0.2, 1.0]], not";
    for (zone, want) in [
        (around(17).as_str(), "a zone has 3 to 16 corners, not 17"),
        ("[[0.1, 0.1], [0.9, 0.9]]", "a zone has 3 to 16 corners, not 2"),
        ("[]", "a zone has 3 to 16 corners, not 0"),
        (
            "[[0.1, 0.1], [0.9, 0.1], [0.9, 1.2]]",
            "corner 3 of the zone is not within the picture: both its numbers are shares from 0 to 1",
        ),
        (
            "[[0.2, 0.2], [0.8, 0.8], [0.8, 0.2], [0.2, 0.8]]",
            "the edges of the zone that begin at corners 1 and 3 meet: give the corners in their order around the zone",
        ),
        ("[[0.2, 0.2], [0.5, 0.5], [0.8, 0.8]]", "the zone encloses less than a thousandth of the picture"),
        ("\"all\"", &format!("{shape} a text")),
        ("[0.1, 0.2, 0.3]", &format!("{shape} a list of something else")),
        ("[[0.1, 0.2, 0.3], [0.1, 0.2], [0.3, 0.3]]", &format!("{shape} a list of something else")),
        ("[[0.1, \"a\"], [0.1, 0.2], [0.3, 0.3]]", &format!("{shape} a list of something else")),
    ] {
        assert_eq!(refused(of(zone)), [format!("box.toml:4: {want}")], "{zone}");
    }
}

#[test]
fn what_a_camera_is_told_arrives() {
    let text = "data_dir = \"/srv/box\"\n[[camera]]\nname = \"a\"\nsource = \"rtsp://c/1\"\ntransport = \"udp\"\npose = false\n\
        cores = { capture = [1], pose = [2, 3], jpeg = [] }\npriority = { capture = 50 }\n\
        [[camera]]\nname = \"b\"\nsource = \"file:a.mp4\"\npace = \"full\"\n[capture]\nstall_s = 2.5\n";
    let config = load(text).unwrap();
    let (a, b) = (&config.cameras[0], &config.cameras[1]);
    assert!(a.rtsp_udp && !a.pose && !a.full_speed && b.full_speed && b.pose);
    assert_eq!((a.cores.capture.as_slice(), a.cores.pose.as_slice()), (&[1][..], &[2, 3][..]));
    assert_eq!((a.priority.capture, a.priority.jpeg), (Some(50), None));
    assert_eq!(config.capture.stall.as_millis(), 2500);
    assert_eq!(config.http.data_dir, Path::new("/srv/box"));
}

/// The model in the binary knows the rendered athlete and nobody else.
#[test]
fn the_demo_model_looks_by_itself_only_where_every_camera_looked_at_is_a_demo() {
    let real = "[[camera]]\nname = \"b\"\nsource = \"v4l2:/dev/video0\"\n";
    let model = |text: &str| load(text).unwrap().pose.model.map(|path| path.display().to_string());
    let demo = Some("demo".to_string());
    assert_eq!(model(&with("pose", "")), demo);
    assert_eq!(model(&with("pose", "engine = \"cpu\"")), demo);
    assert_eq!(model(&format!("{real}pose = false\n{}", with("pose", ""))), demo);
    assert_eq!(model(&with("pose", "engine = \"off\"")), None);
    assert_eq!(model(&with("camera", "pose = false")), None);
    assert_eq!(model(&format!("{real}{}", with("pose", ""))), None);
    assert_eq!(model(&format!("{real}[pose]\nmodel = \"demo\"\n")), demo);
    assert_eq!(model(&with("pose", "model = \"./demo\"")), Some("./demo".to_string()));
    let blind =
        "nobody looks: [pose] has no `model`, and the one in this program knows only the athlete of demo: sources";
    let (code, _, said) = check(real);
    assert!(code == 0 && said.contains(blind), "{said}");
    let (code, _, said) = check(with("pose", ""));
    assert!(code == 0 && !said.contains("nobody looks"), "{said}");
    assert_eq!(
        refused(format!("{real}[pose]\nengine = \"cpu\"\n")),
        ["box.toml:5: `engine` in [pose] has no `model` to look with"]
    );
}

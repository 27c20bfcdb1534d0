//! `[[sink]]`.

use super::*;

#[test]
fn sinks_are_checked_key_by_key_and_their_secrets_hidden() {
    let camera = "[[camera]]\nname = \"a\"\nsource = \"demo:\"\n";
    let sink = |lines: &str| format!("{camera}[[sink]]\n{lines}\n");
    let pump = "kind = \"pump\"\nurl = \"http://pump:8851\"\n";
    let hook = "kind = \"webhook\"\nurl = \"https://h/hook/${PLANTED}\"\nsecret = \"${PLANTED}\"\n";
    let text = sink(&format!("{pump}api_key = \"${{PLANTED}}\"\n[[sink]]\n{hook}timeout_s = 0.1\ntries = 1000\n"));
    let (code, shown, said) = check(&text);
    assert_eq!(code, 0, "{said}");
    for line in ["api_key = \"***\"", "secret = \"***\"", "url = \"https://h/***\"", "name = \"webhook\""] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let env = |_: &str| Some(SECRET.to_string());
    let config = Config::from_text("f", Some(&text), &Flags::default(), &env).unwrap();
    assert!(!format!("{config:?} {:?}", config.sinks).contains(SECRET));
    let timeouts: Vec<u128> = config.sinks.iter().map(|sink| sink.timeout.as_millis()).collect();
    assert_eq!((timeouts, config.store.sinks), (vec![10_000, 100], vec!["pump".to_string(), "webhook".to_string()]));
    assert_eq!(config.sinks.iter().map(|sink| sink.tries).collect::<Vec<_>>(), [20, 1000]);
    for (lines, want) in [
        ("", "box.toml:4: this sink has no `kind`\nbox.toml:4: this sink has no `url`"),
        ("kind = \"mqtt\"\nurl = \"http://h\"", "box.toml:5: `kind` in [sink] wants \"pump\" or \"webhook\""),
        (
            "kind = \"pump\"\nurl = \"ftp://h\"",
            "box.toml:6: `url` in [[sink]] wants http:// or https:// and a host, without a user; PUMP's without a query",
        ),
        (
            "kind = \"pump\"\nurl = \"http://u:p@h\"",
            "box.toml:6: `url` in [[sink]] wants http:// or https:// and a host, without a user; PUMP's without a query",
        ),
        (&format!("{pump}secret = \"a\""), "box.toml:7: `secret` is for sinks of the kind \"webhook\" only"),
        (
            "kind = \"webhook\"\nurl = \"http://h\"\napi_key = \"a\"",
            "box.toml:7: `api_key` is for sinks of the kind \"pump\" only",
        ),
        (
            &format!("{pump}api_key = \"a b\""),
            "box.toml:7: `api_key` in [[sink]] wants 1 to 256 printable ASCII characters without a space",
        ),
        (
            &format!("{pump}name = \"a b\""),
            "box.toml:7: a sink's name wants 1 to 32 of the letters a-z, A-Z, the digits, `_` and `-`",
        ),
        (&format!("{pump}timeout_s = 0.05"), "box.toml:7: `timeout_s` in [sink] wants 0.1 to 120 seconds, not 0.05"),
        (&format!("{pump}tries = 0"), "box.toml:7: `tries` in [sink] wants a whole number from 1 to 1000, not 0"),
        (&format!("{pump}tries = 1001"), "box.toml:7: `tries` in [sink] wants a whole number from 1 to 1000, not 1001"),
        (&format!("{pump}[[sink]]\n{pump}"), "box.toml:7: the sink name `pump` is already used in line 4"),
        (
            &format!("{pump}retries = 3"),
            "box.toml:7: unknown key `retries`; [sink] knows kind, url, name, api_key, secret, timeout_s, tries",
        ),
    ] {
        assert_eq!(load(&sink(lines)).unwrap_err(), want);
    }
    assert_eq!(
        load("sink = 1").unwrap_err().lines().last(),
        Some("box.toml:1: `sink` wants [[sink]] tables, not a whole number")
    );
    let many = |count: usize| (0..count).map(|i| format!("[[sink]]\n{pump}name = \"s{i}\"\n")).collect::<String>();
    assert_eq!(load(&format!("{camera}{}", many(8))).unwrap().sinks.len(), 8);
    assert_eq!(
        load(&format!("{camera}{}", many(9))).unwrap_err(),
        "box.toml:36: a box has at most 8 sinks, and here are 9"
    );
}

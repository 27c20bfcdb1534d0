//! What every error of the house has in common: exit codes, and that no secret is ever part of a sentence.
//!
//! Rooms have typed errors of their own. What is shown to a person goes through [`redacted`] first, where a source
//! URI is part of it.

use std::path::Path;

/// How the program ends: the contract with scripts and with systemd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// What was asked for was done.
    Done = 0,
    /// It was understood but did not work.
    Failed = 1,
    /// The arguments or the config are wrong; trying again cannot help.
    Usage = 2,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}

/// A library's sentence, which may have been broken into lines.
pub fn one_line(why: &dyn std::fmt::Display) -> String {
    why.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The linker's sentence why it does not open the library `name`, without that name, which ours begin with.
pub fn not_opened(why: &libloading::Error, name: &Path) -> String {
    let cause = std::error::Error::source(why).map_or_else(|| why.to_string(), ToString::to_string);
    let cause = one_line(&cause);
    cause.strip_prefix(&format!("{}: ", name.display())).unwrap_or(&cause).to_string()
}

/// A copy of `text` in which the user and password of every `scheme://user:password@host` is `***`, and so is the
/// value of every query parameter whose name says that it is a secret.
///
/// It works on any text, not only on a bare URI: library messages quote URIs in the middle of a sentence.
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | ')');
        // A password may itself hold '/', '?' or a quote, so the user part ends at the last '@' before white space,
        // unless a '/' came first and no '@' is left in what looks like the authority.
        let word_end = tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>')).unwrap_or(tail.len());
        let authority_end = tail[..word_end].find(ends).unwrap_or(word_end);
        let at_sign = tail[..authority_end].rfind('@').or_else(|| tail[..word_end].rfind('@'));
        match at_sign {
            Some(i) => {
                out.push_str("***");
                rest = &tail[i..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    redact_parameters(&out)
}

/// A copy of `uri`, which is one and nothing else, without user and password, be there white space in them.
pub fn redacted_uri(uri: &str) -> String {
    let spaceless: String = uri.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    redacted(&spaceless)
}

/// What begins so, holds this or ends so is a secret's name, in whatever case.
const SECRET_PARTS: [&str; 9] =
    ["passw", "passphrase", "pwd", "token", "secret", "auth", "cookie", "credential", "headers"];
const SECRET_ENDS: [&str; 9] = ["pass", "key", "sig", "signature", "-pw", "user-id", "proxy-id", "loginpas", "pin"];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part)) || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

fn redact_parameters(text: &str) -> String {
    without_secrets(text, &mut |_| {})
}

/// The values in `text` that are secrets by their names, as they stand there, without quotes.
pub fn secrets_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    without_secrets(text, &mut |value| found.push(value.trim_matches(['"', '\'']).to_string()));
    found.retain(|value| !value.is_empty() && value != "!");
    found
}

/// Query parameters, and the properties of a GStreamer pipeline, which stand after white space and may be quoted.
fn without_secrets(text: &str, found: &mut dyn FnMut(&str)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| matches!(c, '?' | '&') || c.is_whitespace()) {
        let after = rest[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        let (head, tail) = rest.split_at(after);
        out.push_str(head);
        let name_end = tail.find(|c: char| matches!(c, '=' | '&' | '"') || c.is_whitespace()).unwrap_or(tail.len());
        let (name, given) = tail.split_at(name_end);
        out.push_str(name);
        rest = given;
        if let Some(value) = given.trim_start().strip_prefix('=').filter(|_| is_secret(name)) {
            out.push_str("=***");
            let value = value.trim_start();
            rest = after_value(value, head.ends_with(['?', '&']));
            found(&value[..value.len() - rest.len()]);
        }
    }
    out.push_str(rest);
    out
}

/// What follows a value. That of a property goes on to white space outside its quotes.
fn after_value(text: &str, in_query: bool) -> &str {
    let (mut quote, mut escaped) = (None, false);
    let ends = |c: char| {
        if in_query {
            return matches!(c, '&' | '"') || c.is_whitespace();
        }
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' => escaped = true,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            _ => return quote.is_none() && c.is_whitespace(),
        }
        false
    };
    &text[text.find(ends).unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_gone_wherever_they_stand() {
        for (given, want) in [
            ("rtsp://user:pass@cam/1", "rtsp://***@cam/1"),
            ("rtsp://cam:554/1", "rtsp://cam:554/1"),
            ("cannot open rtsp://u:p@h/x now", "cannot open rtsp://***@h/x now"),
            ("http://u:p%40@h/ and http://a:b@c/", "http://***@h/ and http://***@c/"),
            ("rtsp://admin:a/b@c@10.0.0.9/s", "rtsp://***@10.0.0.9/s"),
            ("http://h/s.mjpg?user=a&pwd=geheim&x=1", "http://h/s.mjpg?user=a&pwd=***&x=1"),
            ("v4l2:/dev/video0?size=1280x720&fps=30", "v4l2:/dev/video0?size=1280x720&fps=30"),
            ("gst:rtspsrc user-id=a user-pw=geheim ! x", "gst:rtspsrc user-id=*** user-pw=*** ! x"),
            ("rtspsrc user-pw = \"ge heim\" proxy-pw=g&h ! x", "rtspsrc user-pw=*** proxy-pw=*** ! x"),
            ("rtsp://u:a\"b@h/x", "rtsp://***@h/x"),
            ("rtsp://u:a'b@h/x", "rtsp://***@h/x"),
            (
                "gst:souphttpsrc location=http://h/ extra-headers=\"h, Authorization=geheim\" is-live=true cookies=geheim ! x",
                "gst:souphttpsrc location=http://h/ extra-headers=*** is-live=true cookies=*** ! x",
            ),
            ("http://h/?access_token=g&apikey=g&sig=g&x=1", "http://h/?access_token=***&apikey=***&sig=***&x=1"),
            (
                "gst:srtsrc passphrase=geheim ! nvarguscamerasrc sensor-id=0",
                "gst:srtsrc passphrase=*** ! nvarguscamerasrc sensor-id=0",
            ),
            ("", ""),
        ] {
            assert_eq!(redacted(given), want, "{given}");
        }
        assert_eq!(redacted_uri("rtsp://u:a b@h/x"), "rtsp://***@h/x");
        assert_eq!(secrets_in("x user-pw = \"ge heim\" a=b pass='c' key= ! y"), ["ge heim", "c"]);
    }
}

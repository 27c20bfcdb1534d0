//! Takes the user and password out of a URI, so that the library is never given a text that holds them.

/// A URI, taken apart.
#[derive(PartialEq)]
pub(super) struct Login {
    /// The URI without credentials.
    pub location: String,
    /// Host and port as given.
    pub host: String,
    /// User and password, percent-decoded.
    pub user: Option<(String, String)>,
}

/// Splits `scheme://user:password@host:port/path`. A password with a bare `@` or `/` in it is understood.
pub(super) fn split(uri: &str) -> Login {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let slash = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // As in `error::redacted`: an `@` within the authority decides; failing that, one behind a `/` of the password.
    let at = rest[..slash].rfind('@').or_else(|| {
        let query = rest.find('?').unwrap_or(rest.len());
        let later = rest[..query].rfind('@')?;
        rest[..slash].contains(':').then_some(later).filter(|_| !port_follows(&rest[..slash]))
    });
    let (user, address) = match at {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let host = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let user = user.map(|u| u.split_once(':').unwrap_or((u, "")));
    Login {
        location: format!("{scheme}://{address}"),
        host: host.to_string(),
        user: user.map(|(name, password)| (decoded(name), decoded(password))),
    }
}

fn port_follows(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_holds_no_credentials() {
        for (uri, location, host, user) in [
            ("rtsp://cam/1", "rtsp://cam/1", "cam", None),
            ("rtsp://u:p@cam:554/1?a=b@c", "rtsp://cam:554/1?a=b@c", "cam:554", Some(("u", "p"))),
            ("rtsp://u:p%40%2F@cam", "rtsp://cam", "cam", Some(("u", "p@/"))),
            ("rtsp://u:p@q@cam/x", "rtsp://cam/x", "cam", Some(("u", "p@q"))),
            ("rtsp://admin:a/b@10.0.0.9/s", "rtsp://10.0.0.9/s", "10.0.0.9", Some(("admin", "a/b"))),
            ("http://cam:80/a@b", "http://cam:80/a@b", "cam:80", None),
            ("http://u@[::1]:80/", "http://[::1]:80/", "[::1]:80", Some(("u", ""))),
            ("http://u:100%@h/", "http://h/", "h", Some(("u", "100%"))),
        ] {
            let got = split(uri);
            let got_user = got.user.as_ref().map(|(a, b)| (a.as_str(), b.as_str()));
            assert_eq!((got.location.as_str(), got.host.as_str(), got_user), (location, host, user), "{uri}");
        }
    }
}

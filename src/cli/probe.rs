//! `spotter probe`: the cameras of this machine, each with the source line that opens it.

use crate::error::Exit;

/// Prints them.
#[cfg(target_os = "linux")]
pub(super) fn probe(json: bool) -> Exit {
    let found = crate::capture::v4l2::probe::probe();
    if json {
        let text = serde_json::to_string_pretty(&found).expect("plain structs have a JSON form");
        return super::put(format!("{text}\n").as_bytes());
    }
    if found.is_empty() {
        return super::say("no camera was found; the service's user must be in the group video to see one", Exit::Done);
    }
    super::put(found.iter().map(people::paragraph).collect::<Vec<_>>().join("\n").as_bytes())
}

/// Prints that there is nothing to look at.
#[cfg(not(target_os = "linux"))]
pub(super) fn probe(_json: bool) -> Exit {
    super::say("only Linux tells which cameras there are", Exit::Failed)
}

#[cfg(target_os = "linux")]
mod people {
    use std::fmt::Write;

    use crate::capture::uri::format_name;
    use crate::capture::v4l2::negotiate::SizeOffer;
    use crate::capture::v4l2::probe::Found;

    pub(super) fn paragraph(found: &Found) -> String {
        let mut out = format!("{} ({}, {})\n  source = \"{}\"\n", found.name, found.driver, found.node, found.uri);
        for format in &found.formats {
            let sizes: Vec<String> = format.sizes.iter().map(size).collect();
            let _ = writeln!(out, "  {:5} {}", format_name(format.format), sizes.join("  "));
        }
        for hint in &found.hints {
            let _ = writeln!(out, "  note: {hint}");
        }
        out
    }

    fn size(offer: &SizeOffer) -> String {
        let ((w, h), (most_w, most_h)) = (offer.min, offer.max);
        let area = if offer.min == offer.max { format!("{w}x{h}") } else { format!("{w}x{h}..{most_w}x{most_h}") };
        match offer.rates.first() {
            Some(best) => format!("{area}@{best:.0}"),
            None => area,
        }
    }
}

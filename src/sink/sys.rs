//! The day of a moment where the box stands: the C library knows the time zone (`TZ`, `/etc/localtime`).
#![allow(unsafe_code)]

/// `2026-11-26`, by local time.
pub(super) fn local_date(unix_ms: u64) -> String {
    let seconds = libc::time_t::try_from(unix_ms / 1000).unwrap_or(libc::time_t::MAX);
    let mut parts = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers lead to values of this stack that outlive the call; `localtime_r` keeps neither, and reads the
    // environment, which nobody changes: `set_var` is not called in this program.
    let done = unsafe { libc::localtime_r(&raw const seconds, parts.as_mut_ptr()) };
    if done.is_null() {
        // A year that does not fit; no clock shows it.
        return "1970-01-01".into();
    }
    // SAFETY: it was zeroed, which is a valid `tm`, and then filled in.
    let parts = unsafe { parts.assume_init() };
    format!("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the files of time zones, which a small machine may lack: from the last Sunday of March to that of October.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    /// The C library reads its zone once, so the test starts itself in Berlin.
    #[test]
    fn a_set_has_the_day_of_the_clock_on_the_wall_at_midnight_and_at_both_ends_of_summer_time() {
        if std::env::var("TZ").as_deref() != Ok(BERLIN) {
            let name = concat!(
                "sink::sys::tests::",
                "a_set_has_the_day_of_the_clock_on_the_wall_at_midnight_and_at_both_ends_of_summer_time"
            );
            let mut own = std::process::Command::new(std::env::current_exe().unwrap());
            let out = own.env("TZ", BERLIN).args(["--exact", name]).output().unwrap();
            let said = String::from_utf8_lossy(&out.stdout);
            assert!(out.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        for (midnight_ms, before, after) in [
            (1_792_879_200_000, "2026-10-24", "2026-10-25"),
            // A day of 25 hours, and one of 23.
            (1_792_969_200_000, "2026-10-25", "2026-10-26"),
            (1_806_188_400_000, "2027-03-27", "2027-03-28"),
            (1_806_271_200_000, "2027-03-28", "2027-03-29"),
        ] {
            assert_eq!([local_date(midnight_ms - 1), local_date(midnight_ms)], [before, after]);
        }
    }
}

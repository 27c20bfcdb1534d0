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

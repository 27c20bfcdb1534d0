//! Why an update is not taken, or was taken back: a closed list, one sentence each.

use std::io;
use std::path::Path;

/// Why an update is not taken, or was taken back. `path` is what the sentence is about.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each sentence says what its parts are")]
pub enum Fault {
    /// It was started by somebody else.
    #[error("an update wants root: sudo spotter-update")]
    NotRoot,
    /// One at a time.
    #[error("another spotter-update is at work")]
    Busy,
    /// Nobody is trusted yet.
    #[error("there is no key of a release in {path}, so no update can be trusted")]
    NoKeys { path: String },
    /// A key that is none.
    #[error("{path} is no list of minisign's public keys")]
    BadKeys { path: String },
    /// Whoever can write to it could become root.
    #[error("{path} must belong to root, and nobody else may write to it")]
    Loose { path: String },
    /// It cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    /// Something else altogether.
    #[error("{path} is no update for spotter")]
    NotRelease { path: String },
    /// Signed by somebody whom this box does not know.
    #[error("{path} is not signed by a key that this box trusts")]
    Stranger { path: String },
    /// The signature does not fit what is there.
    #[error("{path} is damaged, or was changed after it was signed")]
    Damaged { path: String },
    /// Signed, but by mistake.
    #[error("what was signed of {path} is no update: {why}")]
    Label { path: String, why: String },
    /// For another processor.
    #[error("{path} is for {wanted} processors, and this box has {own}")]
    Processor { path: String, wanted: String, own: String },
    /// For another board.
    #[error("{path} is for the board {wanted}, and this box is {own}")]
    Board { path: String, wanted: String, own: String },
    /// A downgrade that nobody asked for.
    #[error("{version} is older than {runs}, which runs; --allow-older takes it all the same")]
    Older { version: String, runs: String },
    /// There is nothing to do.
    #[error("{version} is what runs already")]
    Same { version: String },
    /// A bomb.
    #[error("{path} is larger than the {mib} MiB that an update may have")]
    Large { path: String, mib: u64 },
    /// What no release may hold.
    #[error("{path} holds {member}, which no update may: {why}")]
    Member { path: String, member: String, why: &'static str },
    /// Nothing to run.
    #[error("{path} holds no program bin/spotter")]
    NoProgram { path: String },
    /// It would not fit.
    #[error("the disk of {path} has {free_mib} MiB free, and the update wants {mib}; nothing was changed")]
    NoRoom { path: String, free_mib: u64, mib: u64 },
    /// It did not fit.
    #[error("the disk of {path} is full; nothing was changed")]
    DiskFull { path: String },
    /// Everything else that goes wrong with a disk.
    #[error("{path} cannot be written: {why}")]
    Unwritable { path: String, why: String },
    /// It does not even start.
    #[error("{version} does not start on this box: {why}")]
    NoStart { version: String, why: String },
    /// Whether it is well could not be seen.
    #[error("the box answers {status} to the key of {path}, so its live cameras cannot be counted")]
    KeyRefused { path: String, status: u16 },
    /// Only the base is there.
    #[error("there is no version to go back to")]
    NothingKept,
    /// A trial that went wrong, and its good end.
    #[error("{version} was taken back and {back} runs again: {reason}")]
    TakenBack { version: String, back: String, reason: Reason },
    /// A trial that went wrong, and the version before does not answer either.
    #[error("{version} was taken back, and {back} is not ready either; journalctl -u spotter says why: {reason}")]
    NotBack { version: String, back: String, reason: Reason },
}

/// What was wrong with a trial.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each sentence says what its parts are")]
pub enum Reason {
    /// It hangs, or takes too long.
    #[error("it was not ready after {seconds} s")]
    NotReady { seconds: u64 },
    /// It runs and sees less.
    #[error("live cameras: {live} after {seconds} s, {wanted} before")]
    Blind { seconds: u64, live: usize, wanted: usize },
    /// It comes and goes.
    #[error("it was well at times, but never for {seconds} s without a break")]
    Unsteady { seconds: u64 },
    /// It used up its starts.
    #[error("it ended {starts} times")]
    Ended { starts: u32 },
    /// A start that cannot be counted is none.
    #[error("its start could not be counted on the disk, so it was not started")]
    NotCounted,
    /// It ended, and systemd does not try again.
    #[error("it ended and was not started again")]
    Dead,
    /// Ctrl-C, or the connection of whoever asked was lost.
    #[error("the update was interrupted")]
    Interrupted,
    /// systemd does not do what it is told.
    #[error("the service cannot be restarted: {0}")]
    Service(String),
    /// It is well, and the disk does not take that.
    #[error("that it is well cannot be written down: {0}")]
    Unkept(String),
}

/// What went wrong while `path` was written.
pub(super) fn unwritable(path: &Path, why: &io::Error) -> Fault {
    let path = path.display().to_string();
    match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::DiskFull { path },
        _ => Fault::Unwritable { path, why: why.to_string() },
    }
}

/// What went wrong while `path` was read.
pub(super) fn unreadable(path: &Path, why: &io::Error) -> Fault {
    Fault::Unreadable { path: path.display().to_string(), why: why.to_string() }
}

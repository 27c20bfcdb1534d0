//! `spotter completions`: what a shell needs to complete a line.

use crate::error::Exit;

/// Prints the script for `shell`.
pub(super) fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "spotter", &mut script);
    super::put(&script)
}

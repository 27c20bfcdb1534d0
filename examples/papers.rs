//! What a package holds beside its programs: their man pages and the completions of three shells, made from the table of
//! arguments itself, so that they cannot say anything else than the programs do.
//!
//! `cargo run --example papers -- DIR` writes `DIR/man/spotter*.1` and `DIR/completions/`.

use std::path::Path;

use clap_complete::Shell;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| panic!("papers DIR"));
    let (man, completions) = (Path::new(&folder).join("man"), Path::new(&folder).join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    // The version without its commit and build, which are the program's own.
    let spotter = spotter::cli::command().version(env!("CARGO_PKG_VERSION"));
    for (name, mut command) in [("spotter", spotter), ("spotter-update", spotter::update::command())] {
        clap_mangen::generate_to(command.clone(), &man)?;
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            clap_complete::generate_to(shell, &mut command, name, &completions)?;
        }
    }
    Ok(())
}

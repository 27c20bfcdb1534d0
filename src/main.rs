//! Arguments, subcommand, exit code.

fn main() -> std::process::ExitCode {
    spotter::cli::main(std::env::args_os()).into()
}

//! Arguments, update, exit code.

fn main() -> std::process::ExitCode {
    spotter::update::main(std::env::args_os()).into()
}

//! The command line of Edgewise.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}

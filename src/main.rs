//! The command line of wgrad.

fn main() -> std::process::ExitCode {
    wgrad::cli::main()
}

//! The operator's tool: makes, fills, checks and carries a site. Start at `blerg::tool::run`.

fn main() -> std::process::ExitCode {
    blerg::tool::run()
}

//! Starts `cgi_blerg` as a web server does: variables in the environment, the body on standard input. Start at [`run`].

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::thread;

use super::http::{Ask, Reply};
use super::site::Site;

/// The variables that a server makes of a request to a program at `script` (RFC 3875 s.4.1).
pub fn variables(site: &Site, script: &str, host: &str, ask: &Ask) -> Vec<(String, String)> {
    let query = ask.path.split_once('?').map_or("", |(_, query)| query);
    let mut variables: Vec<(String, String)> = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_SOFTWARE", "blerg-it"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "127.0.0.1"),
        ("SERVER_PORT", host.rsplit(':').next().unwrap_or("80")),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REQUEST_METHOD", ask.method),
        ("REQUEST_URI", &format!("{}{}", site.url, ask.path)),
        ("SCRIPT_NAME", &format!("{}/{script}", site.url)),
        ("QUERY_STRING", query),
        ("HTTP_HOST", host),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in &ask.headers {
        let name = name.to_ascii_uppercase().replace('-', "_");
        let name = if name == "CONTENT_TYPE" { name } else { format!("HTTP_{name}") };
        variables.push((name, value.clone()));
    }
    if let Some(body) = &ask.body {
        variables.push(("CONTENT_LENGTH".to_owned(), body.len().to_string()));
    }
    variables
}

/// One request: one process.
pub fn run(site: &Site, ask: &Ask) -> io::Result<Reply> {
    // Which program a server starts is decided by the path.
    let first = ask.path.split(['/', '?']).nth(1).unwrap_or_default();
    let (program, script) = match first {
        "rss" | "rss.cgi" => ("rss.cgi", "rss.cgi"),
        "wiki" | "wiki.cgi" => ("wiki.cgi", "wiki.cgi"),
        _ => ("cgi_blerg", "blerg.cgi"),
    };
    let mut command = site.command(program);
    command.envs(variables(site, script, "127.0.0.1:80", ask));
    run_with(&mut command, ask.body.as_deref().unwrap_or_default())
}

/// Runs a prepared command to its end with `body` on standard input.
pub fn run_with(command: &mut Command, body: &[u8]) -> io::Result<Reply> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = thread::scope(|scope| {
        // The program need not read a body that it refuses, so a broken pipe is none of our business.
        scope.spawn(move || drop(stdin.write_all(body)));
        child.wait_with_output()
    })?;
    Reply::from_cgi(&output.stdout).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("{error}; {}; stderr: {complaint}", output.status))
    })
}

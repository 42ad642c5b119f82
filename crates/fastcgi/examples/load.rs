//! Requests per second of a FastCGI worker by itself, without a web server: `load unix-path [connections] [seconds]`.
//! One thread; every connection is kept and has one request at a time, as nginx does it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use fastcgi::encode::{Keep, begin_request, end_input, input};
use fastcgi::{Params, Role, Stream};

/// The variables that nginx sends for a small request.
const PARAMS: [(&str, &str); 20] = [
    ("QUERY_STRING", ""),
    ("REQUEST_METHOD", "GET"),
    ("CONTENT_TYPE", ""),
    ("CONTENT_LENGTH", ""),
    ("SCRIPT_NAME", "/get/ada/"),
    ("REQUEST_URI", "/get/ada/"),
    ("DOCUMENT_URI", "/get/ada/"),
    ("DOCUMENT_ROOT", "/var/www/html"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REQUEST_SCHEME", "http"),
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("SERVER_SOFTWARE", "nginx/1.22.1"),
    ("REMOTE_ADDR", "127.0.0.1"),
    ("REMOTE_PORT", "51234"),
    ("SERVER_ADDR", "127.0.0.1"),
    ("SERVER_PORT", "8080"),
    ("SERVER_NAME", "localhost"),
    ("REDIRECT_STATUS", "200"),
    ("HTTP_HOST", "127.0.0.1:8080"),
    ("HTTP_ACCEPT", "*/*"),
];

fn main() -> io::Result<()> {
    let arguments: Vec<String> = arguments();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let path = arguments.get(1).map_or("/tmp/fastcgi.sock", String::as_str);
    let (connections, seconds) = (number(2, 20), Duration::from_secs(number(3, 3)));
    let request = request();
    let mut sockets = Vec::new();
    for _ in 0..connections {
        sockets.push(UnixStream::connect(path)?);
    }
    let start = Instant::now();
    let mut answers = 0_u64;
    let mut buffer = vec![0; 1 << 16];
    while start.elapsed() < seconds {
        for socket in &mut sockets {
            socket.write_all(&request)?;
        }
        for socket in &mut sockets {
            read_answer(socket, &mut buffer)?;
            answers += 1;
        }
    }
    let rate = answers as f64 / start.elapsed().as_secs_f64();
    writeln!(io::stdout(), "{rate:.0} requests/s over {connections} kept connections")
}

#[expect(clippy::disallowed_methods, reason = "an example is a program")]
fn arguments() -> Vec<String> {
    std::env::args().collect()
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::new();
    begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
    input(&mut bytes, 1, Stream::Params, Params::from_pairs(PARAMS).encoded());
    end_input(&mut bytes, 1, Stream::Params);
    end_input(&mut bytes, 1, Stream::Stdin);
    bytes
}

/// Reads up to the end of one request; a small answer is one read.
fn read_answer(socket: &mut UnixStream, buffer: &mut [u8]) -> io::Result<()> {
    const END_REQUEST: u8 = 3;
    let (mut filled, mut at) = (0, 0);
    loop {
        filled += match socket.read(&mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            taken => taken,
        };
        while let Some(&[_, kind, _, _, high, low, padding, _]) = buffer[..filled].get(at..at + 8) {
            let end = at + 8 + usize::from(u16::from_be_bytes([high, low])) + usize::from(padding);
            if end > filled {
                break;
            }
            if kind == END_REQUEST {
                return Ok(());
            }
            at = end;
        }
    }
}

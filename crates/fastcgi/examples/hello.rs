//! The answer that benchmarks compare: 690 bytes, headers included. `hello [unix:/path | address]`, else standard input.

use std::io::{self, Write};

use fastcgi::{Application, Config, Listener, Output, Request, Server, ServerError};

struct Hello {
    answer: Vec<u8>,
}

impl Application for Hello {
    fn respond(&self, _request: Request, out: &mut Output) -> io::Result<i32> {
        out.write_all(&self.answer)?;
        Ok(0)
    }
}

#[expect(clippy::disallowed_methods, reason = "an example is a program")]
fn main() -> Result<(), ServerError> {
    let listener = match (std::env::args().nth(1), Listener::from_stdin()?) {
        (Some(place), _) => match place.strip_prefix("unix:") {
            Some(path) => Listener::unix(path, 0o666)?,
            None => Listener::tcp(&*place)?,
        },
        (None, Some(inherited)) => inherited,
        (None, None) => Listener::tcp("127.0.0.1:9000")?,
    };
    let threads = std::env::args().nth(2).and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let mut answer = b"Content-Type: text/plain\r\n\r\n".to_vec();
    answer.resize(690, b'x');
    Server::new(listener, Config { threads, ..Config::default() }, Hello { answer })?.run()
}

//! A small HTTP/1.1 client that blocks and lets a test choose every byte. Start at [`Ask`] and [`Connection`].
//! It follows no redirect, keeps no cookie and repeats nothing.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::site::PATIENCE;

/// Answers that are longer are no answers of ours.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A request; the path is relative to the mount and starts with `/`.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

impl Ask {
    pub fn new(method: &'static str, path: &str) -> Ask {
        Ask { method, path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub fn get(path: &str) -> Ask {
        Ask::new("GET", path)
    }

    /// A POST of a form.
    pub fn post(path: &str, fields: &[(&str, &str)]) -> Ask {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Ask::new("POST", path).header("Content-Type", "application/x-www-form-urlencoded").body(body.into_bytes())
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Ask {
        self.body = Some(body);
        self
    }

    /// With the session that `token` names.
    #[must_use]
    pub fn with(self, token: &str) -> Ask {
        self.header("Cookie", &format!("auth={token}"))
    }

    /// The bytes to send; `url` is the mount without its last slash.
    pub fn to_bytes(&self, host: &str, url: &str) -> Vec<u8> {
        let mut head = format!("{} {url}{} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let _ = write!(head, "Host: {host}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(body) = &self.body {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

/// An answer; names of headers are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("our answers are UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// Takes a CGI answer apart (RFC 3875 s.6).
    pub fn from_cgi(output: &[u8]) -> io::Result<Reply> {
        let mut input = BufReader::new(output);
        let mut headers = read_headers(&mut input)?;
        if headers.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no answer"));
        }
        let status = headers.iter().position(|(name, _)| name == "status").map(|at| headers.remove(at).1);
        let status = status.map_or(Some(200), |text| text.get(..3).and_then(|digits| digits.parse().ok()));
        let status = status.ok_or_else(|| broken("Status without a number"))?;
        let mut body = Vec::new();
        input.read_to_end(&mut body)?;
        Ok(Reply { status, headers, body })
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    pub fn connect(&self) -> io::Result<Stream> {
        match self {
            Address::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Address::Unix(path) => loop {
                match UnixStream::connect(path) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    connected => return Ok(Stream::Unix(connected?)),
                }
            },
        }
    }
}

/// A TCP or Unix stream.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub fn set_timeout(&self, timeout: Duration) {
        match self {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout)).unwrap();
                stream.set_write_timeout(Some(timeout)).unwrap();
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(timeout)).unwrap();
                stream.set_write_timeout(Some(timeout)).unwrap();
            }
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buf),
            Stream::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buf),
            Stream::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection that may carry several requests.
#[derive(Debug)]
pub struct Connection {
    input: BufReader<Stream>,
}

impl Connection {
    pub fn open(address: &Address) -> io::Result<Connection> {
        let stream = address.connect()?;
        stream.set_timeout(PATIENCE);
        Ok(Connection { input: BufReader::new(stream) })
    }

    pub fn stream(&mut self) -> &mut Stream {
        self.input.get_mut()
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes)
    }

    /// The answer to a request with this method.
    pub fn reply(&mut self, method: &str) -> io::Result<Reply> {
        loop {
            let status = self.status_line()?;
            let headers = read_headers(&mut self.input)?;
            if status == 100 {
                continue;
            }
            let mut reply = Reply { status, headers, body: Vec::new() };
            if method != "HEAD" && !matches!(status, 204 | 304) {
                reply.body = self.body(&reply)?;
            }
            return Ok(reply);
        }
    }

    fn status_line(&mut self) -> io::Result<u16> {
        let line = read_line(&mut self.input)?;
        if line.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before an answer"));
        }
        let digits = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| broken(&line))
    }

    fn body(&mut self, reply: &Reply) -> io::Result<Vec<u8>> {
        if reply.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return self.chunks();
        }
        let Some(length) = reply.header("content-length") else {
            let mut body = Vec::new();
            self.input.read_to_end(&mut body)?;
            return Ok(body);
        };
        let length: usize = length.parse().map_err(|_| broken(length))?;
        assert!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut body = vec![0; length];
        self.input.read_exact(&mut body)?;
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = read_line(&mut self.input)?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
            let size = size.map_err(|_| broken(&line))?;
            assert!(body.len() + size <= ANSWER_BYTES_MAX, "a chunk of {size} bytes");
            if size == 0 {
                read_headers(&mut self.input)?;
                return Ok(body);
            }
            let start = body.len();
            body.resize(start + size, 0);
            self.input.read_exact(body.get_mut(start..).unwrap_or_default())?;
            read_line(&mut self.input)?;
        }
    }
}

/// One request on a connection of its own.
pub fn ask(address: &Address, host: &str, url: &str, ask: &Ask) -> io::Result<Reply> {
    let mut connection = Connection::open(address)?;
    let sent = connection.send(&ask.to_bytes(host, url));
    // A server may answer and close before it has read a body that is too long.
    let reply = connection.reply(ask.method);
    if reply.is_err() {
        sent?;
    }
    reply
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| broken("a line that is not UTF-8"))
}

fn read_headers(input: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(input)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

//! The web server's side of FastCGI 1.0, independent of the crate under test. Start at [`Client`]; [`record`] and the
//! other encoders let a test send what no server would.

use std::io::{self, Read, Write};

use super::http::{Address, Reply, Stream};
use super::site::PATIENCE;

pub const BEGIN: u8 = 1;
pub const ABORT: u8 = 2;
pub const END: u8 = 3;
pub const PARAMS: u8 = 4;
pub const STDIN: u8 = 5;
pub const STDOUT: u8 = 6;
pub const STDERR: u8 = 7;
pub const DATA: u8 = 8;
pub const GET_VALUES: u8 = 9;
pub const GET_VALUES_RESULT: u8 = 10;
pub const UNKNOWN_TYPE: u8 = 11;

/// A record with padding to eight bytes (s.3.3).
pub fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("one record holds 65535 bytes");
    let padding = u8::try_from((8 - content.len() % 8) % 8).unwrap();
    let mut bytes = vec![1, kind];
    bytes.extend(id.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend([padding, 0]);
    bytes.extend(content);
    bytes.resize(bytes.len() + usize::from(padding), 0);
    bytes
}

/// A stream of records: content in pieces, then the empty one that ends it.
pub fn stream(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = content.chunks(32_000).flat_map(|piece| record(kind, id, piece)).collect();
    bytes.extend(record(kind, id, b""));
    bytes
}

/// The start of a request to a responder.
pub fn begin(id: u16, role: u16, keep: bool) -> Vec<u8> {
    let [high, low] = role.to_be_bytes();
    record(BEGIN, id, &[high, low, u8::from(keep), 0, 0, 0, 0, 0])
}

/// Name-value pairs (s.3.4).
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in pairs {
        for text in [name, value] {
            match u8::try_from(text.len()) {
                Ok(length) if length < 128 => bytes.push(length),
                _ => bytes.extend((u32::try_from(text.len()).unwrap() | 1 << 31).to_be_bytes()),
            }
        }
        bytes.extend(name.bytes());
        bytes.extend(value.bytes());
    }
    bytes
}

/// A whole request.
pub fn request(id: u16, keep: bool, variables: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut bytes = begin(id, 1, keep);
    let params = pairs(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    bytes.extend(stream(PARAMS, id, &params));
    bytes.extend(stream(STDIN, id, body));
    bytes
}

/// One record as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub kind: u8,
    pub id: u16,
    pub content: Vec<u8>,
}

/// A connection to an application.
#[derive(Debug)]
pub struct Client {
    pub stream: Stream,
}

impl Client {
    pub fn open(address: &Address) -> io::Result<Client> {
        let stream = address.connect()?;
        stream.set_timeout(PATIENCE);
        Ok(Client { stream })
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next record; `None` when the application has closed.
    pub fn record(&mut self) -> io::Result<Option<Record>> {
        let mut head = [0; 8];
        let mut filled = 0;
        while filled < head.len() {
            match self.stream.read(head.get_mut(filled..).unwrap_or_default()) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "half a record")),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let [version, kind, id_high, id_low, length_high, length_low, padding, _] = head;
        assert_eq!(version, 1, "the application's records are of version 1");
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let mut content = vec![0; length + usize::from(padding)];
        self.stream.read_exact(&mut content)?;
        content.truncate(length);
        Ok(Some(Record { kind, id: u16::from_be_bytes([id_high, id_low]), content }))
    }

    /// Reads to the end of request `id`: standard output, and the two numbers of END_REQUEST.
    pub fn finish(&mut self, id: u16) -> io::Result<(Vec<u8>, u32, u8)> {
        let mut output = Vec::new();
        loop {
            let Some(record) = self.record()? else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before END_REQUEST"));
            };
            assert_eq!(record.id, id, "a record of another request: {record:?}");
            match (record.kind, record.content.as_slice()) {
                (STDOUT, content) => output.extend(content),
                (STDERR, _) => {}
                (END, &[a, b, c, d, protocol, ..]) => return Ok((output, u32::from_be_bytes([a, b, c, d]), protocol)),
                _ => return Err(io::Error::other(format!("unexpected {record:?}"))),
            }
        }
    }

    /// One whole request and its answer.
    pub fn ask(&mut self, id: u16, keep: bool, variables: &[(String, String)], body: &[u8]) -> io::Result<Reply> {
        let sent = self.send(&request(id, keep, variables, body));
        let finished = self.finish(id);
        if finished.is_err() {
            sent?;
        }
        let (output, _, protocol) = finished?;
        if protocol != 0 {
            return Err(io::Error::other(format!("END_REQUEST with protocol status {protocol}")));
        }
        Reply::from_cgi(&output)
    }
}

//! The record header (FastCGI 1.0 s.3.3) and the numbers of its fields. [`Header`] is all there is; pure.
//!
//! | byte | 0 | 1 | 2-3 | 4-5 | 6 | 7 |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | | version 1 | kind | request id | content length | padding length | reserved |

/// The only version there is.
pub(crate) const VERSION: u8 = 1;
/// Bytes of a header, and of the bodies of `BEGIN_REQUEST`, `END_REQUEST` and `UNKNOWN_TYPE`.
pub(crate) const HEADER_BYTES: usize = 8;
/// Most content we put into one record: the largest multiple of 8 that its 16-bit length can say.
pub(crate) const CONTENT_BYTES_MAX: usize = 65_528;
/// The flag of `BEGIN_REQUEST` that asks to keep the connection.
pub(crate) const KEEP_CONN: u8 = 1;

pub(crate) const BEGIN_REQUEST: u8 = 1;
pub(crate) const ABORT_REQUEST: u8 = 2;
pub(crate) const END_REQUEST: u8 = 3;
pub(crate) const PARAMS: u8 = 4;
pub(crate) const STDIN: u8 = 5;
pub(crate) const STDOUT: u8 = 6;
pub(crate) const STDERR: u8 = 7;
pub(crate) const DATA: u8 = 8;
pub(crate) const GET_VALUES: u8 = 9;
pub(crate) const GET_VALUES_RESULT: u8 = 10;
pub(crate) const UNKNOWN_TYPE: u8 = 11;

/// What stands before the content of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) id: u16,
    pub(crate) content_bytes: u16,
    pub(crate) padding_bytes: u8,
}

impl Header {
    pub(crate) const fn new(kind: u8, id: u16, content_bytes: u16) -> Header {
        Header { version: VERSION, kind, id, content_bytes, padding_bytes: 0 }
    }

    pub(crate) const fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Header {
        let [version, kind, id1, id0, content1, content0, padding_bytes, _reserved] = bytes;
        let id = u16::from_be_bytes([id1, id0]);
        Header { version, kind, id, content_bytes: u16::from_be_bytes([content1, content0]), padding_bytes }
    }

    pub(crate) const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [id1, id0] = self.id.to_be_bytes();
        let [content1, content0] = self.content_bytes.to_be_bytes();
        [self.version, self.kind, id1, id0, content1, content0, self.padding_bytes, 0]
    }
}

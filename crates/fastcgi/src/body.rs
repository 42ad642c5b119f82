//! A request's input: [`Body`], in memory while it is short and in an unlinked temporary file when it is not.
//! Never seen half: it is handed over when the stream has ended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Input of one request, complete; read it as a stream or take the bytes.
#[derive(Debug, Default)]
pub struct Body {
    kept: Kept,
    len: u64,
}

#[derive(Debug)]
enum Kept {
    Memory(io::Cursor<Vec<u8>>),
    File(File),
}

impl Default for Kept {
    fn default() -> Kept {
        Kept::Memory(io::Cursor::default())
    }
}

impl Body {
    /// Number of bytes that came.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes, from the first on, whatever has been read before.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self.kept {
            Kept::Memory(bytes) => Ok(bytes.into_inner()),
            Kept::File(mut file) => {
                let mut bytes = Vec::new();
                file.seek(SeekFrom::Start(0))?;
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        let len = bytes.len() as u64;
        Body { kept: Kept::Memory(io::Cursor::new(bytes)), len }
    }
}

impl Read for Body {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.kept {
            Kept::Memory(bytes) => bytes.read(buf),
            Kept::File(file) => file.read(buf),
        }
    }
}

//! Where connections come from: [`Listener`] is standard input (FastCGI 1.0 s.2.2), a Unix path or a TCP address.

use std::net::{TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::{error, fmt, io};

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: Socket,
    /// A path that this process made and removes at the end.
    pub(crate) own_path: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Standard input, if it is a listening socket, which is how web servers, spawn-fcgi and systemd start a FastCGI program.
    ///
    /// # Errors
    /// It is one, but cannot be used.
    pub fn from_stdin() -> Result<Option<Listener>, ListenerError> {
        Ok(None)
    }

    /// A socket at a path, with these permissions (`0o600`, `0o660`). A socket that is there is removed if nobody answers on it.
    ///
    /// # Errors
    /// Somebody answers there, something other than a socket is there, or the directory cannot be written.
    pub fn unix(path: impl AsRef<Path>, mode: u32) -> Result<Listener, ListenerError> {
        let _ = mode;
        let path = path.as_ref();
        let socket = UnixListener::bind(path).map_err(|error| ListenerError::new(path.display(), error))?;
        Ok(Listener { socket: Socket::Unix(socket), own_path: Some(path.to_owned()) })
    }

    /// A TCP address; keep it on the loopback interface, FastCGI knows no passwords.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn tcp(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listener, ListenerError> {
        let socket = TcpListener::bind(&address).map_err(|error| ListenerError::new(format!("{address:?}"), error))?;
        Ok(Listener { socket: Socket::Tcp(socket), own_path: None })
    }
}

/// A listener could not be made.
#[derive(Debug)]
pub struct ListenerError {
    place: String,
    error: io::Error,
}

impl ListenerError {
    fn new(place: impl fmt::Display, error: io::Error) -> ListenerError {
        ListenerError { place: place.to_string(), error }
    }
}

impl fmt::Display for ListenerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listening on {}", self.place)
    }
}

impl error::Error for ListenerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

//! Where connections come from: [`Listener`] is standard input (FastCGI 1.0 s.2.2), a Unix path or a TCP address.

use std::fs::{self, Permissions};
use std::net::{IpAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, getpeername, listen, socket_with, sockopt,
};

/// Connections that may wait to be accepted on a socket that we made: a web server that finds no room fails its request
/// at once. The kernel cuts it to `net.core.somaxconn`.
pub(crate) const BACKLOG_MAX: u16 = 4096;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: Socket,
    origin: Origin,
}

#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// Who made the socket.
#[derive(Debug)]
enum Origin {
    /// The web server or a supervisor, who may share it with other processes.
    Inherited,
    /// This process.
    Own,
    /// This process, which removes the path at the end if it is still the same file.
    OwnPath { path: PathBuf, device: u64, inode: u64 },
}

impl Listener {
    /// Standard input, if it is a listening socket, which is how web servers, spawn-fcgi and systemd start a FastCGI
    /// program; `None` if it is anything else.
    ///
    /// # Errors
    /// It is one, but cannot be used.
    pub fn from_stdin() -> Result<Option<Listener>, ListenerError> {
        Listener::from_descriptor(rustix::stdio::stdin()).map_err(|error| ListenerError::new("standard input", error))
    }

    fn from_descriptor(descriptor: impl AsFd) -> io::Result<Option<Listener>> {
        // A socket without a peer is either listening or not connected; the kernel tells which.
        if !matches!(getpeername(&descriptor), Err(Errno::NOTCONN)) || !sockopt::socket_acceptconn(&descriptor)? {
            return Ok(None);
        }
        let family = sockopt::socket_domain(&descriptor)?;
        let owned: OwnedFd = descriptor.as_fd().try_clone_to_owned()?;
        let socket = match family {
            AddressFamily::UNIX => Socket::Unix(UnixListener::from(owned)),
            AddressFamily::INET | AddressFamily::INET6 => Socket::Tcp(TcpListener::from(owned)),
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "neither a Unix nor a TCP socket")),
        };
        Listener::new(socket, Origin::Inherited).map(Some)
    }

    /// A socket at a path, with these permissions (`0o600`, `0o660`). A socket that is there is removed if nobody
    /// answers on it.
    ///
    /// # Errors
    /// Somebody answers there, something other than a socket is there, or the directory cannot be written.
    pub fn unix(path: impl AsRef<Path>, mode: u32) -> Result<Listener, ListenerError> {
        let path = path.as_ref();
        Listener::bind_unix(path, mode).map_err(|error| ListenerError::new(path.display(), error))
    }

    fn bind_unix(path: &Path, mode: u32) -> io::Result<Listener> {
        let socket = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        let made = fs::symlink_metadata(path)?;
        listen(&socket, i32::from(BACKLOG_MAX))?;
        let origin = Origin::OwnPath { path: path.to_owned(), device: made.dev(), inode: made.ino() };
        Listener::new(Socket::Unix(socket), origin)
    }

    /// A TCP address; keep it on the loopback interface, FastCGI knows no passwords.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn tcp(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listener, ListenerError> {
        let bind = || {
            let socket = TcpListener::bind(&address)?;
            listen(&socket, i32::from(BACKLOG_MAX))?;
            Listener::new(Socket::Tcp(socket), Origin::Own)
        };
        bind().map_err(|error| ListenerError::new(format!("{address:?}"), error))
    }

    /// Where it listens, for a message.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().map(|address| address.to_string()).unwrap_or_default(),
            Socket::Unix(socket) => match socket.local_addr() {
                Ok(address) => address.as_pathname().map(|path| path.display().to_string()).unwrap_or_default(),
                Err(_) => String::new(),
            },
        }
    }

    /// Whether this process made the socket, so that nobody else accepts from it.
    pub(crate) const fn is_own(&self) -> bool {
        !matches!(self.origin, Origin::Inherited)
    }

    /// All processes on a socket share its non-blocking mode, and all that accept with an event loop want it.
    fn new(socket: Socket, origin: Origin) -> io::Result<Listener> {
        match &socket {
            Socket::Unix(socket) => socket.set_nonblocking(true)?,
            Socket::Tcp(socket) => socket.set_nonblocking(true)?,
        }
        Ok(Listener { socket, origin })
    }

    /// Removes the path, so that nobody connects any more.
    pub(crate) fn unlink(&mut self) {
        if let Origin::OwnPath { path, device, inode } = &self.origin {
            let same = fs::symlink_metadata(path).is_ok_and(|found| found.dev() == *device && found.ino() == *inode);
            if same {
                // Left behind it is stale, which the next start sees.
                let _ = fs::remove_file(path);
            }
            self.origin = Origin::Own;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// Removes a socket on which nobody answers.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something other than a socket"));
    }
    let probe =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    match connect(&probe, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path),
        // A process that has no time to accept is there all the same.
        Ok(()) | Err(Errno::AGAIN) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers there")),
        Err(error) => Err(error.into()),
    }
}

/// Reads `FCGI_WEB_SERVER_ADDRS`: addresses with commas between (FastCGI 1.0 s.3.2), for [`Config::web_server_addrs`].
///
/// # Errors
/// One of them is no IP address.
///
/// [`Config::web_server_addrs`]: crate::Config::web_server_addrs
pub fn parse_web_server_addrs(list: &str) -> Result<Vec<IpAddr>, ListenerError> {
    let parse = |item: &str| {
        let address: Result<IpAddr, _> = item.trim().parse();
        address
            .map_err(|error| ListenerError::new(format_args!("web server address {item:?}"), io::Error::other(error)))
    };
    list.split(',').map(parse).collect()
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

#[cfg(test)]
mod tests;

//! What `--listen` names: a TCP address or the path of a Unix socket. Start at [`Address`]. A socket file that nobody
//! answers on is removed before it is made anew; anything else at its path stays and is an error.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::{fs, net::TcpListener, os::unix::net::UnixListener, os::unix::net::UnixStream};

use crate::error::Error;

/// Members of the socket's group may connect: a web server that shares it.
pub(crate) const SOCKET_MODE: u32 = 0o660;

/// Where to listen; the text has passed the check of its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `127.0.0.1:8080`.
    Tcp(String),
    /// `unix:/path`.
    Unix(PathBuf),
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Socket {
    /// TCP.
    Tcp(TcpListener),
    /// Unix; its path is removed at the end.
    Unix(UnixListener, PathBuf),
}

impl Address {
    pub(crate) fn parse(text: &str) -> Address {
        match text.strip_prefix("unix:") {
            Some(path) => Address::Unix(path.into()),
            None => Address::Tcp(text.to_owned()),
        }
    }

    /// Listens; the socket does not block.
    pub(crate) fn bind(&self) -> Result<Socket, Error> {
        let bound = match self {
            Address::Tcp(address) => {
                TcpListener::bind(address).and_then(|socket| socket.set_nonblocking(true).map(|()| Socket::Tcp(socket)))
            }
            Address::Unix(path) => bind_unix(path),
        };
        bound.map_err(|source| Error::Listen { address: self.to_string(), source })
    }
}

fn bind_unix(path: &PathBuf) -> io::Result<Socket> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) && UnixStream::connect(path).is_err()
    {
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    socket.set_nonblocking(true)?;
    Ok(Socket::Unix(socket, path.clone()))
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp(address) => f.write_str(address),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Raises the soft limit of open files to the hard one, and says what it is now.
pub(crate) fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // A system that refuses leaves the limit as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

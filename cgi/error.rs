//! Why a program can't start, and what mends it. Start at [`Error`]; [`Error::advice`] is the line for the operator.
//! Visitors never see any of this.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{error, fmt, io};

/// Why a program can't start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A setting that is unknown or malformed.
    Config(blerg_config::Error),
    /// A setting that its owner can't use.
    Setting {
        /// The variable's name.
        name: &'static str,
        /// What its owner says.
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// The data directory lies where a browser could fetch it.
    Exposed {
        /// The data directory.
        data: PathBuf,
        /// The directory that the web server shows.
        root: PathBuf,
    },
    /// The store can't be opened.
    Store {
        /// The data directory.
        data: PathBuf,
        /// Why not.
        source: Box<blerg_store::Error>,
    },
    /// Nothing to listen on.
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The static files can't be read.
    Www {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Started in a way in which it can't work; the text says how to start it.
    Usage(String),
    /// The FastCGI server stopped.
    Worker(fastcgi::ServerError),
    /// The system refused something that is not about a file.
    System {
        /// The step.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl From<blerg_config::Error> for Error {
    fn from(error: blerg_config::Error) -> Error {
        Error::Config(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config(error) => error.fmt(f),
            Error::Setting { name, .. } => write!(f, "{name}"),
            Error::Exposed { data, root } => {
                let (data, root) = (data.display(), root.display());
                write!(f, "data directory {data} lies inside {root}, where a browser could fetch it")
            }
            Error::Store { data, .. } => write!(f, "data directory {}", data.display()),
            Error::Listen { address, .. } => write!(f, "listen on {address}"),
            Error::Www { path, .. } => write!(f, "static files {}", path.display()),
            Error::Usage(text) => f.write_str(text),
            Error::Worker(error) => error.fmt(f),
            Error::System { doing, .. } => f.write_str(doing),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Config(error) => error.source(),
            Error::Setting { source, .. } => Some(source.as_ref()),
            Error::Store { source, .. } => Some(source.as_ref()),
            Error::Listen { source, .. } | Error::Www { source, .. } | Error::System { source, .. } => Some(source),
            Error::Worker(error) => error.source(),
            Error::Exposed { .. } | Error::Usage(_) => None,
        }
    }
}

impl Error {
    /// The command or setting that mends it, where one is likely.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Error::Exposed { .. } => Some(
                "set BLERG_DATA to a directory that the web server does not show, such as /var/lib/blerg".to_owned(),
            ),
            Error::Store { data, source } => data_advice(data, source.as_ref()),
            Error::Www { .. } => Some("set BLERG_WWW to the directory www/ of the distribution".to_owned()),
            _ => None,
        }
    }
}

/// What mends an error of the store, judged by what the system said.
#[must_use]
pub fn data_advice(data: &Path, error: &(dyn error::Error + 'static)) -> Option<String> {
    let path = data.display();
    let user = rustix::process::geteuid().as_raw();
    if os_error(error) == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return Some(format!(
            "a symbolic link stands in {path} for something of the site's: put the thing itself there"
        ));
    }
    match io_kind(error)? {
        io::ErrorKind::PermissionDenied => Some(format!(
            "run as root: install -d -o {user} -m 700 {path} && chown -R {user} {path} (or set BLERG_DATA)"
        )),
        io::ErrorKind::NotFound => Some(format!("run: mkdir -p -m 700 {path} (or set BLERG_DATA)")),
        io::ErrorKind::ReadOnlyFilesystem => {
            Some(format!("mount the file system of {path} writable, or set BLERG_DATA"))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some(format!("free space on the file system of {path}"))
        }
        io::ErrorKind::NotADirectory => Some(format!("{path} is a file: set BLERG_DATA to a directory")),
        _ => None,
    }
}

fn io_kind(error: &(dyn error::Error + 'static)) -> Option<io::ErrorKind> {
    io_error(error).map(io::Error::kind)
}

fn os_error(error: &(dyn error::Error + 'static)) -> Option<i32> {
    io_error(error)?.raw_os_error()
}

fn io_error<'e>(error: &'e (dyn error::Error + 'static)) -> Option<&'e io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        next = error.source();
    }
    None
}

/// An error with everything behind it, on one line.
#[must_use]
pub fn chain(error: &dyn error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        line.push_str(": ");
        line.push_str(&error.to_string());
        next = error.source();
    }
    visible(&line).into_owned()
}

/// A text with what moves a terminal, or begins a line of its own, written out: a log says nothing that we did not say.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if hides(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Whether a character is none that is seen: those that turn the direction of a text are no control characters, and yet let it read as another.
pub(crate) fn hides(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;

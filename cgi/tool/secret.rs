//! Reads a password without showing it to anybody: from a terminal without echo, else from standard input or a file.
//! Start at [`read`].

use std::fs::File;
use std::io::{self, BufRead as _, Read, Write as _};
use std::os::unix::ffi::OsStrExt;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Failure;
use super::args::Password;

/// Most bytes read: the store takes 64, this only keeps a wrong file from filling memory.
const READ_BYTES_MAX: u64 = 4096;

/// The password that the arguments point to.
#[expect(clippy::disallowed_methods, reason = "cgi/ owns standard input")]
pub(crate) fn read(from: &Password) -> Result<Vec<u8>, Failure> {
    if let Some(password) = &from.password {
        return Ok(password.as_bytes().to_vec());
    }
    let failed = |what: String| move |error| Failure::File(what, error);
    if let Some(path) = from.password_file.as_ref().filter(|path| path.as_os_str() != "-") {
        let what = format!("read the password from {}", path.display());
        let file = File::open(path).map_err(failed(what.clone()))?;
        return read_line_of(file).map_err(failed(what));
    }
    let stdin = io::stdin();
    match tcgetattr(&stdin) {
        Ok(terminal) if from.password_file.is_none() => prompt(&stdin, &terminal),
        _ => read_line_of(stdin.lock()).map_err(failed("read the password from standard input".to_owned())),
    }
}

/// All bytes, without one line end at the end.
fn read_line_of(from: impl Read) -> Result<Vec<u8>, io::Error> {
    let mut password = Vec::new();
    from.take(READ_BYTES_MAX).read_to_end(&mut password)?;
    cut_line_end(&mut password);
    Ok(password)
}

fn cut_line_end(password: &mut Vec<u8>) {
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
}

/// Asks twice on the terminal.
fn prompt(stdin: &io::Stdin, terminal: &Termios) -> Result<Vec<u8>, Failure> {
    let first = ask("Password: ", stdin, terminal)?;
    let second = ask("Again: ", stdin, terminal)?;
    if first != second {
        return Err(Failure::Usage("the two passwords differ".to_owned()));
    }
    Ok(first)
}

fn ask(question: &str, stdin: &io::Stdin, terminal: &Termios) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::File("read the password from the terminal".to_owned(), error);
    let mut error_output = io::stderr();
    error_output.write_all(question.as_bytes()).and_then(|()| error_output.flush()).map_err(failed)?;
    let mut silent = terminal.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin, OptionalActions::Flush, &silent).map_err(|errno| failed(errno.into()))?;
    let mut line = Vec::new();
    let read = stdin.lock().take(READ_BYTES_MAX).read_until(b'\n', &mut line);
    // Echo comes back whether the line could be read or not.
    let restored = tcsetattr(stdin, OptionalActions::Now, terminal);
    read.and(error_output.write_all(b"\n")).and(restored.map_err(Into::into)).map_err(failed)?;
    cut_line_end(&mut line);
    Ok(line)
}

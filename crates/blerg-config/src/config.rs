//! Values read and checked: [`Config`]. A flag wins over the environment, the environment over the default;
//! `REDIRECT_BLERG_X`, which Apache makes of `BLERG_X` in an internal redirect, counts where `BLERG_X` itself is missing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::error::Error;
use crate::table::{Check, Key, SETTINGS, Setting};

/// The longest value: a path, a list of networks.
const VALUE_BYTES_MAX: usize = 4096;
/// Apache adds a `REDIRECT_` for each internal redirect; it stops at ten of these itself.
const REDIRECTS_MAX: usize = 10;

/// What the arguments ask for instead of, or before, doing the program's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Request {
    /// Do the work.
    #[default]
    Run,
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// Checked settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    values: Vec<Option<OsString>>,
    /// What the arguments ask for.
    pub request: Request,
}

impl Config {
    /// Reads variables and arguments (without the program's name); a CGI program passes no arguments.
    ///
    /// # Errors
    /// An unknown `BLERG_*` name or flag, or a value that does not pass its check.
    pub fn read(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Config, Error> {
        let mut config = Config { values: vec![None; SETTINGS.len()], request: Request::Run };
        let mut redirects = vec![usize::MAX; SETTINGS.len()];
        for (name, value) in environment {
            let Some((setting, depth)) = find_variable(&name)? else {
                continue;
            };
            let nearest = redirects.get_mut(setting.key as usize).filter(|nearest| depth < **nearest);
            // An empty variable is one that is not set: `SetEnv BLERG_BASE_URL` with nothing behind it.
            if let (Some(nearest), false) = (nearest, value.is_empty()) {
                *nearest = depth;
                config.put(setting, setting.name, value)?;
            }
        }
        config.read_arguments(arguments)?;
        Ok(config)
    }

    fn read_arguments(&mut self, arguments: impl IntoIterator<Item = OsString>) -> Result<(), Error> {
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--help" | b"-h" => self.request = Request::Help,
                b"--version" | b"-V" => self.request = Request::Version,
                _ => {
                    let (flag, value) = split_flag(&argument);
                    let setting = SETTINGS.iter().find(|setting| flag == setting.flag);
                    let setting = setting.ok_or_else(|| Error::unknown_flag(&flag.to_string_lossy()))?;
                    let value = value.or_else(|| arguments.next());
                    let value = value.ok_or(Error::MissingValue { flag: setting.flag, value: setting.value })?;
                    self.put(setting, setting.flag, value)?;
                }
            }
        }
        Ok(())
    }

    /// Sets a value, as a flag of another program's own parser does.
    ///
    /// # Errors
    /// The value does not pass its check.
    pub fn set(&mut self, key: Key, value: impl Into<OsString>) -> Result<(), Error> {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => self.put(setting, setting.flag, value.into()),
            None => Ok(()),
        }
    }

    fn put(&mut self, setting: &Setting, origin: &'static str, value: OsString) -> Result<(), Error> {
        check(setting, &value).map_err(|wanted| Error::bad_value(origin, wanted, &value))?;
        if let Some(slot) = self.values.get_mut(setting.key as usize) {
            *slot = Some(value);
        }
        Ok(())
    }

    /// The value that was set; `None` where only a default applies.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&OsStr> {
        self.values.get(key as usize)?.as_deref()
    }

    /// The value or the default, as text; empty if there is neither.
    #[must_use]
    pub fn text(&self, key: Key) -> &str {
        let default = SETTINGS.get(key as usize).map_or("", |setting| setting.default);
        self.get(key).and_then(OsStr::to_str).unwrap_or(default)
    }

    /// The value or the default, as a number; 0 for a setting that is none.
    #[must_use]
    pub fn number(&self, key: Key) -> u64 {
        self.text(key).parse().unwrap_or(0)
    }

    /// The value as a path.
    #[must_use]
    pub fn path(&self, key: Key) -> Option<PathBuf> {
        self.get(key).map(PathBuf::from)
    }

    /// The data directory.
    ///
    /// # Errors
    /// None is set.
    pub fn data(&self) -> Result<PathBuf, Error> {
        self.path(Key::Data).ok_or(Error::NoData)
    }
}

/// The setting that a variable names, and how many redirects its value has been through.
fn find_variable(name: &OsStr) -> Result<Option<(&'static Setting, usize)>, Error> {
    let mut bare = name.as_bytes();
    let mut depth = 0;
    while let Some(rest) = bare.strip_prefix(b"REDIRECT_").filter(|_| depth < REDIRECTS_MAX) {
        bare = rest;
        depth += 1;
    }
    if !bare.starts_with(b"BLERG_") {
        return Ok(None);
    }
    match SETTINGS.iter().find(|setting| setting.name.as_bytes() == bare) {
        Some(setting) => Ok(Some((setting, depth))),
        None => Err(Error::unknown_name(&String::from_utf8_lossy(bare))),
    }
}

fn split_flag(argument: &OsStr) -> (&OsStr, Option<OsString>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => {
            let (flag, value) = bytes.split_at(at);
            (OsStr::from_bytes(flag), Some(OsStr::from_bytes(value.get(1..).unwrap_or_default()).to_owned()))
        }
        None => (argument, None),
    }
}

/// What is wanted, if the value is something else.
fn check(setting: &Setting, value: &OsStr) -> Result<(), String> {
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > VALUE_BYTES_MAX || bytes.contains(&0) {
        return Err(format!("1 to {VALUE_BYTES_MAX} bytes"));
    }
    if setting.check == Check::Path {
        return Ok(());
    }
    let text = value.to_str().ok_or("UTF-8 text")?;
    match setting.check {
        Check::Path | Check::Text => Ok(()),
        Check::Words(words) if words.contains(&text) => Ok(()),
        Check::Words(words) => Err(words.join(" or ")),
        Check::Number(min, max) => match text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(()),
            _ => Err(format!("a number from {min} to {max}")),
        },
        Check::Url => {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let plain =
                rest.is_some_and(|rest| !rest.starts_with('/') && !rest.contains(['?', '#', ' ', '@', '"', '<']));
            if plain { Ok(()) } else { Err("a URL such as https://example.org/blog/".to_owned()) }
        }
        Check::Listen => {
            let unix = text.strip_prefix("unix:").is_some_and(|path| path.starts_with('/'));
            let tcp = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            if unix || (tcp && !text.starts_with("unix:")) {
                return Ok(());
            }
            Err("127.0.0.1:8080 or unix:/path".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;

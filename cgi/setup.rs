//! Settings turned into what the store and the front ends want: [`Setup`]. The clock and the random source live here too,
//! because only this crate may ask the machine for them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use blerg_config::{Config, Key};
use blerg_http::{BaseUrl, Front, Trusted};
use blerg_store::{Backend, Durability, Recovery, Settings, Store, WikiSettings};

use crate::error::{Error, chain};
use crate::site::log;

/// How long the program lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One request: no maps, no long recovery.
    Process,
    /// Until it is stopped.
    Server,
}

/// What the settings come to.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The data directory, absolute.
    pub data: PathBuf,
    /// For the store.
    pub settings: Settings,
    /// For the front ends.
    pub front: Front,
    /// The settings themselves.
    pub config: Config,
}

impl Setup {
    /// Turns settings into values; touches no file.
    ///
    /// # Errors
    /// No data directory, or a value that its owner can't use.
    pub fn read(config: Config, style: Style) -> Result<Setup, Error> {
        let data = config.data()?;
        let data = std::path::absolute(&data).unwrap_or(data);
        let settings = settings(&config, style)?;
        let base = config.text(Key::BaseUrl);
        let wrong = |name, what: &str| Error::Setting { name, source: what.to_owned().into() };
        let base_url = match base {
            "" => None,
            text => Some(
                BaseUrl::parse(text)
                    .ok_or_else(|| wrong("BLERG_BASE_URL", "want a URL such as https://example.org/blog/"))?,
            ),
        };
        let trusted = Trusted::parse(config.text(Key::TrustedProxy)).map_err(|part| {
            wrong("BLERG_TRUSTED_PROXY", &format!("{part:?} is neither an address, a network nor the word unix"))
        })?;
        if !config.text(Key::Hub).is_empty() && base.is_empty() {
            return Err(wrong("BLERG_HUB", "a hub knows feeds by their address, so set BLERG_BASE_URL too"));
        }
        Ok(Setup { data, settings, front: Front { base_url, trusted }, config })
    }

    /// The WebSub hub, if there is one.
    #[must_use]
    pub fn hub(&self) -> Option<String> {
        Some(self.config.text(Key::Hub)).filter(|hub| !hub.is_empty()).map(str::to_owned)
    }

    /// How the wiki looks.
    #[must_use]
    pub fn wiki_options(&self) -> blerg_wiki::Options {
        let text = |key| self.config.text(key).to_owned();
        blerg_wiki::Options { name: text(Key::WikiName), language: text(Key::WikiLanguage) }
    }

    /// The store, not opened yet.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        Arc::new(Store::new(&self.data, self.settings.clone()))
    }

    /// The store, opened and made ready; an error is the operator's to mend.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open_store(&self) -> Result<Arc<Store>, Error> {
        let store = self.store();
        match store.log() {
            Ok(_) => Ok(store),
            Err(source) => Err(Error::Store { data: self.data.clone(), source: Box::new(source) }),
        }
    }

    /// The data directory must not lie where a browser could fetch it.
    ///
    /// # Errors
    /// It lies inside one of `roots`.
    pub fn keep_out_of<'a>(&self, roots: impl IntoIterator<Item = &'a Path>) -> Result<(), Error> {
        crate::place::check(&self.data, roots)
    }
}

/// Closes a server's store: the next start then finds it clean. A thread that still works on it keeps it open, and nothing
/// is lost by that.
pub(crate) fn close(store: Arc<Store>) {
    if let Some(Err(error)) = Arc::into_inner(store).map(Store::close) {
        log(&chain(&error));
    }
}

fn settings(config: &Config, style: Style) -> Result<Settings, Error> {
    let durability = match config.get(Key::Durability).and_then(|value| value.to_str()) {
        None => None,
        Some("none") => Some(Durability::None),
        Some(_) => Some(Durability::Sync),
    };
    let (backend, recovery) = match style {
        Style::Process => (Backend::Pread, Recovery::Refuse),
        Style::Server => (Backend::Mapped, Recovery::Inline),
    };
    Ok(Settings {
        durability,
        backend,
        recovery,
        argon2: parse(config, Key::Argon2, "BLERG_ARGON2")?,
        password_min: usize::try_from(config.number(Key::PasswordMin)).unwrap_or(usize::MAX),
        registration: parse(config, Key::Registration, "BLERG_REGISTRATION")?,
        limits: parse(config, Key::Limits, "BLERG_LIMITS")?,
        allow_network_fs: config.text(Key::AllowNetworkFs) == "1",
        hash_wait_ms: config.number(Key::HashWait).saturating_mul(1000),
        wiki: wiki(config)?,
        random,
    })
}

fn wiki(config: &Config) -> Result<WikiSettings, Error> {
    let mib = |key: Key| config.number(key).saturating_mul(1024 * 1024);
    Ok(WikiSettings {
        readers: parse(config, Key::WikiRead, "BLERG_WIKI_READ")?,
        editors: parse(config, Key::WikiEdit, "BLERG_WIKI_EDIT")?,
        named: WikiSettings::parse_named(config.text(Key::WikiNamed))
            .map_err(|error| Error::Setting { name: "BLERG_WIKI_NAMED", source: Box::new(error) })?,
        is_read_only: config.text(Key::WikiReadOnly) == "1",
        file_bytes_max: mib(Key::WikiFileMax),
        page_files_bytes_max: mib(Key::WikiPageFilesMax),
        files_bytes_max: mib(Key::WikiFilesMax),
    })
}

fn parse<T>(config: &Config, key: Key, name: &'static str) -> Result<T, Error>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    config.text(key).parse().map_err(|error| Error::Setting { name, source: Box::new(error) })
}

/// Microseconds since the epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Fills a buffer with bytes that nobody can guess.
///
/// # Panics
/// The kernel has no random source: nothing that is secret could be made.
pub fn random(buffer: &mut [u8]) {
    if let Err(error) = getrandom::fill(buffer) {
        panic!("no random bytes from the system: {error}");
    }
}

#[cfg(test)]
mod tests;

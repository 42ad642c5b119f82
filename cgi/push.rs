//! Telling a WebSub hub that feeds have news: [`Hub`]. One POST of `hub.mode=publish` for each address, over HTTP or HTTPS
//! (rustls); certificates are those of the operator's choice or of the system. `cgi_blerg` never calls this, so that TLS is
//! not in it: its size counts at every start.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use blerg_config::Key;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::Error;
use crate::setup::Setup;

/// A hub that takes longer is tried again later.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Where systems keep the certificates that they trust; the first that is there counts.
const SYSTEM_CERTIFICATES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// The hub, and who we are.
#[derive(Debug)]
pub(crate) struct Hub {
    agent: Agent,
    url: String,
    base: String,
}

/// Why a hub was not told.
#[derive(Debug)]
pub(crate) enum PushError {
    /// It could not be asked.
    Asked(ureq::Error),
    /// It answered with this status.
    Status(u16),
    /// The program is to end.
    Stopped,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Asked(error) => write!(f, "{error}"),
            PushError::Status(status) => write!(f, "the hub answered {status}"),
            PushError::Stopped => write!(f, "the program was stopped meanwhile"),
        }
    }
}

impl Hub {
    /// The hub of the settings; `None` without one.
    pub(crate) fn new(setup: &Setup) -> Result<Option<Hub>, Error> {
        let (Some(url), Some(base)) = (setup.hub(), &setup.front.base_url) else { return Ok(None) };
        let mut tls = TlsConfig::builder();
        if url.starts_with("https:") {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let roots = RootCerts::Specific(Arc::new(certificates(setup.config.path(Key::CaFile))?));
            tls = tls.unversioned_rustls_crypto_provider(provider).root_certs(roots);
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(ANSWER_WAIT_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("Blerg/", env!("CARGO_PKG_VERSION")));
        Ok(Some(Hub { agent: config.build().into(), url, base: base.as_str().to_owned() }))
    }

    /// Tells of news in a topic, in each of its formats, as long as it may.
    pub(crate) fn push(&self, topic: &str, goes_on: &dyn Fn() -> bool) -> Result<(), PushError> {
        for url in blerg_feed::topic_urls(&self.base, topic) {
            if !goes_on() {
                return Err(PushError::Stopped);
            }
            let form = [("hub.mode", "publish"), ("hub.url", &url), ("hub.topic", &url)];
            let answer = self.agent.post(&self.url).send_form(form).map_err(PushError::Asked)?;
            if !answer.status().is_success() {
                return Err(PushError::Status(answer.status().as_u16()));
            }
        }
        Ok(())
    }
}

/// The certificates in a file of the operator's, or in the system's.
fn certificates(chosen: Option<PathBuf>) -> Result<Vec<Certificate<'static>>, Error> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| Error::Setting { name: "BLERG_CA_FILE", source };
    let system = || SYSTEM_CERTIFICATES.iter().map(Path::new).find(|path| path.is_file()).map(Path::to_owned);
    let path = chosen.or_else(system).ok_or_else(|| {
        wrong(
            "this system keeps its certificates in no place that is known; name the file, or use a hub with http:"
                .into(),
        )
    })?;
    let pem = std::fs::read(&path).map_err(|error| wrong(format!("{}: {error}", path.display()).into()))?;
    let found: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(wrong(format!("{}: there is no certificate in it", path.display()).into()));
    }
    Ok(found)
}

//! Settings: start at [`run`]. The input is `NAME=value` and arguments, with a zero byte between them; whatever they are, they
//! are read or refused with a sentence.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use blerg_config::{Config, SETTINGS};
use blerg_http::{BaseUrl, Trusted};

pub(crate) fn run(data: &[u8]) {
    let parts: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let (flags, variables): (Vec<&[u8]>, Vec<&[u8]>) = parts.iter().partition(|part| part.starts_with(b"-"));
    let pairs = variables.iter().filter_map(|part| {
        let equals = part.iter().position(|byte| *byte == b'=')?;
        Some((os(&part[..equals]), os(&part[equals + 1..])))
    });
    let pairs: Vec<(OsString, OsString)> = pairs.collect();
    match Config::read(pairs.clone(), flags.iter().map(|flag| os(flag))) {
        Ok(config) => {
            for setting in SETTINGS {
                let _ = (config.text(setting.key), config.path(setting.key));
                // What was accepted is accepted again, by itself.
                if let Some(value) = config.get(setting.key) {
                    let mut other = Config::read([], []).expect("nothing is fine");
                    other.set(setting.key, value.to_owned()).expect("it passed its check before");
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let text = String::from_utf8_lossy(parts.first().copied().unwrap_or_default());
    let _ = Trusted::parse(&text);
    if let Some(base) = BaseUrl::parse(&text) {
        assert!(base.path().starts_with('/') && base.path().ends_with('/') && base.as_str().ends_with(base.path()));
        assert_eq!(BaseUrl::parse(base.as_str()), Some(base.clone()), "what is printed is what was read");
        assert!(base.as_str().contains(base.authority()));
    }
}

//! Settings as their owners take them.

use super::*;

fn read(environment: &[(&str, &str)], style: Style) -> Result<Setup, Error> {
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
    Setup::read(Config::read(environment, []).expect("the table takes these"), style)
}

#[test]
fn defaults_are_the_contracts() {
    let setup = read(&[("BLERG_DATA", "/srv/blerg")], Style::Server).expect("enough");
    assert_eq!((setup.settings.durability, setup.settings.password_min), (None, 8));
    assert_eq!((setup.settings.hash_wait_ms, setup.settings.allow_network_fs), (20_000, false));
    assert_eq!(setup.front.base_url, None);
    assert!(matches!(setup.settings.recovery, Recovery::Inline));
    let process = read(&[("BLERG_DATA", "/srv/blerg")], Style::Process).expect("enough");
    assert!(matches!(process.settings.recovery, Recovery::Refuse));
}

#[test]
fn a_data_directory_becomes_absolute() {
    let setup = read(&[("BLERG_DATA", "data")], Style::Server).expect("enough");
    assert!(setup.data.is_absolute() && setup.data.ends_with("data"));
}

#[track_caller]
fn check_error(name: &str, value: &str, want: &str) {
    let error = read(&[("BLERG_DATA", "/srv/blerg"), (name, value)], Style::Server).expect_err("it can't be used");
    let line = chain(&error);
    assert!(line.starts_with(name) && line.contains(want), "{line}");
}

#[test]
fn values_that_their_owners_cannot_use_name_the_setting() {
    check_error("BLERG_LIMITS", "login=many", "login=10/60");
    check_error("BLERG_ARGON2", "128", "default");
    check_error("BLERG_TRUSTED_PROXY", "proxy.example", "\"proxy.example\" is neither");
    check_error("BLERG_BASE_URL", "https://example.org/../x", "want a URL");
}

#[test]
fn settings_reach_the_store() {
    let environment = [("BLERG_DATA", "/srv/blerg"), ("BLERG_DURABILITY", "none"), ("BLERG_BASE_URL", "https://h/b")];
    let setup = read(&environment, Style::Server).expect("good");
    assert_eq!(setup.settings.durability, Some(Durability::None));
    assert_eq!(setup.front.base_url.as_ref().map(BaseUrl::as_str), Some("https://h/b/"));
}

#[test]
fn random_bytes_differ() {
    let (mut first, mut second) = ([0; 32], [0; 32]);
    random(&mut first);
    random(&mut second);
    assert_ne!(first, second);
}

//! Every name, flag and value, good and bad.

use super::*;

fn read(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Config, Error> {
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
    Config::read(environment, arguments.iter().map(OsString::from))
}

#[track_caller]
fn check_value(setting: Key, value: &str, ok: bool) {
    let row = SETTINGS.iter().find(|row| row.key == setting).expect("each key has a row");
    let by_name = read(&[(row.name, value)], &[]);
    let by_flag = read(&[], &[row.flag, value]);
    let joined = read(&[], &[&format!("{}={value}", row.flag)]);
    assert_eq!(by_name.is_ok(), ok, "{by_name:?}");
    assert_eq!(by_flag.is_ok(), ok, "{by_flag:?}");
    assert_eq!(joined.is_ok(), ok, "{joined:?}");
    if let (Ok(config), Ok(by_flag)) = (by_name, by_flag) {
        assert_eq!(config.text(setting), value);
        assert_eq!(by_flag.text(setting), value);
    }
}

#[test]
fn rows_stand_in_the_order_of_their_keys() {
    for (row, setting) in SETTINGS.iter().enumerate() {
        assert_eq!(setting.key as usize, row, "{}", setting.name);
        assert!(setting.name.starts_with("BLERG_") && setting.flag.starts_with("--"), "{setting:?}");
    }
}

#[test]
fn every_default_passes_its_own_check() {
    for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
        assert_eq!(check(setting, OsStr::new(setting.default)), Ok(()), "{}", setting.name);
    }
}

#[test]
fn values_are_checked() {
    check_value(Key::Data, "/var/lib/blerg", true);
    check_value(Key::Data, "data", true);
    check_value(Key::Registration, "open", true);
    check_value(Key::Registration, "closed", true);
    check_value(Key::Registration, "invite", true);
    check_value(Key::Registration, "Open", false);
    check_value(Key::Durability, "sync", true);
    check_value(Key::Durability, "none", true);
    check_value(Key::Durability, "normal", false);
    check_value(Key::AllowNetworkFs, "1", true);
    check_value(Key::AllowNetworkFs, "yes", false);
    check_value(Key::PasswordMin, "1", true);
    check_value(Key::PasswordMin, "64", true);
    check_value(Key::PasswordMin, "0", false);
    check_value(Key::PasswordMin, "65", false);
    check_value(Key::PasswordMin, "-8", false);
    check_value(Key::PasswordMin, "eight", false);
    check_value(Key::Listen, "127.0.0.1:8080", true);
    check_value(Key::Listen, "[::1]:8080", true);
    check_value(Key::Listen, "unix:/run/blerg.sock", true);
    check_value(Key::Listen, "unix:relative", false);
    check_value(Key::Listen, "8080", false);
    check_value(Key::Listen, ":8080", false);
    check_value(Key::Listen, "127.0.0.1:99999", false);
    check_value(Key::BaseUrl, "https://example.org/blog/", true);
    check_value(Key::BaseUrl, "http://example.org", true);
    check_value(Key::BaseUrl, "example.org", false);
    check_value(Key::BaseUrl, "https:///", false);
    check_value(Key::BaseUrl, "https://example.org/?x", false);
    check_value(Key::HashWait, "20", true);
    check_value(Key::HashWait, "601", false);
    check_value(Key::Threads, "4", true);
    check_value(Key::Threads, "65", false);
    let long = "x".repeat(VALUE_BYTES_MAX);
    check_value(Key::Data, &long, true);
    check_value(Key::Data, &format!("{long}x"), false);
}

#[test]
fn a_flag_wins_over_the_environment() {
    let config = read(&[("BLERG_REGISTRATION", "closed")], &["--registration", "invite"]).expect("good values");
    assert_eq!(config.text(Key::Registration), "invite");
}

#[test]
fn defaults_apply_where_nothing_is_set() {
    let config = read(&[], &[]).expect("nothing is wrong with nothing");
    assert_eq!(config.number(Key::PasswordMin), 8);
    assert_eq!(config.get(Key::Durability), None);
    assert_eq!(config.data(), Err(Error::NoData));
}

#[test]
fn a_redirected_variable_counts_where_its_own_is_missing() {
    let both = [("REDIRECT_BLERG_DATA", "/redirected"), ("BLERG_DATA", "/own")];
    assert_eq!(read(&both, &[]).expect("good").data(), Ok("/own".into()));
    let both = [("BLERG_DATA", "/own"), ("REDIRECT_BLERG_DATA", "/redirected")];
    assert_eq!(read(&both, &[]).expect("good").data(), Ok("/own".into()));
    let twice = [("REDIRECT_REDIRECT_BLERG_DATA", "/twice")];
    assert_eq!(read(&twice, &[]).expect("good").data(), Ok("/twice".into()));
}

#[test]
fn an_empty_variable_is_not_set() {
    assert_eq!(read(&[("BLERG_BASE_URL", "")], &[]).expect("good").get(Key::BaseUrl), None);
    assert_eq!(read(&[("BLERG_PASSWORD_MIN", "")], &[]).expect("good").number(Key::PasswordMin), 8);
}

#[test]
fn unknown_names_are_errors_with_a_hint() {
    let error = read(&[("BLERG_DURABILTY", "sync")], &[]).expect_err("a typing error");
    assert_eq!(error.to_string(), "no setting BLERG_DURABILTY; is BLERG_DURABILITY meant?");
    let error = read(&[("BLERG_COLOUR_OF_THE_SKY", "1")], &[]).expect_err("unknown");
    assert_eq!(error.to_string(), "no setting BLERG_COLOUR_OF_THE_SKY; --help lists them");
    let error = read(&[], &["--dta", "x"]).expect_err("a typing error");
    assert_eq!(error.to_string(), "no flag --dta; is --data meant?");
    let error = read(&[], &["serve"]).expect_err("unknown");
    assert_eq!(error.to_string(), "no flag serve; --help lists them");
}

#[test]
fn names_of_others_are_left_alone() {
    assert!(read(&[("HTTP_BLERG_DATA", "x"), ("PATH", "/bin"), ("BLERGH", "1"), ("blerg_data", "x")], &[]).is_ok());
}

#[test]
fn a_flag_without_its_value_says_so() {
    assert_eq!(read(&[], &["--data"]).expect_err("no value").to_string(), "--data wants DIR after it");
    assert!(read(&[], &["--data="]).is_err());
}

#[test]
fn help_and_version_are_asked_for() {
    assert_eq!(read(&[], &["--help"]).expect("good").request, Request::Help);
    assert_eq!(read(&[], &["--data", "x", "-V"]).expect("good").request, Request::Version);
    assert_eq!(read(&[], &[]).expect("good").request, Request::Run);
}

#[test]
fn messages_name_the_setting_what_was_wanted_and_what_was_found() {
    let error = read(&[("BLERG_PASSWORD_MIN", "zero")], &[]).expect_err("no number");
    assert_eq!(error.to_string(), "BLERG_PASSWORD_MIN: want a number from 1 to 64, found \"zero\"");
    let error = read(&[], &["--registration", "all"]).expect_err("no such word");
    assert_eq!(error.to_string(), "--registration: want open or closed or invite, found \"all\"");
}

#[test]
fn a_path_may_be_any_bytes_and_text_may_not() {
    let bytes = OsStr::from_bytes(b"/srv/\xff").to_owned();
    let config = Config::read([("BLERG_DATA".into(), bytes.clone())], []).expect("paths are bytes");
    assert_eq!(config.data(), Ok(PathBuf::from(bytes.clone())));
    assert!(Config::read([("BLERG_LIMITS".into(), bytes)], []).is_err());
}

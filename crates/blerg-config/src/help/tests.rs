//! The text names everything and stays narrow.

use super::*;

#[test]
fn help_names_every_setting_with_flag_and_default() {
    let text = help("http_blerg", "serves a site", "[--data DIR]");
    for setting in SETTINGS {
        assert!(text.contains(setting.name) && text.contains(setting.flag), "{}", setting.name);
        let default = format!("(default: {})", setting.default);
        assert!(setting.default.is_empty() || text.replace("\n        ", " ").contains(&default), "{}", setting.name);
    }
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
}

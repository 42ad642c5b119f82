//! Who may do what.

use super::*;

const ADA: Editor<'_> = Editor::User { name: "ada", role: Role::Member };
const BOB: Editor<'_> = Editor::User { name: "bob", role: Role::Member };
const ROOT: Editor<'_> = Editor::User { name: "root", role: Role::Admin };
const TOOL: Editor<'_> = Editor::Operator { name: None };

/// May nobody in particular, bob, ada (who is named), and an admin?
#[track_caller]
fn check(settings: &WikiSettings, protection: Option<Who>, want: [bool; 4]) {
    let found = [Editor::Anonymous, BOB, ADA, ROOT].map(|editor| settings.may_edit(&editor, protection));
    assert_eq!(found, want, "{:?} {protection:?}", settings.editors);
    assert!(settings.may_edit(&TOOL, protection));
}

fn settings(editors: Who) -> WikiSettings {
    WikiSettings { editors, named: vec![AuthorName::parse("Ada").unwrap()], ..WikiSettings::default() }
}

#[test]
fn the_stricter_of_wiki_and_page_decides() {
    check(&settings(Who::Everybody), None, [true, true, true, true]);
    check(&settings(Who::Members), None, [false, true, true, true]);
    check(&settings(Who::Named), None, [false, false, true, true]);
    check(&settings(Who::Admins), None, [false, false, false, true]);
    check(&settings(Who::Everybody), Some(Who::Members), [false, true, true, true]);
    check(&settings(Who::Members), Some(Who::Everybody), [false, true, true, true]);
    check(&settings(Who::Members), Some(Who::Named), [false, false, true, true]);
    check(&settings(Who::Members), Some(Who::Admins), [false, false, false, true]);
}

#[test]
fn who_may_not_read_may_not_edit() {
    let private = WikiSettings { readers: Who::Named, ..settings(Who::Members) };
    check(&private, None, [false, false, true, true]);
    assert_eq!([Editor::Anonymous, BOB, ADA].map(|editor| private.may_read(&editor)), [false, false, true]);
}

#[test]
fn a_read_only_wiki_is_changed_by_the_operators_tool_alone() {
    let still = WikiSettings { is_read_only: true, ..settings(Who::Everybody) };
    assert!(!still.may_edit(&ROOT, None) && !still.may_administer(&ROOT) && still.may_administer(&TOOL));
    assert!(matches!(still.check_edit(&ROOT, None), Err(Error::WikiReadOnly)));
}

#[test]
fn admins_alone_administer() {
    let found = [Editor::Anonymous, BOB, ROOT, TOOL].map(|editor| settings(Who::Everybody).may_administer(&editor));
    assert_eq!(found, [false, false, true, true]);
}

#[test]
fn a_list_of_names_is_read() {
    let names = WikiSettings::parse_named(" ada, O'Neil ,,x y").unwrap();
    assert_eq!(names.iter().map(AuthorName::as_str).collect::<Vec<_>>(), ["ada", "O'Neil", "x y"]);
    assert!(matches!(WikiSettings::parse_named("ada,<b>"), Err(Error::Name(_))));
    assert_eq!(WikiSettings::parse_named("").unwrap().len(), 0);
}

#[test]
fn words_of_settings_come_back() {
    for who in [Who::Everybody, Who::Members, Who::Named, Who::Admins] {
        assert_eq!(who.as_str().parse::<Who>().unwrap(), who);
    }
    assert!("nobody".parse::<Who>().is_err());
}

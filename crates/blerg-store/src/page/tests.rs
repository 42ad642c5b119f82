//! What the tests of the wiki share, and the life of a page.

mod storm;

use super::*;
use crate::tests::{NOW_US, Site};
use crate::{Base, Role, Save, SaveKind, Saved, View};

pub(crate) const ADMIN: Editor<'_> = Editor::User { name: "root", role: Role::Admin };
pub(crate) const ADA: Editor<'_> = Editor::User { name: "ada", role: Role::Member };

pub(crate) fn by(editor: Editor<'_>) -> By<'_> {
    By { editor, now_us: NOW_US, summary: "", is_minor: false }
}

pub(crate) fn page(name: &str) -> PageName {
    PageName::parse(name).unwrap()
}

/// What a text leads to, as a renderer of `[[Page]]`, `#tag`, `@user` and `= heading` would find it.
pub(crate) fn render(wiki: &Wiki<'_>, text: &str) -> Rendered {
    let mut rendered =
        Rendered { renderer: 1, html: format!("<p>{text}</p>"), plain: text.to_owned(), ..Rendered::default() };
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("[[") {
        let Some((name, after)) = after.split_once("]]") else { break };
        let target = page(name);
        let existed = wiki.targets(std::slice::from_ref(&target)).unwrap() != [Target::Missing];
        if !rendered.links.iter().any(|link| link.target == target) {
            rendered.links.push(PageLink { target, existed });
        }
        rest = after;
    }
    for word in text.split_whitespace() {
        rendered.tags.extend(word.strip_prefix('#').map(str::to_owned));
        rendered.mentions.extend(word.strip_prefix('@').map(str::to_owned));
    }
    rendered.headings = text.lines().filter_map(|line| line.strip_prefix("= ")).map(str::to_owned).collect();
    rendered
}

pub(crate) fn try_save(site: &Site, name: &str, base: Base, text: &str) -> Result<Saved, crate::Error> {
    let wiki = site.store.wiki()?;
    let rendered = render(&wiki, text);
    wiki.save(&Save { name: &page(name), base, text, rendered: &rendered, kind: SaveKind::Edit, by: by(ADA) })
}

/// Saves a page's next text, whatever it is now.
#[track_caller]
pub(crate) fn put(site: &Site, name: &str, text: &str) -> u64 {
    let head = site.store.wiki().unwrap().head(&page(name)).unwrap();
    let base = head.filter(|head| !head.is_deleted).map_or(Base::New, |head| Base::Rev(head.rev));
    match try_save(site, name, base, text).unwrap() {
        Saved::Done { rev } => rev,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn shown(site: &Site, name: &str) -> crate::PageView {
    match site.store.wiki().unwrap().view(&page(name)).unwrap() {
        View::Page(page) => *page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_saved_page_is_shown_with_its_html() {
    let site = Site::new();
    assert_eq!(put(&site, "Home", "Welcome to [[Tea]]"), 1);
    let home = shown(&site, "Home");
    assert_eq!((home.html.as_str(), home.author.as_deref()), ("<p>Welcome to [[Tea]]</p>", Some("ada")));
    assert_eq!((home.head.rev, home.is_stale), (1, false));
    assert_eq!(site.store.wiki().unwrap().view(&page("Tea")).unwrap(), View::Missing);
}

#[test]
fn a_deleted_page_is_shown_again_when_it_is_undeleted() {
    let site = Site::new();
    put(&site, "Tea", "green");
    let wiki = site.store.wiki().unwrap();
    assert_eq!(wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap(), 2);
    assert!(matches!(wiki.view(&page("Tea")).unwrap(), View::Deleted(_)));
    let rendered = render(&wiki, "green");
    assert_eq!(wiki.undelete_page(&page("Tea"), &rendered, &by(ADMIN)).unwrap(), 3);
    assert_eq!(shown(&site, "Tea").html, "<p>green</p>");
}

//! From a page's text to what is stored of it: [`Renderer`] asks the store where links lead and gives blerg-markup's HTML,
//! with a table of contents, and all that a search and lists need. Addresses in it are relative (`./Other`), because
//! the same HTML is shown below every prefix.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use blerg_markup::wiki::{self, Resolver, Target};
use blerg_store::{PageLink, PageName, Rendered, Wiki};

use crate::failure::Failure;
use crate::place::encode;

/// Grows with every change of what a text becomes; pages that were rendered by another version are rendered anew.
pub(crate) const VERSION: u32 = 1;

/// A page with fewer headings is short enough to see them all.
const CONTENTS_HEADINGS_MIN: usize = 3;

/// A longer text waits for others such: what a text takes while it is rendered is a large multiple of its length, and a crowd
/// that sends long ones together should not take all memory.
const AT_ONCE_BYTES_MAX: usize = 32 * 1024;

/// Held while a long text is rendered.
static LONG_TEXT: Mutex<()> = Mutex::new(());

/// Makes HTML of one page's texts.
pub(crate) struct Renderer<'w> {
    wiki: Wiki<'w>,
    name: &'w PageName,
    /// A page that is about to be there.
    coming: Option<&'w PageName>,
    sections: Sections,
    pages: RefCell<BTreeMap<PageName, bool>>,
    files: OnceCell<BTreeSet<String>>,
    fault: RefCell<Option<blerg_store::Error>>,
}

/// Whether headings lead to forms for their sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sections {
    /// They do.
    Edited,
    /// It is no text that can be edited in sections: a preview, an old revision.
    Shown,
}

impl<'w> Renderer<'w> {
    /// For texts of this page.
    pub(crate) fn new(wiki: Wiki<'w>, name: &'w PageName, sections: Sections) -> Renderer<'w> {
        Renderer {
            wiki,
            name,
            coming: None,
            sections,
            pages: RefCell::default(),
            files: OnceCell::new(),
            fault: RefCell::default(),
        }
    }

    /// The same, where a page of this name is about to be there.
    pub(crate) fn with_coming(self, coming: &'w PageName) -> Renderer<'w> {
        Renderer { coming: Some(coming), ..self }
    }

    /// All that a text leads to.
    pub(crate) fn render(&self, text: &str) -> Result<Rendered, Failure> {
        let _turn = (text.len() > AT_ONCE_BYTES_MAX).then(|| LONG_TEXT.lock().unwrap_or_else(PoisonError::into_inner));
        let made = wiki::render(text, self).map_err(|error| Failure::new(413, "Too long", too_long(error)))?;
        if let Some(fault) = self.fault.take() {
            return Err(Failure::from(fault));
        }
        let pages = self.pages.borrow();
        let link = |name: &String| {
            let target = PageName::parse(name).ok()?;
            let existed = pages.get(&target).copied().unwrap_or(false);
            Some(PageLink { target, existed })
        };
        Ok(Rendered {
            renderer: VERSION,
            plain: wiki::plain_text(text),
            headings: made.toc.iter().map(|heading| heading.text.clone()).collect(),
            links: made.links.iter().filter_map(link).collect(),
            tags: made.tags,
            mentions: made.mentions,
            html: with_contents(made.html, &made.toc),
        })
    }

    fn exists(&self, name: &PageName) -> bool {
        if self.coming == Some(name) || name == self.name {
            return true;
        }
        if let Some(known) = self.pages.borrow().get(name) {
            return *known;
        }
        let found = self.wiki.targets(std::slice::from_ref(name));
        found.map(|found| !matches!(found.first(), None | Some(blerg_store::Target::Missing))).unwrap_or_else(|error| {
            self.fault.borrow_mut().get_or_insert(error);
            false
        })
    }

    fn files(&self) -> &BTreeSet<String> {
        self.files.get_or_init(|| match self.wiki.files(self.name) {
            Ok(files) => {
                files.into_iter().filter(|file| !file.is_deleted).map(|file| file.name.as_str().to_owned()).collect()
            }
            Err(error) => {
                self.fault.borrow_mut().get_or_insert(error);
                BTreeSet::new()
            }
        })
    }
}

impl Resolver for Renderer<'_> {
    fn page(&self, name: &str) -> Target {
        match PageName::parse(name) {
            Ok(name) => {
                let exists = self.exists(&name);
                self.pages.borrow_mut().insert(name.clone(), exists);
                Target { href: page_href(&name), exists }
            }
            Err(_) => {
                let exists = crate::route::is_special(name);
                Target { href: format!("./{}", encode(name)), exists }
            }
        }
    }

    fn attachment(&self, file: &str) -> Target {
        if self.files().contains(file) {
            return Target { href: format!("{}/{}", page_href(self.name), encode(file)), exists: true };
        }
        Target { href: format!("{}?action=attach&name={}", page_href(self.name), encode(file)), exists: false }
    }

    fn tag(&self, name: &str) -> String {
        format!("./Special:Tags/{name}")
    }

    fn mention(&self, name: &str) -> String {
        format!("./Special:User/{name}")
    }

    fn edit_section(&self, n: usize) -> Option<String> {
        let href = || format!("{}?action=edit&section={n}", page_href(self.name));
        (self.sections == Sections::Edited).then(href)
    }
}

fn page_href(name: &PageName) -> String {
    format!("./{}", encode(&name.underscored()))
}

/// The contents stand behind a heading that the text begins with, and leave that out.
fn with_contents(html: String, toc: &[wiki::Heading]) -> String {
    let has_title = begins_with_title(&html);
    let toc = toc.get(usize::from(has_title)..).unwrap_or_default();
    if toc.len() < CONTENTS_HEADINGS_MIN {
        return html;
    }
    let lists = wiki::toc_html(toc);
    let contents = format!(
        "<nav class=\"toc\" aria-label=\"Contents\"><details open><summary>Contents</summary>{lists}</details></nav>\n"
    );
    let start = if has_title { html.find("</h1>\n").map_or(0, |at| at + "</h1>\n".len()) } else { 0 };
    let (title, rest) = html.split_at_checked(start).unwrap_or(("", &html));
    [title, &contents, rest].concat()
}

/// Whether a page brings its own title along.
pub(crate) fn begins_with_title(html: &str) -> bool {
    html.starts_with("<h1 ")
}

fn too_long(error: wiki::Error) -> String {
    match error {
        wiki::Error::TextTooLong { bytes } => {
            format!("A page has at most {} bytes, this text has {bytes}. Make two pages of it.", wiki::TEXT_BYTES_MAX)
        }
        _ => "The page would become too long to be shown. Make two pages of it.".to_owned(),
    }
}

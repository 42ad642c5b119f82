//! Where the links and images of a page lead, and what they look like. Start at [`Page::open_target`].
//! The author's targets go through `href.rs`, the resolver's addresses too; names are looked up once and counted.

use super::block::Page;
use super::href::{Dest, encoded, image_file, own};
use super::names::{anchor, parse_link, percent_decoded};
use super::{LINKS_MAX, Target};
use crate::clean::escape;

/// An image as its author wrote it.
pub(super) struct Picture<'p> {
    pub(super) target: &'p str,
    pub(super) title: &'p str,
    pub(super) alt: &'p str,
    pub(super) in_link: bool,
}

impl Page<'_> {
    /// Opens a link if its target may be linked.
    pub(super) fn open_target(&mut self, target: &str, title: &str) -> bool {
        match Dest::of(target) {
            Dest::Forbidden => return false,
            Dest::Web(_) => self.open_link(&encoded(target), "external", title),
            Dest::Mail(_) | Dest::Path(_) => self.open_link(&encoded(target), "", title),
            Dest::Part(part) => self.open_link(&encoded(&hash(Some(part))), "", title),
            Dest::Name { file, page, part } => {
                let Some((found, is_file)) = self.named(&file, page) else {
                    self.open_link(&encoded(target), "", title);
                    return true;
                };
                let part = if is_file { String::new() } else { hash(part) };
                let class = if found.exists { "" } else { "missing" };
                self.open_link(&format!("{}{}", own(&found.href), encoded(&part)), class, title);
            }
        }
        true
    }

    /// Opens a `[[link]]`, if a page can have that name.
    pub(super) fn open_wiki_link(&mut self, inside: &str) -> bool {
        // A table's cell writes `[[name\|text]]`.
        let inside = inside.strip_suffix('\\').unwrap_or(inside);
        if let Dest::Web(address) = Dest::of(inside.trim()) {
            return self.open_target(address, "");
        }
        let Some((name, part)) = parse_link(inside) else { return false };
        let Some(name) = name else {
            self.open_link(&encoded(&hash(part)), "", "");
            return true;
        };
        let Some(page) = self.page(name) else { return false };
        let class = if page.exists { "" } else { "missing" };
        self.open_link(&format!("{}{}", own(&page.href), encoded(&hash(part))), class, "");
        true
    }

    /// The file of that name if there is one, else the page; nothing if neither can be, or the page links too much.
    fn named(&mut self, file: &str, page: Option<String>) -> Option<(Target, bool)> {
        let found = self.file(file);
        if found.exists && self.files.add(file.to_owned()) {
            return Some((found, true));
        }
        self.page(page?).map(|page| (page, false))
    }

    fn page(&mut self, name: String) -> Option<Target> {
        if !self.links.add(name.clone()) {
            return None;
        }
        Some(self.pages_known.entry(name).or_insert_with_key(|name| self.place.page(name)).clone())
    }

    fn file(&mut self, name: &str) -> Target {
        if let Some(known) = self.files_known.get(name) {
            return known.clone();
        }
        let found = self.place.attachment(name);
        if self.files_known.len() < LINKS_MAX {
            self.files_known.insert(name.to_owned(), found.clone());
        }
        found
    }

    /// An image of the page; one from elsewhere becomes a link, since the Content Security Policy would not show it.
    pub(super) fn image(&mut self, picture: &Picture<'_>) {
        let Some(file) = image_file(picture.target) else {
            let shown = if picture.alt.is_empty() { picture.target } else { picture.alt };
            let class = match Dest::of(picture.target) {
                Dest::Web(_) => "external image",
                Dest::Path(_) | Dest::Name { .. } => "image",
                _ => return escape(shown, &mut self.out),
            };
            if picture.in_link {
                return escape(shown, &mut self.out);
            }
            self.open_link(&encoded(picture.target), class, picture.title);
            return self.close_link(shown);
        };
        let found = self.file(&file);
        let shown = if picture.alt.is_empty() { &file } else { picture.alt };
        if !self.files.add(file.clone()) {
            return escape(shown, &mut self.out);
        }
        if found.exists {
            self.out.push_str("<img src=\"");
            escape(&own(&found.href), &mut self.out);
            self.out.push_str("\" alt=\"");
            escape(picture.alt, &mut self.out);
            self.out.push('"');
            self.title(picture.title);
            self.out.push_str(" loading=\"lazy\">");
        } else if picture.in_link {
            escape(shown, &mut self.out);
        } else {
            self.open_link(&own(&found.href), "missing", picture.title);
            self.close_link(shown);
        }
    }

    /// The start of a link; the address is encoded already.
    pub(super) fn open_link(&mut self, href: &str, class: &str, title: &str) {
        self.out.push_str("<a");
        if !class.is_empty() {
            self.out.push_str(" class=\"");
            self.out.push_str(class);
            self.out.push('"');
        }
        self.out.push_str(" href=\"");
        escape(href, &mut self.out);
        self.out.push('"');
        if class.starts_with("external") {
            self.out.push_str(" rel=\"nofollow noopener\"");
        }
        self.title(title);
        self.out.push('>');
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.out.push_str(" title=\"");
            escape(title, &mut self.out);
            self.out.push('"');
        }
    }

    pub(super) fn close_link(&mut self, text: &str) {
        escape(text, &mut self.out);
        self.out.push_str("</a>");
    }
}

/// The fragment that leads to a heading, as a link's author wrote it.
fn hash(part: Option<&str>) -> String {
    match part {
        None => String::new(),
        Some("") => "#".to_owned(),
        Some(part) => format!("#{}", anchor(&percent_decoded(part).unwrap_or_default())),
    }
}

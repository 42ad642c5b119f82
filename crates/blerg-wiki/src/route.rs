//! The tables of routes, in the order of API.md, and the way from a request to a row of one of them. Start at [`find`].
//! Paths arrive decoded, below `/wiki/` (or `/wiki.cgi/`), or bare where `wiki.cgi` itself is asked.

use blerg_http::{Method, Pace, Plan, Request, Response};
use blerg_store::{FileName, PageName, Store};

use crate::call::Call;
use crate::failure::{Failure, name_reason};
use crate::{edit, export, files, history, lists, login, manage, search, style, tags, view};

/// The page that `/wiki/` shows.
const HOME: &str = "Home";

/// A body of a form: the longest text, what goes with it, and as much again, so that a text that is too long comes back.
const FORM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a form with files has besides them.
const UPLOAD_BYTES_MORE: usize = 64 * 1024;

/// What answers for a page.
type PageAnswer = fn(&Call<'_>, &PageName) -> Result<Response, Failure>;

/// What answers for a list; the text is what follows its name and a slash.
type SpecialAnswer = fn(&Call<'_>, &str) -> Result<Response, Failure>;

/// What `?action=` may say.
pub(crate) struct Action {
    name: &'static str,
    get: Option<PageAnswer>,
    post: Option<PageAnswer>,
}

/// What may follow `Special:`.
pub(crate) struct Special {
    name: &'static str,
    get: Option<SpecialAnswer>,
    post: Option<SpecialAnswer>,
}

const fn both(name: &'static str, get: PageAnswer, post: PageAnswer) -> Action {
    Action { name, get: Some(get), post: Some(post) }
}

const fn get(name: &'static str, get: PageAnswer) -> Action {
    Action { name, get: Some(get), post: None }
}

const fn list(name: &'static str, get: SpecialAnswer) -> Special {
    Special { name, get: Some(get), post: None }
}

static ACTIONS: &[Action] = &[
    both("", view::show, edit::save),
    get("raw", view::raw),
    both("edit", edit::form, edit::save),
    get("history", history::show),
    get("diff", history::compare),
    get("links", lists::links),
    both("revert", manage::ask_revert, manage::revert),
    both("rename", manage::show, manage::rename),
    both("delete", manage::show, manage::delete),
    both("undelete", manage::show, manage::undelete),
    both("protect", manage::show, manage::protect),
    both("attach", files::show, files::attach),
];

static SPECIALS: &[Special] = &[
    list("Recent", lists::recent),
    list("All", lists::all),
    list("Search", search::search),
    list("Wanted", lists::wanted),
    list("Orphans", lists::orphans),
    list("Tags", tags::show),
    Special { name: "Login", get: Some(login::show), post: Some(login::log_in) },
    Special { name: "Logout", get: None, post: Some(login::log_out) },
    list("Export", export::export),
    list("User", view::user),
    list("Style.css", style::answer),
];

/// What a request asks for.
pub(crate) enum Target<'r> {
    /// A page and what is to be done with it.
    Page(PageName, &'static Action),
    /// A file of a page.
    File(PageName, FileName),
    /// A list or a form that is no page, and what follows its name.
    Special(&'static Special, &'r str),
    /// What the address is missing or has too much; relative links work only below the right one.
    Slash(Option<PageName>),
}

/// How the path names pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// `/wiki/…`, also where it was written `/wiki.cgi/…`.
    Wiki,
    /// The program's own path has come before.
    Nothing,
}

/// Whether a path (as in [`Request::path`]) is one of the wiki's.
#[must_use]
pub fn has(path: &str) -> bool {
    rest(path).is_some()
}

/// What follows `/wiki` or `/wiki.cgi`.
fn rest(path: &str) -> Option<&str> {
    let rest = ["/wiki.cgi", "/wiki"].iter().find_map(|prefix| path.strip_prefix(prefix))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// How the path names pages, and what is left of it.
pub(crate) fn below(request: &Request) -> (Below, &str) {
    // `wiki.cgi/wiki` is a page of that name.
    let rest = if request.program().starts_with("wiki") { None } else { rest(&request.path) };
    rest.map_or((Below::Nothing, request.path.as_str()), |rest| (Below::Wiki, rest))
}

/// Whether a name that begins with `Special:` is one of ours.
pub(crate) fn is_special(name: &str) -> bool {
    let name = name.split('/').next().unwrap_or_default();
    name.strip_prefix("Special:").is_some_and(|name| find_special(name).is_some())
}

fn find_special(name: &str) -> Option<&'static Special> {
    SPECIALS.iter().find(|special| special.name.eq_ignore_ascii_case(name))
}

/// What a request asks for.
pub(crate) fn find(request: &Request) -> Result<Target<'_>, Failure> {
    let (below, path) = below(request);
    let Some(path) = path.strip_prefix('/') else { return Ok(Target::Slash(None)) };
    if let Some(special) = path.get(..8).filter(|start| start.eq_ignore_ascii_case("special:")) {
        let (name, rest) = path
            .get(special.len()..)
            .unwrap_or_default()
            .split_once('/')
            .unwrap_or((path.get(special.len()..).unwrap_or_default(), ""));
        let special = find_special(name).ok_or_else(|| Failure::missing("The wiki has no such list."))?;
        return Ok(Target::Special(special, rest));
    }
    if path.is_empty() {
        // A program at `/wiki.cgi` cannot tell whether a slash followed.
        return if below == Below::Nothing && !request.program().is_empty() {
            Ok(Target::Slash(Some(name(HOME)?)))
        } else {
            Ok(Target::Page(name(HOME)?, action(request)?))
        };
    }
    match path.split_once('/') {
        None => Ok(Target::Page(name(path)?, action(request)?)),
        Some((page, "")) => Ok(Target::Slash(Some(name(page)?))),
        Some((page, file)) => {
            let file = FileName::parse(file).map_err(|_| Failure::missing("There is no such file."))?;
            Ok(Target::File(name(page)?, file))
        }
    }
}

/// What no page can be called does not exist.
fn name(text: &str) -> Result<PageName, Failure> {
    PageName::parse(text).map_err(|error| Failure::missing(format!("No page has this name. {}", name_reason(error))))
}

fn action(request: &Request) -> Result<&'static Action, Failure> {
    let query = request.query_form();
    let name = query.get("action").unwrap_or_default();
    let found = ACTIONS.iter().find(|action| action.name == name);
    found.ok_or_else(|| Failure::missing("Pages have no such action."))
}

impl Target<'_> {
    /// Refuses methods that the row does not have.
    pub(crate) fn check_method(&self, method: Method) -> Result<(), Failure> {
        let (get, post) = match self {
            Target::Page(_, action) => (action.get.is_some(), action.post.is_some()),
            Target::Special(special, _) => (special.get.is_some(), special.post.is_some()),
            Target::File(..) | Target::Slash(_) => (true, false),
        };
        let has = match method {
            Method::Get | Method::Head => get,
            Method::Post => post,
            Method::Other => false,
        };
        let allow = match (get, post) {
            (true, true) => "GET, HEAD, POST",
            (true, false) => "GET, HEAD",
            _ => "POST",
        };
        if has { Ok(()) } else { Err(Failure::method(allow)) }
    }

    /// Whether it is there for visitors who may not read the wiki.
    pub(crate) fn is_for_everybody(&self) -> bool {
        matches!(self, Target::Special(Special { name: "Login" | "Logout" | "Style.css", .. }, _))
    }

    /// The page that the request brings a text for.
    pub(crate) fn written(&self, method: Method) -> Option<&PageName> {
        match self {
            Target::Page(name, Action { name: "" | "edit", .. }) if method == Method::Post => Some(name),
            _ => None,
        }
    }

    /// How the request is to be carried out.
    pub(crate) fn plan(&self, head: &Request, store: &Store) -> Plan {
        if head.method != Method::Post {
            let is_quick = matches!(self, Target::Slash(_) | Target::Special(Special { name: "Style.css", .. }, _));
            return Plan { body_bytes_max: 0, pace: if is_quick { Pace::Quick } else { Pace::Slow } };
        }
        let files_bytes_max = usize::try_from(store.settings().wiki.file_bytes_max).unwrap_or(usize::MAX);
        let body_bytes_max = match self {
            // It will be refused.
            _ if self.check_method(head.method).is_err() => 0,
            Target::Page(_, Action { name: "attach", .. }) => files_bytes_max.saturating_add(UPLOAD_BYTES_MORE),
            Target::Page(..) => FORM_BYTES_MAX,
            _ => UPLOAD_BYTES_MORE,
        };
        let is_hashing = match self {
            Target::Special(Special { name: "Login", .. }, _) => true,
            _ => head.query_form().get("login").is_some(),
        };
        Plan { body_bytes_max, pace: if is_hashing { Pace::Hashing } else { Pace::Slow } }
    }

    /// Answers; the method is one that the row has.
    pub(crate) fn answer(&self, call: &mut Call<'_>) -> Result<Response, Failure> {
        let is_post = call.request.method == Method::Post;
        match self {
            Target::Page(name, action) => {
                let answer = if is_post { action.post } else { action.get };
                answer.map_or_else(|| Err(Failure::method("GET, HEAD")), |answer| answer(call, name))
            }
            Target::Special(special, rest) => {
                let answer = if is_post { special.post } else { special.get };
                answer.map_or_else(|| Err(Failure::method("POST")), |answer| answer(call, rest))
            }
            Target::File(name, file) => files::serve(call, name, file),
            Target::Slash(page) => {
                let to = page.as_ref().map_or_else(|| call.place.root.clone(), |page| call.place.page(page));
                Ok(view::moved(call, &to))
            }
        }
    }
}

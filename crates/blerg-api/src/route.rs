//! The table of routes, in the order of API.md, and the way from a path to a row of it. Start at [`find`].
//! Paths arrive decoded; a row's pattern is matched segment by segment and never by prefix.

use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::{account, export, follow, history, read, record, search, session, status, tag};
use blerg_http::{Method, Pace, Response};

/// Most segments that a pattern leaves open.
const OPEN_SEGMENTS_MAX: usize = 2;

/// What answers a request.
pub(crate) type Answer = fn(&Call<'_>) -> Result<Response, Failure>;

/// One row.
pub(crate) struct Route {
    /// Segments; one in brackets stands for anything but nothing.
    pub(crate) pattern: &'static str,
    pub(crate) get: Option<Answer>,
    pub(crate) post: Option<Answer>,
    /// Where a GET runs, or a POST where there is no GET. A POST always waits for an fsync, a hash or SQLite.
    pub(crate) pace: Pace,
}

const fn get(pattern: &'static str, pace: Pace, answer: Answer) -> Route {
    Route { pattern, get: Some(answer), post: None, pace }
}

const fn post(pattern: &'static str, answer: Answer) -> Route {
    Route { pattern, get: None, post: Some(answer), pace: Pace::Slow }
}

/// A POST that takes a password.
const fn hashing(pattern: &'static str, answer: Answer) -> Route {
    Route { pattern, get: None, post: Some(answer), pace: Pace::Hashing }
}

const fn both(pattern: &'static str, get: Answer, post: Answer) -> Route {
    Route { pattern, get: Some(get), post: Some(post), pace: Pace::Slow }
}

/// Every route of the API.
pub(crate) static ROUTES: &[Route] = &[
    hashing("/create", account::create),
    hashing("/login", account::login),
    post("/logout", account::logout),
    hashing("/passwd", account::change_password),
    post("/put", record::put),
    post("/edit", record::edit),
    get("/history/(user)/(record)", Pace::Slow, history::history),
    post("/delete", record::delete),
    both("/sessions", session::list, session::revoke),
    hashing("/close", account::close),
    get("/get/(user)", Pace::Quick, read::last),
    get("/get/(user)/(range)", Pace::Quick, read::range),
    get("/info/(user)", Pace::Quick, read::info),
    get("/tag/(tags)", Pace::Quick, tag::last),
    get("/tag/(tag)/(range)", Pace::Quick, tag::range),
    get("/taginfo/(tag)", Pace::Quick, tag::info),
    get("/latest", Pace::Quick, read::latest),
    get("/latest/tags", Pace::Quick, tag::latest),
    get("/thread/(user)/(record)", Pace::Quick, read::thread),
    get("/search", Pace::Slow, search::search),
    post("/subscribe/(user)", follow::subscribe),
    post("/unsubscribe/(user)", follow::unsubscribe),
    both("/feed", follow::feed, follow::feed),
    both("/feedinfo", status::show, status::change),
    both("/feedinfo/(user)", status::is_subscribed, status::is_subscribed),
    both("/status", status::show, status::change),
    both("/status/(user)", status::is_subscribed, status::is_subscribed),
    get("/export", Pace::Slow, export::export),
];

impl Route {
    /// The methods that the route has, as the `Allow` header says it.
    pub(crate) fn allow(&self) -> &'static str {
        match (self.get, self.post) {
            (Some(_), Some(_)) => "GET, HEAD, POST",
            (Some(_), None) => "GET, HEAD",
            _ => "POST",
        }
    }

    /// What answers this method.
    pub(crate) fn answer(&self, method: Method) -> Result<Answer, Failure> {
        let answer = match method {
            Method::Get | Method::Head => self.get,
            Method::Post => self.post,
            Method::Other => None,
        };
        answer.ok_or_else(|| Failure::method(self.allow()))
    }
}

/// The row that a path belongs to, and the segments that its pattern leaves open.
pub(crate) fn find(path: &str) -> Result<(&'static Route, [&str; OPEN_SEGMENTS_MAX]), Failure> {
    ROUTES
        .iter()
        .find_map(|route| matches(route.pattern, path).map(|open| (route, open)))
        .ok_or_else(|| Failure::missing(Code::NotFound, "There is nothing at this path."))
}

fn matches<'p>(pattern: &str, path: &'p str) -> Option<[&'p str; OPEN_SEGMENTS_MAX]> {
    let mut open = [""; OPEN_SEGMENTS_MAX];
    let mut slots = open.iter_mut();
    let mut segments = path.split('/');
    for want in pattern.split('/') {
        let found = segments.next()?;
        if want.starts_with('(') {
            *slots.next()? = Some(found).filter(|found| !found.is_empty())?;
        } else if want != found {
            return None;
        }
    }
    segments.next().is_none().then_some(open)
}

#[cfg(test)]
mod tests;

//! One request on its way through a route: who asks, what the path left open, what the parameters say. Start at
//! [`Call`]. It never answers; routes do.

use crate::failure::{Code, Failure};
use crate::{OnWritten, Written, param};
use blerg_http::{Form, Method, Request};
use blerg_store::{AuthorView, Cursor, LimitKind, Reader, Session, Store};
use std::sync::Arc;

/// What a route gets.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) request: &'a Request,
    /// The segments that the route's pattern left open; empty where it has fewer.
    pub(crate) open: [&'a str; 2],
    /// Who is to hear of what is written.
    pub(crate) on_written: Option<&'a OnWritten>,
}

impl Call<'_> {
    /// The newest state of the log.
    pub(crate) fn reader(&self) -> Result<Reader, Failure> {
        Ok(self.store.reader()?)
    }

    /// Tells of a record that was written.
    pub(crate) fn tell(&self, session: &Session, text: &str) {
        if let Some(on_written) = self.on_written {
            on_written(&Written { now_us: self.request.now_us, author: &session.name, text });
        }
    }

    /// The user that the path names.
    pub(crate) fn path_user(&self, reader: &Reader) -> Result<AuthorView, Failure> {
        let name = param::path_user(self.open[0])?;
        reader.author(name.as_str())?.ok_or_else(param::no_such_user)
    }

    /// Who asks: by `Authorization: Bearer`, else by one of the cookies.
    fn session(&self) -> Result<Session, Failure> {
        for token in self.request.tokens("auth") {
            if let Some(session) = self.store.authenticate(self.request.now_us, token)? {
                return Ok(session);
            }
        }
        Err(Failure::not_logged_in())
    }

    /// Who asks by POST, and the parameters.
    pub(crate) fn signed_form(&self) -> Result<(Session, Form), Failure> {
        self.sign(self.request.form()?)
    }

    /// Who asks by GET or POST, and the parameters.
    pub(crate) fn asker(&self) -> Result<(Session, Form), Failure> {
        match self.request.method {
            Method::Post => self.signed_form(),
            _ => self.sign(self.request.query_form()),
        }
    }

    /// `username` may be left out, but not name somebody else.
    fn sign(&self, form: Form) -> Result<(Session, Form), Failure> {
        let session = self.session()?;
        match param::optional(&form, "username")? {
            Some(name) if !name.eq_ignore_ascii_case(&session.name) => {
                let reason = format!("You are logged in as {}, not as the user that username names.", session.name);
                Err(Failure::new(Code::WrongUsername, reason))
            }
            _ => Ok((session, form)),
        }
    }

    /// Counts a change against the address and the account, before it is made.
    pub(crate) fn spend(&self, kind: LimitKind, session: &Session) -> Result<(), Failure> {
        let Request { now_us, remote, .. } = *self.request;
        Ok(self.store.spend(now_us, kind, remote, Some(session.author))?)
    }

    /// The parameter `before`: the record below which a page begins.
    pub(crate) fn before(&self, form: &Form) -> Result<Option<Cursor>, Failure> {
        let Some(text) = param::optional(form, "before")?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = |_| Failure::new(Code::BadBefore, "The parameter before is not of the form author/record.");
        text.parse().map(Some).map_err(wrong)
    }

    /// What a failed page means, when `before` may be what is wrong.
    pub(crate) fn page_failure(error: blerg_store::Error) -> Failure {
        if error.is_not_found() {
            return Failure::new(Code::BadBefore, "The parameter before names no record of this list.");
        }
        Failure::from(error)
    }
}

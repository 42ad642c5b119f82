//! One request on its way through a route: who asks, where things are, what the query says. Start at [`Call`].

use std::sync::Arc;

use blerg_http::{Form, Method, Request, Response, Validators};
use blerg_store::{By, Editor, LimitKind, Session, Store, Wiki, WikiSettings};

use crate::cache::Cache;
use crate::failure::Failure;
use crate::place::Place;
use crate::{Options, Report};

/// What a route gets.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) options: &'a Options,
    to_operator: &'a Report,
    pub(crate) cache: &'a Cache,
    pub(crate) request: &'a Request,
    pub(crate) place: Place,
    pub(crate) query: Form,
    pub(crate) visitor: Visitor,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Visitor {
    /// Somebody without a session.
    Anonymous,
    /// Somebody whose session is over.
    Expired,
    /// A user.
    User(Session),
}

impl<'a> Call<'a> {
    /// A call by nobody known yet.
    pub(crate) fn new(wiki: &'a crate::Wiki, request: &'a Request) -> Call<'a> {
        let crate::Wiki { store, options, report, cache } = wiki;
        let (place, query) = (Place::of(request), request.query_form());
        Call { store, options, to_operator: report, cache, request, place, query, visitor: Visitor::Anonymous }
    }

    /// The same call, to go on as somebody else.
    pub(crate) fn again(&self) -> Call<'a> {
        let visitor = self.visitor.clone();
        Call { place: self.place.clone(), query: self.query.clone(), visitor, ..*self }
    }

    /// Tells the operator of a failure that no visitor caused.
    pub(crate) fn report(&self, failure: &Failure) {
        if let Some(fault) = failure.fault() {
            (self.to_operator)(fault);
        }
    }

    /// Finds out who asks; who shows no token costs nothing.
    pub(crate) fn identify(&mut self) -> Result<(), Failure> {
        for token in self.request.tokens("auth") {
            match self.store.authenticate(self.request.now_us, token)? {
                Some(session) => {
                    self.visitor = Visitor::User(session);
                    return Ok(());
                }
                None => self.visitor = Visitor::Expired,
            }
        }
        Ok(())
    }

    /// The wiki's data.
    pub(crate) fn wiki(&self) -> Result<Wiki<'_>, Failure> {
        Ok(self.store.wiki()?)
    }

    /// The operator's rules.
    pub(crate) fn rules(&self) -> &'a WikiSettings {
        &self.store.settings().wiki
    }

    /// The user, if it is one.
    pub(crate) fn user(&self) -> Option<&Session> {
        if let Visitor::User(session) = &self.visitor { Some(session) } else { None }
    }

    /// Who asks, as the store sees it.
    pub(crate) fn editor(&self) -> Editor<'_> {
        match self.user() {
            Some(session) => Editor::User { name: &session.name, role: session.role },
            None => Editor::Anonymous,
        }
    }

    /// Who makes a change now.
    pub(crate) fn by<'b>(&'b self, summary: &'b str) -> By<'b> {
        By { editor: self.editor(), now_us: self.request.now_us, summary, is_minor: false }
    }

    /// Whether this visitor may read the wiki.
    pub(crate) fn check_reader(&self) -> Result<(), Failure> {
        let rules = self.rules();
        if rules.may_read(&self.editor()) { Ok(()) } else { Err(Failure::not_allowed(self, rules.readers)) }
    }

    /// Counts a change against the visitor's address and account.
    pub(crate) fn spend(&self) -> Result<(), Failure> {
        self.spend_of(LimitKind::Put)
    }

    pub(crate) fn spend_of(&self, kind: LimitKind) -> Result<(), Failure> {
        let author = self.user().map(|session| session.author);
        Ok(self.store.spend(self.request.now_us, kind, self.request.remote, author)?)
    }

    /// A number of the query.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        number(self.query.get(name)?)
    }

    /// What everything that is shown depends on besides the data: who looks, below which prefix, and how pages look.
    pub(crate) fn stamp(&self) -> String {
        let who = self.user().map_or_else(String::new, |session| format!("-u{:x}", session.author.0));
        format!("{:x}{who}", crate::style::VERSION)
    }

    /// 304 where the visitor holds this version already, else what `build` makes, marked with its version.
    pub(crate) fn unless_known(
        &self,
        etag: &str,
        changed_us: u64,
        build: impl FnOnce() -> Result<Response, Failure>,
    ) -> Result<Response, Failure> {
        if self.request.method == Method::Post {
            return build();
        }
        let validators = Validators::new(format!("{etag}-{}", self.stamp()), changed_us, self.request.now_us);
        let response = if self.request.not_modified(&validators) {
            Response::not_modified(&validators)
        } else {
            build()?.validators(&validators)
        };
        Ok(self.kept(response))
    }

    /// Says who may keep an answer: what a user sees is nobody else's.
    pub(crate) fn kept(&self, response: Response) -> Response {
        let response = response.header("Vary", "Cookie, Authorization");
        let is_private = self.user().is_some() || !self.rules().may_read(&Editor::Anonymous);
        if is_private { response.cache("private, no-cache") } else { response }
    }
}

/// Digits and nothing else.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

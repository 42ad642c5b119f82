//! Failures as visitors see them: a status, a stable word for programs and one sentence for people. Start at [`Failure`].
//! The words are listed in API.md; a test compares the two lists. No path, SQL or password ever gets into a reason.

use crate::json::Object;
use blerg_http::{FormError, Response};
use blerg_store::{Error, PASSWORD_BYTES_MAX, TEXT_BYTES_MAX};
use std::borrow::Cow;

/// Seconds after which a full disk or a stopped store is worth another try: an operator has to act first.
const RETRY_OPERATOR_SECS: u64 = 300;

/// Declares the codes once: variant, word, status where the code itself decides it, and what it means.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal;)+) => {
        /// The stable word of a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of API.md.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The word that stands in the answer.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $(Code::$variant => $word,)+
                }
            }
        }
    };
}

codes! {
    /// The path is none of ours.
    NotFound = "not_found";
    /// The user does not exist, or closed the account.
    NoSuchUser = "no_such_user";
    /// The record does not exist, or was deleted.
    NoSuchRecord = "no_such_record";
    /// A range lies wholly past the last record.
    PastTheEnd = "past_the_end";
    /// Not a tag or mention: sigil and 1 to 64 characters of the tag alphabet.
    BadTag = "bad_tag";
    /// More tags at once than one question may name.
    TooManyTags = "too_many_tags";
    /// A range that is backwards or longer than 100.
    BadRange = "bad_range";
    /// `before` is not `author/record`, or names no record.
    BadBefore = "bad_before";
    /// The search cannot be understood.
    BadQuery = "bad_query";
    /// A parameter that the route needs is missing.
    MissingParameter = "missing_parameter";
    /// A parameter has a value that it cannot have.
    BadParameter = "bad_parameter";
    /// The body is no form, or a broken one.
    BadForm = "bad_form";
    /// The user name breaks the rules for names.
    BadUsername = "bad_username";
    /// The password is too short or too long.
    BadPassword = "bad_password";
    /// The name is taken, or was once and is not given out again.
    NameTaken = "name_taken";
    /// The site takes no new accounts.
    RegistrationClosed = "registration_closed";
    /// The invitation is missing, wrong, used or too old.
    BadInvite = "bad_invite";
    /// User name or password are wrong.
    WrongPassword = "wrong_password";
    /// The operator disabled the account.
    AccountDisabled = "account_disabled";
    /// The cookie or token is missing, wrong or over.
    NotLoggedIn = "not_logged_in";
    /// `username` names someone else than the cookie's owner.
    WrongUsername = "wrong_username";
    /// Only the author may see or change this.
    NotYours = "not_yours";
    /// The text is empty, too long or not UTF-8.
    BadData = "bad_data";
    /// `reply_to` is not `author/record`, or names no record.
    BadReplyTo = "bad_reply_to";
    /// The session to revoke does not exist.
    NoSuchSession = "no_such_session";
    /// The user follows as many others as one may.
    FollowLimit = "follow_limit";
    /// The request comes from another site's page.
    CrossSite = "cross_site";
    /// The route has other methods: see `Allow`.
    MethodNotAllowed = "method_not_allowed";
    /// The rate limit is used up: see `Retry-After`.
    TooManyRequests = "too_many_requests";
    /// Too much to do at once: see `Retry-After`.
    Busy = "busy";
    /// The index is being rebuilt: see `Retry-After`.
    Recovering = "recovering";
    /// There is no space left to write.
    StorageFull = "storage_full";
    /// Writing stopped after a failed sync, until the operator acts.
    ReadOnly = "read_only";
    /// A fault of the server.
    Internal = "internal";
}

/// Why a request got no success.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u16,
    code: Code,
    reason: Cow<'static, str>,
    retry_after_secs: Option<u64>,
    allow: Option<&'static str>,
    fault: Option<Box<Error>>,
}

impl Failure {
    /// A failure with status 200: the parameters are wrong.
    pub(crate) fn new(code: Code, reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status: 200, code, reason: reason.into(), retry_after_secs: None, allow: None, fault: None }
    }

    /// The path names what does not exist: 404.
    pub(crate) fn missing(code: Code, reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure { status: 404, ..Failure::new(code, reason) }
    }

    /// A parameter that the route needs is not there.
    pub(crate) fn parameter_missing(name: &'static str) -> Failure {
        Failure::new(Code::MissingParameter, format!("The parameter {name} is missing."))
    }

    /// The route exists, the method is not its.
    pub(crate) fn method(allow: &'static str) -> Failure {
        let reason = format!("This route answers {allow} only.");
        Failure { status: 405, allow: Some(allow), ..Failure::new(Code::MethodNotAllowed, reason) }
    }

    /// A page of another site sent the request.
    pub(crate) fn cross_site() -> Failure {
        let reason = "The request comes from another site's page and was not carried out.";
        Failure { status: 403, ..Failure::new(Code::CrossSite, reason) }
    }

    /// No cookie or token, or one that is not valid.
    pub(crate) fn not_logged_in() -> Failure {
        Failure::new(Code::NotLoggedIn, "You are not logged in, or your session is over.")
    }

    fn later(status: u16, code: Code, reason: &'static str, retry_after_secs: u64) -> Failure {
        Failure { status, retry_after_secs: Some(retry_after_secs), ..Failure::new(code, reason) }
    }

    /// The error that the operator has to know of, if the failure is the server's.
    pub(crate) fn fault(&self) -> Option<&Error> {
        self.fault.as_deref()
    }

    /// The answer.
    pub(crate) fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(128);
        let mut object = Object::open(&mut body);
        object.string("status", "failure");
        object.string("code", self.code.word());
        object.string("reason", &self.reason);
        object.close();
        let mut response = crate::answer::json(self.status, body);
        if let Some(secs) = self.retry_after_secs {
            response = response.header("Retry-After", secs.to_string());
        }
        if let Some(allow) = self.allow {
            response = response.header("Allow", allow);
        }
        response
    }
}

impl From<FormError> for Failure {
    fn from(_: FormError) -> Failure {
        let reason = "The body is not a complete form of the type that Content-Type names.";
        Failure { status: 400, ..Failure::new(Code::BadForm, reason) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        refusal(&error).unwrap_or_else(|| fault(error))
    }
}

/// What the visitor can mend, by other parameters or by coming again.
fn refusal(error: &Error) -> Option<Failure> {
    Some(match error {
        Error::Name(_) => Failure::new(
            Code::BadUsername,
            "A user name has 1 to 32 of 0-9 A-Z a-z _ . - ' and space, is not only dots, and has no space at its \
             ends and no two running.",
        ),
        Error::NameTaken => Failure::new(Code::NameTaken, "This name is taken."),
        Error::PasswordLength { min, .. } => {
            Failure::new(Code::BadPassword, format!("A password has {min} to {PASSWORD_BYTES_MAX} bytes."))
        }
        Error::WrongPassword => Failure::new(Code::WrongPassword, "The user name or the password is wrong."),
        Error::Disabled => Failure::new(Code::AccountDisabled, "The site's operator has disabled this account."),
        Error::RegistrationClosed => Failure::new(Code::RegistrationClosed, "This site takes no new accounts."),
        Error::Invite => {
            Failure::new(Code::BadInvite, "Signing up needs an invitation, and one that is neither used nor too old.")
        }
        Error::NoSuchAccount => Failure::not_logged_in(),
        Error::NoSuchAuthor => Failure::new(Code::NoSuchUser, "There is no such user."),
        Error::NoSuchRecord { .. } => Failure::new(Code::NoSuchRecord, "There is no such record."),
        Error::TextLength { .. } => Failure::new(Code::BadData, format!("A record has 1 to {TEXT_BYTES_MAX} bytes.")),
        Error::FollowLimit => Failure::new(Code::FollowLimit, "You follow as many others as one may."),
        Error::Limited { retry_after_secs } => {
            let reason = "You have done this too often in a short time; try again later.";
            Failure::later(429, Code::TooManyRequests, reason, *retry_after_secs)
        }
        _ => return None,
    })
}

/// What the visitor can't mend.
fn fault(error: Error) -> Failure {
    let failure = match error.retry_after_secs() {
        Some(secs) if error.is_recovering() => {
            return Failure::later(
                503,
                Code::Recovering,
                "The site is being checked after a crash; try again soon.",
                secs,
            );
        }
        Some(secs) => return Failure::later(503, Code::Busy, "The site is busy; try again soon.", secs),
        None if error.is_full() => {
            let reason = "The site has no space left to write; nothing was changed.";
            Failure::later(503, Code::StorageFull, reason, RETRY_OPERATOR_SECS)
        }
        None if error.is_read_only() => {
            let reason = "The site can be read but not written until its operator acts.";
            Failure::later(503, Code::ReadOnly, reason, RETRY_OPERATOR_SECS)
        }
        None => {
            let reason = "The site has a fault; its operator finds the reason in the error log.";
            Failure { status: 500, ..Failure::new(Code::Internal, reason) }
        }
    };
    Failure { fault: Some(Box::new(error)), ..failure }
}

#[cfg(test)]
mod tests;

//! Failures as visitors see them: a page with a status and a sentence. Start at [`Failure`]. What was typed is not its
//! business: forms show a failure above the text (edit.rs). No path, SQL or password ever gets into a reason.

use std::borrow::Cow;

use blerg_http::{FormError, Response};
use blerg_store::{Error, Who};
use maud::html;

use crate::call::{Call, Visitor};
use crate::html::{Sheet, page};
use crate::login;

/// Seconds after which a full disk or a stopped store is worth another try: an operator has to act first.
const RETRY_OPERATOR_SECS: u64 = 300;

/// Why a request got no success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    pub(crate) reason: Cow<'static, str>,
    /// A login may help.
    pub(crate) wants_login: bool,
    retry_after_secs: Option<u64>,
    allow: Option<&'static str>,
    fault: Option<Box<Error>>,
}

impl Failure {
    pub(crate) fn new(status: u16, title: &'static str, reason: impl Into<Cow<'static, str>>) -> Failure {
        let reason = reason.into();
        Failure { status, title, reason, wants_login: false, retry_after_secs: None, allow: None, fault: None }
    }

    /// The path names what does not exist.
    pub(crate) fn missing(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(404, "Not found", reason)
    }

    /// A parameter has a value that it cannot have.
    pub(crate) fn bad(reason: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(400, "This cannot be", reason)
    }

    /// The route exists, the method is not its.
    pub(crate) fn method(allow: &'static str) -> Failure {
        let reason = format!("This address answers {allow} only.");
        Failure { allow: Some(allow), ..Failure::new(405, "Not this way", reason) }
    }

    /// A page of another site sent the request.
    pub(crate) fn cross_site() -> Failure {
        let reason = "The request comes from another site's page and was not carried out.";
        Failure::new(403, "Not from there", reason)
    }

    /// Others may do this, this visitor may not.
    pub(crate) fn not_allowed(call: &Call<'_>, needs: Who) -> Failure {
        let reason = match (&call.visitor, needs) {
            (Visitor::Expired, _) => "Your session is over: log in again.",
            (Visitor::Anonymous, Who::Admins) => "Only administrators may do this. Log in if you are one.",
            (Visitor::Anonymous, _) => "You need to log in for this.",
            (Visitor::User(_), Who::Admins) => "Only administrators may do this.",
            (Visitor::User(_), _) => "Your account is not one of those that may do this.",
        };
        let wants_login = call.user().is_none();
        Failure { wants_login, ..Failure::new(403, "Not allowed", reason) }
    }

    fn later(status: u16, title: &'static str, reason: &'static str, retry_after_secs: u64) -> Failure {
        Failure { retry_after_secs: Some(retry_after_secs), ..Failure::new(status, title, reason) }
    }

    /// The error that the operator has to know of, if the failure is the server's.
    pub(crate) fn fault(&self) -> Option<&Error> {
        self.fault.as_deref()
    }

    /// That error, or else the reason.
    pub(crate) fn into_fault(self) -> Result<Box<Error>, Cow<'static, str>> {
        self.fault.ok_or(self.reason)
    }

    /// What goes along with an answer of this status, whatever page it is.
    pub(crate) fn mark(&self, response: Response) -> Response {
        let mut response = response.status(self.status);
        if let Some(secs) = self.retry_after_secs {
            response = response.header("Retry-After", secs.to_string());
        }
        if let Some(allow) = self.allow {
            response = response.header("Allow", allow);
        }
        response
    }

    /// The answer: a page of its own.
    pub(crate) fn into_response(self, call: &Call<'_>) -> Response {
        let body = html! {
            h1 { (self.title) }
            p.note role="alert" { (self.reason) }
            @if self.wants_login { (login::form(call, &login::here(call))) }
        };
        let sheet = Sheet { title: self.title, ..Sheet::default() };
        self.mark(page(call, &sheet, &body)).cache("no-store")
    }
}

impl From<FormError> for Failure {
    fn from(_: FormError) -> Failure {
        Failure::bad("The body is not a complete form of the type that Content-Type names.")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        refusal(&error).unwrap_or_else(|| fault(error))
    }
}

/// What the visitor can mend, by other input or by coming again.
fn refusal(error: &Error) -> Option<Failure> {
    Some(match error {
        Error::NoSuchPage => Failure::missing("There is no such page."),
        Error::NoSuchRevision { .. } => Failure::missing("The page has no such revision."),
        Error::NoSuchFile => Failure::missing("There is no such file."),
        Error::NotAllowed { needs: Who::Admins } => {
            Failure::new(403, "Not allowed", "Only administrators may do this.")
        }
        Error::NotAllowed { .. } => {
            Failure { wants_login: true, ..Failure::new(403, "Not allowed", "Your account may not do this.") }
        }
        Error::WikiReadOnly => {
            Failure::new(403, "Read-only", "The wiki is read-only at present: nothing can be changed.")
        }
        Error::PageName(source) => Failure::bad(name_reason(*source)),
        Error::PageLength { bytes } => {
            let max = blerg_store::PAGE_BYTES_MAX;
            let reason = format!("A page has at most {max} bytes, this text has {bytes}. Make two pages of it.");
            Failure::new(413, "Too long", reason)
        }
        Error::FileLength { bytes: 0, .. } => Failure::bad("The file is empty, or none was chosen."),
        Error::FileLength { bytes, max } => {
            Failure::new(413, "Too large", format!("A file has at most {max} bytes, this one has {bytes}."))
        }
        Error::FilesFull { max } => {
            let reason = format!("There is no more room: all files together have at most {max} bytes.");
            Failure::new(507, "No more room", reason)
        }
        Error::WrongPassword => Failure::new(403, "Not logged in", "The user name or the password is wrong."),
        Error::PasswordLength { .. } => Failure::new(403, "Not logged in", "The user name or the password is wrong."),
        Error::Name(_) => Failure::new(403, "Not logged in", "There is no user of that name."),
        Error::Disabled => Failure::new(403, "Not logged in", "The operator has disabled this account."),
        Error::Limited { retry_after_secs } => {
            let reason = "You have done this too often in a short time; try again in a while.";
            Failure::later(429, "Too often", reason, *retry_after_secs)
        }
        _ => return None,
    })
}

/// Why a text is no name.
pub(crate) fn name_reason(error: blerg_store::PageNameError) -> &'static str {
    use blerg_store::PageNameError as Problem;
    match error {
        Problem::Length { .. } => "A name has 1 to 200 bytes.",
        Problem::Character { .. } => {
            "A name holds no / ? # %, and nothing that cannot be seen. A file's name holds no backslash either."
        }
        Problem::Spaces => "A name has no space first or last.",
        Problem::Dots => "A name is not only dots, and a file's name does not begin with one.",
        Problem::Reserved => "Names that begin with Special: are the wiki's own.",
        _ => "This is no name that a page or file can have.",
    }
}

/// What the visitor can't mend.
fn fault(error: Error) -> Failure {
    let failure = match error.retry_after_secs() {
        Some(secs) if error.is_recovering() => {
            return Failure::later(503, "Soon", "The site is being checked after a crash; try again soon.", secs);
        }
        Some(secs) => return Failure::later(503, "Busy", "The site is busy; try again soon.", secs),
        None if error.is_full() => {
            let reason = "The site has no space left to write; nothing was changed.";
            Failure::later(503, "No space left", reason, RETRY_OPERATOR_SECS)
        }
        None if error.is_read_only() => {
            let reason = "The site can be read but not written until its operator acts.";
            Failure::later(503, "Read-only", reason, RETRY_OPERATOR_SECS)
        }
        None => {
            let reason = "The site has a fault; its operator finds the reason in the error log.";
            Failure::new(500, "A fault", reason)
        }
    };
    Failure { fault: Some(Box::new(error)), ..failure }
}

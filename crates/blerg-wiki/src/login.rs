//! Logging in and out, with the microblog's accounts and cookie. Start at [`log_in`]. Where a session ran out while
//! somebody was writing, edit.rs puts these fields beside the text.

use blerg_http::{CookieSpec, Form, Response};
use blerg_store::ClientInfo;
use maud::{Markup, html};

use crate::call::{Call, Visitor};
use crate::failure::Failure;
use crate::html::{Sheet, page};

/// How long a browser keeps the cookie: longer than the store keeps any session, which then decides.
const COOKIE_AGE_SECS: u64 = 366 * 86_400;

/// Longest address to come back to.
const RETURN_BYTES_MAX: usize = 2048;

/// What follows the wiki's prefix in the address at hand: where a login leads back to.
pub(crate) fn here(call: &Call<'_>) -> String {
    let (_, path) = crate::route::below(call.request);
    let path = path.strip_prefix('/').unwrap_or(path);
    let path: Vec<String> = path.split('/').map(crate::place::encode).collect();
    let path = path.join("/");
    if path.len() > 8 && path.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("special:")) {
        return if is_way_back(&path) { path } else { String::new() };
    }
    match (crate::html::is_look(call.request), call.request.query.as_str()) {
        (false, _) | (_, "") => path,
        (true, query) => format!("{path}?{query}"),
    }
}

/// A list is one; forms to log in are none.
fn is_way_back(path: &str) -> bool {
    let name = path.get(8..).unwrap_or_default().to_ascii_lowercase();
    !(name.starts_with("login") || name.starts_with("logout"))
}

/// The form.
pub(crate) fn form(call: &Call<'_>, back: &str) -> Markup {
    html! {
        form method="post" action=(call.place.special("Login")) {
            input type="hidden" name="return" value=(back);
            (fields())
            p { button.main { "Log in" } }
        }
        (sign_up(call))
    }
}

/// What a login asks for.
pub(crate) fn fields() -> Markup {
    html! {
        p {
            label for="username" { "User name" } br;
            input #username name="username" autocomplete="username" autocapitalize="none" maxlength="32" required;
        }
        p {
            label for="password" { "Password" } br;
            input #password name="password" type="password" autocomplete="current-password" required;
        }
    }
}

/// The way to an account.
fn sign_up(call: &Call<'_>) -> Markup {
    html! {
        p.hint { "No account yet? " a href={ (call.place.site) "#join" } { "Sign up" } " on the front page." }
    }
}

/// GET Special:Login
pub(crate) fn show(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    Ok(shown(call, call.query.get("return").unwrap_or_default(), None))
}

fn shown(call: &Call<'_>, back: &str, problem: Option<&Failure>) -> Response {
    let is_over = matches!(call.visitor, Visitor::Expired);
    let body = html! {
        h1 { "Log in" }
        @if let Some(failure) = problem { p.note role="alert" { (failure.reason) } }
        @else if is_over { p.note role="alert" { "Your session is over." } }
        @else if let Some(user) = call.user() { p.note { "You are logged in as " bdi { (user.name) } "." } }
        (form(call, back))
    };
    let response = page(call, &Sheet { title: "Log in", ..Sheet::default() }, &body);
    match problem {
        Some(failure) => failure.mark(response),
        None => response,
    }
    .cache("no-store")
}

/// POST Special:Login
pub(crate) fn log_in(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let form = call.request.form()?;
    let back = form.get("return").unwrap_or_default();
    match begin(call, &form) {
        Ok(token) => Ok(with_session(call, crate::view::see_other(call, &way_back(call, back)), &token)),
        Err(failure) => {
            call.report(&failure);
            Ok(shown(call, back, Some(&failure)))
        }
    }
}

/// POST Special:Logout
pub(crate) fn log_out(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let form = call.request.form()?;
    if let Some(session) = call.user() {
        call.store.revoke(session.author, session.id)?;
    }
    let back = form.get("return").unwrap_or_default();
    Ok(with_session(call, crate::view::see_other(call, &way_back(call, back)), ""))
}

/// Checks a password and begins a session.
pub(crate) fn begin(call: &Call<'_>, form: &Form) -> Result<String, Failure> {
    let name = form.get("username").unwrap_or_default();
    let password = form.get_bytes("password").unwrap_or_default();
    let client = ClientInfo { remote: call.request.remote, agent: call.request.headers.text("user-agent") };
    Ok(call.store.login(call.request.now_us, name, password, &client)?.to_string())
}

/// The answer with the session's cookie; an empty token takes it away.
pub(crate) fn with_session(call: &Call<'_>, response: Response, token: &str) -> Response {
    let max_age_secs = if token.is_empty() { 0 } else { COOKIE_AGE_SECS };
    let Call { place, request, .. } = call;
    response.set_cookie(&CookieSpec {
        name: "auth",
        value: token,
        path: &place.site,
        https: request.https,
        max_age_secs,
    })
}

/// Below our own prefix, wherever the form says.
fn way_back(call: &Call<'_>, back: &str) -> String {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>');
    let back = if back.len() <= RETURN_BYTES_MAX && back.chars().all(fits) { back } else { "" };
    format!("{}{}", call.place.root, back.trim_start_matches('/'))
}

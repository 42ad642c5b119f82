//! Signing up, in and out, changing the password, leaving. Start at [`login`]. Passwords are bytes and are handed on
//! whole; the store hashes them, one at a time across every process.

use crate::answer::success;
use crate::call::Call;
use crate::failure::Failure;
use crate::json::Object;
use crate::param;
use blerg_http::{CookieSpec, Response};
use blerg_store::{AuthorName, ClientInfo, NewAccount};

/// How long a browser keeps the cookie: longer than the store keeps any session, which then decides.
const COOKIE_AGE_SECS: u64 = 366 * 86_400;

/// POST /create
pub(crate) fn create(call: &Call<'_>) -> Result<Response, Failure> {
    let form = call.request.form()?;
    let name = param::required(&form, "username")?;
    let password = param::required_bytes(&form, "password")?;
    let invite = param::optional(&form, "invite")?;
    let new = NewAccount { name, password, invite, remote: call.request.remote };
    call.store.create_account(call.request.now_us, &new)?;
    match AuthorName::parse(name) {
        Ok(name) if !name.is_mentionable() => Ok(success_unmentionable()),
        _ => Ok(success()),
    }
}

fn success_unmentionable() -> Response {
    let mut body = Vec::with_capacity(192);
    let mut object = Object::open(&mut body);
    object.string("status", "success");
    let notice = "Nobody can mention this name with @: it has characters other than 0-9 A-Z a-z - and _.";
    object.string("notice", notice);
    object.close();
    crate::answer::json(200, body)
}

/// POST /login
pub(crate) fn login(call: &Call<'_>) -> Result<Response, Failure> {
    let form = call.request.form()?;
    let name = param::required(&form, "username")?;
    let password = param::required_bytes(&form, "password")?;
    let client = ClientInfo { remote: call.request.remote, agent: call.request.headers.text("user-agent") };
    let token = call.store.login(call.request.now_us, name, password, &client)?;
    Ok(success().set_cookie(&cookie(call, &token.to_string(), COOKIE_AGE_SECS)))
}

/// POST /logout
pub(crate) fn logout(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.signed_form()?;
    call.store.revoke(session.author, session.id)?;
    Ok(success().set_cookie(&cookie(call, "", 0)))
}

/// POST /passwd
pub(crate) fn change_password(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let old = param::required_bytes(&form, "password")?;
    let new = param::required_bytes(&form, "new_password")?;
    call.store.change_password(call.request.now_us, &session, old, new, call.request.remote)?;
    Ok(success())
}

/// POST /close
pub(crate) fn close(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let password = param::required_bytes(&form, "password")?;
    call.store.close_account(call.request.now_us, session.author, password, call.request.remote)?;
    Ok(success().set_cookie(&cookie(call, "", 0)))
}

fn cookie<'a>(call: &'a Call<'_>, value: &'a str, max_age_secs: u64) -> CookieSpec<'a> {
    CookieSpec { name: "auth", value, path: &call.request.site, https: call.request.https, max_age_secs }
}

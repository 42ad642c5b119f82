//! A user's own sessions: which there are, and ending them from elsewhere. Start at [`list`].
//! Tokens never leave again; a session is named by a number that logs nobody in.

use crate::answer::{Audience, json, private_now, success, unless_known};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::json::{Object, array};
use crate::param;
use blerg_http::Response;
use blerg_store::{LimitKind, SessionId};

/// GET /sessions
pub(crate) fn list(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    let sessions = call.store.sessions(call.request.now_us, session.author)?;
    let mut body = Vec::with_capacity(1024);
    array(&mut body, &sessions, |out, found| {
        let mut object = Object::open(out);
        object.string("id", &found.id.to_string());
        object.seconds("created", found.created_us);
        object.seconds("used", found.used_us);
        if let Some(remote) = &found.remote {
            object.string("remote", remote);
        }
        if let Some(agent) = &found.agent {
            object.string("agent", agent);
        }
        object.truth("current", found.id == session.id);
        object.close();
    });
    let validators = private_now(call, &body);
    unless_known(call, Audience::Only(session.author), &validators, || Ok(json(200, body)))
}

/// POST /sessions with revoke=id|others
pub(crate) fn revoke(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let revoke = param::required(&form, "revoke")?;
    let one = match revoke {
        "others" => None,
        id => Some(SessionId(
            id.parse()
                .map_err(|_| Failure::new(Code::BadParameter, "The parameter revoke is a session's id, or others."))?,
        )),
    };
    call.spend(LimitKind::Small, &session)?;
    let Some(one) = one else {
        call.store.revoke_others(session.author, session.id)?;
        return Ok(success());
    };
    if call.store.revoke(session.author, one)? {
        return Ok(success());
    }
    Err(Failure::new(Code::NoSuchSession, "You have no such session."))
}

//! `blergtool user`: accounts as the operator handles them. Start at [`run`].

use blerg_store::{Error, Role, Store};
use serde_json::{Value, json};

use super::args::UserCommand;
use super::{Answer, Failure, existing_store, secret, store};
use crate::setup::{Setup, now_us};

const SECS_PER_DAY: u64 = 86_400;

/// Runs one of the commands.
pub(crate) fn run(setup: &Setup, command: UserCommand) -> Result<Answer, Failure> {
    match command {
        UserCommand::Add { name, admin, password } => {
            let password = secret::read(&password)?;
            let role = if admin { Role::Admin } else { Role::Member };
            store(setup)?.add_account(now_us(), &name, &password, role)?;
            Ok(Answer::new(format!("added {name}\n"), json!({ "name": name, "role": role.as_str() })))
        }
        UserCommand::Passwd { name, password } => {
            let password = secret::read(&password)?;
            existing_store(setup)?.set_password(now_us(), &name, &password)?;
            Ok(Answer::new(format!("{name} has a new password, all sessions are ended\n"), json!({ "name": name })))
        }
        UserCommand::Disable { name } => {
            existing_store(setup)?.disable_account(&name)?;
            Ok(Answer::new(format!("{name} is switched off\n"), json!({ "name": name, "disabled": true })))
        }
        UserCommand::Enable { name } => {
            existing_store(setup)?.enable_account(&name)?;
            Ok(Answer::new(format!("{name} is switched on\n"), json!({ "name": name, "disabled": false })))
        }
        UserCommand::Invite { days } => {
            let code = store(setup)?.create_invite(now_us(), days * SECS_PER_DAY)?;
            Ok(Answer::new(format!("{code}\n"), json!({ "invite": code, "days": days })))
        }
        UserCommand::Role { name, role } => {
            let role: Role = role.parse()?;
            existing_store(setup)?.set_role(&name, role)?;
            let text = format!("{name} is {}\n", role.as_str());
            Ok(Answer::new(text, json!({ "name": name, "role": role.as_str() })))
        }
        UserCommand::List => Ok(list(&existing_store(setup)?)?),
    }
}

fn list(store: &Store) -> Result<Answer, Error> {
    let mut text = String::new();
    let mut users: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let rows = store.accounts(after.as_deref())?;
        let Some(last) = rows.last() else { break };
        after = Some(last.account.name.clone());
        for row in &rows {
            let account = &row.account;
            let state = match (account.closed, account.disabled, row.password_hash.is_some()) {
                (true, ..) => "closed",
                (_, true, _) => "disabled",
                (_, _, false) => "without password",
                _ => "active",
            };
            text.push_str(&format!("{}\t{}\t{state}\n", account.name, account.role.as_str()));
            users.push(json!({ "name": account.name, "role": account.role.as_str(), "state": state }));
        }
    }
    Ok(Answer::new(text, json!({ "users": users })))
}

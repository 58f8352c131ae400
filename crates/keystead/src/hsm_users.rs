//! `keystead hsm-users`: the users and the keys of a cluster's HSMs, through the running server.

mod shown;

use std::path::{Path, PathBuf};

use keystead_pkcs11::Pin;
use zeroize::Zeroizing;

use crate::admin_socket::{self, Answer, HsmUsersAction, Request};
use crate::cli::{HsmUsersCommand, HsmsOfCluster, OfficerPassword};
use crate::password::{PasswordSource, refuse_shared_input};
use crate::{Failure, output};

/// The crypto officer.
const ADMIN: &str = "admin";

/// What to ask the server, and how to show what it answers.
struct Inquiry {
    of: HsmsOfCluster,
    action: HsmUsersAction,
    json: bool,
    /// What is said of an HSM at which a change was made.
    done: &'static str,
}

/// Does one command.
pub(crate) fn run(command: HsmUsersCommand) -> Result<(), Failure> {
    let Inquiry { of, action, json, done } = inquiry(command)?;
    let HsmsOfCluster { cluster_id, hsm_id, server } = of;
    let answer = admin_socket::call(&server.data_folder()?, &Request::HsmUsers { cluster_id, hsm_id, action })?;
    match &answer {
        Answer::Users(lists) if json => {
            show_list(&serde_json::to_string_pretty(lists)?, lists.len(), &shown::user_problems(lists))
        }
        Answer::Users(lists) => show_list(&shown::users(lists), lists.len(), &shown::user_problems(lists)),
        Answer::Keys(lists) if json => {
            show_list(&serde_json::to_string_pretty(lists)?, lists.len(), &shown::key_problems(lists))
        }
        Answer::Keys(lists) => show_list(&shown::keys(lists), lists.len(), &shown::key_problems(lists)),
        Answer::Outcomes(outcomes) => {
            show_outcomes(&shown::outcomes(outcomes, done), &shown::outcome_problems(outcomes))
        }
        _ => Err(admin_socket::other_answer()),
    }
}

/// Fails only if no HSM could be asked: an HSM that is lost hides nothing of the others.
fn show_list(text: &str, hsms: usize, problems: &[String]) -> Result<(), Failure> {
    if problems.len() == hsms {
        return Err(problems.join("\n").into());
    }
    output::line(text)?;
    problems.iter().for_each(|problem| eprintln!("keystead: {problem}"));
    Ok(())
}

/// Fails if it was not done everywhere: HSMs that differ are to be brought together again.
fn show_outcomes(text: &str, problems: &[String]) -> Result<(), Failure> {
    if !text.is_empty() {
        output::line(text)?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

fn inquiry(command: HsmUsersCommand) -> Result<Inquiry, Failure> {
    let changing = |of, action, done| Inquiry { of, action, json: false, done };
    Ok(match command {
        HsmUsersCommand::List { of, json } => Inquiry { of, action: HsmUsersAction::List, json, done: "" },
        HsmUsersCommand::Keys { of, json } => Inquiry { of, action: HsmUsersAction::Keys, json, done: "" },
        HsmUsersCommand::Create { user, of, new_password_file, officer } => {
            refuse_shared_input(new_password_file.iter().chain(&officer.co_password_file))?;
            let co_password = officer.read()?;
            let new_password = new_password(&user, new_password_file.as_deref())?;
            changing(of, HsmUsersAction::Create { user, new_password, co_password }, "created")
        }
        HsmUsersCommand::ChangePassword { user, of, password_file, new_password_file, officer } => {
            let authority_file = authority_file(&user, password_file, &officer)?;
            refuse_shared_input(new_password_file.iter().chain(&authority_file))?;
            let authority = authority(&user, authority_file.as_deref())?;
            let new_password = new_password(&user, new_password_file.as_deref())?;
            changing(of, HsmUsersAction::ChangePassword { user, new_password, authority }, "changed")
        }
        HsmUsersCommand::Delete { user, of, officer } => {
            changing(of, HsmUsersAction::Delete { user, co_password: officer.read()? }, "deleted")
        }
        HsmUsersCommand::Login { user, of, password_file } => {
            let password =
                current_password(&format!("password of {user}"), "--password-file", password_file.as_deref())?;
            changing(of, HsmUsersAction::Login { user, password }, "logged in")
        }
        HsmUsersCommand::Logout { user, of } => changing(of, HsmUsersAction::Logout { user }, "logged out"),
        HsmUsersCommand::DeleteKey { key_id, user: _, of } => {
            changing(of, HsmUsersAction::DeleteKey { key_id }, "deleted")
        }
    })
}

impl OfficerPassword {
    fn read(&self) -> Result<Pin, Failure> {
        current_password("crypto officer's password", "--co-password-file", self.co_password_file.as_deref())
    }
}

/// The file with the password that a change is made by: of admin its own, of all others the crypto officer's.
fn authority_file(
    user: &str,
    password_file: Option<PathBuf>,
    officer: &OfficerPassword,
) -> Result<Option<PathBuf>, Failure> {
    match (user, password_file, &officer.co_password_file) {
        (ADMIN, Some(_), Some(_)) => {
            Err("--co-password-file: admin is the crypto officer, its password until now goes into --password-file alone".into())
        }
        (ADMIN, own, officers) => Ok(own.or_else(|| officers.clone())),
        (_, Some(_), _) => Err(format!(
            "--password-file: the password of {user} is changed by the crypto officer; name a file with the officer's password with \
             --co-password-file"
        )
        .into()),
        (_, None, officers) => Ok(officers.clone()),
    }
}

fn authority(user: &str, file: Option<&Path>) -> Result<Pin, Failure> {
    match user {
        ADMIN => current_password("password of admin until now", "--password-file", file),
        _ => current_password("crypto officer's password", "--co-password-file", file),
    }
}

fn current_password(what: &str, option: &str, file: Option<&Path>) -> Result<Pin, Failure> {
    PasswordSource { what, option, file }.current().map(pin)
}

fn new_password(user: &str, file: Option<&Path>) -> Result<Pin, Failure> {
    let what = format!("new password of {user}");
    PasswordSource { what: &what, option: "--new-password-file", file }.new_one().map(pin)
}

fn pin(password: Zeroizing<String>) -> Pin {
    Pin::new(&password)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_users_password_is_changed_by_whom_it_must() {
        let (own, officers) = (Some(PathBuf::from("own")), Some(PathBuf::from("officers")));
        let file = |user, own: &Option<PathBuf>, officers: &Option<PathBuf>| {
            authority_file(user, own.clone(), &OfficerPassword { co_password_file: officers.clone() })
        };
        assert_eq!(file(ADMIN, &own, &None).unwrap(), own);
        assert_eq!(file(ADMIN, &None, &officers).unwrap(), officers);
        assert_eq!(file(ADMIN, &None, &None).unwrap(), None);
        assert!(file(ADMIN, &own, &officers).is_err());
        assert_eq!(file("kmsuser", &None, &officers).unwrap(), officers);
        assert!(file("kmsuser", &own, &None).unwrap_err().to_string().contains("--co-password-file"));
    }
}

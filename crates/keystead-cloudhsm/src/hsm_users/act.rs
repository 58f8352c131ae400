//! One act on each HSM, and what came of it.

use std::future::Future;
use std::sync::Arc;

use keystead_pkcs11::client::Hsm as Driver;
use keystead_pkcs11::{HsmError, LoginHolder};

use super::{HsmOutcome, HsmUsersError, KMSUSER, Target, internal};
use crate::cluster::Hsm;
use crate::reinitialization::ReinitializeError;

/// Why an act was not done on one HSM.
pub(super) enum ActError {
    /// The HSM says no.
    Hsm(HsmError),
    /// We say no.
    Refused(String),
}

impl From<HsmError> for ActError {
    fn from(error: HsmError) -> Self {
        Self::Hsm(error)
    }
}

impl From<ReinitializeError> for ActError {
    fn from(error: ReinitializeError) -> Self {
        match error {
            ReinitializeError::Hsm(error) => Self::Hsm(error),
            ReinitializeError::Gone => Self::Refused(error.to_string()),
            ReinitializeError::Store(error) => Self::Refused(internal(error).to_string()),
        }
    }
}

/// Acts on one HSM after the other. Fails if it was done on none.
pub(super) async fn on_each<F>(
    target: &Target,
    act: impl Fn(Hsm, Arc<Driver>) -> F,
) -> Result<Vec<HsmOutcome>, HsmUsersError>
where
    F: Future<Output = Result<(), ActError>>,
{
    let mut outcomes = Vec::new();
    for (hsm, driver) in &target.hsms {
        let problem = act(hsm.clone(), driver.clone()).await.err().map(|error| problem(&error));
        outcomes.push(HsmOutcome { hsm_id: hsm.hsm_id.clone(), problem });
    }
    match outcomes.iter().all(|outcome| outcome.problem.is_some()) {
        true => Err(HsmUsersError::Failed(outcomes)),
        false => Ok(outcomes),
    }
}

/// What went wrong, as a sentence for people with what to do.
pub(super) fn problem(error: &ActError) -> String {
    match error {
        ActError::Refused(text) => text.clone(),
        ActError::Hsm(error) => hsm_problem(error),
    }
}

fn hsm_problem(error: &HsmError) -> String {
    match error {
        HsmError::PinIncorrect => "The password is wrong.".to_owned(),
        HsmError::UserLockedOut => {
            format!(
                "Too many wrong passwords have locked the user. Set a new password as {} to unlock it.",
                super::ADMIN
            )
        }
        HsmError::UserNotFound => format!("The HSM has no user {KMSUSER}. Create it first."),
        HsmError::UserLoggedIn => already_logged_in(None),
        HsmError::NotLoggedIn => "Nobody is logged in as auditor. Log in first.".to_owned(),
        HsmError::KeyNotFound => "The HSM has no key of that ID.".to_owned(),
        HsmError::NoSession | HsmError::TimedOut => format!("{error}; try again"),
        HsmError::Lost(_)
        | HsmError::TokenState(_)
        | HsmError::KeyAmbiguous
        | HsmError::InvalidCiphertext
        | HsmError::Module(_) => error.to_string(),
    }
}

/// Why nobody else may act as `kmsuser` now.
pub(super) fn already_logged_in(holder: Option<LoginHolder>) -> String {
    match holder {
        Some(LoginHolder::Kms) => format!("KMS is logged in as {KMSUSER}. Disconnect the custom key store first."),
        Some(LoginHolder::Auditor) => format!("An auditor is logged in as {KMSUSER}. Log out first."),
        None => format!("Somebody is logged in as {KMSUSER}: disconnect the custom key store, or log the auditor out."),
    }
}

//! Whom a question is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::access::{NamedPrincipal, Principal, PrincipalKind, PrincipalName, Role, Session};
use crate::error::KmsError;
use crate::kms::Kms;

/// How long the simulated session of a role lasts.
const SESSION: Duration = Duration::from_secs(3600);
/// The name of a role's session where only the role is named.
const SESSION_NAME: &str = "session";

pub(super) fn no_principal(name: &str) -> KmsError {
    KmsError::not_found(format!("There is no principal {name}"))
}

/// The principal that a text names.
pub(super) async fn principal_named(kms: &Kms, text: &str) -> Result<Principal, KmsError> {
    let named = NamedPrincipal::parse(text).ok_or_else(|| {
        let example = "arn:aws:iam::111122223333:user/uma";
        KmsError::validation(format!("{text} is no principal: name it by its ARN, such as {example}"))
    })?;
    let (store, account) = (kms.catalog.store(), *named.account());
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    match named.name() {
        PrincipalName::Account => Ok(Principal::root(account)),
        PrincipalName::User(path) => {
            let user = store.user(&account, &last(path)).await?.filter(|user| user.arn() == text);
            user.map(|user| Principal::user(&user)).ok_or_else(|| no_principal(text))
        }
        PrincipalName::Role(path) => {
            let role = store.role(&account, &last(path)).await?.filter(|role| role.arn() == text);
            Ok(session_of(kms, &role.ok_or_else(|| no_principal(text))?, SESSION_NAME))
        }
        PrincipalName::AssumedRole(role_and_session) => {
            let (role, session) = role_and_session.split_once('/').unwrap_or((role_and_session, SESSION_NAME));
            let role = store.role(&account, role).await?.ok_or_else(|| no_principal(text))?;
            Ok(session_of(kms, &role, session))
        }
        PrincipalName::FederatedUser(_) => Err(no_principal(text)),
    }
}

/// A session of a role that begins now and has no session policies.
fn session_of(kms: &Kms, role: &Role, session_name: &str) -> Principal {
    let now = kms.clock.now();
    let session = Session {
        issued: now,
        expires: now.plus(SESSION),
        policies: None,
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        source_identity: None,
        federated_provider: None,
    };
    let kind = PrincipalKind::AssumedRole {
        role_name: role.role_name.clone(),
        role_id: role.role_id.clone(),
        role_arn: role.arn(),
        session_name: session_name.to_owned(),
    };
    let arn = format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", role.account, role.role_name);
    Principal::new(role.account, kind, arn, Some(Arc::new(session)))
}

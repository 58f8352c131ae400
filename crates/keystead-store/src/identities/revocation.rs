//! The revocation of sessions.

use keystead_core::port::{SessionHolder, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use sqlx::{Row, SqliteConnection};

use super::append_change;
use crate::error::engine;
use crate::rows::encoding;
use crate::statements::{Query, execute, fetch_optional, statements};

statements! {
    OF_USER = "SELECT sessions_revoked_before FROM users WHERE account = $1 AND user_name = $2";
    OF_ROLE = "SELECT sessions_revoked_before FROM iam_roles WHERE account = $1 AND role_name = $2";
    OF_ROOT = "SELECT sessions_revoked_before FROM accounts WHERE id = $1";
    // The revision grows: an update of what was read before would take the revocation back. Of an account nothing else changes.
    REVOKE_OF_USER = "UPDATE users SET sessions_revoked_before = $3, revision = revision + 1
        WHERE account = $1 AND user_name = $2";
    REVOKE_OF_ROLE = "UPDATE iam_roles SET sessions_revoked_before = $3, revision = revision + 1
        WHERE account = $1 AND role_name = $2";
    REVOKE_OF_ROOT = "UPDATE accounts SET sessions_revoked_before = $2 WHERE id = $1";
}

/// Whose sessions are revoked, and the statements for it. The values are the account, the name if there is one, and the time.
pub(crate) struct Revocation {
    account: AccountId,
    /// `None` for the root user.
    name: Option<String>,
    find: &'static str,
    revoke: &'static str,
}

impl Revocation {
    /// The revocation of these sessions.
    pub(crate) fn of(holder: SessionHolder<'_>) -> Self {
        let (account, name, find, revoke) = match holder {
            SessionHolder::User(account, name) => (account, Some(name), OF_USER, REVOKE_OF_USER),
            SessionHolder::Role(account, name) => (account, Some(name), OF_ROLE, REVOKE_OF_ROLE),
            SessionHolder::Root(account) => (account, None, OF_ROOT, REVOKE_OF_ROOT),
        };
        Self { account: *account, name: name.map(str::to_owned), find, revoke }
    }

    /// [`keystead_core::port::IdentityStore::revoke_sessions`].
    pub(crate) async fn store(&self, connection: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
        let before = encoding::millis("sessions_revoked_before", before)?;
        let row = fetch_optional(connection, self.query(self.find)).await?.ok_or(StoreError::NotFound)?;
        let stored: Option<i64> = row.try_get(0).map_err(engine)?;
        if stored.is_some_and(|stored| stored >= before) {
            return Ok(());
        }
        execute(connection, self.query(self.revoke).bind(before)).await?;
        append_change(connection, &self.account).await
    }

    fn query(&self, statement: &'static str) -> Query<'_> {
        let query = sqlx::query(statement).bind(self.account.as_str());
        match &self.name {
            Some(name) => query.bind(name),
            None => query,
        }
    }
}

//! What is said over the socket.

use std::path::PathBuf;

use keystead_cloudhsm::{HsmKeyList, HsmOutcome, HsmUserList};
use keystead_model::arn::AccountId;
use keystead_pkcs11::Pin;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest request, in bytes.
pub(super) const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// The longest answer, in bytes: a cluster's keys, 3,300 at each of 28 HSMs (AWS CloudHSM User Guide, "Quotas").
pub(super) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the operator asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Something about the users, or the keys, of a cluster's HSMs.
    HsmUsers {
        cluster_id: String,
        /// One HSM; `None` for all of the cluster.
        hsm_id: Option<String>,
        action: HsmUsersAction,
    },
    /// To take up a cluster of HSMs that was not made here.
    RegisterCluster {
        #[serde(serialize_with = "account_as_text", deserialize_with = "account_from_text")]
        account: AccountId,
        /// The absolute path of the file that describes it; the server reads it, and those that it names.
        file: PathBuf,
    },
    /// Why somebody may do something, or may not. The members are those of [`keystead_core::operation::AccessQuestion`].
    ExplainAccess {
        principal: String,
        action: String,
        resource: String,
        /// Condition keys and their values.
        context: Vec<(String, String)>,
    },
}

/// What is to be done at each HSM.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum HsmUsersAction {
    List,
    Create {
        user: String,
        new_password: Pin,
        co_password: Pin,
    },
    /// `authority`: of the crypto officer, whose own password it may be that changes.
    ChangePassword {
        user: String,
        new_password: Pin,
        authority: Pin,
    },
    Delete {
        user: String,
        co_password: Pin,
    },
    Login {
        user: String,
        password: Pin,
    },
    Logout {
        user: String,
    },
    Keys,
    DeleteKey {
        key_id: String,
    },
}

/// What comes back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The users of each HSM.
    Users(Vec<HsmUserList>),
    /// The keys of each HSM.
    Keys(Vec<HsmKeyList>),
    /// What came of a change at each HSM.
    Outcomes(Vec<HsmOutcome>),
    /// The ID of the cluster that was registered.
    Registered(String),
    /// Why somebody may do something, or may not.
    Explained {
        allowed: bool,
        /// For people.
        text: String,
        /// For programs: [`keystead_core::access::Explanation`].
        explanation: serde_json::Value,
    },
    /// Nothing was done, and why: a text for people.
    Refused(String),
}

impl HsmUsersAction {
    /// The event's name in the audit log.
    pub(super) fn event_name(&self) -> &'static str {
        match self {
            Self::List => "HsmUserList",
            Self::Create { .. } => "HsmUserCreate",
            Self::ChangePassword { .. } => "HsmUserChangePassword",
            Self::Delete { .. } => "HsmUserDelete",
            Self::Login { .. } => "HsmUserLogin",
            Self::Logout { .. } => "HsmUserLogout",
            Self::Keys => "HsmKeyList",
            Self::DeleteKey { .. } => "HsmKeyDelete",
        }
    }

    /// Whether nothing is changed by it.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self, Self::List | Self::Keys)
    }

    /// The user that it is about.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Create { user, .. }
            | Self::ChangePassword { user, .. }
            | Self::Delete { user, .. }
            | Self::Login { user, .. }
            | Self::Logout { user } => Some(user),
            Self::List | Self::Keys | Self::DeleteKey { .. } => None,
        }
    }
}

fn account_as_text<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(account.as_str())
}

fn account_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
    let text = String::deserialize(deserializer)?;
    AccountId::parse(&text).ok_or_else(|| serde::de::Error::custom("an account ID is 12 digits"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_through_whole_and_shows_no_password() {
        let action = HsmUsersAction::ChangePassword {
            user: "kmsuser".to_owned(),
            new_password: Pin::new("newSecret1"),
            authority: Pin::new("oldSecret1"),
        };
        let request = Request::HsmUsers { cluster_id: "cluster-a".to_owned(), hsm_id: None, action };
        assert!(!format!("{request:?}").contains("Secret1"));
        let text = serde_json::to_string(&request).unwrap();
        let Request::HsmUsers { action: HsmUsersAction::ChangePassword { new_password, authority, .. }, .. } =
            serde_json::from_str(&text).unwrap()
        else {
            unreachable!("{text}")
        };
        assert_eq!(new_password.expose(), "newSecret1");
        assert_eq!(authority.expose(), "oldSecret1");
    }

    #[test]
    fn an_account_is_twelve_digits() {
        let text = |account: &str| format!(r#"{{"request":"register_cluster","account":"{account}","file":"/x"}}"#);
        assert!(serde_json::from_str::<Request>(&text("111122223333")).is_ok());
        assert!(serde_json::from_str::<Request>(&text("1")).unwrap_err().to_string().contains("12 digits"));
    }
}

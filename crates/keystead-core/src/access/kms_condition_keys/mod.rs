//! What a request to KMS tells policies (KMS core digest 4.4; KMS Developer Guide, "Condition keys for AWS KMS").
//!
//! [`table`] says which condition keys an action has and where their values come from. A value is computed when a policy asks for it.

mod table;
#[cfg(test)]
mod table_tests;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;

use keystead_model::arn::AccountId;
use keystead_policy::{ConditionKeys, ContextValue};
use serde_json::Value;

use super::Subject;
use table::{CONDITION_KEYS, ENCRYPTION_CONTEXT, Row, Source, Uses};

/// The condition keys of one request, as one action of it is authorized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KmsConditionKeys<'a> {
    /// The operation.
    pub(crate) operation: &'a str,
    /// Such as `kms:Encrypt`.
    pub(crate) action: &'a str,
    /// What the action is asked of.
    pub(crate) subject: Subject,
    /// The caller's account.
    pub(crate) caller_account: &'a AccountId,
    /// The members of the request.
    pub(crate) input: &'a Value,
    /// Values that are not in the request itself: condition key and value.
    pub(crate) computed: &'a [(String, ContextValue)],
}

impl ConditionKeys for KmsConditionKeys<'_> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        let mut rows = CONDITION_KEYS.iter().filter_map(|row| Some((row, row.name_in(key)?)));
        rows.find_map(|(row, name)| if self.has(row) { self.read(row.source, key, name) } else { None })
    }
}

impl KmsConditionKeys<'_> {
    /// The encryption context that grants look at: of a cryptographic operation that takes one, empty if the request has none.
    pub(crate) fn encryption_context(&self) -> Option<BTreeMap<String, String>> {
        let mut rows = CONDITION_KEYS.iter().filter(|row| row.key == ENCRYPTION_CONTEXT && self.has(row));
        let Source::Entry([member]) = rows.next()?.source else { return None };
        let pairs = self.input.get(*member).and_then(Value::as_object).into_iter().flatten();
        Some(pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
    }

    /// Whether a row is about the action.
    fn has(&self, row: &Row) -> bool {
        match row.uses {
            Uses::Keys => self.subject == Subject::Key,
            Uses::CustomKeyStores => self.subject == Subject::CustomKeyStores,
            // The alias side of an alias operation has no condition keys.
            Uses::Actions(actions) => {
                self.subject != Subject::Alias && actions.iter().any(|action| self.is_action(action))
            }
        }
    }

    /// `Encrypt` is that action of the operation of the same name, `ReEncrypt:ReEncryptTo` one of another.
    fn is_action(&self, listed: &str) -> bool {
        let (operation, action) = listed.split_once(':').unwrap_or((listed, listed));
        self.operation == operation && self.action.strip_prefix("kms:") == Some(action)
    }
}

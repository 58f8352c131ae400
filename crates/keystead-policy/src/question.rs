//! What is asked, and what has a say in it.

use std::collections::BTreeMap;

use crate::context::ConditionKeys;
use crate::document::PolicyDocument;
use crate::grant::GrantTerms;
use crate::principal::Identity;

/// A document under the name by which people know it.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedPolicy {
    /// The ARN of a managed policy; of another one where it is, such as `user alice, inline policy use-one-key`.
    pub name: String,
    /// The document.
    pub document: PolicyDocument,
}

/// What speaks of the principal wherever it goes.
#[derive(Clone, Copy, Debug)]
pub struct IdentitySide<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// It is the root user of its account, who may do there whatever nothing denies, and has none of the policies below.
    pub is_root: bool,
    /// The policies of the user and its groups, or of the role.
    pub policies: &'a [NamedPolicy],
    /// The permissions boundary, if it has one.
    pub boundary: Option<&'a NamedPolicy>,
    /// The policies that were given when the session began; `None`: none were, and there is no limit.
    pub session: Option<&'a [NamedPolicy]>,
}

/// What speaks of the resource.
#[derive(Clone, Copy)]
pub struct ResourceSide<'a> {
    /// The account that owns it, 12 digits.
    pub account: &'a str,
    /// Its policy; `None` for what can have none: then the policies of identities decide alone, in its own account alone.
    pub policy: Option<&'a NamedPolicy>,
    /// Its grants, or those that name the principal. What can have no policy has none.
    pub grants: &'a [GrantTerms],
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// The condition keys that the policies of identities may see.
    pub context: &'a dyn ConditionKeys,
    /// The condition keys that the resource's policy may see.
    pub resource_context: &'a dyn ConditionKeys,
    /// The encryption context that grants look at; see [`GrantedUse`].
    pub encryption_context: Option<&'a BTreeMap<String, String>>,
}

//! What a grant allows (KMS Developer Guide, "Grants in AWS KMS").

use std::collections::BTreeMap;

use serde_json::json;

use crate::document::Effect;
use crate::principal::{Identity, InvalidPrincipal, PrincipalMatch, Principals};

/// The terms of a grant, ready to be evaluated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantTerms {
    id: String,
    grantee: Principals,
    actions: Vec<String>,
    equals: Option<BTreeMap<String, String>>,
    subset: Option<BTreeMap<String, String>>,
}

/// What a request asks of grants, besides who asks.
#[derive(Clone, Copy, Debug)]
pub struct GrantedUse<'a> {
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// The encryption context of a cryptographic operation, empty if it gave none; `None` for operations that have none: constraints do not
    /// apply to them.
    pub encryption_context: Option<&'a BTreeMap<String, String>>,
}

/// A grant that allows a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrantMatch<'a> {
    /// The grant's ID.
    pub id: &'a str,
    /// How it speaks of the principal.
    pub principal: PrincipalMatch,
}

/// What the encryption context of a request must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantConstraint<'a> {
    /// `EncryptionContextEquals`: exactly this.
    Equals(&'a BTreeMap<String, String>),
    /// `EncryptionContextSubset`: it has these pairs, and perhaps others.
    Subset(&'a BTreeMap<String, String>),
}

impl GrantTerms {
    /// `grantee`: an ARN of an account, user, role, session or federated user. `actions`: such as `kms:Encrypt`. `equals`: the encryption
    /// context must be exactly this; `subset`: it must have these pairs.
    pub fn new(
        id: String,
        grantee: &str,
        actions: Vec<String>,
        equals: Option<BTreeMap<String, String>>,
        subset: Option<BTreeMap<String, String>>,
    ) -> Result<Self, InvalidPrincipal> {
        // A grant names one principal. `*` would be everyone.
        if grantee == "*" {
            return Err(InvalidPrincipal::new("AWS", grantee));
        }
        let grantee = Principals::read(&json!({ "AWS": grantee }))?;
        Ok(Self { id, grantee, actions, equals, subset })
    }

    /// The terms as they were meant when the grant was made: to the user, the role, or a session of the role with this unique ID. `None`:
    /// to whoever has the grantee's name. A grantee that is an account stays one.
    #[must_use]
    pub fn bound_to(mut self, unique_id: Option<&str>) -> Self {
        self.grantee.bind(|_| unique_id.map(str::to_owned));
        self
    }

    /// The grant's ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the grant allows what is asked, and how it names who asks.
    pub(crate) fn allows(&self, identity: &Identity, asked: &GrantedUse<'_>) -> Option<GrantMatch<'_>> {
        let granted = self.actions.iter().any(|action| action == asked.action);
        if !granted || self.unmet_constraint(asked.encryption_context).is_some() {
            return None;
        }
        self.grantee.speaks_of(identity, Effect::Allow).map(|principal| GrantMatch { id: &self.id, principal })
    }

    /// The first constraint that does not hold; `encryption_context` as in [`GrantedUse`].
    pub fn unmet_constraint(
        &self,
        encryption_context: Option<&BTreeMap<String, String>>,
    ) -> Option<GrantConstraint<'_>> {
        let context = encryption_context?;
        let equals = self.equals.as_ref().filter(|pairs| *pairs != context).map(GrantConstraint::Equals);
        let has = |(name, value): (&String, &String)| context.get(name) == Some(value);
        let subset = || self.subset.as_ref().filter(|pairs| !pairs.iter().all(has)).map(GrantConstraint::Subset);
        equals.or_else(subset)
    }
}

//! One call of an operation of IAM.

use keystead_core::Kms;
use keystead_core::access::{Authorized, NoConditionKeys, RequestConditionKeys, Resource, authorize};
use keystead_core::kms::Caller;
use keystead_core::port::Store;
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use crate::error::IdentityError;

/// One call: who asks for which operation.
pub(crate) struct Call<'a> {
    pub(crate) kms: &'a Kms,
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'static str,
    pub(crate) now: Timestamp,
}

/// Something of IAM in the caller's account, by its ARN; `*` for operations about nothing in particular.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IamResource {
    pub(crate) account: AccountId,
    pub(crate) arn: String,
}

impl Resource for IamResource {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        self.arn.clone()
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(kms: &'a Kms, caller: &'a Caller, operation: &'static str) -> Self {
        Self { kms, caller, operation, now: kms.clock().now() }
    }

    /// The account of the caller, which all of IAM is about.
    pub(crate) fn account(&self) -> AccountId {
        self.caller.principal.account
    }

    pub(crate) fn store(&self) -> &'a dyn Store {
        self.kms.catalog().store()
    }

    /// Whether the caller may do the operation on what has this ARN.
    pub(crate) fn authorize(&self, arn: impl Into<String>) -> Result<Authorized<IamResource>, IdentityError> {
        self.authorize_with(arn, &NoConditionKeys)
    }

    /// The same where the request tells policies something: `aws:RequestTag/...`, `iam:PolicyARN` and so on.
    pub(crate) fn authorize_with(
        &self,
        arn: impl Into<String>,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<IamResource>, IdentityError> {
        self.authorize_on(IamResource { account: self.account(), arn: arn.into() }, keys)
    }

    /// The same for what tells policies something of itself.
    pub(crate) fn authorize_on<T: Resource>(
        &self,
        resource: T,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<T>, IdentityError> {
        self.authorize_also(self.operation, resource, keys)
    }

    /// Whether the caller may do another operation, as the one of this call does what that one does, too.
    pub(crate) fn authorize_also<T: Resource>(
        &self,
        operation: &str,
        resource: T,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<T>, IdentityError> {
        let request = self.caller.access_request(self.now, keys);
        Ok(authorize(&request, &format!("iam:{operation}"), resource)?)
    }
}

//! One call of an operation, once it is known who calls and that they may.

use keystead_core::access::{AccountScope, Authorized};
use keystead_model::arn::AccountId;
use keystead_query::Parameters;

use super::error::Ec2Error;
use crate::network::Network;

/// A call that is allowed.
pub(super) struct Call<'a> {
    network: &'a Network,
    scope: Authorized<AccountScope>,
    dry_run: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(network: &'a Network, scope: Authorized<AccountScope>, dry_run: bool) -> Self {
        Self { network, scope, dry_run }
    }

    /// The caller's account: what is another's is not found.
    pub(super) fn account(&self) -> &AccountId {
        &self.scope.account
    }

    /// The network to act on, once the operation has taken all that it knows of the request: so none can act on half-read requests.
    ///
    /// Fails with `UnknownParameter` if something is left, and with `DryRunOperation` if the caller wants nothing done.
    pub(super) fn begin(&self, parameters: Parameters) -> Result<&'a Network, Ec2Error> {
        parameters.finish()?;
        if self.dry_run { Err(Ec2Error::dry_run()) } else { Ok(self.network) }
    }

    /// The Amazon Resource Name of a resource.
    pub(super) fn arn(&self, resource_type: &str, id: &str) -> String {
        format!("arn:aws:ec2:{}:{}:{resource_type}/{id}", self.scope.region, self.scope.account)
    }
}

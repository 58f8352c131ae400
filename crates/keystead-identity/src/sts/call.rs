//! One call of an operation of STS.

use keystead_core::Kms;
use keystead_core::kms::RequestOrigin;
use keystead_core::port::Store;
use keystead_model::Timestamp;
use keystead_oidc::Issuers;

/// What an operation works with, whoever calls.
pub(super) struct Call<'a> {
    pub(super) kms: &'a Kms,
    pub(super) issuers: &'a Issuers,
    pub(super) origin: &'a RequestOrigin,
    pub(super) now: Timestamp,
}

impl<'a> Call<'a> {
    pub(super) fn store(&self) -> &'a dyn Store {
        self.kms.catalog().store()
    }
}

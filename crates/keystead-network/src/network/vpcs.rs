//! Making, finding, changing and deleting VPCs.

use ipnet::Ipv4Net;
use keystead_core::port::{DocumentKind, StoreError};
use keystead_model::arn::AccountId;

use super::{Network, TRIES_MAX};
use crate::error::NetworkError;
use crate::quota::Quota;
use crate::resource_id::ResourceType;
use crate::tag::Tags;
use crate::vpc::Vpc;

impl Network {
    /// Makes a VPC with its default security group.
    ///
    /// Fails with `InvalidVpc.Range` or `VpcLimitExceeded`.
    pub async fn create_vpc(&self, account: &AccountId, cidr_block: Ipv4Net, tags: Tags) -> Result<Vpc, NetworkError> {
        let vpc = Vpc::new(*account, self.region.clone(), cidr_block, tags, self.entropy())?;
        self.add_vpc(&vpc).await?;
        Ok(vpc)
    }

    /// Stores a VPC if the quota allows one more. Counted before and after: of two at once for the last place none or one gets it.
    pub(super) async fn add_vpc(&self, vpc: &Vpc) -> Result<(), NetworkError> {
        if self.vpcs(&vpc.account).await?.len() >= Quota::Vpcs.max() {
            return Err(NetworkError::QuotaExceeded(Quota::Vpcs));
        }
        self.insert_vpc(vpc).await?;
        if self.vpcs(&vpc.account).await?.len() > Quota::Vpcs.max() {
            self.delete_vpc(&vpc.account, &vpc.vpc_id, |_| Ok(())).await?;
            return Err(NetworkError::QuotaExceeded(Quota::Vpcs));
        }
        Ok(())
    }

    /// Deletes a VPC that `check` lets go; usually [`Vpc::check_deletable`].
    ///
    /// Fails with `InvalidVpcID.NotFound`, and with what `check` fails with.
    pub async fn delete_vpc(
        &self,
        account: &AccountId,
        vpc_id: &str,
        check: impl Fn(&Vpc) -> Result<(), NetworkError>,
    ) -> Result<(), NetworkError> {
        for attempt in 1..=TRIES_MAX {
            let mut stored = self.stored_vpcs(account).await?.into_iter();
            let Some(found) = stored.find(|stored| stored.vpc.vpc_id == vpc_id) else {
                return Err(NetworkError::VpcNotFound(vpc_id.to_owned()));
            };
            check(&found.vpc)?;
            match self.documents.delete_document(DocumentKind::Vpc, vpc_id, found.document.revision).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => self.pause(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Changes the VPC that a resource is, or is in; see [`Network::change_vpc`].
    ///
    /// Fails with the resource's `NotFound`, and with what `change` fails with.
    pub async fn change_vpc_with<T>(
        &self,
        account: &AccountId,
        resource_type: ResourceType,
        id: &str,
        change: impl FnMut(&mut Vpc) -> Result<T, NetworkError>,
    ) -> Result<T, NetworkError> {
        self.change_vpc(account, |vpc| vpc.has(resource_type, id), change)
            .await?
            .ok_or_else(|| NetworkError::not_found(resource_type, id))
    }
}

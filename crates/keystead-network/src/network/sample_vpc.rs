//! The VPC that `keystead dev` makes, to try things with.

use ipnet::Ipv4Net;
use keystead_model::arn::AccountId;

use super::Network;
use crate::availability_zone::availability_zones;
use crate::error::NetworkError;
use crate::subnet::NewSubnet;
use crate::tag::Tags;
use crate::vpc::Vpc;

/// By this tag it is known.
const NAME_TAG: (&str, &str) = ("Name", "keystead-sample");
const VPC_BLOCK: ([u8; 4], u8) = ([10, 0, 0, 0], 16);
const SUBNET_PREFIX_LENGTH: u8 = 24;
/// In the first so many zones there is a subnet.
const SUBNET_COUNT: usize = 3;

/// The sample VPC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SampleVpc {
    /// Its ID.
    pub vpc_id: String,
    /// Its subnets, each in a zone of its own: `a`, `b`, `c`.
    pub subnet_ids: Vec<String>,
}

impl SampleVpc {
    fn of(vpc: &Vpc) -> Self {
        let subnet_ids = vpc.subnets.iter().map(|subnet| subnet.subnet_id.clone()).collect();
        Self { vpc_id: vpc.vpc_id.clone(), subnet_ids }
    }
}

impl Network {
    /// The sample VPC of an account: 10.0.0.0/16 with three subnets, 10.0.0.0/24 and so on. Made unless it is there.
    ///
    /// Fails with `VpcLimitExceeded`.
    pub async fn create_sample_vpc(&self, account: &AccountId) -> Result<SampleVpc, NetworkError> {
        let is_sample = |vpc: &&Vpc| vpc.tags.get(NAME_TAG.0) == Some(NAME_TAG.1);
        if let Some(vpc) = self.vpcs(account).await?.iter().find(is_sample) {
            return Ok(SampleVpc::of(vpc));
        }
        let vpc = self.new_sample_vpc(account)?;
        self.add_vpc(&vpc).await?;
        Ok(SampleVpc::of(&vpc))
    }

    fn new_sample_vpc(&self, account: &AccountId) -> Result<Vpc, NetworkError> {
        let mut tags = Tags::default();
        tags.set(NAME_TAG.0, NAME_TAG.1)?;
        let block = Ipv4Net::new_assert(VPC_BLOCK.0.into(), VPC_BLOCK.1);
        let mut vpc = Vpc::new(*account, self.region.clone(), block, tags, self.entropy())?;
        let blocks = block.subnets(SUBNET_PREFIX_LENGTH).into_iter().flatten();
        let zones = availability_zones(&self.region);
        for (cidr_block, zone) in blocks.zip(zones).take(SUBNET_COUNT) {
            let new = NewSubnet { cidr_block, availability_zone: Some(zone.zone_name), tags: Tags::default() };
            vpc.create_subnet(new, self.entropy())?;
        }
        Ok(vpc)
    }
}

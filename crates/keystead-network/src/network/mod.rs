//! The network of every account: VPCs in the store, and each change of one as one compare-and-set.

mod clusters;
mod sample_vpc;
mod vpcs;

use std::sync::Arc;
use std::time::Duration;

use keystead_core::port::{Clock, Document, DocumentKind, DocumentStore, Entropy, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};

pub use clusters::{NetworkInterfaceRecord, SubnetRecord};
pub use sample_vpc::SampleVpc;

use crate::vpc::Vpc;

/// How often a change is begun again because another one to the same VPC was faster. At each conflict some other change has succeeded.
const TRIES_MAX: u32 = 100;
/// The longest pause before a change is begun again.
const PAUSE_MS_MAX: u32 = 32;

/// VPCs, and what is in them. The module that everything which needs a network builds on.
pub struct Network {
    documents: Arc<dyn DocumentStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    region: Region,
}

/// A VPC as it was read.
struct StoredVpc {
    document: Document,
    vpc: Vpc,
}

impl Network {
    /// The network of a Region.
    pub fn new(
        documents: Arc<dyn DocumentStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        region: Region,
    ) -> Self {
        Self { documents, clock, entropy, region }
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// An account's VPCs, by ID.
    pub async fn vpcs(&self, account: &AccountId) -> Result<Vec<Vpc>, StoreError> {
        let stored = self.stored_vpcs(account).await?;
        Ok(stored.into_iter().map(|stored| stored.vpc).collect())
    }

    async fn stored_vpcs(&self, account: &AccountId) -> Result<Vec<StoredVpc>, StoreError> {
        let documents = self.documents.documents(DocumentKind::Vpc, account, &self.region).await?;
        documents.into_iter().map(StoredVpc::read).collect()
    }

    /// Changes the VPC that `pick` picks, all or nothing; `None` if there is none. Begins again with what is stored then if another
    /// change was faster, so `change` may run several times. A change that changes nothing writes nothing.
    ///
    /// Fails with what `change` fails with, and as the store does: with `Conflict` if others were faster again and again.
    pub(crate) async fn change_vpc<T, E: From<StoreError>>(
        &self,
        account: &AccountId,
        pick: impl Fn(&Vpc) -> bool,
        mut change: impl FnMut(&mut Vpc) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        for attempt in 1..=TRIES_MAX {
            let stored = self.stored_vpcs(account).await?;
            let Some(StoredVpc { document, vpc }) = stored.into_iter().find(|stored| pick(&stored.vpc)) else {
                return Ok(None);
            };
            let mut changed = vpc.clone();
            let result = change(&mut changed)?;
            if changed == vpc {
                return Ok(Some(result));
            }
            let document = Document { body: body_of(&changed)?, ..document };
            match self.documents.update_document(&document).await {
                Ok(()) => return Ok(Some(result)),
                Err(StoreError::Conflict) => self.pause(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Waits a little, longer after more attempts, and not as long as others do.
    async fn pause(&self, attempt: u32) {
        let mut random = [0; 1];
        self.entropy.fill(&mut random);
        let longest_ms = attempt.min(PAUSE_MS_MAX);
        tokio::time::sleep(Duration::from_millis(u64::from(u32::from(random[0]) % (longest_ms + 1)))).await;
    }

    /// Stores a new VPC.
    async fn insert_vpc(&self, vpc: &Vpc) -> Result<(), StoreError> {
        let document = Document {
            kind: DocumentKind::Vpc,
            id: vpc.vpc_id.clone(),
            account: vpc.account,
            region: vpc.region.clone(),
            body: body_of(vpc)?,
            revision: 0,
        };
        self.documents.insert_document(&document).await
    }
}

impl StoredVpc {
    fn read(document: Document) -> Result<Self, StoreError> {
        let vpc = serde_json::from_str(&document.body)
            .map_err(|error| StoreError::Damaged(format!("VPC {}: {error}", document.id)))?;
        Ok(Self { document, vpc })
    }
}

fn body_of(vpc: &Vpc) -> Result<String, StoreError> {
    serde_json::to_string(vpc).map_err(|error| StoreError::Engine(format!("VPC {}: {error}", vpc.vpc_id)))
}

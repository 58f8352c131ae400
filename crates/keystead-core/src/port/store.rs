//! The durable store of everything Keystead must not lose.

use async_trait::async_trait;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};

use crate::access::{AccessKey, AccessKeyStatus, Account};
use crate::key::{Alias, Grant, GrantId, Key, KeyLastUsage};
use crate::key_store::CustomKeyStore;
use crate::sealing::Sealed;

use super::{BackingKeyId, IdentityStore};

/// Durable, transactional storage.
///
/// Every mutation is one transaction: when it returns `Ok` it is committed durably; when it returns an error, nothing of it happened.
/// Each mutable record carries a `revision`. An update takes the record as it is to be, with the revision it was **read** at, and fails
/// with [`StoreError::Conflict`] if the stored revision differs (or the record is gone); on success the stored revision is that plus one.
/// A new record is stored with the revision it carries.
/// Every mutation of keys, aliases, grants, custom key stores and access keys appends to the change feed in the same transaction; one of an
/// alias also tells of the keys that it comes to or leaves.
#[async_trait]
pub trait Store: IdentityStore {
    /// The root key check value, `None` in a new store.
    async fn root_key_check(&self) -> Result<Option<Sealed>, StoreError>;
    /// Stores the root key check value; `Duplicate` is impossible: a value that is there already is kept and `Conflict` returned.
    async fn set_root_key_check(&self, check: &Sealed) -> Result<(), StoreError>;

    /// Adds an account; `Duplicate(AccountId)` or `Duplicate(AccountName)` if taken.
    async fn insert_account(&self, account: &Account) -> Result<(), StoreError>;
    /// One account.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError>;
    /// All accounts, by ID.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;
    /// Adds an access key; `Duplicate(AccessKeyId)` if taken, `NotFound` if the account or user does not exist; `QuotaExceeded` when the
    /// user, or the account's root user, has `quota` of them.
    async fn insert_access_key(&self, access_key: &AccessKey, quota: u64) -> Result<(), StoreError>;
    /// One access key.
    async fn access_key(&self, access_key_id: &str) -> Result<Option<AccessKey>, StoreError>;
    /// The access keys of an account, by ID.
    async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKey>, StoreError>;
    /// Activates or deactivates; `NotFound` if there is none.
    async fn set_access_key_status(&self, access_key_id: &str, status: AccessKeyStatus) -> Result<(), StoreError>;
    /// Deletes an access key; `NotFound` if there is none.
    async fn delete_access_key(&self, access_key_id: &str) -> Result<(), StoreError>;

    /// Adds a key that is not a replica. `NotFound` if there is no such account; `QuotaExceeded` when the account already has `quota` keys
    /// in the Region; `Duplicate(XksKeyId)` if another key of the same custom key store has that external key, `Duplicate(BackingKeyId)` if
    /// one has that backing key; `NotFound` if the custom key store is gone; `Conflict` if it is not CONNECTED. A key of origin
    /// AWS_CLOUDHSM takes its backing key out of the journal in the same transaction; `Conflict` if the journal has it no more, or as
    /// abandoned.
    async fn insert_key(&self, key: &Key, quota: u64) -> Result<(), StoreError>;
    /// Adds a replica of `primary`, a key of the same ID in another Region, and takes the primary's other members as they are to be, in one
    /// transaction. `Conflict` if the primary's revision differs; `QuotaExceeded` as for insert; `Duplicate(KeyId)` if there is a replica in
    /// that Region.
    async fn insert_replica(&self, primary: &Key, replica: &Key, quota: u64) -> Result<(), StoreError>;
    /// One key.
    async fn key(&self, region: &Region, id: &KeyId) -> Result<Option<Key>, StoreError>;
    /// The keys of one multi-Region set, by Region: the key itself for a single-Region key.
    async fn related_keys(&self, account: &AccountId, id: &KeyId) -> Result<Vec<Key>, StoreError>;
    /// Replaces a key: [`Store::update_keys`] of one.
    async fn update_key(&self, key: &Key) -> Result<(), StoreError> {
        self.update_keys(std::slice::from_ref(key)).await
    }
    /// Replaces description, key type among multi-Region keys, status, transition, policy, tags, materials and rotation of each key, all in one
    /// transaction or none. The other members never change.
    async fn update_keys(&self, keys: &[Key]) -> Result<(), StoreError>;
    /// Deletes a key with its materials, tags, aliases, grants and last usage, if its revision is still `revision`; `Referenced` while it is a
    /// primary key that has replicas.
    async fn delete_key(&self, region: &Region, id: &KeyId, revision: u64) -> Result<(), StoreError>;
    /// Up to `limit` key IDs of an account and Region that sort after `after`, in order.
    async fn key_ids(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyId>, StoreError>;
    /// Up to `limit` keys of any account that are pending deletion and whose deletion date is `now` or earlier.
    async fn keys_due_for_deletion(&self, now: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError>;

    /// Up to `limit` primary keys of any account that are pending replica deletion and have no replica any more.
    async fn keys_without_replicas_left(&self, limit: usize) -> Result<Vec<Key>, StoreError>;
    /// Up to `limit` keys of any account that are no replicas and are due for rotation: automatic rotation is enabled and its next date is
    /// `now` or earlier, the status Enabled; or a rotation on demand was asked for at `on_demand_until` or earlier, whatever the status.
    async fn keys_due_for_rotation(
        &self,
        now: Timestamp,
        on_demand_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError>;
    /// Up to `limit` keys of any account with sealed material whose time was over at `now`.
    async fn keys_with_expired_material(&self, now: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError>;

    /// Adds a grant. If it has a name and the key has a grant that equals it but for ID and creation, that one is returned and nothing added;
    /// otherwise the grant that was given. `QuotaExceeded` when the key has `quota` grants; `NotFound` if the key is gone.
    async fn insert_grant(&self, grant: &Grant, quota: u64) -> Result<Grant, StoreError>;
    /// Fails as [`Store::insert_grant`] would, and adds nothing.
    async fn check_new_grant(&self, grant: &Grant, quota: u64) -> Result<(), StoreError>;
    /// One grant of a key.
    async fn grant(&self, region: &Region, key_id: &KeyId, id: &GrantId) -> Result<Option<Grant>, StoreError>;
    /// Deletes a grant; `NotFound` if there is none.
    async fn delete_grant(&self, region: &Region, key_id: &KeyId, id: &GrantId) -> Result<(), StoreError>;
    /// Up to `limit` grants of a key (of one grantee, if given) whose IDs sort after `after`, in order.
    async fn grants_of_key(
        &self,
        region: &Region,
        key_id: &KeyId,
        grantee_principal: Option<&str>,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError>;
    /// Up to `limit` grants on any key of the Region that `retiring_principal` may retire, whose IDs sort after `after`, in order. With
    /// `unique_id` none that is stored with another one: that was of somebody who had the name before.
    async fn grants_to_retire(
        &self,
        region: &Region,
        retiring_principal: &str,
        unique_id: Option<&str>,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError>;

    /// Stores last usages, each unless a later one of the same key is stored. One of a key that is gone is left out.
    async fn record_key_usages(&self, usages: &[KeyLastUsage]) -> Result<(), StoreError>;
    /// When this store came to take last usages: the database was made, or brought to a version that has them.
    async fn key_usages_recorded_since(&self) -> Result<Timestamp, StoreError>;
    /// The last usage that is stored of a key.
    async fn key_last_usage(&self, region: &Region, id: &KeyId) -> Result<Option<KeyLastUsage>, StoreError>;

    /// Adds an alias. `QuotaExceeded` when its key already has `quota` aliases; `Duplicate(AliasName)` if the account and Region have
    /// one of that name; `NotFound` if the key is gone.
    async fn insert_alias(&self, alias: &Alias, quota: u64) -> Result<(), StoreError>;
    /// One alias.
    async fn alias(&self, account: &AccountId, region: &Region, name: &AliasName) -> Result<Option<Alias>, StoreError>;
    /// Points an alias at another key and sets its last update. `QuotaExceeded` as for insert, `NotFound` if the new key is gone.
    async fn update_alias(&self, alias: &Alias, quota: u64) -> Result<(), StoreError>;
    /// Deletes an alias if its revision is still `revision`.
    async fn delete_alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &AliasName,
        revision: u64,
    ) -> Result<(), StoreError>;
    /// Up to `limit` aliases of an account and Region (of one key, if given) whose names sort after `after`, in order.
    async fn aliases(
        &self,
        account: &AccountId,
        region: &Region,
        key: Option<&KeyId>,
        after: Option<&AliasName>,
        limit: usize,
    ) -> Result<Vec<Alias>, StoreError>;

    /// Adds a custom key store. `NotFound` if there is no such account; `QuotaExceeded` when the account has `quota` of them in the Region
    /// (checked first); `Duplicate(CustomKeyStoreName)`, `Duplicate(XksProxyUri)` (endpoint in lower case, and path),
    /// `Duplicate(HsmCluster)` (cluster ID, or cluster certificate) if taken.
    async fn insert_custom_key_store(&self, key_store: &CustomKeyStore, quota: u64) -> Result<(), StoreError>;
    /// One custom key store.
    async fn custom_key_store(&self, id: &CustomKeyStoreId) -> Result<Option<CustomKeyStore>, StoreError>;
    /// Up to `limit` custom key stores of an account and Region whose IDs sort after `after`, in order.
    async fn custom_key_stores(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&CustomKeyStoreId>,
        limit: usize,
    ) -> Result<Vec<CustomKeyStore>, StoreError>;
    /// All custom key stores of every account whose state is CONNECTED.
    async fn connected_custom_key_stores(&self) -> Result<Vec<CustomKeyStore>, StoreError>;
    /// Replaces name, configuration and connection state; the kind stays (`Conflict` if it is another). Fails as insert does for what is
    /// taken.
    async fn update_custom_key_store(&self, key_store: &CustomKeyStore) -> Result<(), StoreError>;
    /// Deletes a custom key store, its jobs and its journal of backing keys if its revision is still `revision`; `Referenced` while it has
    /// keys.
    async fn delete_custom_key_store(&self, id: &CustomKeyStoreId, revision: u64) -> Result<(), StoreError>;

    /// Updates a custom key store and, in the same transaction, replaces any job it has by an unleased job of `kind` that is not to be
    /// claimed before `due`.
    async fn start_connection_job(
        &self,
        key_store: &CustomKeyStore,
        kind: JobKind,
        due: Timestamp,
    ) -> Result<(), StoreError>;
    /// Leases one job that is due and that nobody leases at `now` to `owner` until `lease_until`, the earliest due first; `None` when
    /// there is none.
    async fn claim_connection_job(
        &self,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<ConnectionJob>, StoreError>;
    /// Leases a job on to its owner until `lease_until`. `Conflict` if the job is gone, was replaced, or is no longer leased to the job's
    /// owner.
    async fn renew_connection_job(&self, job: &ConnectionJob, lease_until: Timestamp) -> Result<(), StoreError>;
    /// Updates the custom key store and, in the same transaction, removes the job. `Conflict` if the job is gone, was replaced, or is
    /// no longer leased to the job's owner.
    async fn finish_connection_job(&self, key_store: &CustomKeyStore, job: &ConnectionJob) -> Result<(), StoreError>;
    /// Removes a job whose custom key store no longer needs it. Removing what is gone is no error.
    async fn discard_connection_job(&self, job: &ConnectionJob) -> Result<(), StoreError>;

    /// Enters a backing key into the journal, before any HSM is asked to make it. `Duplicate(BackingKeyId)` if it is there; `NotFound` if
    /// the custom key store is gone.
    async fn insert_pending_backing_key(&self, backing_key: &PendingBackingKey) -> Result<(), StoreError>;
    /// Marks a backing key of the journal as abandoned: from now on no KMS key can be inserted for it, and it may be destroyed. `Conflict`
    /// if the journal does not have it: a KMS key may be using it.
    async fn abandon_pending_backing_key(&self, backing_key_id: &BackingKeyId) -> Result<(), StoreError>;
    /// Takes a backing key that is destroyed out of the journal. Removing what is gone is no error.
    async fn delete_pending_backing_key(&self, backing_key_id: &BackingKeyId) -> Result<(), StoreError>;
    /// Up to `limit` backing keys in the journal of a custom key store that were entered at `created_until` or earlier, the oldest first.
    async fn pending_backing_keys(
        &self,
        id: &CustomKeyStoreId,
        created_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<PendingBackingKey>, StoreError>;

    /// Up to `limit` changes after `sequence`, in order.
    async fn changes_after(&self, sequence: u64, limit: usize) -> Result<Vec<Change>, StoreError>;
    /// The sequence number of the newest change, 0 when there is none.
    async fn latest_change(&self) -> Result<u64, StoreError>;
}

/// What a connection job is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobKind {
    /// Bring a key store from CONNECTING to CONNECTED or FAILED.
    Connect,
    /// Bring a key store from DISCONNECTING to DISCONNECTED.
    Disconnect,
}

/// A connect or disconnect in progress. It survives a crash: whoever leases it next finishes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionJob {
    /// Unique among all jobs ever.
    pub id: u64,
    /// The custom key store.
    pub custom_key_store_id: CustomKeyStoreId,
    /// What to do.
    pub kind: JobKind,
    /// When it may be claimed.
    pub due: Timestamp,
    /// Who leases it.
    pub owner: String,
}

/// A backing key that an HSM may have made and no KMS key uses yet. The journal of them lets a crash leave nothing in the HSMs that nobody
/// knows of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingBackingKey {
    /// Its `CKA_ID`.
    pub backing_key_id: BackingKeyId,
    /// The AWS CloudHSM key store.
    pub custom_key_store_id: CustomKeyStoreId,
    /// Its `CKA_LABEL`: the ARN of the KMS key that it was meant for.
    pub label: String,
    /// When it was entered.
    pub created: Timestamp,
}

/// One entry of the change feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Grows by one for each change. Old changes are pruned: a reader that finds a gap has missed some and must trust nothing it holds.
    pub sequence: u64,
    /// The record that changed (was added, updated or deleted).
    pub record: ChangedRecord,
}

/// Which record a change is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChangedRecord {
    /// A KMS key.
    Key(Region, KeyId),
    /// An alias.
    Alias(AccountId, Region, AliasName),
    /// A custom key store.
    CustomKeyStore(CustomKeyStoreId),
    /// An access key.
    AccessKey(String),
    /// A user, group, role or managed policy of an account.
    Identities(AccountId),
    /// A grant of a key.
    Grants(Region, KeyId),
}

/// What must be unique.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UniqueConstraint {
    /// One account of each ID.
    AccountId,
    /// One account of each name.
    AccountName,
    /// One user of each name in an account.
    UserName,
    /// One group of each name in an account.
    GroupName,
    /// One role of each name in an account.
    RoleName,
    /// One managed policy of each name in an account.
    PolicyName,
    /// One OpenID Connect provider of each URL in an account.
    OidcProviderUrl,
    /// One access key of each ID.
    AccessKeyId,
    /// One KMS key of each ID in a Region.
    KeyId,
    /// One KMS key of a custom key store for each external key.
    XksKeyId,
    /// One alias of each name in an account and Region.
    AliasName,
    /// One custom key store of each ID.
    CustomKeyStoreId,
    /// One custom key store of each name in an account and Region.
    CustomKeyStoreName,
    /// One document of each ID among those of its kind.
    DocumentId,
    /// One external key store for each endpoint and path in an account and Region.
    XksProxyUri,
    /// One AWS CloudHSM key store for each cluster, and for each backup history of clusters, in an account and Region.
    HsmCluster,
    /// One KMS key, or one entry of the journal, for each backing key.
    BackingKeyId,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The record changed, or went, since it was read. Read it again and decide anew.
    #[error("the record was changed by another request")]
    Conflict,
    /// The record, or one it must refer to, does not exist.
    #[error("the record does not exist")]
    NotFound,
    /// Another record has this value already.
    #[error("another record has the same {0:?}")]
    Duplicate(UniqueConstraint),
    /// Other records still refer to this one.
    #[error("other records refer to this one")]
    Referenced,
    /// The quota is reached; `current` is how many there are.
    #[error("the quota is reached: there are {current}")]
    QuotaExceeded {
        /// How many there are now.
        current: u64,
    },
    /// A stored record does not make sense: which one, and what is wrong.
    #[error("a stored record is damaged: {0}")]
    Damaged(String),
    /// The storage engine failed.
    #[error("the store failed: {0}")]
    Engine(String),
}

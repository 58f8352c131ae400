//! Grants.

use aws_lc_rs::digest::{SHA256, digest};
use keystead_core::key::{Grant, GrantConstraints, GrantId};
use keystead_core::port::{ChangedRecord, StoreError};
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::EncryptionContext;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_all, fetch_optional, number, statements};
use crate::{changes, keys};

const LAYOUT: Layout = Layout { table: "grants", identity: &["region", "key_id", "grantee_principal"] };

/// The columns of a whole record, for a SELECT that ends as `$rest` says.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT region, key_id, id, account, created, name, grantee_principal, grantee_id, retiring_principal,
            retiring_principal_id, issuing_account, operations, encryption_context_equals, encryption_context_subset FROM grants ",
            $rest
        )
    };
}

statements! {
    COUNT = "SELECT grant_count FROM kms_keys WHERE region = $1 AND id = $2";
    ADD_TO_COUNT = "UPDATE kms_keys SET grant_count = grant_count + 1 WHERE region = $1 AND id = $2";
    TAKE_FROM_COUNT = "UPDATE kms_keys SET grant_count = grant_count - 1 WHERE region = $1 AND id = $2";
    INSERT = "INSERT INTO grants
        (region, key_id, id, account, created, name, fingerprint, grantee_principal, grantee_id, retiring_principal,
         retiring_principal_id, issuing_account, operations, encryption_context_equals, encryption_context_subset)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    GET = select!("WHERE region = $1 AND key_id = $2 AND id = $3");
    OF_FINGERPRINT = select!("WHERE region = $1 AND key_id = $2 AND fingerprint = $3");
    OF_KEY = select!("WHERE region = $1 AND key_id = $2 AND id > $3 ORDER BY id LIMIT $4");
    OF_KEY_AND_GRANTEE =
        select!("WHERE region = $1 AND key_id = $2 AND grantee_principal = $3 AND id > $4 ORDER BY id LIMIT $5");
    TO_RETIRE = select!("WHERE region = $1 AND retiring_principal = $2
        AND ($3 IS NULL OR retiring_principal_id IS NULL OR retiring_principal_id = $3) AND id > $4 ORDER BY id LIMIT $5");
    DELETE = "DELETE FROM grants WHERE region = $1 AND key_id = $2 AND id = $3";
    DELETE_ALL_OF_KEY = "DELETE FROM grants WHERE region = $1 AND key_id = $2";
}

/// [`keystead_core::port::Store::insert_grant`]. A grant that is there already is no matter of the quota.
pub(crate) async fn insert(connection: &mut SqliteConnection, grant: Grant, quota: u64) -> Result<Grant, StoreError> {
    let members = JsonMembers::of(&grant)?;
    let fingerprint = fingerprint(&grant, &members)?;
    if let Some(same) = same_grant(connection, &grant, fingerprint.as_deref(), quota).await? {
        return Ok(same);
    }
    let (region, key_id) = (grant.region.as_str(), grant.key_id.as_str());
    insert_row(connection, &grant, &members, fingerprint.as_deref()).await?;
    execute(connection, sqlx::query(ADD_TO_COUNT).bind(region).bind(key_id)).await?;
    append_change(connection, &grant.region, &grant.key_id).await?;
    Ok(grant)
}

/// [`keystead_core::port::Store::check_new_grant`].
pub(crate) async fn check_new(connection: &mut SqliteConnection, grant: Grant, quota: u64) -> Result<(), StoreError> {
    let fingerprint = fingerprint(&grant, &JsonMembers::of(&grant)?)?;
    same_grant(connection, &grant, fingerprint.as_deref(), quota).await.map(drop)
}

/// The grant that is there already in the place of this one; if there is none, there must be room for one more.
async fn same_grant(
    connection: &mut SqliteConnection,
    grant: &Grant,
    fingerprint: Option<&[u8]>,
    quota: u64,
) -> Result<Option<Grant>, StoreError> {
    if !keys::exists_in_account(connection, &grant.key_account, &grant.region, &grant.key_id).await? {
        return Err(StoreError::NotFound);
    }
    let (region, key_id) = (grant.region.as_str(), grant.key_id.as_str());
    if let Some(fingerprint) = fingerprint {
        let same = sqlx::query(OF_FINGERPRINT).bind(region).bind(key_id).bind(fingerprint);
        if let Some(row) = fetch_optional(connection, same).await? {
            return read(&row).map(Some);
        }
    }
    let current = number(connection, sqlx::query(COUNT).bind(region).bind(key_id)).await?;
    if current >= quota {
        return Err(StoreError::QuotaExceeded { current });
    }
    Ok(None)
}

async fn insert_row(
    connection: &mut SqliteConnection,
    grant: &Grant,
    members: &JsonMembers,
    fingerprint: Option<&[u8]>,
) -> Result<(), StoreError> {
    let insert = sqlx::query(INSERT)
        .bind(grant.region.as_str())
        .bind(grant.key_id.as_str())
        .bind(grant.id.as_bytes().as_slice())
        .bind(grant.key_account.as_str())
        .bind(encoding::millis("created", grant.created)?)
        .bind(&grant.name)
        .bind(fingerprint)
        .bind(&grant.grantee_principal)
        .bind(&grant.grantee_id)
        .bind(&grant.retiring_principal)
        .bind(&grant.retiring_principal_id)
        .bind(&grant.issuing_account)
        .bind(&members.operations)
        .bind(&members.encryption_context_equals)
        .bind(&members.encryption_context_subset);
    execute(connection, insert).await.map(drop)
}

/// The members of a grant that are stored as JSON.
struct JsonMembers {
    operations: String,
    encryption_context_equals: Option<String>,
    encryption_context_subset: Option<String>,
}

impl JsonMembers {
    fn of(grant: &Grant) -> Result<Self, StoreError> {
        let context = |context: &Option<EncryptionContext>| context.as_ref().map(encoding::json).transpose();
        Ok(Self {
            operations: encoding::json(&grant.operations)?,
            encryption_context_equals: context(&grant.constraints.encryption_context_equals)?,
            encryption_context_subset: context(&grant.constraints.encryption_context_subset)?,
        })
    }
}

/// SHA-256 of all that two requests for a grant of one key must have alike to be about one grant, whoever has the names; `None` for one without a name, which is
/// always another grant. The operations are sorted, and so are the pairs of a context.
fn fingerprint(grant: &Grant, members: &JsonMembers) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(name) = &grant.name else { return Ok(None) };
    let alike = encoding::json(&(
        name,
        &grant.grantee_principal,
        &grant.retiring_principal,
        &grant.issuing_account,
        &members.operations,
        &members.encryption_context_equals,
        &members.encryption_context_subset,
    ))?;
    Ok(Some(digest(&SHA256, alike.as_bytes()).as_ref().to_vec()))
}

/// [`keystead_core::port::Store::grant`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    region: &Region,
    key_id: &KeyId,
    id: &GrantId,
) -> Result<Option<Grant>, StoreError> {
    let query = sqlx::query(GET).bind(region.as_str()).bind(key_id.as_str()).bind(id.as_bytes().as_slice());
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::delete_grant`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    region: &Region,
    key_id: &KeyId,
    id: &GrantId,
) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE).bind(region.as_str()).bind(key_id.as_str()).bind(id.as_bytes().as_slice());
    if execute(connection, delete).await? == 0 {
        return Err(StoreError::NotFound);
    }
    execute(connection, sqlx::query(TAKE_FROM_COUNT).bind(region.as_str()).bind(key_id.as_str())).await?;
    append_change(connection, region, key_id).await
}

async fn append_change(connection: &mut SqliteConnection, region: &Region, key_id: &KeyId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Grants(region.clone(), *key_id)).await
}

/// Deletes the grants of a key that is about to go. Its own change tells of them.
pub(crate) async fn delete_all_of_key(
    connection: &mut SqliteConnection,
    region: &Region,
    key_id: &KeyId,
) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE_ALL_OF_KEY).bind(region.as_str()).bind(key_id.as_str())).await.map(drop)
}

/// [`keystead_core::port::Store::grants_of_key`].
pub(crate) async fn of_key(
    connection: &mut SqliteConnection,
    region: &Region,
    key_id: &KeyId,
    grantee_principal: Option<&str>,
    after: Option<&GrantId>,
    limit: usize,
) -> Result<Vec<Grant>, StoreError> {
    let query = sqlx::query(if grantee_principal.is_some() { OF_KEY_AND_GRANTEE } else { OF_KEY });
    let mut query = query.bind(region.as_str()).bind(key_id.as_str());
    if let Some(grantee_principal) = grantee_principal {
        query = query.bind(grantee_principal);
    }
    let query = query.bind(bytes_before(after)).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::Store::grants_to_retire`].
pub(crate) async fn to_retire(
    connection: &mut SqliteConnection,
    region: &Region,
    retiring_principal: &str,
    unique_id: Option<&str>,
    after: Option<&GrantId>,
    limit: usize,
) -> Result<Vec<Grant>, StoreError> {
    let query = sqlx::query(TO_RETIRE)
        .bind(region.as_str())
        .bind(retiring_principal)
        .bind(unique_id)
        .bind(bytes_before(after))
        .bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// What the bytes of the IDs asked for sort after.
fn bytes_before(after: Option<&GrantId>) -> &[u8] {
    after.map_or(&[], |id| id.as_bytes())
}

fn read(row: &SqliteRow) -> Result<Grant, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Grant {
        key_account: record.parsed("account")?,
        region: record.parsed("region")?,
        key_id: record.parsed("key_id")?,
        id: GrantId::from_bytes(record.bytes("id")?),
        name: record.value("name")?,
        grantee_principal: record.text("grantee_principal")?,
        grantee_id: record.value("grantee_id")?,
        retiring_principal: record.value("retiring_principal")?,
        retiring_principal_id: record.value("retiring_principal_id")?,
        issuing_account: record.text("issuing_account")?,
        operations: record.json("operations")?,
        constraints: GrantConstraints {
            encryption_context_equals: record.optional_json("encryption_context_equals")?,
            encryption_context_subset: record.optional_json("encryption_context_subset")?,
        },
        created: record.timestamp("created")?,
    })
}

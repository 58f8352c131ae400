//! OpenID Connect providers.

use keystead_core::access::OidcProvider;
use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::kind::{Kind, at_revision};
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, statements};

const LAYOUT: Layout = Layout { table: "oidc_providers", identity: &["account", "url"] };

/// The case of a URL's letters tells: two that differ in it may be two issuers.
pub(crate) const OIDC_PROVIDERS: Kind<OidcProvider> = Kind {
    of_name: GET,
    unique: UniqueConstraint::OidcProviderUrl,
    count: COUNT,
    get: GET,
    list: LIST,
    delete: DELETE,
    read,
};

statements! {
    COUNT = "SELECT count(*) FROM oidc_providers WHERE account = $1";
    INSERT = "INSERT INTO oidc_providers (account, url, created, client_ids, thumbprints, tags, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    GET = "SELECT account, url, created, client_ids, thumbprints, tags, revision
        FROM oidc_providers WHERE account = $1 AND url = $2";
    LIST = "SELECT account, url, created, client_ids, thumbprints, tags, revision
        FROM oidc_providers WHERE account = $1 AND url > $2 ORDER BY url LIMIT $3";
    UPDATE = "UPDATE oidc_providers SET client_ids = $1, thumbprints = $2, tags = $3, revision = revision + 1
        WHERE account = $4 AND url = $5 AND revision = $6";
    DELETE = "DELETE FROM oidc_providers WHERE account = $1 AND url = $2 AND revision = $3";
}

/// [`keystead_core::port::IdentityStore::insert_oidc_provider`].
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    provider: &OidcProvider,
    quota: u64,
) -> Result<(), StoreError> {
    OIDC_PROVIDERS.check_new(connection, &provider.account, &provider.url, quota).await?;
    let insert = sqlx::query(INSERT)
        .bind(provider.account.as_str())
        .bind(&provider.url)
        .bind(encoding::millis("created", provider.created)?)
        .bind(encoding::json(&provider.client_ids)?)
        .bind(encoding::json(&provider.thumbprints)?)
        .bind(encoding::json(&provider.tags)?)
        .bind(encoding::whole("revision", provider.revision)?);
    execute(connection, insert).await.map(drop)
}

/// [`keystead_core::port::IdentityStore::update_oidc_provider`].
pub(crate) async fn update(connection: &mut SqliteConnection, provider: &OidcProvider) -> Result<(), StoreError> {
    let update = sqlx::query(UPDATE)
        .bind(encoding::json(&provider.client_ids)?)
        .bind(encoding::json(&provider.thumbprints)?)
        .bind(encoding::json(&provider.tags)?)
        .bind(provider.account.as_str())
        .bind(&provider.url)
        .bind(encoding::whole("revision", provider.revision)?);
    at_revision(execute(connection, update).await?)
}

/// [`keystead_core::port::IdentityStore::delete_oidc_provider`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    url: &str,
    revision: u64,
) -> Result<(), StoreError> {
    OIDC_PROVIDERS.delete(connection, account, url, revision).await
}

fn read(row: &SqliteRow) -> Result<OidcProvider, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(OidcProvider {
        account: record.parsed("account")?,
        url: record.text("url")?,
        client_ids: record.json("client_ids")?,
        thumbprints: record.json("thumbprints")?,
        created: record.timestamp("created")?,
        tags: record.json("tags")?,
        revision: record.whole("revision")?,
    })
}

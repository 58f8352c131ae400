//! Documents: whole aggregates of the services beside KMS.

use keystead_core::port::{Document, DocumentKind, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, Region};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::identities;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "documents", identity: &["kind", "id"] };

statements! {
    INSERT = "INSERT INTO documents (kind, id, account, region, body, revision) VALUES ($1, $2, $3, $4, $5, $6)";
    GET = "SELECT kind, id, account, region, body, revision FROM documents WHERE kind = $1 AND id = $2";
    OF_ACCOUNT = "SELECT kind, id, account, region, body, revision FROM documents
        WHERE kind = $1 AND account = $2 AND region = $3 ORDER BY id";
    OF_KIND = "SELECT kind, id, account, region, body, revision FROM documents WHERE kind = $1 ORDER BY id";
    UPDATE = "UPDATE documents SET body = $1, revision = revision + 1 WHERE kind = $2 AND id = $3 AND revision = $4";
    DELETE = "DELETE FROM documents WHERE kind = $1 AND id = $2 AND revision = $3";
}

/// [`keystead_core::port::DocumentStore::insert_document`].
pub(crate) async fn insert(connection: &mut SqliteConnection, document: &Document) -> Result<(), StoreError> {
    let kind = document.kind.as_str();
    if exists(connection, sqlx::query(GET).bind(kind).bind(&document.id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::DocumentId));
    }
    if !identities::account_exists(connection, &document.account).await? {
        return Err(StoreError::NotFound);
    }
    let insert = sqlx::query(INSERT)
        .bind(kind)
        .bind(&document.id)
        .bind(document.account.as_str())
        .bind(document.region.as_str())
        .bind(&document.body)
        .bind(encoding::whole("revision", document.revision)?);
    execute(connection, insert).await.map(drop)
}

/// [`keystead_core::port::DocumentStore::document`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    kind: DocumentKind,
    id: &str,
) -> Result<Option<Document>, StoreError> {
    let query = sqlx::query(GET).bind(kind.as_str()).bind(id);
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::DocumentStore::documents`].
pub(crate) async fn of_account(
    connection: &mut SqliteConnection,
    kind: DocumentKind,
    account: &AccountId,
    region: &Region,
) -> Result<Vec<Document>, StoreError> {
    let query = sqlx::query(OF_ACCOUNT).bind(kind.as_str()).bind(account.as_str()).bind(region.as_str());
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::DocumentStore::all_documents`].
pub(crate) async fn of_kind(
    connection: &mut SqliteConnection,
    kind: DocumentKind,
) -> Result<Vec<Document>, StoreError> {
    fetch_all(connection, sqlx::query(OF_KIND).bind(kind.as_str())).await?.iter().map(read).collect()
}

/// [`keystead_core::port::DocumentStore::update_document`].
pub(crate) async fn update(connection: &mut SqliteConnection, document: &Document) -> Result<(), StoreError> {
    let update = sqlx::query(UPDATE)
        .bind(&document.body)
        .bind(document.kind.as_str())
        .bind(&document.id)
        .bind(encoding::whole("revision", document.revision)?);
    one_row(execute(connection, update).await?)
}

/// [`keystead_core::port::DocumentStore::delete_document`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    kind: DocumentKind,
    id: &str,
    revision: u64,
) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE).bind(kind.as_str()).bind(id).bind(encoding::whole("revision", revision)?);
    one_row(execute(connection, delete).await?)
}

fn one_row(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}

fn read(row: &SqliteRow) -> Result<Document, StoreError> {
    let record = Record::new(row, LAYOUT);
    let kind: &str = record.value("kind")?;
    let known = DocumentKind::ALL.into_iter().find(|known| known.as_str() == kind);
    Ok(Document {
        kind: known.ok_or_else(|| record.damaged("kind", "is no kind of document"))?,
        id: record.text("id")?,
        account: record.parsed("account")?,
        region: record.parsed("region")?,
        body: record.text("body")?,
        revision: record.whole("revision")?,
    })
}

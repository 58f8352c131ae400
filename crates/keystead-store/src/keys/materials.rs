//! The materials of KMS keys.

use keystead_core::key::{Import, Key, KeyMaterialRecord, KeyOrigin, MaterialId, MaterialState, Rotation};
use keystead_core::port::StoreError;
use keystead_core::sealing::Sealed;
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::KeyMaterialState;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_all, statements};

const LAYOUT: Layout = Layout { table: "key_materials", identity: &["region", "key_id"] };

statements! {
    INSERT = "INSERT INTO key_materials (region, key_id, ordinal, material_id, state, sealed_material, imported,
        material_description, valid_to, rotation_date, rotation_type)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    OF_KEY = "SELECT region, key_id, ordinal, material_id, state, sealed_material, imported, material_description,
        valid_to, rotation_date, rotation_type FROM key_materials WHERE region = $1 AND key_id = $2 ORDER BY ordinal";
    DELETE_ONE = "DELETE FROM key_materials WHERE region = $1 AND key_id = $2 AND ordinal = $3";
    DELETE = "DELETE FROM key_materials WHERE region = $1 AND key_id = $2";
}

/// Inserts the materials of a key that has none stored.
pub(super) async fn insert(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    for (ordinal, material) in (0_i64..).zip(&key.materials) {
        insert_one(connection, key, ordinal, material).await?;
    }
    Ok(())
}

/// Stores the materials of a key in place of those that are stored. Those that are stored already, at the same place, are not written
/// again: a tag is changed often, and a key pair has kilobytes.
pub(super) async fn replace(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let stored = of_key(connection, &key.region, &key.id).await?;
    // All that go before any that come: a material may move to another place.
    for ((ordinal, material), place) in (0_i64..).zip(&stored).zip(0..) {
        if key.materials.get(place) != Some(material) {
            delete_one(connection, key, ordinal).await?;
        }
    }
    for ((ordinal, material), place) in (0_i64..).zip(&key.materials).zip(0..) {
        if stored.get(place) != Some(material) {
            insert_one(connection, key, ordinal, material).await?;
        }
    }
    Ok(())
}

async fn delete_one(connection: &mut SqliteConnection, key: &Key, ordinal: i64) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE_ONE).bind(key.region.as_str()).bind(key.id.as_str()).bind(ordinal);
    execute(connection, delete).await.map(drop)
}

async fn insert_one(
    connection: &mut SqliteConnection,
    key: &Key,
    ordinal: i64,
    material: &KeyMaterialRecord,
) -> Result<(), StoreError> {
    let import = material.import.as_ref();
    let valid_to = import.and_then(|import| import.valid_to).map(|valid_to| encoding::millis("valid_to", valid_to));
    let rotation_date = material.rotation.map(|rotation| encoding::millis("rotation_date", rotation.date));
    let insert = sqlx::query(INSERT)
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(ordinal)
        .bind(material.id.as_bytes().as_slice())
        .bind(material.state.key_material_state().as_str())
        .bind(material.sealed.as_ref().map(Sealed::as_bytes))
        .bind(i64::from(import.is_some()))
        .bind(import.and_then(|import| import.description.as_deref()))
        .bind(valid_to.transpose()?)
        .bind(rotation_date.transpose()?)
        .bind(material.rotation.map(|rotation| rotation.rotation_type.as_str()));
    execute(connection, insert).await.map(drop)
}

/// The materials of a key, in order.
pub(super) async fn of_key(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<Vec<KeyMaterialRecord>, StoreError> {
    let query = sqlx::query(OF_KEY).bind(region.as_str()).bind(id.as_str());
    fetch_all(connection, query).await?.iter().enumerate().map(|(ordinal, row)| read(row, ordinal)).collect()
}

/// Deletes the materials of a key.
pub(super) async fn delete(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(region.as_str()).bind(id.as_str())).await.map(drop)
}

/// What a key of this origin cannot have among its materials; `None` if all is well.
pub(super) fn misfit(origin: &KeyOrigin, materials: &[KeyMaterialRecord]) -> Option<&'static str> {
    let in_hsms = matches!(origin, KeyOrigin::AwsCloudhsm { .. });
    let current = materials.iter().filter(|material| material.state == MaterialState::Current).count();
    if current > 1 || (current == 0 && *origin != KeyOrigin::External) {
        Some("the key has no current material, or several")
    } else if materials.iter().any(|material| material.sealed.is_some() && in_hsms) {
        Some("the key is in HSMs and has material here")
    } else if materials.iter().any(|material| material.sealed.is_none() && material.import.is_none() && !in_hsms) {
        Some("the key is not in HSMs, and its material was not imported and is not here")
    } else {
        None
    }
}

/// The material of a row, which is to be the key's `place`-th.
fn read(row: &SqliteRow, place: usize) -> Result<KeyMaterialRecord, StoreError> {
    let record = Record::new(row, LAYOUT);
    if record.whole::<usize>("ordinal")? != place {
        return Err(record.damaged("ordinal", format_args!("there is no {place}")));
    }
    Ok(KeyMaterialRecord {
        id: MaterialId::from_bytes(record.bytes("material_id")?),
        state: read_state(&record)?,
        sealed: record.optional_sealed("sealed_material")?,
        import: read_import(&record)?,
        rotation: read_rotation(&record)?,
    })
}

fn read_state(record: &Record<'_>) -> Result<MaterialState, StoreError> {
    Ok(match record.parsed("state")? {
        KeyMaterialState::Current => MaterialState::Current,
        KeyMaterialState::NonCurrent => MaterialState::NonCurrent,
        KeyMaterialState::PendingRotation => MaterialState::PendingRotation,
        KeyMaterialState::PendingMultiRegionImportAndRotation => MaterialState::PendingMultiRegionImportAndRotation,
    })
}

fn read_import(record: &Record<'_>) -> Result<Option<Import>, StoreError> {
    let description: Option<String> = record.value("material_description")?;
    let valid_to = record.optional_timestamp("valid_to")?;
    match (record.value::<i64>("imported")?, &description, valid_to) {
        (1, ..) => Ok(Some(Import { valid_to, description })),
        (0, None, None) => Ok(None),
        _ => Err(record.damaged("imported", "does not go with material_description and valid_to")),
    }
}

fn read_rotation(record: &Record<'_>) -> Result<Option<Rotation>, StoreError> {
    match (record.optional_timestamp("rotation_date")?, record.optional_parsed("rotation_type")?) {
        (Some(date), Some(rotation_type)) => Ok(Some(Rotation { date, rotation_type })),
        (None, None) => Ok(None),
        _ => Err(record.damaged("rotation_date", "does not go with rotation_type")),
    }
}

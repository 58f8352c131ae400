//! The materials of keys.

use keystead_core::key::{Import, Key, KeyMaterialRecord, MaterialState, Rotation};
use keystead_core::port::Store;
use keystead_core::sealing::Sealed;
use keystead_model::kms::RotationType;

use super::fixtures::*;

fn rotated(material: KeyMaterialRecord, second: i64, rotation_type: RotationType) -> KeyMaterialRecord {
    KeyMaterialRecord { rotation: Some(Rotation { date: at(second), rotation_type }), ..material }
}

pub async fn materials_come_back_as_they_were_stored(store: &dyn Store) {
    let key_store = with_cloudhsm_key_store(store).await;
    let silent = Import { valid_to: None, description: None };
    let keys = [
        Key {
            materials: vec![
                material_in(1, MaterialState::NonCurrent),
                rotated(material_in(2, MaterialState::NonCurrent), 7, RotationType::Automatic),
                rotated(material(3), 8, RotationType::OnDemand),
                material_in(4, MaterialState::PendingRotation),
            ],
            ..key(1)
        },
        imported_key(
            2,
            vec![
                imported(1, Some(500)),
                KeyMaterialRecord { state: MaterialState::PendingRotation, sealed: None, ..imported(2, None) },
                KeyMaterialRecord { state: MaterialState::PendingRotation, import: Some(silent), ..material(3) },
                material_in(4, MaterialState::PendingMultiRegionImportAndRotation),
            ],
        ),
        Key {
            materials: vec![KeyMaterialRecord { sealed: Some(Sealed::from_bytes(vec![5; 2500])), ..material(5) }],
            ..key(3)
        },
    ];
    for key in keys {
        store.insert_key(&key, AMPLE).await.unwrap();
        assert_eq!(store.key(&home(), &key.id).await.unwrap(), Some(key));
    }
    let in_hsms = cloudhsm_key(9, &key_store);
    store.insert_pending_backing_key(&pending_backing_key(9, &key_store)).await.unwrap();
    store.insert_key(&in_hsms, AMPLE).await.unwrap();
    assert_eq!(store.key(&home(), &in_hsms.id).await.unwrap(), Some(in_hsms));
}

/// Whatever becomes of the list of materials, it is stored as it is to be.
pub async fn an_update_replaces_the_materials(store: &dyn Store) {
    with_account(store).await;
    let mut expected = imported_key(1, Vec::new());
    store.insert_key(&expected, AMPLE).await.unwrap();
    let old = || KeyMaterialRecord { state: MaterialState::NonCurrent, ..imported(1, None) };
    let pending = |number| KeyMaterialRecord { state: MaterialState::PendingRotation, ..imported(number, Some(9)) };
    let lists = [
        vec![imported(1, None)],
        vec![imported(1, Some(80))],
        vec![KeyMaterialRecord { sealed: None, ..imported(1, Some(80)) }],
        vec![imported(1, None), pending(2), pending(3)],
        // Taken out of the middle.
        vec![imported(1, None), pending(3)],
        vec![old(), rotated(imported(3, Some(9)), 4, RotationType::OnDemand)],
        // In another order.
        vec![rotated(imported(3, Some(9)), 4, RotationType::OnDemand), old()],
        vec![imported(7, None)],
        vec![],
    ];
    for materials in lists {
        expected.materials = materials;
        store.update_key(&expected).await.unwrap();
        expected.revision += 1;
        assert_eq!(store.key(&home(), &expected.id).await.unwrap().as_ref(), Some(&expected));
    }
}

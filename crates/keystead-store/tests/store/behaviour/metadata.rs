//! Single values.

use keystead_core::port::{Store, StoreError};

use super::fixtures::sealed;
use crate::assert_error;

pub async fn the_root_key_check_is_set_once(store: &dyn Store) {
    assert_eq!(store.root_key_check().await.unwrap(), None);
    store.set_root_key_check(&sealed(1)).await.unwrap();
    assert_error!(store.set_root_key_check(&sealed(2)).await, StoreError::Conflict);
    assert_eq!(store.root_key_check().await.unwrap(), Some(sealed(1)));
}

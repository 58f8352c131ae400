//! Files with secrets: private to their owner, replaced whole or not at all, on the disk before anyone says so.

mod private_file;
mod root_key_file;

pub use private_file::{create_private, lock_for_change, read_private, replace_private};
pub use root_key_file::{ROOT_KEY_BYTES, RootKeyFileError, create_root_key_file, read_root_key_file};

//! `[root_key]`: where the key comes from that the store's secrets are sealed under.

use std::path::PathBuf;

use serde::Deserialize;

/// `[root_key]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootKeyConfig {
    /// A file of mode 0600 with 32 random bytes, as `keystead root-key create` makes it.
    pub(crate) file: PathBuf,
}

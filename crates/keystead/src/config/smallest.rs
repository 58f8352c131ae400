//! The smallest configuration there is, for tests: with whatever they add.

use std::path::Path;

use super::Config;

/// All that has no default.
pub(super) const SMALLEST: &str =
    "listen = '127.0.0.1:0'\ndata_dir = 'data'\nregion = 'us-east-1'\n[root_key]\nfile = 'root.key'\n";

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("/etc/keystead/keystead.toml"), std::iter::empty()).map_err(|error| error.to_string())
}

/// Reads the smallest configuration with keys or with sections besides.
pub(super) fn with(text: &str) -> Result<Config, String> {
    let is_sections = text.starts_with('[');
    parse(&if is_sections { format!("{SMALLEST}{text}") } else { format!("{text}{SMALLEST}") })
}

/// Checks that each of the texts is refused with what is beside it, and with the name of the file.
#[track_caller]
pub(super) fn refuses(wrong: &[(&str, &str)]) {
    for (text, named) in wrong {
        let error = with(text).err().unwrap_or_default();
        assert!(error.contains(named) && error.contains("keystead.toml"), "{text}: {error:?}");
    }
}

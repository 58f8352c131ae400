//! PINs: the passwords of an HSM's users.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A password of an HSM's user. Zeroed on drop; `Debug` shows nothing. Serialised only on its way to the worker.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes the text.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text itself; the only way to it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(hidden)")
    }
}

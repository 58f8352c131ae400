//! What looks like certificates to those who only compare them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// PEM around `content`.
pub fn pem(content: &str) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(content))
}

//! Certificates as PEM, compared by what they are and not by how they are written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Characters of a line of PEM (RFC 7468, 2).
const LINE: usize = 64;

/// The DER of the one certificate in a PEM text; `None` for anything else: no certificate, a chain of several, text around it that is no
/// white space.
pub(crate) fn certificate_der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    // What is left of a chain is no base64: its dashes.
    STANDARD.decode(base64).ok().filter(|der| !der.is_empty())
}

/// The canonical PEM text of the one certificate in `pem`: equal certificates give equal texts.
pub(crate) fn canonical_certificate(pem: &str) -> Option<String> {
    let base64 = STANDARD.encode(certificate_der(pem)?);
    let mut text = String::with_capacity(base64.len() + base64.len() / LINE + BEGIN.len() + END.len() + 3);
    text.push_str(BEGIN);
    text.push('\n');
    for (index, character) in base64.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    Some(text)
}

/// Whether both are one and the same certificate.
pub(crate) fn same_certificate(one: &str, other: &str) -> bool {
    certificate_der(one).is_some_and(|der| certificate_der(other) == Some(der))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn line_ends_and_line_lengths_do_not_matter() {
        let der: Vec<u8> = (0..200).collect();
        let canonical = canonical_certificate(&pem(&der)).unwrap();
        assert_eq!(certificate_der(&canonical).unwrap(), der);
        assert!(canonical.lines().all(|line| line.len() <= LINE));
        let windows = format!("\r\n{}", canonical.replace('\n', "\r\n"));
        assert!(same_certificate(&windows, &pem(&der)));
        assert_eq!(canonical_certificate(&windows).unwrap(), canonical);
        assert!(!same_certificate(&pem(&der), &pem(&der[1..])));
    }

    #[test]
    fn what_is_no_single_certificate() {
        let one = pem(b"certificate");
        let no_end = one.replace(END, "");
        for text in ["", "certificate", &STANDARD.encode(b"certificate"), &no_end, &format!("{one}{one}"), &pem(b"")] {
            assert_eq!(certificate_der(text), None, "{text}");
            assert!(!same_certificate(text, text));
        }
    }
}

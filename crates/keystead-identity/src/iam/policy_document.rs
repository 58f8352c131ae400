//! Policy documents as the IAM API takes and shows them.

use std::fmt::Write;

use keystead_policy::{PolicyDocument, PolicyKind};
use keystead_query::Parameters;

use crate::error::IdentityError;

/// The longest document, in characters with white space (IAM API Reference, `policyDocumentType`).
const DOCUMENT_CHARS_MAX: usize = 131_072;

/// A document that a request has, and that identities can have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PolicyText(String);

impl PolicyText {
    /// Takes the parameter of that name. Fails with `MalformedPolicyDocument`, which says what is wrong and where.
    pub(crate) fn take(parameters: &mut Parameters, name: &str) -> Result<Self, IdentityError> {
        let text = parameters.required(name)?;
        if text.is_empty() || text.chars().count() > DOCUMENT_CHARS_MAX {
            let message = format!("The policy document must have from 1 to {DOCUMENT_CHARS_MAX} characters.");
            return Err(IdentityError::validation(message));
        }
        match PolicyDocument::parse(&text, PolicyKind::Identity) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(IdentityError::malformed_policy(error.to_string())),
        }
    }

    /// The document.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// Its size as quotas count it; see [`size_of`].
    pub(crate) fn size(&self) -> usize {
        size_of(&self.0)
    }
}

/// The characters of a document but for white space (IAM User Guide, "IAM and AWS STS quotas").
pub(crate) fn size_of(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

/// A document as answers show it: percent-encoded but for what RFC 3986 reserves for nothing (IAM API Reference, GetPolicyVersion).
pub(crate) fn encoded(document: &str) -> String {
    let mut text = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(size_of("{ \"a\" :\r\n\t1 }"), 7);
        assert_eq!(size_of("é"), 1);
    }

    #[test]
    fn documents_are_percent_encoded() {
        assert_eq!(encoded("{\"a b\":\"-._~é\"}\n"), "%7B%22a%20b%22%3A%22-._~%C3%A9%22%7D%0A");
    }
}

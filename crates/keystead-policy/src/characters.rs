//! The characters that a policy document may consist of.

use crate::parse::{MalformedPolicy, syntax};

/// Tab, line feed, carriage return, and from a blank to U+00FF: the same for key policies (KMS API Reference, PutKeyPolicy) and for
/// those of IAM (IAM API Reference, CreatePolicy). JSON can write others as `\u0430`.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

/// Fails for a text with any other character, and says which one is where.
pub(crate) fn check_characters(text: &str) -> Result<(), MalformedPolicy> {
    for (line, content) in text.split('\n').enumerate() {
        if let Some((column, other)) = content.chars().enumerate().find(|(_, character)| !is_allowed(*character)) {
            return Err(syntax(format!(
                "The policy document must consist of tabs, line breaks and characters from U+0020 to U+00FF: \
                 U+{:04X} is none of them, at line {} column {}.",
                u32::from(other),
                line + 1,
                column + 1
            )));
        }
    }
    Ok(())
}

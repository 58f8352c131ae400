//! The served APIs as data: operations, members and constraints.
//!
//! The tables are generated from Amazon's model (`codegen/generate.py`); [`crate::validate`] reads them.

use std::sync::OnceLock;

use regex_lite::Regex;

use crate::cloudhsm::generated::OPERATIONS as CLOUDHSM_OPERATIONS;
use crate::kms::generated::OPERATIONS;

/// The type of a member and what its values must satisfy.
///
/// Lengths of strings count characters, lengths of blobs count decoded bytes, lengths of lists and maps count items.
/// All bounds are inclusive.
#[derive(Debug)]
pub enum Shape {
    /// A text.
    String {
        /// Least number of characters.
        min: Option<u32>,
        /// Greatest number of characters.
        max: Option<u32>,
        /// What the whole text must match.
        pattern: Option<&'static Pattern>,
        /// Whether errors and logs must not show the value.
        sensitive: bool,
    },
    /// One of a fixed set of texts.
    Enum {
        /// The set, in the model's order.
        values: &'static [&'static str],
    },
    /// Bytes, as standard base64 on the wire.
    Blob {
        /// Least number of decoded bytes.
        min: Option<u32>,
        /// Greatest number of decoded bytes.
        max: Option<u32>,
        /// Whether errors and logs must not show the value. Blobs are never shown anyway.
        sensitive: bool,
    },
    /// A whole number.
    Integer {
        /// Least value.
        min: Option<i64>,
        /// Greatest value.
        max: Option<i64>,
    },
    /// True or false.
    Boolean,
    /// Epoch seconds, a JSON number that may have a fraction.
    Timestamp,
    /// A list of like things.
    List {
        /// Least number of items.
        min: Option<u32>,
        /// Greatest number of items.
        max: Option<u32>,
        /// The shape of every item.
        member: &'static Shape,
    },
    /// A JSON object with free keys.
    Map {
        /// Least number of entries.
        min: Option<u32>,
        /// Greatest number of entries.
        max: Option<u32>,
        /// The shape of every key.
        key: &'static Shape,
        /// The shape of every value.
        value: &'static Shape,
    },
    /// A JSON object with named members.
    Structure(&'static Structure),
}

impl Shape {
    /// Whether `text` satisfies every constraint of a string or enum shape; false for the other shapes.
    pub fn accepts_str(&self, text: &str) -> bool {
        match self {
            Shape::String { min, max, pattern, .. } => {
                let length = text.chars().count();
                !is_below(length, *min)
                    && !is_above(length, *max)
                    && pattern.is_none_or(|pattern| pattern.is_match(text))
            }
            Shape::Enum { values } => values.contains(&text),
            _ => false,
        }
    }
}

/// Whether `length` falls short of the inclusive bound.
pub(crate) fn is_below(length: usize, min: Option<u32>) -> bool {
    min.is_some_and(|min| (length as u64) < u64::from(min))
}

/// Whether `length` goes beyond the inclusive bound.
pub(crate) fn is_above(length: usize, max: Option<u32>) -> bool {
    max.is_some_and(|max| length as u64 > u64::from(max))
}

/// A JSON object with named members.
#[derive(Debug)]
pub struct Structure {
    /// The model's name of the shape, such as `CreateKeyRequest`.
    pub name: &'static str,
    /// The members in the model's order.
    pub members: &'static [Member],
}

impl Structure {
    /// The member called `name`, as on the wire (`KeyId`).
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// One named member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name on the wire (`KeyId`).
    pub name: &'static str,
    /// Whether a request without it, or with null, is refused.
    pub required: bool,
    /// Whether `""` is let through although the shape's constraints forbid it: the one documented way to clear a value.
    pub may_be_empty: bool,
    /// Type and constraints.
    pub shape: &'static Shape,
}

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// The name in `X-Amz-Target`, after the service's prefix: `TrentService.<name>`, `BaldrApiService.<name>`.
    pub name: &'static str,
    /// The members of a request.
    pub input: &'static Structure,
    /// The members of a response; `None` where the model declares no output.
    pub output: Option<&'static Structure>,
    /// The exceptions that the model declares, by full name.
    pub errors: &'static [&'static str],
}

/// The operation called `name`, case-sensitive; `None` if the KMS API has none of that name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    let index = OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
    OPERATIONS.get(index)
}

/// Every operation of the KMS API, sorted by name.
pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// The operation of the CloudHSM V2 API called `name`, case-sensitive.
pub fn cloudhsm_operation(name: &str) -> Option<&'static Operation> {
    let index = CLOUDHSM_OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
    CLOUDHSM_OPERATIONS.get(index)
}

/// Every operation of the CloudHSM V2 API, sorted by name.
pub fn cloudhsm_operations() -> &'static [Operation] {
    CLOUDHSM_OPERATIONS
}

/// A regular expression of the model, compiled at its first use.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<Regex>>,
    decided_by: Option<fn(&str) -> bool>,
}

/// Whether a text is made of `[\p{L}\p{Z}\p{N}_.:/=+\-@]` alone: keys and values of tags.
pub(crate) fn is_tag_text(text: &str) -> bool {
    let is_separator = |character: char| character.is_whitespace() && !character.is_control();
    text.chars()
        .all(|character| character.is_alphanumeric() || is_separator(character) || "_.:/=+-@".contains(character))
}

impl Pattern {
    pub(crate) const fn new(text: &'static str) -> Self {
        Pattern { text, compiled: OnceLock::new(), decided_by: None }
    }

    /// A pattern with classes that the regular expressions here do not know: the function says whether the whole of a value matches.
    pub(crate) const fn decided_by(text: &'static str, function: fn(&str) -> bool) -> Self {
        Pattern { text, compiled: OnceLock::new(), decided_by: Some(function) }
    }

    /// The model's own text, which validation errors show.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the *whole* of `value` matches, as AWS has it even for patterns without `^` and `$`.
    pub fn is_match(&self, value: &str) -> bool {
        if let Some(decides) = self.decided_by {
            return decides(value);
        }
        // A pattern that does not compile refuses every value; a test keeps it from happening.
        self.compiled().is_some_and(|regex| regex.is_match(value))
    }

    fn compiled(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&format!("^(?:{})$", self.text)).ok()).as_ref()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn walk(shape: &'static Shape, visit: &mut dyn FnMut(&'static Shape)) {
        visit(shape);
        match shape {
            Shape::List { member, .. } => walk(member, visit),
            Shape::Map { key, value, .. } => {
                walk(key, visit);
                walk(value, visit);
            }
            Shape::Structure(structure) => walk_members(structure, visit),
            _ => {}
        }
    }

    fn walk_members(structure: &'static Structure, visit: &mut dyn FnMut(&'static Shape)) {
        for member in structure.members {
            walk(member.shape, visit);
        }
    }

    #[test]
    fn all_54_operations_are_found_by_name() {
        assert_eq!(operations().len(), 54);
        assert!(operations().is_sorted_by(|a, b| a.name < b.name));
        for expected in operations() {
            assert_eq!(operation(expected.name).expect("listed").name, expected.name);
        }
        for unknown in ["", "encrypt", "Encrypts", "ZZZ"] {
            assert!(operation(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_operations_of_cloudhsm_are_found_by_name() {
        assert_eq!(cloudhsm_operations().len(), 18);
        assert!(cloudhsm_operations().is_sorted_by(|a, b| a.name < b.name));
        for expected in cloudhsm_operations() {
            assert_eq!(cloudhsm_operation(expected.name).expect("listed").name, expected.name);
        }
        assert!(cloudhsm_operation("Encrypt").is_none() && operation("CreateHsm").is_none());
    }

    #[test]
    fn every_pattern_of_cloudhsm_compiles() {
        for operation in cloudhsm_operations() {
            let mut visit = |shape: &'static Shape| {
                if let Shape::String { pattern: Some(pattern), .. } = shape {
                    assert!(pattern.decided_by.is_some() || pattern.compiled().is_some(), "{}", pattern.text());
                }
            };
            walk_members(operation.input, &mut visit);
            operation.output.into_iter().for_each(|output| walk_members(output, &mut visit));
        }
    }

    #[test]
    fn texts_of_tags() {
        for good in ["", "a", "Zürich 1", "a_b.c:d/e=f+g-h@i", "日本 語", "\u{2028}"] {
            assert!(is_tag_text(good), "{good:?}");
        }
        for bad in ["a\tb", "a\nb", "#", "a,b", "\u{0}", "a*"] {
            assert!(!is_tag_text(bad), "{bad:?}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        let mut texts = std::collections::BTreeSet::new();
        for operation in operations() {
            let mut visit = |shape: &'static Shape| {
                if let Shape::String { pattern: Some(pattern), .. } = shape {
                    assert!(pattern.compiled().is_some(), "{}", pattern.text());
                    texts.insert(pattern.text());
                }
            };
            walk_members(operation.input, &mut visit);
            operation.output.into_iter().for_each(|output| walk_members(output, &mut visit));
        }
        assert_eq!(texts.len(), 16, "{texts:#?}");
    }

    #[test]
    fn patterns_hold_for_the_whole_value() {
        use crate::kms::generated as model;
        let table: &[(&Shape, &str, bool)] = &[
            (&model::ACCOUNT_ID_TYPE, "111122223333", true),
            (&model::ACCOUNT_ID_TYPE, "x111122223333", false),
            (&model::MARKER_TYPE, "a b\u{ff}", true),
            (&model::MARKER_TYPE, "a\tb", false),
            (&model::MARKER_TYPE, "\u{100}", false),
            (&model::POLICY_TYPE, "{\r\n\t\"a\": 1}", true),
            (&model::POLICY_TYPE, "\u{0}", false),
            (&model::REGION_TYPE, "eu-west-2", true),
            (&model::REGION_TYPE, "us-gov-west-1", true),
            (&model::REGION_TYPE, "eu-west-2\n", false),
            (&model::XKS_KEY_ID_TYPE, "key-1_a.b", true),
            (&model::XKS_KEY_ID_TYPE, "key/1", false),
            (&model::XKS_PROXY_URI_PATH_TYPE, "/kms/xks/v1", true),
            (&model::XKS_PROXY_URI_PATH_TYPE, "/a/b-c_d/kms/xks/v1", true),
            (&model::XKS_PROXY_URI_PATH_TYPE, "/kms/xks/v1/", false),
            (&model::XKS_PROXY_URI_PATH_TYPE, "/kms/xks/v123", false),
            (&model::XKS_PROXY_URI_ENDPOINT_TYPE, "https://a.example", true),
            (&model::XKS_PROXY_URI_ENDPOINT_TYPE, "https://a.example:443", false),
            (
                &model::XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME_TYPE,
                "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
                true,
            ),
            (&model::XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME_TYPE, "com.amazonaws.vpce.us-east-1", false),
            (&model::ALIAS_NAME_TYPE, "alias/a:b_c-d", true),
            (&model::ALIAS_NAME_TYPE, "alias/a b", false),
            (&model::KEY_SPEC, "SYMMETRIC_DEFAULT", true),
            (&model::KEY_SPEC, "symmetric_default", false),
            (&model::NUMBER_OF_BYTES_TYPE, "1", false),
        ];
        for (shape, text, accepted) in table {
            assert_eq!(shape.accepts_str(text), *accepted, "{text:?} by {shape:?}");
        }
    }

    #[test]
    fn raw_secret_access_keys_may_hold_slashes() {
        let Shape::String { pattern: Some(pattern), sensitive, .. } =
            &crate::kms::generated::XKS_PROXY_AUTHENTICATION_RAW_SECRET_ACCESS_KEY_TYPE
        else {
            panic!("not a string with a pattern");
        };
        assert!(*sensitive);
        assert!(pattern.is_match("ab/+=AZ09") && !pattern.is_match(r"ab\cd"));
    }
}

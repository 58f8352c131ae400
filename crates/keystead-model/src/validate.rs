//! Checks a request document against its shape and words the errors as AWS does.
//!
//! Two passes, as AWS answers two exceptions: first the JSON types of the whole document (`SerializationException`),
//! then every constraint (`ValidationException`). The nesting that is looked at is that of the shape, whatever the
//! document holds; members that the shape does not know are ignored.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::shape::{Member, Pattern, Shape, Structure, is_above, is_below};
use crate::{blob, integer, timestamp::Timestamp};

/// At most so many violations are looked for and reported in one error.
const VIOLATIONS_MAX: usize = 10;

/// At most so many characters of a value, or of a map key in a path, are shown in an error. AWS shows values whole;
/// this keeps an error smaller than the request that caused it.
const SHOWN_CHARS_MAX: usize = 256;

/// Why a request document is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidInput {
    /// A member has the wrong JSON type or is no base64: `SerializationException`. Holds the message, which names the
    /// member and the expected type, never a value.
    Serialization(String),
    /// Members break constraints: `ValidationException`. Holds the whole message,
    /// `<n> validation error(s) detected: ...`.
    Constraint(String),
}

impl InvalidInput {
    /// The message for the client.
    pub fn message(&self) -> &str {
        match self {
            InvalidInput::Serialization(message) | InvalidInput::Constraint(message) => message,
        }
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for InvalidInput {}

/// Checks `value` against `structure`.
///
/// JSON null counts as absent. Fails with [`InvalidInput::Serialization`] at the first member of a wrong type, else
/// with [`InvalidInput::Constraint`] for all broken constraints together (the first ten), in the members' order.
pub fn validate(structure: &Structure, value: &Value) -> Result<(), InvalidInput> {
    check_structure_type(structure, value, Path::Root).map_err(InvalidInput::Serialization)?;
    let mut violations = Violations(Vec::new());
    check_structure(structure, value, Path::Root, &mut violations);
    violations.into_result()
}

/// Where a value stands in the document. Printed only when there is something to report.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
    /// A map entry's key or value; the last text is `key` or `value`.
    Entry(&'a Path<'a>, &'a str, &'a str),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Member(Path::Root, name) => write_lower_camel(f, name),
            Path::Member(parent, name) => {
                write!(f, "{parent}.")?;
                write_lower_camel(f, name)
            }
            Path::Item(parent, index) => write!(f, "{parent}.{}.member", index + 1),
            // The form of a map's path is unverified.
            Path::Entry(parent, key, part) => write!(f, "{parent}.{}.{part}", shortened(key)),
        }
    }
}

fn write_lower_camel(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let mut chars = name.chars();
    if let Some(first) = chars.next() {
        f.write_char(first.to_ascii_lowercase())?;
    }
    f.write_str(chars.as_str())
}

/// The text, or its beginning and `...`.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

// --- First pass: JSON types ---

type TypeResult = Result<(), String>;

fn check_structure_type(structure: &Structure, value: &Value, path: Path<'_>) -> TypeResult {
    let Value::Object(members) = value else {
        return Err(wrong_type(value, "Structure", path));
    };
    for member in structure.members {
        match members.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => check_type(member.shape, value, Path::Member(&path, member.name))?,
        }
    }
    Ok(())
}

/// Null passes: as a member it is absent, as an item or an entry it breaks a constraint.
fn check_type(shape: &Shape, value: &Value, path: Path<'_>) -> TypeResult {
    match (shape, value) {
        (_, Value::Null) => Ok(()),
        (Shape::String { .. } | Shape::Enum { .. }, Value::String(_)) => Ok(()),
        (Shape::Boolean, Value::Bool(_)) => Ok(()),
        (Shape::Blob { .. }, Value::String(text)) => check_base64(text, path),
        (Shape::Integer { .. }, Value::Number(number)) if integer::whole(number).is_some() => Ok(()),
        (Shape::Timestamp, Value::Number(number)) if is_timestamp(number) => Ok(()),
        (Shape::List { member, .. }, Value::Array(items)) => check_list_type(member, items, path),
        (Shape::Map { value, .. }, Value::Object(entries)) => check_map_type(value, entries, path),
        (Shape::Structure(structure), value) => check_structure_type(structure, value, path),
        (shape, value) => Err(wrong_type(value, type_name(shape), path)),
    }
}

fn check_list_type(shape: &Shape, items: &[Value], path: Path<'_>) -> TypeResult {
    items.iter().enumerate().try_for_each(|(index, item)| check_type(shape, item, Path::Item(&path, index)))
}

fn check_map_type(shape: &Shape, entries: &serde_json::Map<String, Value>, path: Path<'_>) -> TypeResult {
    entries.iter().try_for_each(|(key, value)| check_type(shape, value, Path::Entry(&path, key, "value")))
}

fn check_base64(text: &str, path: Path<'_>) -> TypeResult {
    match blob::decode(text) {
        Some(_) => Ok(()),
        None => Err(format!("Member '{path}': STRING_VALUE is not base64 (standard alphabet, with padding)")),
    }
}

fn is_timestamp(number: &serde_json::Number) -> bool {
    number.as_f64().and_then(Timestamp::from_epoch_seconds).is_some()
}

/// AWS's parser texts are not documented and differ by service; ours keep their style and name the member.
fn wrong_type(value: &Value, expected: &str, path: Path<'_>) -> String {
    let found = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "LIST_VALUE",
        Value::Object(_) => "OBJECT_VALUE",
    };
    match path {
        Path::Root => format!("The request body must be a JSON object: {found} can not be converted to {expected}"),
        path => format!("Member '{path}': {found} can not be converted to {expected}"),
    }
}

fn type_name(shape: &Shape) -> &'static str {
    match shape {
        Shape::String { .. } | Shape::Enum { .. } => "String",
        Shape::Blob { .. } => "Blob (a base64 string)",
        Shape::Integer { .. } => "Integer",
        Shape::Boolean => "Boolean",
        Shape::Timestamp => "Timestamp (epoch seconds)",
        Shape::List { .. } => "List",
        Shape::Map { .. } => "Map",
        Shape::Structure(_) => "Structure",
    }
}

// --- Second pass: constraints ---

/// The violations found so far.
struct Violations(Vec<String>);

impl Violations {
    fn is_full(&self) -> bool {
        self.0.len() >= VIOLATIONS_MAX
    }

    /// Adds one item of the message. `shown` is the value, or `None` if it must not be seen.
    fn add(&mut self, shown: Option<&str>, path: Path<'_>, constraint: fmt::Arguments<'_>) {
        if self.is_full() {
            return;
        }
        let value = shown.map(|value| format!(" '{}'", shortened(value))).unwrap_or_default();
        self.0.push(format!("Value{value} at '{path}' failed to satisfy constraint: {constraint}"));
    }

    fn add_null(&mut self, path: Path<'_>) {
        if !self.is_full() {
            self.0.push(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
        }
    }

    fn add_length(&mut self, length: usize, bounds: Bounds, shown: Option<&str>, path: Path<'_>) {
        let Bounds { min, max } = bounds;
        if let Some(max) = max.filter(|_| is_above(length, max)) {
            self.add(shown, path, format_args!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = min.filter(|_| is_below(length, min)) {
            self.add(shown, path, format_args!("Member must have length greater than or equal to {min}"));
        }
    }

    fn into_result(self) -> Result<(), InvalidInput> {
        let count = self.0.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        let items = self.0.join("; ");
        Err(InvalidInput::Constraint(format!("{count} validation error{plural} detected: {items}")))
    }
}

/// The inclusive bounds of a length.
struct Bounds {
    min: Option<u32>,
    max: Option<u32>,
}

fn check_structure(structure: &Structure, value: &Value, path: Path<'_>, violations: &mut Violations) {
    for member in structure.members {
        let path = Path::Member(&path, member.name);
        match value.get(member.name) {
            None | Some(Value::Null) if member.required => violations.add_null(path),
            None | Some(Value::Null) => {}
            Some(value) if is_clearing(member, value) => {}
            Some(value) => check_constraints(member.shape, value, path, violations),
        }
    }
}

fn is_clearing(member: &Member, value: &Value) -> bool {
    member.may_be_empty && value.as_str() == Some("")
}

/// Checks a value whose JSON type is right.
fn check_constraints(shape: &Shape, value: &Value, path: Path<'_>, violations: &mut Violations) {
    match (shape, value) {
        (_, Value::Null) => violations.add_null(path),
        (shape, Value::String(text)) => check_text(shape, text, path, violations),
        (Shape::Integer { min, max }, Value::Number(number)) => {
            if let Some(number) = integer::whole(number) {
                check_range(number, *min, *max, path, violations);
            }
        }
        (Shape::List { min, max, member }, Value::Array(items)) => {
            // Not shown: the only bounded list holds grant tokens.
            violations.add_length(items.len(), Bounds { min: *min, max: *max }, None, path);
            check_items(member, items, path, violations);
        }
        (Shape::Map { min, max, key, value }, Value::Object(entries)) => {
            violations.add_length(entries.len(), Bounds { min: *min, max: *max }, None, path);
            check_entries(key, value, entries, path, violations);
        }
        (Shape::Structure(structure), value) => check_structure(structure, value, path, violations),
        // Without constraints: booleans and timestamps. Other pairs do not get past the first pass.
        _ => {}
    }
}

/// Checks a string, enum or blob, or a map's key.
fn check_text(shape: &Shape, text: &str, path: Path<'_>, violations: &mut Violations) {
    match shape {
        Shape::String { min, max, pattern, sensitive } => {
            let shown = (!sensitive).then_some(text);
            violations.add_length(text.chars().count(), Bounds { min: *min, max: *max }, shown, path);
            check_pattern(*pattern, text, shown, path, violations);
        }
        Shape::Enum { values } => check_enum(values, text, path, violations),
        Shape::Blob { min, max, .. } => {
            violations.add_length(blob::decoded_length(text), Bounds { min: *min, max: *max }, None, path);
        }
        _ => {}
    }
}

fn check_pattern(
    pattern: Option<&Pattern>,
    text: &str,
    shown: Option<&str>,
    path: Path<'_>,
    violations: &mut Violations,
) {
    if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
        let constraint = format_args!("Member must satisfy regular expression pattern: {}", pattern.text());
        violations.add(shown, path, constraint);
    }
}

fn check_enum(values: &[&str], text: &str, path: Path<'_>, violations: &mut Violations) {
    if !values.contains(&text) {
        let constraint = format_args!("Member must satisfy enum value set: [{}]", values.join(", "));
        violations.add(Some(text), path, constraint);
    }
}

fn check_range(number: i64, min: Option<i64>, max: Option<i64>, path: Path<'_>, violations: &mut Violations) {
    let shown = number.to_string();
    if let Some(max) = max.filter(|max| number > *max) {
        violations.add(Some(&shown), path, format_args!("Member must have value less than or equal to {max}"));
    }
    if let Some(min) = min.filter(|min| number < *min) {
        violations.add(Some(&shown), path, format_args!("Member must have value greater than or equal to {min}"));
    }
}

fn check_items(shape: &Shape, items: &[Value], path: Path<'_>, violations: &mut Violations) {
    for (index, item) in items.iter().enumerate() {
        if violations.is_full() {
            return;
        }
        check_constraints(shape, item, Path::Item(&path, index), violations);
    }
}

fn check_entries(
    key_shape: &Shape,
    value_shape: &Shape,
    entries: &serde_json::Map<String, Value>,
    path: Path<'_>,
    violations: &mut Violations,
) {
    for (key, value) in entries {
        if violations.is_full() {
            return;
        }
        check_text(key_shape, key, Path::Entry(&path, key, "key"), violations);
        check_constraints(value_shape, value, Path::Entry(&path, key, "value"), violations);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shape::operation;

    fn check(operation_name: &str, document: Value) -> Result<(), InvalidInput> {
        validate(operation(operation_name).unwrap().input, &document)
    }

    fn constraint(operation_name: &str, document: Value) -> String {
        match check(operation_name, document) {
            Err(InvalidInput::Constraint(message)) => message,
            other => panic!("{operation_name}: {other:?}"),
        }
    }

    fn serialization(operation_name: &str, document: Value) -> String {
        match check(operation_name, document) {
            Err(InvalidInput::Serialization(message)) => message,
            other => panic!("{operation_name}: {other:?}"),
        }
    }

    fn base64_of(length: usize) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(vec![7; length])
    }

    /// Messages recorded from AWS KMS. The order inside an enum's set differs there and means nothing.
    #[test]
    fn recorded_messages() {
        let table = [
            (
                "GenerateRandom",
                json!({"NumberOfBytes": 0}),
                "1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: \
                 Member must have value greater than or equal to 1",
            ),
            (
                "GenerateRandom",
                json!({"NumberOfBytes": 1025}),
                "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: \
                 Member must have value less than or equal to 1024",
            ),
            (
                "Encrypt",
                json!({"KeyId": "x", "Plaintext": base64_of(4097)}),
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: \
                 Member must have length less than or equal to 4096",
            ),
            (
                "CreateKey",
                json!({"KeyUsage": "RANDOM"}),
                "1 validation error detected: Value 'RANDOM' at 'keyUsage' failed to satisfy constraint: \
                 Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT]",
            ),
            (
                "GenerateMac",
                json!({"KeyId": "x", "Message": "YQ==", "MacAlgorithm": "INVALID"}),
                "1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: \
                 Member must satisfy enum value set: [HMAC_SHA_224, HMAC_SHA_256, HMAC_SHA_384, HMAC_SHA_512]",
            ),
            (
                "DeriveSharedSecret",
                json!({"KeyId": "x", "PublicKey": "YQ==", "KeyAgreementAlgorithm": "INVALID"}),
                "1 validation error detected: Value 'INVALID' at 'keyAgreementAlgorithm' failed to satisfy \
                 constraint: Member must satisfy enum value set: [ECDH]",
            ),
        ];
        for (operation_name, document, message) in table {
            assert_eq!(constraint(operation_name, document), message);
        }
    }

    #[test]
    fn a_long_tag_key_is_named_by_its_place() {
        let tag_key = "a".repeat(129);
        let document = json!({"Tags": [{"TagKey": tag_key, "TagValue": ""}]});
        assert_eq!(
            constraint("CreateKey", document),
            format!(
                "1 validation error detected: Value '{tag_key}' at 'tags.1.member.tagKey' failed to satisfy \
                 constraint: Member must have length less than or equal to 128"
            )
        );
    }

    #[test]
    fn missing_and_null_members() {
        let missing = "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: \
                       Member must not be null";
        assert_eq!(constraint("DescribeKey", json!({})), missing);
        assert_eq!(constraint("DescribeKey", json!({"KeyId": null})), missing);
        assert_eq!(check("CreateKey", json!({"KeySpec": null, "Tags": null})), Ok(()));
        let both = constraint("CreateAlias", json!({}));
        assert!(both.starts_with("2 validation errors detected: Value null at 'aliasName'"), "{both}");
        assert!(both.contains("; Value null at 'targetKeyId'"), "{both}");
    }

    #[test]
    fn nulls_inside_lists_and_maps() {
        let at = |path: &str| {
            format!(
                "1 validation error detected: Value null at '{path}' failed to satisfy constraint: \
                 Member must not be null"
            )
        };
        let tags = json!({"KeyId": "x", "Tags": [{"TagKey": "a", "TagValue": "b"}, null]});
        assert_eq!(constraint("TagResource", tags), at("tags.2.member"));
        let context = json!({"KeyId": "x", "Plaintext": "YQ==", "EncryptionContext": {"a": null}});
        assert_eq!(constraint("Encrypt", context), at("encryptionContext.a.value"));
    }

    #[test]
    fn length_and_pattern_are_both_reported_in_member_order() {
        let message = constraint("CreateAlias", json!({"AliasName": "", "TargetKeyId": ""}));
        assert_eq!(
            message,
            "3 validation errors detected: \
             Value '' at 'aliasName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; \
             Value '' at 'aliasName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; \
             Value '' at 'targetKeyId' failed to satisfy constraint: \
             Member must have length greater than or equal to 1"
        );
    }

    #[test]
    fn sensitive_values_are_not_shown() {
        let document = json!({
            "CustomKeyStoreName": "x",
            "KeyStorePassword": "hunt2",
            "XksProxyAuthenticationCredential": {"AccessKeyId": "secret!", "RawSecretAccessKey": "secret!"},
        });
        let message = constraint("CreateCustomKeyStore", document);
        assert!(message.starts_with("5 validation errors detected: Value at 'keyStorePassword' failed"), "{message}");
        assert!(message.contains("Value at 'xksProxyAuthenticationCredential.rawSecretAccessKey' failed"), "{message}");
        assert!(message.contains(r"pattern: ^[a-zA-Z0-9\/+=]+$"), "{message}");
        assert!(!message.contains("secret!") && !message.contains("hunt2"), "{message}");
    }

    #[test]
    fn lengths_count_characters_and_decoded_bytes() {
        let description = |text: String| check("UpdateKeyDescription", json!({"KeyId": "x", "Description": text}));
        assert_eq!(description("é".repeat(8192)), Ok(()));
        assert!(description("é".repeat(8193)).is_err());
        for (length, accepted) in [(0, false), (1, true), (4095, true), (4096, true), (4097, false)] {
            let result = check("Encrypt", json!({"KeyId": "x", "Plaintext": base64_of(length)}));
            assert_eq!(result.is_ok(), accepted, "{length}");
        }
    }

    #[test]
    fn list_lengths_are_reported_without_the_grant_tokens() {
        let message = constraint("DescribeKey", json!({"KeyId": "x", "GrantTokens": vec!["token"; 11]}));
        assert_eq!(
            message,
            "1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: \
             Member must have length less than or equal to 10"
        );
        let message = constraint("UntagResource", json!({"KeyId": "x", "TagKeys": ["a", ""]}));
        assert!(message.contains("Value '' at 'tagKeys.2.member' failed"), "{message}");
    }

    #[test]
    fn only_the_update_may_clear_the_endpoint_service_with_an_empty_name() {
        let update = |name: Value| {
            check("UpdateCustomKeyStore", json!({"CustomKeyStoreId": "cks-1", "XksProxyVpcEndpointServiceName": name}))
        };
        assert_eq!(update(json!("")), Ok(()));
        assert_eq!(update(Value::Null), Ok(()));
        assert!(matches!(update(json!("x")), Err(InvalidInput::Constraint(_))));
        let create = json!({"CustomKeyStoreName": "x", "XksProxyVpcEndpointServiceName": ""});
        assert!(constraint("CreateCustomKeyStore", create).starts_with("2 validation errors detected"));
    }

    #[test]
    fn errors_stay_small() {
        let message = constraint("DescribeKey", json!({"KeyId": "é".repeat(100_000)}));
        assert!(message.contains(&format!("Value '{}...' at 'keyId'", "é".repeat(256))), "{message}");
        let tags = vec![json!({"TagKey": ""}); 1000];
        let message = constraint("TagResource", json!({"KeyId": "x", "Tags": tags}));
        assert!(message.starts_with("10 validation errors detected: "), "{message}");
        assert_eq!(message.matches("failed to satisfy").count(), 10);
        let key = "k".repeat(100_000);
        let message = serialization("Encrypt", json!({"KeyId": "x", "EncryptionContext": {key: 1}}));
        assert!(message.len() < 400, "{}", message.len());
    }

    #[test]
    fn wrong_types_come_before_constraints() {
        let table = [
            (
                "DescribeKey",
                json!([]),
                "The request body must be a JSON object: LIST_VALUE can not be converted to Structure",
            ),
            (
                "DescribeKey",
                json!(null),
                "The request body must be a JSON object: NULL_VALUE can not be converted to Structure",
            ),
            ("DescribeKey", json!({"KeyId": 7}), "Member 'keyId': NUMBER_VALUE can not be converted to String"),
            (
                "ListKeys",
                json!({"Limit": "7", "Marker": ""}),
                "Member 'limit': STRING_VALUE can not be converted to Integer",
            ),
            ("ListKeys", json!({"Limit": 7.5}), "Member 'limit': NUMBER_VALUE can not be converted to Integer"),
            ("ListKeys", json!({"Limit": u64::MAX}), "Member 'limit': NUMBER_VALUE can not be converted to Integer"),
            (
                "CreateKey",
                json!({"MultiRegion": "true"}),
                "Member 'multiRegion': STRING_VALUE can not be converted to Boolean",
            ),
            ("CreateKey", json!({"KeySpec": true}), "Member 'keySpec': BOOLEAN_VALUE can not be converted to String"),
            ("CreateKey", json!({"Tags": {}}), "Member 'tags': OBJECT_VALUE can not be converted to List"),
            (
                "CreateKey",
                json!({"Tags": ["a"]}),
                "Member 'tags.1.member': STRING_VALUE can not be converted to Structure",
            ),
            (
                "CreateKey",
                json!({"Tags": [{"TagKey": []}]}),
                "Member 'tags.1.member.tagKey': LIST_VALUE can not be converted to String",
            ),
            (
                "Decrypt",
                json!({"EncryptionContext": []}),
                "Member 'encryptionContext': LIST_VALUE can not be converted to Map",
            ),
            (
                "Decrypt",
                json!({"EncryptionContext": {"a": 1}}),
                "Member 'encryptionContext.a.value': NUMBER_VALUE can not be converted to String",
            ),
            (
                "Decrypt",
                json!({"CiphertextBlob": {}}),
                "Member 'ciphertextBlob': OBJECT_VALUE can not be converted to Blob (a base64 string)",
            ),
            (
                "Decrypt",
                json!({"CiphertextBlob": "YQ"}),
                "Member 'ciphertextBlob': STRING_VALUE is not base64 (standard alphabet, with padding)",
            ),
            (
                "ImportKeyMaterial",
                json!({"ValidTo": "2030"}),
                "Member 'validTo': STRING_VALUE can not be converted to Timestamp (epoch seconds)",
            ),
            (
                "ImportKeyMaterial",
                json!({"ValidTo": 1e300}),
                "Member 'validTo': NUMBER_VALUE can not be converted to Timestamp (epoch seconds)",
            ),
        ];
        for (operation_name, document, message) in table {
            assert_eq!(serialization(operation_name, document), message);
        }
    }

    #[test]
    fn what_is_unknown_or_whole_is_let_through() {
        assert_eq!(check("ListKeys", json!({"Limit": 5.0, "Unknown": {"deep": [[[1]]]}})), Ok(()));
        assert_eq!(check("CreateKey", json!({})), Ok(()));
    }
}

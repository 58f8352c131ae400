//! What a key policy may look like.
//!
//! Sources: IAM User Guide, "Grammar of the IAM JSON policy language"; KMS Developer Guide, "Key policies in AWS KMS"; KMS core digest 4.1. But
//! for the one about principals, which is from the field, and the one about ForAllValues, which is the guide's, the texts are unverified.

use std::collections::BTreeSet;
use std::ops::Range;

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use serde_json::Value;

use super::json_object::{self, InvalidObject, position};
use crate::access::NamedPrincipal;
use crate::error::KmsError;

/// What was read of a policy that keeps to the grammar.
#[derive(Debug, Default)]
pub(super) struct PolicyDocument {
    /// The accounts, users, roles and sessions that it names.
    pub(super) principals: BTreeSet<NamedPrincipal>,
    /// Where in the text a statement's principal is a bare `"*"`.
    bare_wildcards: Vec<Range<usize>>,
    sids: BTreeSet<String>,
}

/// What a bare `"*"` becomes, as GetKeyPolicy shows it.
const EVERYBODY: &str = r#"{"AWS":"*"}"#;

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

/// The condition operators; each may have a set operator before it and, but for `Null`, `IfExists` after it. Their case is not looked at
/// (unverified).
const CONDITION_OPERATORS: [&str; 27] = [
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Bool",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "Null",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
];

/// Condition keys that are single-valued although their names differ, and what their values are of.
const SINGLE_VALUED: [(&str, &str); 2] = [("kms:encryptioncontext:", "encryption context"), ("aws:requesttag/", "tag")];

impl PolicyDocument {
    /// Reads a policy. Each statement needs an effect and principals. One without Action or Resource is taken, and has no effect.
    pub(super) fn read(text: &str) -> Result<Self, KmsError> {
        let mut document = Self::default();
        let mut has_statement = false;
        for (name, value) in members(text, "The policy document")? {
            match name.as_str() {
                // One without a version is of the oldest one (IAM User Guide, "Version"; that KMS takes it is unverified).
                "Version" => check_version(value)?,
                "Id" => drop(string(value, "Id")?),
                "Statement" => {
                    has_statement = true;
                    document.read_statements(text, value)?;
                }
                other => return Err(malformed(format!("The policy document has no element {other}."))),
            }
        }
        if has_statement { Ok(document) } else { Err(no_statement()) }
    }

    /// The policy with each bare `"*"` written in full.
    pub(super) fn with_full_principals(&self, text: &str) -> String {
        let mut full = String::with_capacity(text.len());
        let mut copied = 0;
        for place in &self.bare_wildcards {
            full.push_str(&text[copied..place.start]);
            full.push_str(EVERYBODY);
            copied = place.end;
        }
        full.push_str(&text[copied..]);
        full
    }

    /// A statement, or a list of at least one.
    fn read_statements(&mut self, text: &str, value: &str) -> Result<(), KmsError> {
        if !value.starts_with('[') {
            return self.read_statement(text, value);
        }
        let statements = json_object::items(value).unwrap_or_default();
        if statements.is_empty() {
            return Err(no_statement());
        }
        statements.into_iter().try_for_each(|statement| self.read_statement(text, statement))
    }

    fn read_statement(&mut self, text: &str, statement: &str) -> Result<(), KmsError> {
        let mut seen = BTreeSet::new();
        for (name, value) in members(statement, "A statement")? {
            match name.as_str() {
                "Sid" => self.read_sid(value)?,
                "Effect" => check_effect(value)?,
                "Principal" | "NotPrincipal" => self.read_principals(text, value)?,
                "Action" | "NotAction" => check_each(value, &name, is_action)?,
                "Resource" | "NotResource" => check_each(value, &name, is_resource)?,
                "Condition" => check_condition(value)?,
                other => return Err(malformed(format!("A statement has no element {other}."))),
            }
            seen.insert(name);
        }
        if !seen.contains("Effect") {
            return Err(malformed("A statement has no Effect.".to_owned()));
        }
        if !seen.contains("Principal") && !seen.contains("NotPrincipal") {
            return Err(malformed("A statement of a key policy has no Principal.".to_owned()));
        }
        for name in ["Principal", "Action", "Resource"] {
            if seen.contains(name) && seen.contains(&format!("Not{name}")) {
                return Err(malformed(format!("A statement has both {name} and Not{name}.")));
            }
        }
        Ok(())
    }

    /// A statement ID, once in a policy. It may have blanks, unlike those of IAM policies.
    fn read_sid(&mut self, value: &str) -> Result<(), KmsError> {
        let sid = string(value, "Sid")?;
        if sid.is_empty() || self.sids.insert(sid.clone()) {
            return Ok(());
        }
        Err(malformed(format!("Two statements have the Sid {sid}.")))
    }

    fn read_principals(&mut self, text: &str, value: &str) -> Result<(), KmsError> {
        if value.starts_with('"') {
            if string(value, "Principal")? != "*" {
                return Err(invalid_principals());
            }
            let start = position(text, value);
            self.bare_wildcards.push(start..start + value.len());
            return Ok(());
        }
        let kinds = members(value, "Principal")?;
        if kinds.is_empty() {
            return Err(invalid_principals());
        }
        for (kind, names) in kinds {
            let names = strings(names, &kind)?;
            if names.is_empty() {
                return Err(invalid_principals());
            }
            for name in names {
                self.read_principal(&kind, &name)?;
            }
        }
        Ok(())
    }

    fn read_principal(&mut self, kind: &str, name: &str) -> Result<(), KmsError> {
        let valid = match kind {
            "AWS" if name == "*" => true,
            "AWS" => match NamedPrincipal::parse(name) {
                Some(principal) => {
                    self.principals.insert(principal);
                    true
                }
                None => false,
            },
            // Which services and identity providers there are cannot be told here.
            "Service" => is_host_name(name),
            "Federated" => is_host_name(name) || is_identity_provider(name),
            "CanonicalUser" => name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
            _ => return Err(malformed(format!("A Principal has no kind {kind}."))),
        };
        if valid { Ok(()) } else { Err(invalid_principals()) }
    }
}

fn check_version(value: &str) -> Result<(), KmsError> {
    let version = string(value, "Version")?;
    if VERSIONS.contains(&version.as_str()) {
        return Ok(());
    }
    Err(malformed(format!("The policy document has the Version {version}; it must be {}.", VERSIONS[0])))
}

fn check_effect(value: &str) -> Result<(), KmsError> {
    match string(value, "Effect")?.as_str() {
        "Allow" | "Deny" => Ok(()),
        other => Err(malformed(format!("A statement has the Effect {other}; it must be Allow or Deny."))),
    }
}

fn check_each(value: &str, name: &str, is_valid: impl Fn(&str) -> bool) -> Result<(), KmsError> {
    match strings(value, name)?.iter().find(|text| !is_valid(text)) {
        None => Ok(()),
        Some(text) => Err(malformed(format!("A statement has the {name} {text}, which cannot be one."))),
    }
}

/// `*`, or a service and an action, with wildcards.
fn is_action(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_*?".contains(&byte))
    };
    text == "*" || text.split_once(':').is_some_and(|(service, action)| is_part(service) && is_part(action))
}

/// `*`, or an ARN with wildcards.
fn is_resource(text: &str) -> bool {
    text == "*" || (text.starts_with("arn:") && text.split(':').count() >= 6)
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// The ARN of an identity provider of SAML or OpenID Connect.
fn is_identity_provider(text: &str) -> bool {
    let resource = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':'));
    resource.is_some_and(|(account, name)| {
        let name = name.strip_prefix("saml-provider/").or_else(|| name.strip_prefix("oidc-provider/"));
        AccountId::parse(account).is_some() && name.is_some_and(|name| !name.is_empty() && !name.contains('*'))
    })
}

fn check_condition(value: &str) -> Result<(), KmsError> {
    for (operator, keys) in members(value, "Condition")? {
        let for_all_values = check_operator(&operator)?;
        for (key, values) in members(keys, &operator)? {
            check_condition_values(&key, values)?;
            if for_all_values {
                refuse_single_valued(&key)?;
            }
        }
    }
    Ok(())
}

/// Refuses what is no condition operator; tells whether it is one of ForAllValues.
fn check_operator(operator: &str) -> Result<bool, KmsError> {
    let (set_operator, rest) = operator.split_once(':').unwrap_or(("", operator));
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let for_all_values = is(set_operator, "ForAllValues");
    let known = |name: &str| CONDITION_OPERATORS.iter().any(|operator| is(operator, name));
    let if_exists = rest.len().checked_sub("IfExists".len()).and_then(|length| rest.split_at_checked(length));
    let known = known(rest)
        || if_exists.is_some_and(|(name, suffix)| is(suffix, "IfExists") && known(name) && !is(name, "Null"));
    if known && (set_operator.is_empty() || for_all_values || is(set_operator, "ForAnyValue")) {
        return Ok(for_all_values);
    }
    Err(malformed(format!("A Condition has no operator {operator}.")))
}

/// Texts, numbers and truth values: one, or a list.
fn check_condition_values(key: &str, values: &str) -> Result<(), KmsError> {
    let is_scalar = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    let valid = match serde_json::from_str::<Value>(values) {
        Ok(Value::Array(values)) => values.iter().all(is_scalar),
        Ok(value) => is_scalar(&value),
        Err(_) => false,
    };
    if valid && !key.is_empty() {
        return Ok(());
    }
    Err(malformed(format!("A Condition has a value of {key} that is neither text, number nor truth value.")))
}

fn refuse_single_valued(key: &str) -> Result<(), KmsError> {
    let key = key.to_ascii_lowercase();
    match SINGLE_VALUED.iter().find(|(prefix, _)| key.starts_with(prefix)) {
        None => Ok(()),
        Some((_, what)) => Err(malformed(format!(
            "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified {what} or with an unspecified {what}. To fix, remove ForAllValues."
        ))),
    }
}

fn members<'a>(text: &'a str, what: &str) -> Result<Vec<(String, &'a str)>, KmsError> {
    json_object::members(text).map_err(|error| match error {
        InvalidObject::NotAnObject(error) => {
            malformed(format!("{what} is not a JSON object: line {}, column {} of it.", error.line(), error.column()))
        }
        InvalidObject::NameTwice(name) => malformed(format!("{what} has {name} twice.")),
    })
}

fn string(text: &str, what: &str) -> Result<String, KmsError> {
    serde_json::from_str(text).map_err(|_| malformed(format!("{what} is no text.")))
}

/// One text, or a list of them.
fn strings(text: &str, what: &str) -> Result<Vec<String>, KmsError> {
    if text.starts_with('[') {
        return serde_json::from_str(text)
            .map_err(|_| malformed(format!("{what} is neither a text nor a list of texts.")));
    }
    string(text, what).map(|one| vec![one])
}

fn no_statement() -> KmsError {
    malformed("The policy document has no Statement. Give at least one.".to_owned())
}

fn malformed(message: String) -> KmsError {
    KmsError::new(Exception::MalformedPolicyDocument, message)
}

/// For principals that are none, or do not exist.
pub(super) fn invalid_principals() -> KmsError {
    malformed("Policy contains a statement with one or more invalid principals.".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
    }

    fn message(text: &str) -> String {
        let error = PolicyDocument::read(text).unwrap_err();
        assert_eq!(error.exception, Exception::MalformedPolicyDocument);
        error.message.unwrap()
    }

    /// Statements that are taken.
    const TAKEN: &[&str] = &[
        r#"{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}"#,
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/a/b"]},"NotAction":["kms:Get*"],"NotResource":"arn:aws:kms:us-east-1:111122223333:key/*"}"#,
        r#"{"Effect":"Allow","Principal":{"Service":["logs.us-east-1.amazonaws.com"],"Federated":"cognito-identity.amazonaws.com"}}"#,
        r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/example.com"},"Action":"kms:Encrypt"}"#,
        r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*"}"#,
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":["ec2.us-east-1.amazonaws.com"]},
            "Bool":{"kms:GrantIsForAWSResource":true},"NumericLessThanEqualsIfExists":{"kms:ScheduleKeyDeletionPendingWindowInDays":7},
            "ForAnyValue:StringEquals":{"kms:EncryptionContext:a":"b"},"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a"]},"Null":{"kms:EncryptionContext:a":"false"}}}"#,
    ];

    #[test]
    fn statements_that_are_taken() {
        for statement in TAKEN {
            PolicyDocument::read(&policy(statement)).map_err(|error| format!("{statement}: {error}")).unwrap();
        }
        PolicyDocument::read(&format!(r#"{{"Statement":{}}}"#, TAKEN[0])).unwrap();
        PolicyDocument::read(&policy(&TAKEN.join(","))).unwrap();
    }

    /// Statements that are refused, and a word of the message. `P` stands for a principal and what else a statement needs.
    const REFUSED: &[(&str, &str)] = &[
        (r#""x""#, "object"),
        ("{}", "Effect"),
        (r#"{"Effect":"Allow"}"#, "Principal"),
        (r#"{"Effect":"allow",P}"#, "Effect allow"),
        (r#"{"Effect":["Allow"],P}"#, "Effect"),
        (r#"{"effect":"Allow","Effect":"Allow",P}"#, "effect"),
        (r#"{"Effect":"Allow","Effect":"Deny",P}"#, "twice"),
        (r#"{"Effect":"Allow","NotPrincipal":"*",P}"#, "NotPrincipal"),
        (r#"{"Effect":"Allow","NotAction":"*",P}"#, "NotAction"),
        (r#"{"Effect":"Allow","NotResource":"*",P}"#, "NotResource"),
        (r#"{"Effect":"Allow",P,"Sid":1}"#, "Sid"),
        (r#"{"Effect":"Allow",P,"Sid":"a"},{"Effect":"Allow",P,"Sid":"a"}"#, "Sid a"),
        (r#"{"Effect":"Allow","Principal":"*","Action":"Encrypt"}"#, "Action"),
        (r#"{"Effect":"Allow","Principal":"*","Action":["kms:Encrypt",1]}"#, "Action"),
        (r#"{"Effect":"Allow","Principal":"*","Action":{"kms":"Encrypt"}}"#, "Action"),
        (r#"{"Effect":"Allow","Principal":"*","Resource":"key/1"}"#, "Resource"),
        (r#"{"Effect":"Allow",P,"Condition":"x"}"#, "Condition"),
        (r#"{"Effect":"Allow",P,"Condition":{"StringSounds":{"a":"b"}}}"#, "StringSounds"),
        (r#"{"Effect":"Allow",P,"Condition":{"NullIfExists":{"a":"b"}}}"#, "NullIfExists"),
        (r#"{"Effect":"Allow",P,"Condition":{"ForSome:StringLike":{"a":"b"}}}"#, "ForSome"),
        (r#"{"Effect":"Allow",P,"Condition":{"IfExists":{"a":"b"}}}"#, "IfExists"),
        (r#"{"Effect":"Allow",P,"Condition":{"StringLike":{"a":{"b":"c"}}}}"#, "value of a"),
        (r#"{"Effect":"Allow",P,"Condition":{"StringLike":{"a":null}}}"#, "value of a"),
        (r#"{"Effect":"Allow",P,"Condition":{"StringLike":{"a":[["b"]]}}}"#, "value of a"),
        (
            r#"{"Effect":"Allow",P,"Condition":{"ForAllValues:StringLike":{"kms:EncryptionContext:a":"b"}}}"#,
            "without the specified encryption context or",
        ),
        (
            r#"{"Effect":"Allow",P,"Condition":{"ForAllValues:StringLike":{"aws:RequestTag/a":"b"}}}"#,
            "without the specified tag or",
        ),
    ];

    #[test]
    fn statements_that_are_refused() {
        for (statement, word) in REFUSED {
            let text = policy(&statement.replace(",P", r#","Principal":"*","Action":"kms:*","Resource":"*""#));
            let message = message(&text);
            assert!(message.contains(word), "{statement}: {message}");
        }
    }

    #[test]
    fn documents_that_are_refused() {
        for (text, word) in [
            ("", "line 1"),
            ("[]", "object"),
            ("null", "object"),
            (r#"{"Version":"2012-10-17"}"#, "Statement"),
            (r#"{"Version":"2012-10-17","Statement":[]}"#, "Statement"),
            (r#"{"Version":"2012-10-17","Statement":"x"}"#, "object"),
            (r#"{"Version":"2013-01-01","Statement":[{}]}"#, "2013-01-01"),
            (r#"{"Version":20121017,"Statement":[{}]}"#, "Version"),
            (r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{}]}"#, "twice"),
            (r#"{"Version":"2012-10-17","Comment":"x","Statement":[{}]}"#, "Comment"),
            (r#"{"Version":"2012-10-17","Id":{},"Statement":[{}]}"#, "Id"),
        ] {
            let message = message(text);
            assert!(message.contains(word), "{text}: {message}");
        }
        let deep = format!(r#"{{"Statement":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
        assert!(message(&deep).contains("object"));
    }

    #[test]
    fn principals_that_are_refused() {
        for principal in [
            r#""arn:aws:iam::111122223333:root""#,
            "{}",
            r#"{"AWS":[]}"#,
            r#"{"AWS":""}"#,
            r#"{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:user/*"}"#,
            r#"{"AWS":"arn:aws:iam::111122223333:group/a"}"#,
            r#"{"AWS":["*","arn:aws-cn:iam::111122223333:root"]}"#,
            r#"{"Service":"*"}"#,
            r#"{"Service":"logs"}"#,
            r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/*"}"#,
            r#"{"CanonicalUser":"79a59d"}"#,
        ] {
            let text =
                policy(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}"#));
            assert_eq!(
                message(&text),
                "Policy contains a statement with one or more invalid principals.",
                "{principal}"
            );
        }
    }

    #[test]
    fn a_bare_wildcard_is_written_in_full_and_nothing_else_is_touched() {
        let text = "{ \"Statement\": [ {\"Effect\":\"Allow\", \"Principal\" : \"*\" ,\n\"Action\":\"*\"},{\"Principal\":\"\\u002a\",\"Effect\":\"Deny\"} ] }";
        let full = PolicyDocument::read(text).unwrap().with_full_principals(text);
        let expected = "{ \"Statement\": [ {\"Effect\":\"Allow\", \"Principal\" : {\"AWS\":\"*\"} ,\n\"Action\":\"*\"},{\"Principal\":{\"AWS\":\"*\"},\"Effect\":\"Deny\"} ] }";
        assert_eq!(full, expected);
        assert_eq!(PolicyDocument::read(&full).unwrap().with_full_principals(&full), full);
    }

    #[test]
    fn who_is_named() {
        let document = PolicyDocument::read(&policy(TAKEN[1])).unwrap();
        let named: Vec<_> = document.principals.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/a/b"]);
    }
}

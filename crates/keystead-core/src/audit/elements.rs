//! `requestParameters` and `responseElements`: the request's and the answer's members with their first letter in lower case, without
//! secrets and without data.

use keystead_model::Timestamp;
use keystead_model::shape::{Operation, Shape, Structure};
use serde_json::{Map, Value};

use super::record::localised;

/// Members of requests that are never recorded although the model does not mark them: grant tokens act as credentials.
const NEVER: &[&str] = &["GrantTokens", "GrantToken", "Recipient", "TrustAnchorCertificate"];
/// Members of answers that are never recorded: grant tokens again, and policies, which the requests that set them tell. (That of a new
/// replica is recorded: KMS Developer Guide, CloudTrail entry of ReplicateKey.)
const NEVER_OF_ANSWERS: &[&str] = &["GrantToken", "Policy"];
/// Members of answers that are dates.
const DATES: &[&str] = &["CreationDate", "DeletionDate", "ValidTo", "LastUpdatedDate"];

/// The recorded form of a request, `null` if nothing of it is left.
pub fn request_parameters(operation: &Operation, input: &Value) -> Value {
    let Value::Object(input) = input else { return Value::Null };
    match recorded_structure(operation.input, input) {
        members if members.is_empty() => Value::Null,
        members => Value::Object(members),
    }
}

fn recorded_structure(structure: &Structure, input: &Map<String, Value>) -> Map<String, Value> {
    structure
        .members
        .iter()
        .filter(|member| !NEVER.contains(&member.name))
        .filter_map(|member| {
            let value = input.get(member.name).filter(|value| !value.is_null())?;
            Some((parameter_name(member.name), recorded(member.shape, value)?))
        })
        .collect()
}

/// CloudTrail's own name of a request's member, where it has one (CloudHSM key stores digest, 1.11).
fn parameter_name(name: &str) -> String {
    if name == "CloudHsmClusterId" { "clusterId".to_owned() } else { lower_first(name) }
}

/// `None` for what is secret or data. Dates are for people, as those of answers.
fn recorded(shape: &Shape, value: &Value) -> Option<Value> {
    match (shape, value) {
        (Shape::Blob { .. }, _) | (Shape::String { sensitive: true, .. }, _) => None,
        (Shape::Timestamp, value) => {
            Some(value.as_f64().map_or_else(|| value.clone(), |seconds| people_date(seconds).into()))
        }
        (Shape::Structure(structure), Value::Object(members)) => {
            let members = recorded_structure(structure, members);
            (!members.is_empty()).then_some(Value::Object(members))
        }
        (Shape::List { member, .. }, Value::Array(items)) => {
            Some(items.iter().filter_map(|item| recorded(member, item)).collect())
        }
        _ => Some(value.clone()),
    }
}

/// The recorded form of an answer: first letters in lower case, dates for people; no grant tokens and no policies.
pub fn response_elements(answer: &Value) -> Value {
    match answer {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !NEVER_OF_ANSWERS.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = match (DATES.contains(&name.as_str()), value.as_f64()) {
                    (true, Some(seconds)) => Value::from(people_date(seconds)),
                    _ => response_elements(value),
                };
                (recorded_name(name), value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(response_elements).collect(),
        other => other.clone(),
    }
}

fn people_date(seconds: f64) -> String {
    localised(Timestamp::from_millis((seconds * 1000.0) as i64))
}

fn recorded_name(name: &str) -> String {
    // Its casing in keyMetadata is CloudTrail's own.
    if name == "AWSAccountId" { "aWSAccountId".to_owned() } else { lower_first(name) }
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + characters.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_model::shape::operation;
    use serde_json::json;

    #[test]
    fn data_and_secrets_are_left_out() {
        let encrypt = operation("Encrypt").unwrap();
        let input = json!({"KeyId": "alias/a", "Plaintext": "c2VjcmV0", "EncryptionContext": {"Project": "nile"},
            "GrantTokens": ["token"], "Unknown": 1});
        let expected = json!({"keyId": "alias/a", "encryptionContext": {"Project": "nile"}});
        assert_eq!(request_parameters(encrypt, &input), expected);

        let create = operation("CreateCustomKeyStore").unwrap();
        let input = json!({"CustomKeyStoreName": "n", "KeyStorePassword": "p4ssw0rd", "CloudHsmClusterId": "cluster-1",
            "XksProxyAuthenticationCredential": {"AccessKeyId": "ABCDEFGHIJKLMNOPQRST", "RawSecretAccessKey": "s3cr3t"}});
        let recorded = request_parameters(create, &input);
        assert_eq!((&recorded["customKeyStoreName"], &recorded["clusterId"]), (&json!("n"), &json!("cluster-1")));
        assert!(!recorded.to_string().contains("s3cr3t") && !recorded.to_string().contains("p4ssw0rd"));
        assert_eq!(request_parameters(operation("ListKeys").unwrap(), &json!({})), Value::Null);
    }

    #[test]
    fn answers_have_dates_for_people() {
        let answer = json!({"KeyMetadata": {"AWSAccountId": "111122223333", "CreationDate": 1_660_171_107.5}});
        let expected =
            json!({"keyMetadata": {"aWSAccountId": "111122223333", "creationDate": "Aug 10, 2022, 10:38:27 PM"}});
        assert_eq!(response_elements(&answer), expected);
    }

    #[test]
    fn grant_tokens_and_policies_are_left_out() {
        let grant = json!({"GrantId": "1f", "GrantToken": "token"});
        assert_eq!(response_elements(&grant), json!({"grantId": "1f"}));
        let replica = json!({"ReplicaKeyMetadata": {"Arn": "arn"}, "ReplicaPolicy": "{}", "ReplicaTags": []});
        let expected = json!({"replicaKeyMetadata": {"arn": "arn"}, "replicaPolicy": "{}", "replicaTags": []});
        assert_eq!(response_elements(&replica), expected, "it may be the default one, which no request tells");
        assert_eq!(
            response_elements(&json!({"Policy": "{}", "PolicyName": "default"})),
            json!({"policyName": "default"})
        );
        for (name, member) in [("CreateGrant", "GrantTokens"), ("RetireGrant", "GrantToken")] {
            let operation = operation(name).unwrap();
            let input = json!({member: if member == "GrantTokens" { json!(["token"]) } else { json!("token") }});
            assert_eq!(request_parameters(operation, &input), Value::Null, "{name}");
        }
    }
}

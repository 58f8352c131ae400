//! What audit records show of the parameters of a request.

use keystead_query::Parameters;
use serde_json::{Map, Value, json};

/// Parameters of IAM and STS that are credentials or could give some, as the service models name them. They are left out wherever they
/// stand and in whatever case they are written.
const NEVER_RECORDED: &[&str] = &[
    "AuthenticationCode1",
    "AuthenticationCode2",
    "EncodedMessage",
    "NewPassword",
    "OldPassword",
    "Password",
    "PrivateKey",
    "SAMLAssertion",
    "SecretAccessKey",
    "ServicePassword",
    "SessionToken",
    "TokenCode",
    "TradeInToken",
    "WebIdentityToken",
];

/// The most bytes of JSON that a record has of parameters. Longer ones are left out as a whole (CloudTrail User Guide, "CloudTrail record
/// contents": `requestParameters` has at most 100 KB).
const BYTES_MAX: usize = 100 * 1024;

/// The most characters of a parameter of a caller that nobody knows.
const UNKNOWN_CALLER_CHARS_MAX: usize = 2048;

/// The parameters of an operation that is served, without secrets; `null` if there are none.
pub(crate) fn recordable(parameters: &Parameters) -> Value {
    without_secrets(parameters.recorded())
}

/// The same as a record shows it: left out if it is too long.
pub(crate) fn recorded(recordable: Value) -> Value {
    let size = recordable.to_string().len();
    if size <= BYTES_MAX {
        return recordable;
    }
    // The form of this note is unverified.
    json!({ "omitted": true, "originalSize": size, "reason": format!("requestParameters has more than {BYTES_MAX} bytes") })
}

/// Those of the named parameters that are texts, each cut where it is too long: whoever signs nothing writes little into the log.
pub(crate) fn recorded_of_unknown_caller(recordable: &Value, names: &[&str]) -> Value {
    let texts = names.iter().filter_map(|name| Some(((*name).to_owned(), recordable.get(name)?.as_str()?)));
    let shown: Map<String, Value> = texts.map(|(name, text)| (name, cut(text).into())).collect();
    if shown.is_empty() { Value::Null } else { Value::Object(shown) }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(UNKNOWN_CALLER_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = members.into_iter().filter(|(name, _)| !is_secret(name));
            shown.map(|(name, value)| (name, without_secrets(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    NEVER_RECORDED.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn recorded_form(form: &str) -> Value {
        recorded(recordable(&Parameters::parse(form.as_bytes()).unwrap()))
    }

    #[test]
    fn no_secret_is_recorded_wherever_it_stands() {
        for name in NEVER_RECORDED {
            for name in
                [(*name).to_owned(), name.to_uppercase(), format!("Certificate.{name}"), format!("L.member.1.{name}")]
            {
                let shown = recorded_form(&format!("UserName=alice&{name}=hidden&{name}.member.1=hidden"));
                assert_eq!(shown["userName"], "alice");
                assert!(!shown.to_string().contains("hidden"), "{name}: {shown}");
            }
        }
        assert_eq!(recorded_form("Action=GetUser"), Value::Null);
    }

    #[test]
    fn long_parameters_are_left_out() {
        let fits = recorded_form(&format!("A={}", "a".repeat(BYTES_MAX - 20)));
        assert_eq!(fits["a"].as_str().unwrap().len(), BYTES_MAX - 20);
        let long = recorded_form(&format!("A={}", "a".repeat(BYTES_MAX)));
        assert_eq!((&long["omitted"], long.get("a")), (&json!(true), None));
    }

    #[test]
    fn of_unknown_callers_little_is_recorded() {
        let given = json!({ "a": "\u{e9}".repeat(3000), "b": ["x"], "c": "y", "d": "1" });
        let shown = recorded_of_unknown_caller(&given, &["a", "b", "d", "e"]);
        assert_eq!(shown, json!({ "a": "\u{e9}".repeat(UNKNOWN_CALLER_CHARS_MAX), "d": "1" }));
        assert_eq!(recorded_of_unknown_caller(&given, &["e"]), Value::Null);
    }
}

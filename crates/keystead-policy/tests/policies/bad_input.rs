//! Texts that are no policy documents, or are not what they look like.

use keystead_policy::{
    AccessRequest, Decision, Identity, IdentitySide, Layer, NamedPolicy, PolicyDocument, PolicyKind, Question,
    RequestContext, ResourceSide, decide,
};
use serde_json::{Value, json};

const KINDS: [PolicyKind; 3] = [PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust];
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A document of one statement that is valid for its kind.
fn valid(kind: PolicyKind) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
    if kind != PolicyKind::Identity {
        statement["Principal"] = json!({"AWS": "111122223333"});
    }
    if kind != PolicyKind::Trust {
        statement["Resource"] = json!("*");
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn error(text: &str, kind: PolicyKind) -> String {
    match PolicyDocument::parse(text, kind) {
        Ok(_) => panic!("{text} was read as a policy"),
        Err(error) => error.to_string(),
    }
}

/// What is said of a valid document in whose statement one element is different.
fn error_with(kind: PolicyKind, element: &str, value: Value) -> String {
    let mut document = valid(kind);
    document["Statement"][0][element] = value;
    error(&document.to_string(), kind)
}

/// Whether an identity policy that allows `action` under `condition` allows `asked`. Both are JSON, so that they can have escapes.
fn allows(action: &str, condition: &str, asked: &str, context: &RequestContext) -> bool {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*", "Condition": {condition}}}}}"#
    );
    let document = PolicyDocument::parse(&text, PolicyKind::Identity).unwrap_or_else(|error| panic!("{error} {text}"));
    let identity = Identity {
        account: "111122223333".to_owned(),
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    };
    document.evaluate(&AccessRequest { identity: &identity, action: asked, resource: KEY, context }).allow.is_some()
}

#[test]
fn the_documents_that_the_others_here_differ_from_are_valid() {
    for kind in KINDS {
        assert_eq!(PolicyDocument::parse(&valid(kind).to_string(), kind).err(), None, "{kind:?}");
    }
}

#[test]
fn only_some_characters_are_allowed() {
    for kind in KINDS {
        let text = valid(kind).to_string();
        for allowed in ["\t", "\n", "\r\n", " "] {
            assert!(PolicyDocument::parse(&format!("{allowed}{text}{allowed}"), kind).is_ok(), "{allowed:?}");
        }
        for (odd, name) in [
            ('\0', "U+0000"),
            ('\u{b}', "U+000B"),
            ('\u{1f}', "U+001F"),
            ('\u{100}', "U+0100"),
            ('\u{430}', "U+0430"),
            ('\u{feff}', "U+FEFF"),
            ('\u{1f511}', "U+1F511"),
        ] {
            let said = error(&format!("{{\n  {odd}{text}"), kind);
            assert!(said.contains(&format!("{name} is none of them, at line 2 column 3.")), "{said}");
        }
    }
    let mut latin = valid(PolicyKind::Key);
    latin["Statement"][0]["Sid"] = json!("Schl\u{fc}ssel \u{ff}");
    assert!(PolicyDocument::parse(&latin.to_string(), PolicyKind::Key).is_ok());
}

#[test]
fn what_looks_like_an_action_is_not_always_one() {
    let context = RequestContext::default();
    // A Cyrillic letter, full-width letters, combining marks, the sign of the kelvin, the long s, a letter of no width, NUL.
    for action in [
        r"kms:Enc\u0433ypt",
        r"\u043ams:Encrypt",
        r"\uff4bms:Encrypt",
        r"kms:Encrypt\u0301",
        r"\u212ams:Encrypt",
        r"\u212ams:*",
        r"km\u017f:Encrypt",
        r"kms\uff1aEncrypt:x",
        r"kms:\u200bEncrypt",
        r"kms:Encrypt\u0000",
        r" kms:Encrypt",
        r"kms:Encrypt ",
    ] {
        assert!(!allows(action, "{}", "kms:Encrypt", &context), "{action}");
    }
    assert!(allows(r"KMS:enc\u0072YPT", "{}", "kms:Encrypt", &context), "an escape of the letter itself");
    assert!(allows(r"kms:*", "{}", "kms:Encrypt", &context) && !allows("kms:*", "{}", "\u{212a}ms:Encrypt", &context));
}

#[test]
fn what_looks_like_a_condition_key_is_not_always_one() {
    let mut context = RequestContext::default();
    context.set("aws:PrincipalTag/kind", "red");
    context.set("aws:PrincipalTag/\u{c4}pfel", "red");
    let has = |key: &str| allows("*", &format!(r#"{{"StringEquals": {{"{key}": "red"}}}}"#), "kms:Encrypt", &context);
    assert!(has("AWS:principaltag/KIND") && has(r"aws:PrincipalTag/\u00c4pfel"));
    for other in [r"aws:PrincipalTag/\u212aind", r"aws:PrincipalTag/k\u0131nd", r"\u0430ws:PrincipalTag/kind"] {
        assert!(!has(other), "{other}");
    }
    // Only ASCII letters are the same in both cases.
    assert!(!has(r"aws:PrincipalTag/\u00e4pfel"));
    let mut kelvin = RequestContext::default();
    kelvin.set("aws:\u{212a}ind", "red");
    assert!(kelvin.get("aws:kind").is_none() && kelvin.get("AWS:\u{212a}IND").is_some());
    // In a variable as well.
    let variable = r#"{"StringEquals": {"aws:PrincipalTag/kind": "${aws:PrincipalTag/\u212aind}"}}"#;
    assert!(!allows("*", variable, "kms:Encrypt", &context));
}

#[test]
fn one_key_in_two_spellings_is_two_conditions() {
    let mut context = RequestContext::default();
    context.set("aws:username", "alice");
    let both = |first: &str, second: &str| {
        let condition = format!(r#"{{"StringLike": {{"aws:username": "{first}", "AWS:USERNAME": "{second}"}}}}"#);
        allows("*", &condition, "kms:Encrypt", &context)
    };
    assert!(both("al*", "*ice") && !both("al*", "bob") && !both("bob", "al*"));
}

#[test]
fn no_operator_is_guessed() {
    for operator in [
        "",
        "StringEqual",
        "StringEquals ",
        "StringEqualsIfExistsIfExists",
        "IfExists",
        "NullIfExists",
        "ForAllValues:",
        "ForAllValues:Null",
        "ForSomeValues:StringEquals",
        "ForAllValues:ForAnyValue:StringEquals",
        "ForAllValuesStringEquals",
        "String\u{395}quals",
        "\u{17f}tringEquals",
    ] {
        // As JSON writes it, for documents must be of Latin letters.
        let escaped: String = operator
            .chars()
            .flat_map(|letter| {
                if letter.is_ascii() { vec![letter] } else { format!("\\u{:04x}", u32::from(letter)).chars().collect() }
            })
            .collect();
        let text = valid(PolicyKind::Identity).to_string();
        let text =
            text.replace(r#""Effect""#, &format!(r#""Condition":{{"{escaped}":{{"aws:username":"alice"}}}},"Effect""#));
        let said = error(&text, PolicyKind::Identity);
        assert_eq!(said, format!("Statement 1: there is no condition operator \"{operator}\"."));
    }
    for (condition, expected) in [
        (json!("alice"), "Statement 1: condition operator Condition needs an object of condition keys."),
        (json!({"Bool": "true"}), "Statement 1: condition operator Bool needs an object of condition keys."),
        (json!({"Bool": {"aws:a": {}}}), "Statement 1: condition key aws:a needs a value, or a list of values."),
        (json!({"Bool": {"aws:a": []}}), "Statement 1: condition key aws:a needs a value, or a list of values."),
        (json!({"Bool": {"aws:a": [null]}}), "Statement 1: condition key aws:a needs a value, or a list of values."),
        (json!({"Bool": {"aws:a": "yes"}}), "Statement 1: \"yes\" is no value for condition operator Bool."),
        (
            json!({"IpAddress": {"aws:a": "10.0.0.0/33"}}),
            "Statement 1: \"10.0.0.0/33\" is no value for condition operator IpAddress.",
        ),
        (
            json!({"NumericEquals": {"aws:a": "1e999"}}),
            "Statement 1: \"1e999\" is no value for condition operator NumericEquals.",
        ),
    ] {
        assert_eq!(error_with(PolicyKind::Identity, "Condition", condition), expected);
    }
}

#[test]
fn an_error_names_its_statement() {
    let mut document = valid(PolicyKind::Key);
    let mut second = document["Statement"][0].clone();
    second["Effect"] = json!("allow");
    document["Statement"] = json!([document["Statement"][0], second]);
    assert_eq!(error(&document.to_string(), PolicyKind::Key), "Statement 2: Effect must be Allow or Deny.");
    let nested = format!(r#"{{"Statement": {}"#, "[".repeat(20_000));
    let said = error(&nested, PolicyKind::Key);
    assert!(said.contains("recursion limit exceeded at line 1 column"), "{said}");
    let twice = r#"{"Version": "2012-10-17", "Version": "2008-10-17"}"#;
    let said = error(twice, PolicyKind::Key);
    assert!(said.contains("\"Version\" is there twice at line 1"), "{said}");
}

#[test]
fn sids() {
    let with_sids = |kind, first: &str, second: &str| {
        let mut document = valid(kind);
        let mut statements = [document["Statement"][0].clone(), document["Statement"][0].clone()];
        statements[0]["Sid"] = json!(first);
        statements[1]["Sid"] = json!(second);
        document["Statement"] = json!(statements);
        PolicyDocument::parse(&document.to_string(), kind).map(drop).map_err(|error| error.to_string())
    };
    for kind in [PolicyKind::Identity, PolicyKind::Trust] {
        assert_eq!(with_sids(kind, "One1", "one1"), Ok(()));
        assert_eq!(with_sids(kind, "", ""), Ok(()), "some tools write it so");
        let repeated = "Statement IDs (SID) in a single policy must be unique: One is there twice.";
        assert_eq!(with_sids(kind, "One", "One"), Err(repeated.to_owned()));
        let blank = "Statement 2: Statement IDs (SID) must be of letters and digits, and \"Two 2\" is not.";
        assert_eq!(with_sids(kind, "One", "Two 2"), Err(blank.to_owned()));
        assert!(with_sids(kind, "One", "Zw\u{f6}lf").is_err());
    }
    assert_eq!(with_sids(PolicyKind::Key, "Use of the key", "Use of the key"), Ok(()), "KMS does not mind");
}

#[test]
fn ids_and_versions() {
    for kind in KINDS {
        let with = |name: &str, value: Value| {
            let mut document = valid(kind);
            document[name] = value;
            PolicyDocument::parse(&document.to_string(), kind).map(drop).map_err(|error| error.to_string())
        };
        let id = with("Id", json!("key-default-1"));
        assert_eq!(id.is_ok(), kind != PolicyKind::Identity, "{id:?}");
        assert!(with("Id", json!(1)).is_err());
        for (version, valid) in [("2012-10-17", true), ("2008-10-17", true), ("2012-10-18", false), ("", false)] {
            assert_eq!(with("Version", json!(version)).is_ok(), valid, "{version}");
        }
        assert_eq!(with("Comment", json!("x")), Err("A policy document has no element Comment.".to_owned()));
    }
}

#[test]
fn trust_policies_are_about_taking_roles() {
    let only = "Statement 1: AssumeRole policy may only specify STS AssumeRole actions.";
    for action in ["*", "kms:*", "s*:AssumeRole", "sts:GetCallerIdentity", "sts:TagSessions", "iam:PassRole", "*:*"] {
        assert_eq!(error_with(PolicyKind::Trust, "Action", json!(["sts:AssumeRole", action])), only, "{action}");
    }
    for action in ["sts:AssumeRole", "STS:assumeroleWithWebIdentity", "sts:TagSession", "sts:AssumeRole*", "sts:*"] {
        let mut document = valid(PolicyKind::Trust);
        document["Statement"][0]["Action"] = json!(action);
        assert!(PolicyDocument::parse(&document.to_string(), PolicyKind::Trust).is_ok(), "{action}");
    }
    for (element, value, expected) in [
        ("NotAction", json!("sts:AssumeRole"), only),
        ("Resource", json!("*"), "Statement 1: Has prohibited field Resource."),
        ("NotResource", json!("*"), "Statement 1: AssumeRole policy must not contain resources."),
        ("NotPrincipal", json!("*"), "Statement 1: AssumeRole policy must not contain NotPrincipal field."),
        ("Principal", json!({"AWS": "alice"}), "Statement 1: Invalid principal in policy: \"AWS\":\"alice\"."),
        ("Principal", json!("alice"), "Statement 1: Invalid principal in policy: \"alice\"."),
        ("Principal", json!({"AWS": []}), "Statement 1: Invalid principal in policy: \"AWS\" has no names."),
    ] {
        assert_eq!(error_with(PolicyKind::Trust, element, value), expected);
    }
}

#[test]
fn nobody_allows_everyone_but_a_few() {
    let mut document = valid(PolicyKind::Key);
    let Value::Object(statement) = &mut document["Statement"][0] else { panic!("{document}") };
    let principal = statement.remove("Principal").unwrap_or_default();
    statement.insert("NotPrincipal".to_owned(), principal);
    let text = document.to_string();
    assert_eq!(error(&text, PolicyKind::Key), "Statement 1: Allow with NotPrincipal is not allowed.");
    assert!(PolicyDocument::parse(&text.replace("Allow", "Deny"), PolicyKind::Key).is_ok());
}

#[test]
fn policies_of_identities_have_no_principals_and_full_arns() {
    let principal = error_with(PolicyKind::Identity, "Principal", json!("*"));
    assert_eq!(principal, "Statement 1: a policy of an identity has no Principal.");
    let resource = error_with(PolicyKind::Identity, "Resource", json!(["*", "key/*"]));
    assert_eq!(resource, "Statement 1: Resource key/* must be in ARN format or \"*\".");
    for (element, value) in
        [("Action", json!([])), ("Resource", json!([])), ("Action", json!({})), ("Resource", json!(null))]
    {
        assert!(error_with(PolicyKind::Identity, element, value).starts_with("Statement 1: "), "{element}");
    }
}

/// As long as the longest key policy, and read as one pattern.
#[test]
fn the_longest_pattern_comes_to_an_end() {
    let text = "a".repeat(2_000);
    let mut context = RequestContext::default();
    context.set("aws:username", text.as_str());
    for piece in ["*a", "?", "*?", "a*?", "*aa?"] {
        let bomb = format!("{}b", piece.repeat(30_000 / piece.len()));
        assert!(!allows(&format!("kms:{bomb}"), "{}", &format!("kms:{text}"), &context), "{piece}");
        let condition = format!(r#"{{"StringLike": {{"aws:username": "{bomb}"}}}}"#);
        assert!(!allows("*", &condition, "kms:Encrypt", &context), "{piece}");
    }
}

/// A decision has one bound for the work with all documents. Behind it a statement that denies does, whatever it is about, and one that allows
/// does not.
#[test]
fn what_takes_too_long_is_denied() {
    let named = |name: &str, statement: Value| {
        let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let document = PolicyDocument::parse(&text, PolicyKind::Identity).unwrap_or_else(|error| panic!("{error}"));
        NamedPolicy { name: name.to_owned(), document }
    };
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let bomb = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringLike": {"kms:EncryptionContext:App": format!("*{}b*", "a?".repeat(1_000))}
    }});
    let elsewhere = json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"});
    let identity = Identity {
        account: "111122223333".to_owned(),
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    };
    let mut context = RequestContext::default();
    context.set("kms:EncryptionContext:App", "a".repeat(100_000));
    let question = Question {
        action: "kms:CreateKey",
        resource: "*",
        context: &context,
        resource_context: &context,
        encryption_context: None,
    };
    let ask = |bombs: usize, last: &Value| {
        let mut policies: Vec<_> = (0..bombs).map(|_| named("bomb", bomb.clone())).collect();
        policies.push(named("last", last.clone()));
        let side =
            IdentitySide { identity: &identity, is_root: false, policies: &policies, boundary: None, session: None };
        match decide(&question, &side, &ResourceSide { account: &identity.account, policy: None, grants: &[] }) {
            Decision::Allowed { .. } => "allowed".to_owned(),
            Decision::ImplicitDeny(Layer::IdentityPolicy) => "not allowed".to_owned(),
            Decision::ExplicitDeny(Layer::IdentityPolicy, statement) => format!("denied by {}", statement.policy),
            other => format!("{other:?}"),
        }
    };
    assert_eq!([ask(1, &everything), ask(1, &elsewhere)], ["allowed", "not allowed"]);
    assert_eq!([ask(9, &everything), ask(9, &elsewhere)], ["not allowed", "denied by last"]);
}

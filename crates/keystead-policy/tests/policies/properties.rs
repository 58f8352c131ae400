//! What holds for every document and request: an explicit deny wins, nothing allows what no statement allows, a deny never grants, order
//! does not matter, no text is too strange to be read, and no pattern takes for ever.

use keystead_policy::{AccessRequest, Identity, PolicyDocument, PolicyKind, PrincipalMatch, RequestContext, Verdict};
use serde_json::{Value, json};

use crate::generator::Case;
use crate::generator::random::Random;

const CASES: u64 = 2_500;

/// Runs a check of a generated case, with a source of numbers for what else it needs.
fn for_each_case(check: impl Fn(&Case, &mut Random)) {
    for seed in 0..CASES {
        check(&Case::of_seed(seed), &mut Random::new(!seed));
    }
}

/// The verdict on the case's request, were these the document's statements.
fn verdict(case: &Case, statements: Vec<Value>) -> Verdict {
    let mut case = case.clone();
    case.document["Statement"] = Value::Array(statements);
    let document = case.parse().unwrap_or_else(|error| panic!("{error} Yet it is valid.\n{case}"));
    case.evaluate(&document)
}

fn statements(case: &Case) -> Vec<Value> {
    match &case.document["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    }
}

/// What decides: who is first matters to explanations alone.
fn decision(verdict: &Verdict) -> (bool, Option<PrincipalMatch>) {
    (verdict.deny.is_some(), verdict.allow.map(|found| found.principal))
}

fn insert(statements: &[Value], statement: Value, random: &mut Random) -> Vec<Value> {
    let mut more = statements.to_vec();
    more.insert(random.below(more.len() + 1), statement);
    more
}

#[test]
fn an_explicit_deny_always_wins() {
    for_each_case(|case, random| {
        let everything = match case.kind {
            PolicyKind::Identity => json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            PolicyKind::Key => json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}),
            PolicyKind::Trust => json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}),
        };
        let verdict = verdict(case, insert(&statements(case), everything, random));
        assert!(verdict.deny.is_some(), "{case}");
    });
}

#[test]
fn a_document_says_what_its_statements_say_one_by_one() {
    for_each_case(|case, _| {
        let statements = statements(case);
        let one_by_one = statements.iter().map(|statement| verdict(case, vec![statement.clone()]));
        let mut together = (false, None);
        for one in one_by_one {
            let one = decision(&one);
            together = (together.0 || one.0, together.1.max(one.1));
        }
        assert_eq!(decision(&verdict(case, statements)), together, "{case}");
    });
}

#[test]
fn without_a_statement_there_is_nothing() {
    for_each_case(|case, _| {
        let all = statements(case);
        let (denying, allowing): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|statement| statement["Effect"] == "Deny");
        if denying.is_empty() || allowing.is_empty() {
            return;
        }
        let denied = verdict(case, denying);
        assert!(denied.allow.is_none(), "{case}");
        assert_eq!(verdict(case, allowing).deny, None, "{case}");
    });
    // A document must have a statement. One that speaks of something else says nothing.
    for kind in [PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust] {
        assert!(PolicyDocument::parse(r#"{"Statement": []}"#, kind).is_err());
    }
    for_each_case(|case, _| {
        let mut statements = statements(case);
        let elsewhere = if case.kind == PolicyKind::Trust { "sts:SetContext" } else { "ec2:*" };
        for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
            statement.remove("NotAction");
            statement.insert("Action".to_owned(), json!(elsewhere));
        }
        assert_eq!(verdict(case, statements), Verdict::default(), "{case}");
    });
}

#[test]
fn another_deny_never_grants() {
    for_each_case(|case, random| {
        let statements = statements(case);
        let mut another = crate::generator::statement(random, case.kind, statements.len());
        another["Effect"] = json!("Deny");
        let before = decision(&verdict(case, statements.clone()));
        let after = decision(&verdict(case, insert(&statements, another, random)));
        assert!(after == before || after == (true, before.1), "{before:?} {after:?}\n{case}");
    });
}

#[test]
fn the_order_of_statements_does_not_matter() {
    for_each_case(|case, random| {
        let mut statements = statements(case);
        let before = decision(&verdict(case, statements.clone()));
        random.shuffle(&mut statements);
        assert_eq!(decision(&verdict(case, statements)), before, "{case}");
    });
}

/// Reads a text as each kind of document, and evaluates what is one.
fn read(text: &str, case: &Case) {
    for kind in [PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust] {
        if let Ok(document) = PolicyDocument::parse(text, kind) {
            case.evaluate(&document);
        }
    }
}

#[test]
fn no_text_is_too_strange() {
    for_each_case(|case, random| {
        let mut bytes = case.document.to_string().into_bytes();
        for _ in 0..1 + random.below(4) {
            mutate(&mut bytes, random);
        }
        read(&String::from_utf8_lossy(&bytes), case);
    });
}

/// Pieces of JSON that are out of place nearly everywhere.
const STRANGE: &[&str] =
    &["null", "[]", "{}", "\"\"", "-1e999", "\"${\"", "\"${}\"", "\"\\ud800\"", "\"\\u0000\"", "[[", "{\"", "\u{feff}"];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(20)).min(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.insert(at, random.next() as u8),
        3 => bytes.splice(at..end, (0..random.below(20)).map(|_| random.next() as u8)).for_each(drop),
        4 => bytes.splice(at..at, bytes[at..end].to_vec()).for_each(drop),
        _ => bytes.splice(at..end, random.pick(STRANGE).bytes()).for_each(drop),
    }
}

#[test]
fn nested_arrays_and_objects_are_refused() {
    let case = Case::of_seed(0);
    for depth in [1, 2, 127, 128, 129, 1_000, 16_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for text in [
                nested.clone(),
                format!(r#"{{"Statement": {nested}}}"#),
                format!(r#"{{"Statement": [{{"Effect": "Allow", "Action": {nested}, "Resource": "*"}}]}}"#),
                format!(
                    r#"{{"Statement": {{"Effect": "Allow", "Principal": {nested}, "Action": "*", "Resource": "*"}}}}"#
                ),
            ] {
                // A list of one is no more than its one, and 1 is neither an action nor a principal.
                assert!(PolicyDocument::parse(&text, case.kind).is_err(), "{depth} {open}");
                read(&text, &case);
            }
        }
    }
}

#[test]
fn what_is_there_twice_is_refused() {
    for_each_case(|case, random| {
        let mut document = case.document.clone();
        let name = repeat_a_member(&mut document, random);
        let text = document.to_string().replace(r#""(again)""#, &json!(name).to_string());
        let error = PolicyDocument::parse(&text, case.kind).map(drop);
        assert!(error.is_err_and(|error| error.to_string().contains("is there twice")), "{text}");
    });
}

/// Gives an object of the document a member `(again)`, as a copy of one of its members, and tells which.
fn repeat_a_member(value: &mut Value, random: &mut Random) -> String {
    let Value::Object(members) = value else { panic!("{value} is no object") };
    let names: Vec<_> = members.keys().cloned().collect();
    let name = random.pick(&names).clone();
    match &mut members[&name] {
        deeper @ Value::Object(_) if random.chance(70) => return repeat_a_member(deeper, random),
        Value::Array(items) if items[0].is_object() && random.chance(90) => {
            let index = random.below(items.len());
            return repeat_a_member(&mut items[index], random);
        }
        _ => {}
    }
    let copy = members[&name].clone();
    members.insert("(again)".to_owned(), copy);
    name
}

/// As long as a key policy may be.
const LONGEST: usize = 32_768;

#[test]
fn the_longest_documents_are_read_and_evaluated() {
    for seed in 0..200 {
        let (case, random) = (Case::of_seed(seed), &mut Random::new(!seed));
        let mut statements = Vec::new();
        let mut length = 0;
        while length < LONGEST {
            let statement = crate::generator::statement(random, case.kind, statements.len());
            length += statement.to_string().len();
            statements.push(statement);
        }
        verdict(&case, statements);
    }
}

#[test]
fn a_deny_among_many_statements_is_found() {
    let of_others =
        |index: usize| json!({"Sid": format!("S{index}"), "Effect": "Allow", "Action": "kms:*", "Resource": "*"});
    let mut statements: Vec<_> = (0..400).map(of_others).collect();
    statements.push(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    let mut case = Case::of_seed(0);
    case.kind = PolicyKind::Identity;
    assert_eq!(verdict(&case, statements).deny.map(|found| found.index), Some(400));
}

/// Patterns that a matcher which tries every way to share out a text would not come to an end with.
#[test]
fn no_pattern_takes_for_ever() {
    let text = "a".repeat(400);
    let bombs = ["*a", "*", "*?", "?*a"].map(|piece| format!("{}b", piece.repeat(1_000)));
    let identity = Identity {
        account: "111122223333".to_owned(),
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    };
    let mut context = RequestContext::default();
    context.set("aws:username", text.clone());
    context.set("aws:PrincipalArn", format!("arn:aws:iam::{text}:{text}"));
    let action = format!("kms:{text}");
    for bomb in &bombs {
        for arn in [format!("arn:aws:kms:{text}:{text}:{text}"), format!("arn:{}", "a:".repeat(200))] {
            for statement in [
                json!({"Effect": "Allow", "Action": format!("kms:{bomb}"), "Resource": "*"}),
                json!({"Effect": "Allow", "Action": "*", "Resource": format!("arn:{bomb}")}),
                json!({"Effect": "Allow", "Action": "*", "Resource": format!("arn:aws:kms:{bomb}:{bomb}:{bomb}")}),
                json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
                    "StringLike": {"aws:username": bomb}
                }}),
                json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
                    "StringLike": {"aws:username": format!("${{aws:username}}{bomb}")}
                }}),
                json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
                    "ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{bomb}:{bomb}")}
                }}),
            ] {
                let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
                let document = PolicyDocument::parse(&document, PolicyKind::Identity);
                let document = document.unwrap_or_else(|error| panic!("{error}"));
                let request = AccessRequest { identity: &identity, action: &action, resource: &arn, context: &context };
                assert_eq!(document.evaluate(&request), Verdict::default(), "no text here has a b");
            }
        }
    }
}

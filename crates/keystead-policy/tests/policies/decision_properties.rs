//! What holds for every decision over all policies and grants: an explicit deny anywhere wins, nothing is allowed that nothing allows, more
//! denies never grant, more allows never take away, boundaries and session policies only restrict, order does not matter.

use keystead_policy::{Decision, Layer, Permission, PolicyKind};
use serde_json::{Value, json};

use crate::generator::random::Random;
use crate::generator::whole::{Named, WholeCase};

const CASES: u64 = 1_000;

/// Runs a check of a generated case, with a source of numbers for what else it needs.
fn for_each_case(check: impl Fn(&WholeCase, &mut Random)) {
    for seed in 0..CASES {
        check(&WholeCase::of_seed(seed), &mut Random::new(!seed));
    }
}

fn decided<T>(case: &WholeCase, work: impl FnOnce(&Decision<'_>) -> T) -> T {
    case.with_decision(work).unwrap_or_else(|error| panic!("{error} Yet it is valid.\n{case}"))
}

fn is_allowed(case: &WholeCase) -> bool {
    decided(case, |decision| decision.is_allowed())
}

/// Every document of the case, with the kind of policy that it is.
fn documents(case: &mut WholeCase) -> Vec<(PolicyKind, &mut Value)> {
    let kind = case.kind;
    let session = case.session.iter_mut().flatten();
    let own = case.policies.iter_mut().chain(&mut case.boundary).chain(session);
    let own = own.map(|(_, document)| (PolicyKind::Identity, document));
    own.chain(case.policy.iter_mut().map(|(_, document)| (kind, document))).collect()
}

fn statements(document: &mut Value) -> &mut Vec<Value> {
    let element = &mut document["Statement"];
    if !element.is_array() {
        *element = json!([element.clone()]);
    }
    match element {
        Value::Array(statements) => statements,
        other => panic!("{other} is no list"),
    }
}

fn insert<T>(items: &mut Vec<T>, item: T, random: &mut Random) {
    items.insert(random.below(items.len() + 1), item);
}

/// The case with one more statement in one of its documents; `None` if it has no documents.
fn with_statement(
    case: &WholeCase,
    random: &mut Random,
    make: impl FnOnce(&mut Random, PolicyKind) -> Value,
) -> Option<WholeCase> {
    let mut more = case.clone();
    let mut documents = documents(&mut more);
    if documents.is_empty() {
        return None;
    }
    let chosen = random.below(documents.len());
    let (kind, document) = documents.swap_remove(chosen);
    let statement = make(random, kind);
    insert(statements(document), statement, random);
    Some(more)
}

#[test]
fn an_explicit_deny_anywhere_wins() {
    for_each_case(|case, random| {
        let everything = |_: &mut Random, kind| match kind {
            PolicyKind::Identity => json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            PolicyKind::Key => json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}),
            PolicyKind::Trust => json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*Role*"}),
        };
        let Some(denied) = with_statement(case, random, everything) else { return };
        let of_roles = case.action.contains("Role") || case.kind != PolicyKind::Trust;
        let home = case.identity.account == case.owner;
        decided(&denied, |decision| match decision {
            Decision::ExplicitDeny(..) => {}
            // A stranger to whom the resource allows nothing does not get as far.
            Decision::ImplicitDeny(Layer::ResourcePolicy) if !home => {}
            other => assert!(!of_roles, "{other:?}\n{denied}"),
        });
    });
}

#[test]
fn without_a_statement_and_a_grant_there_is_no_access() {
    for_each_case(|case, _| {
        let mut bare = case.clone();
        for (kind, document) in documents(&mut bare) {
            // A document must have a statement: one about something else.
            let elsewhere = if kind == PolicyKind::Trust { "sts:SetContext" } else { "ec2:*" };
            for statement in statements(document).iter_mut().filter_map(Value::as_object_mut) {
                statement.remove("NotAction");
                statement.insert("Action".to_owned(), json!(elsewhere));
            }
        }
        bare.grants.clear();
        let home = case.identity.account == case.owner;
        let roots_own = case.is_root() && home && case.policy.is_none();
        decided(&bare, |decision| {
            if roots_own {
                let by_root = Decision::Allowed { identity: Some(Permission::RootUser), resource: None };
                assert_eq!(*decision, by_root, "{bare}");
            } else {
                assert!(matches!(decision, Decision::ImplicitDeny(_)), "{decision:?}\n{bare}");
            }
        });
    });
}

#[test]
fn another_deny_never_grants() {
    for_each_case(|case, random| {
        let denying = with_statement(case, random, |random, kind| {
            let mut statement = crate::generator::statement(random, kind, 9);
            statement["Effect"] = json!("Deny");
            statement
        });
        let Some(denying) = denying else { return };
        assert!(is_allowed(case) || !is_allowed(&denying), "{denying}");
    });
}

#[test]
fn another_allow_or_grant_never_takes_away() {
    for_each_case(|case, random| {
        let mut more = case.clone();
        let mut statement = crate::generator::statement(random, PolicyKind::Identity, 9);
        statement["Effect"] = json!("Allow");
        let document = json!({"Version": "2012-10-17", "Statement": statement});
        insert(&mut more.policies, ("another".to_owned(), document), random);
        if case.policy.is_some() && case.kind == PolicyKind::Key {
            let grant = more.grant(random, 9);
            insert(&mut more.grants, grant, random);
        }
        assert!(!is_allowed(case) || is_allowed(&more), "{more}");
    });
}

#[test]
fn boundaries_and_session_policies_only_restrict() {
    for_each_case(|case, random| {
        let without = WholeCase { boundary: None, session: None, ..case.clone() };
        assert!(!is_allowed(case) || is_allowed(&without), "{case}");
        let without_boundary = WholeCase { boundary: None, ..case.clone() };
        assert!(!is_allowed(case) || is_allowed(&without_boundary), "{case}");
        // A session policy more widens what a session may, but not beyond what it may without any.
        let mut wider = case.clone();
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let everything: Named = ("another".to_owned(), json!({"Statement": statement}));
        insert(wider.session.get_or_insert_default(), everything, random);
        let unlimited = WholeCase { session: None, ..case.clone() };
        assert!(!is_allowed(&wider) || is_allowed(&unlimited), "{wider}");
    });
}

#[test]
fn order_does_not_matter() {
    for_each_case(|case, random| {
        let mut shuffled = case.clone();
        for (_, document) in documents(&mut shuffled) {
            shuffle_lists(document, random);
        }
        random.shuffle(&mut shuffled.policies);
        random.shuffle(&mut shuffled.grants);
        if let Some(session) = &mut shuffled.session {
            random.shuffle(session);
        }
        // Which of several equal reasons is named may differ.
        let kind = |decision: &Decision<'_>| match decision {
            Decision::ExplicitDeny(layer, _) => ("explicit deny", Some(*layer)),
            Decision::ImplicitDeny(layer) => ("implicit deny", Some(*layer)),
            Decision::Allowed { .. } => ("allowed", None),
        };
        assert_eq!(decided(case, kind), decided(&shuffled, kind), "{case}\n\nIn another order:\n{shuffled}");
    });
}

/// Statements, actions, resources, principals, values of conditions.
fn shuffle_lists(value: &mut Value, random: &mut Random) {
    match value {
        Value::Array(items) => {
            random.shuffle(items);
            items.iter_mut().for_each(|item| shuffle_lists(item, random));
        }
        Value::Object(members) => members.values_mut().for_each(|member| shuffle_lists(member, random)),
        _ => {}
    }
}

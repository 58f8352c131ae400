//! Tokens as they are made, and altered.

use super::*;
use crate::port::SystemEntropy;

fn content() -> SessionContent {
    let principal = SessionPrincipal::Role {
        role_name: "Deploy".into(),
        role_id: "AROAEXAMPLEEXAMPLE222".into(),
        role_arn: "arn:aws:iam::111122223333:role/team/Deploy".into(),
        session_name: "nightly".into(),
    };
    let account = AccountId::parse("111122223333").unwrap();
    let (issued, expires) = (Timestamp::from_millis(1_700_000_000_123), Timestamp::from_millis(1_700_003_600_123));
    SessionContent {
        policy: Some("{\"Statement\":[]}".into()),
        policy_arns: vec!["arn:aws:iam::111122223333:policy/P".into()],
        tags: BTreeMap::from([("Project".into(), "nile".into())]),
        transitive_tag_keys: BTreeSet::from(["Project".into()]),
        source_identity: Some("alice".into()),
        federated_provider: Some("arn:aws:iam::111122223333:oidc-provider/example.com".into()),
        ..SessionContent::new(account, principal, issued, expires, &SystemEntropy)
    }
}

fn root_key() -> RootKey {
    RootKey::new(&[7; 32]).unwrap()
}

#[test]
fn a_token_says_what_it_was_given_and_its_secret_is_always_the_same() {
    let content = content();
    let credentials = issue(&root_key(), &content).unwrap();
    let opened = open(&root_key(), credentials.session_token.expose()).unwrap();
    assert_eq!(opened.content, content);
    assert_eq!(opened.secret_access_key.expose(), credentials.secret_access_key.expose());
    assert_eq!(credentials.secret_access_key.expose().len(), 40);
    assert!(!credentials.session_token.expose().contains(credentials.secret_access_key.expose()));
    let principal = content.principal();
    assert_eq!(principal.arn, "arn:aws:sts::111122223333:assumed-role/Deploy/nightly");
    assert_eq!(principal.unique_id(), "AROAEXAMPLEEXAMPLE222:nightly");
}

#[test]
fn no_character_of_a_token_can_be_changed_or_left_out() {
    let credentials = issue(&root_key(), &content()).unwrap();
    let token = credentials.session_token.expose();
    for position in 0..token.len() {
        for other in ['A', 'b', '+', '=', '-', ' ', 'é'] {
            let altered: String =
                token.chars().enumerate().map(|(index, own)| if index == position { other } else { own }).collect();
            if altered != token {
                assert!(open(&root_key(), &altered).is_none(), "{position}: {other}");
            }
        }
        assert!(open(&root_key(), &token[..position]).is_none(), "cut at {position}");
    }
    assert!(open(&root_key(), &format!("{token}AAAA")).is_none());
    assert!(open(&root_key(), &"A".repeat(TOKEN_CHARACTERS_MAX + 4)).is_none());
}

#[test]
fn no_bit_of_what_a_token_carries_can_be_changed() {
    let credentials = issue(&root_key(), &content()).unwrap();
    let bytes = STANDARD.decode(credentials.session_token.expose()).unwrap();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << bit;
            assert!(open(&root_key(), &STANDARD.encode(altered)).is_none(), "byte {position}, bit {bit}");
        }
    }
}

#[test]
fn another_root_key_opens_nothing_and_makes_other_secrets() {
    let content = content();
    let (ours, theirs) = (root_key(), RootKey::new(&[8; 32]).unwrap());
    let (mine, other) = (issue(&ours, &content).unwrap(), issue(&theirs, &content).unwrap());
    assert!(open(&theirs, mine.session_token.expose()).is_none());
    assert_ne!(mine.secret_access_key.expose(), other.secret_access_key.expose());
}

#[test]
fn a_code_for_another_purpose_makes_no_token() {
    let root_key = root_key();
    let bytes = postcard::to_extend(&content(), vec![VERSION]).unwrap();
    for (purpose, opens) in [(TOKEN_PURPOSE, true), (SECRET_PURPOSE, false), ("keystead/grant-token", false)] {
        let code = root_key.authentication_code(&[purpose, &STANDARD.encode(&bytes)]);
        let token = STANDARD.encode([code.as_slice(), &bytes].concat());
        assert_eq!(open(&root_key, &token).is_some(), opens, "{purpose}");
    }
    let of_another_version = [&[VERSION + 1], &bytes[1..]].concat();
    let code = root_key.authentication_code(&[TOKEN_PURPOSE, &STANDARD.encode(&of_another_version)]);
    assert!(open(&root_key, &STANDARD.encode([code.as_slice(), &of_another_version].concat())).is_none());
}

/// Every text as long as its own limit lets it be (IAM User Guide, "IAM and AWS STS quotas"), and policies and tags up to 100 %.
#[test]
fn the_longest_session_has_a_token_within_the_limit() {
    let long = |length: usize| "x".repeat(length);
    let principal = SessionPrincipal::Role {
        role_name: long(64),
        role_id: long(21),
        role_arn: long(31 + 512 + 64),
        session_name: long(64),
    };
    let mut longest = SessionContent {
        principal,
        policy: Some(long(PACKED_POLICY_BYTES_MAX - 2)),
        policy_arns: vec![],
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        source_identity: Some(long(64)),
        federated_provider: Some(long(42 + 255)),
        ..content()
    };
    assert_eq!(longest.packed_policy_size(), Some(100));
    issue(&root_key(), &longest).unwrap();
    longest.tags.insert("a".into(), String::new());
    assert_eq!(longest.packed_policy_size(), Some(101));
    longest.policy = Some(long(7000));
    assert_eq!(issue(&root_key(), &longest).unwrap_err(), TokenTooLong);
}

#[test]
fn the_packed_size_is_of_policies_and_tags() {
    let empty = SessionContent {
        policy: None,
        policy_arns: vec![],
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        ..content()
    };
    assert_eq!(empty.packed_policy_size(), None);
    let tagged = SessionContent { tags: BTreeMap::from([("k".into(), "v".into())]), ..empty };
    assert_eq!(tagged.packed_policy_size(), Some(1));
}

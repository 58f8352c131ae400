//! How much a session may carry.

use keystead_core::access::TOKEN_CHARACTERS_MAX;
use serde_json::json;

use super::support::{Sts, document, trust};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// Fifty tags of these lengths.
fn tags(key: usize, value: usize) -> Vec<(String, String)> {
    let tag = |index: usize| {
        let name = format!("{index:0>key$}");
        [(format!("Tags.member.{index}.Key"), name), (format!("Tags.member.{index}.Value"), "v".repeat(value))]
    };
    (1..=50).flat_map(tag).collect()
}

#[tokio::test]
async fn packed_policies_and_tags_have_a_limit() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:AssumeRole", "sts:TagSession"])], &[]).await;
    let policy = document(&[json!({"Sid": "x".repeat(1900), "Effect": "Allow", "Action": "*", "Resource": "*"})]);
    let mut sizes = Vec::new();
    for (key, value, with_policy, taken) in [
        (2, 10, false, true),
        (10, 20, false, true),
        (10, 20, true, true),
        (30, 60, false, false),
        (128, 256, true, false),
    ] {
        let tags = tags(key, value);
        let mut parameters: Vec<(&str, &str)> =
            tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if with_policy {
            parameters.push(("Policy", &policy));
        }
        match sts.assume(&alice, &role, &parameters).await {
            Ok(answer) => {
                assert!(taken);
                sizes.push(answer["PackedPolicySize"].as_str().unwrap().parse::<u32>().unwrap());
                assert!(answer["Credentials"]["SessionToken"].as_str().unwrap().len() <= TOKEN_CHARACTERS_MAX);
                sts.credential(&answer["Credentials"]).await.unwrap();
            }
            Err(refused) => {
                assert!(!taken, "{refused:?}");
                assert_eq!(refused.code, "PackedPolicyTooLarge");
                assert!(refused.message.starts_with("Packed policy consumes "), "{refused:?}");
            }
        }
    }
    assert!(sizes.is_sorted() && sizes.iter().all(|size| (1..=100).contains(size)), "{sizes:?}");
}

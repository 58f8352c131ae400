//! The change feed: what another server changed is seen once it was read.
//!
//! Source: the module text of `keystead_core::catalog`.

use crate::support::{Installation, Server};
use keystead_core::background::read_change_feed;
use keystead_core::port::Store;
use serde_json::json;

async fn description(server: &Server, arn: &str) -> String {
    server.describe(arn).await["Description"].as_str().unwrap().to_owned()
}

/// More than one read of the feed holds: it is read to its end.
#[tokio::test]
async fn many_changes_are_seen_without_a_pause() {
    let installation = Installation::new().await;
    let [changing, reading] = [installation.serve(), installation.serve()];
    let busy = changing.create_key(json!({})).await;
    let last = changing.create_key(json!({"Description": "before"})).await;
    let mut sequence = None;
    read_change_feed(&reading.kms, &mut sequence).await.unwrap();
    assert_eq!(description(&reading, &last).await, "before");

    let mut key = installation.stored(&busy).await;
    let mut updates = Vec::new();
    for _ in 0..2500 {
        updates.push(key.clone());
        key.revision += 1;
    }
    installation.store.update_keys(&updates).await.unwrap();
    changing.call("UpdateKeyDescription", json!({"KeyId": last, "Description": "after"})).await.unwrap();
    assert!(installation.store.latest_change().await.unwrap() > sequence.unwrap() + 2500);
    assert_eq!(description(&reading, &last).await, "before");

    read_change_feed(&reading.kms, &mut sequence).await.unwrap();
    assert_eq!(description(&reading, &last).await, "after");
    assert_eq!(sequence.unwrap(), installation.store.latest_change().await.unwrap());
}

//! Grants of an installation, made by the root user of its first account.

use serde_json::{Value, json};

use super::installation::{Server, text};

/// A grant that was made.
pub struct Made {
    pub id: String,
    pub token: String,
}

impl Made {
    pub fn of(answer: &Value) -> Self {
        Self { id: text(&answer["GrantId"]), token: text(&answer["GrantToken"]) }
    }
}

impl Server {
    pub async fn grant(&self, key: &str, grantee: &str, operations: &[&str]) -> Made {
        self.grant_with(key, grantee, operations, json!({})).await
    }

    /// With other members of the request besides.
    pub async fn grant_with(&self, key: &str, grantee: &str, operations: &[&str], more: Value) -> Made {
        let mut input = json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": operations});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Made::of(&self.call("CreateGrant", input).await.unwrap())
    }

    /// The IDs of all grants of a key.
    pub async fn grant_ids(&self, key: &str) -> Vec<String> {
        let listed = self.call("ListGrants", json!({"KeyId": key})).await.unwrap();
        listed["Grants"].as_array().unwrap().iter().map(|grant| text(&grant["GrantId"])).collect()
    }
}

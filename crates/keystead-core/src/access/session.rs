//! Sessions: temporary credentials (AWS STS API Reference).

use std::collections::{BTreeMap, BTreeSet};

use keystead_model::Timestamp;
use keystead_policy::NamedPolicy;

/// What a session adds to the identity that it is of.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// When it began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Session policies; `None` if none were given, which is no limit.
    pub policies: Option<Vec<NamedPolicy>>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of them stay when the session assumes another role.
    pub transitive_tag_keys: BTreeSet<String>,
    /// Who is behind it, as said when it began; stays when the session assumes another role.
    pub source_identity: Option<String>,
    /// The provider that vouched for who began it: the ARN of an OpenID Connect provider.
    pub federated_provider: Option<String>,
}

//! Session tags, the source identity, and what of both a session passes on to the next one.
//!
//! The case of a key's ASCII letters does not matter, as it does not to policies ([`keystead_policy::ConditionKeys`]).

use std::collections::{BTreeMap, BTreeSet};

use keystead_core::access::{Session, SessionContent};
use keystead_policy::RequestContext;
use keystead_query::Parameters;

use super::text::SOURCE_IDENTITY;
use crate::error::IdentityError;

/// IAM User Guide, "IAM and AWS STS quotas".
const TAGS_MAX: usize = 50;
const KEY_CHARACTERS_MAX: usize = 128;
const VALUE_CHARACTERS_MAX: usize = 256;
const RESERVED_PREFIX: &str = "aws:";

/// The tags and the source identity of a new session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SessionTags {
    /// Those that the request gives.
    pub(super) given: BTreeMap<String, String>,
    /// Which of those given stay when the session assumes another role.
    pub(super) transitive: BTreeSet<String>,
    /// Those that stay from the session that asks.
    inherited: BTreeMap<String, String>,
    /// Who is behind it.
    pub(super) source_identity: Option<String>,
}

impl SessionTags {
    /// Takes the parameters of AssumeRole.
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let mut pairs = Vec::new();
        for mut tag in parameters.member_structures("Tags") {
            pairs.push((tag.required("Key")?, tag.required("Value")?));
            tag.finish()?;
        }
        let transitive = parameters.members("TransitiveTagKeys");
        let source_identity = SOURCE_IDENTITY.optional(parameters, "SourceIdentity")?;
        Self::new(pairs, transitive, source_identity)
    }

    /// Checks tags and keys, wherever they come from.
    pub(super) fn new(
        pairs: Vec<(String, String)>,
        transitive: Vec<String>,
        source_identity: Option<String>,
    ) -> Result<Self, IdentityError> {
        // First: whoever may not even assume the role can send as many as a request holds.
        check_count(pairs.len())?;
        check_count(transitive.len())?;
        let mut tags = Self { source_identity, ..Self::default() };
        let mut folded = BTreeSet::new();
        for (key, value) in pairs {
            check(&key, 1, KEY_CHARACTERS_MAX)?;
            check(&value, 0, VALUE_CHARACTERS_MAX)?;
            if has_prefix(&key, RESERVED_PREFIX) {
                return Err(invalid("Tag keys that begin with aws: are reserved."));
            }
            if !folded.insert(key.to_ascii_lowercase()) {
                return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
            }
            tags.given.insert(key, value);
        }
        for key in transitive {
            if !tags.given.contains_key(&key) {
                return Err(invalid("The specified transitive tag key must be included in the requested tags."));
            }
            tags.transitive.insert(key);
        }
        Ok(tags)
    }

    /// Adds what `session`, which asks, passes on. What it passes on cannot be changed.
    pub(super) fn inherit(mut self, session: Option<&Session>) -> Result<Self, IdentityError> {
        let Some(session) = session else { return Ok(self) };
        for key in &session.transitive_tag_keys {
            let Some(value) = session.tags.get(key) else { continue };
            if self.given.keys().any(|given| given.eq_ignore_ascii_case(key)) {
                let message =
                    "One of the specified tag keys conflicts with a transitive tag key from the calling session.";
                return Err(invalid(message));
            }
            self.inherited.insert(key.clone(), value.clone());
        }
        check_count(self.given.len() + self.inherited.len())?;
        match (&session.source_identity, &self.source_identity) {
            (Some(kept), Some(asked)) if kept != asked => {
                // Which error AWS gives here is unverified.
                Err(IdentityError::new("AccessDenied", 403, "The source identity of a session cannot be changed."))
            }
            (Some(kept), _) => {
                self.source_identity = Some(kept.clone());
                Ok(self)
            }
            (None, _) => Ok(self),
        }
    }

    /// Whether there are tags, given or inherited: the role must allow sts:TagSession then.
    pub(super) fn tags_session(&self) -> bool {
        !self.given.is_empty() || !self.inherited.is_empty()
    }

    /// Tells policies of them.
    pub(super) fn put_into_context(&self, context: &mut RequestContext) {
        for (key, value) in &self.given {
            context.set(&format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !self.given.is_empty() {
            context.set("aws:TagKeys", self.given.keys().cloned().collect::<Vec<_>>());
        }
        if !self.transitive.is_empty() {
            context.set("sts:TransitiveTagKeys", self.transitive.iter().cloned().collect::<Vec<_>>());
        }
        if let Some(source_identity) = &self.source_identity {
            context.set("sts:SourceIdentity", source_identity.as_str());
        }
    }

    /// Gives them to a session.
    pub(super) fn put_into(self, content: &mut SessionContent) {
        content.transitive_tag_keys = self.transitive;
        content.transitive_tag_keys.extend(self.inherited.keys().cloned());
        content.tags = self.given;
        content.tags.extend(self.inherited);
        content.source_identity = self.source_identity;
    }
}

fn check_count(count: usize) -> Result<(), IdentityError> {
    if count > TAGS_MAX {
        return Err(invalid(&format!("A session can have at most {TAGS_MAX} tags.")));
    }
    Ok(())
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Letters, spaces, digits and some punctuation.
fn check(text: &str, min: usize, max: usize) -> Result<(), IdentityError> {
    let allowed = |character: char| character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character);
    if !(min..=max).contains(&text.chars().count()) || !text.chars().all(allowed) {
        let message = format!(
            "A tag's key has from 1 to {KEY_CHARACTERS_MAX} characters, and its value up to {VALUE_CHARACTERS_MAX}: "
        );
        return Err(IdentityError::validation(message + "letters, digits, spaces and _.:/=+-@"));
    }
    Ok(())
}

/// Which code AWS gives here is unverified.
fn invalid(message: &str) -> IdentityError {
    IdentityError::new("InvalidParameterValue", 400, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tags(keys: &[&str]) -> Result<SessionTags, IdentityError> {
        let pairs = keys.iter().map(|key| ((*key).to_owned(), String::new())).collect();
        SessionTags::new(pairs, Vec::new(), None)
    }

    #[test]
    fn keys_are_the_same_in_whatever_case_of_ascii() {
        assert!(tags(&["Team", "tEAM"]).unwrap_err().message.starts_with("Duplicate"));
        assert_eq!(tags(&["\u{e9}", "\u{c9}"]).unwrap().given.len(), 2, "policies tell these apart as well");
    }

    #[test]
    fn too_many_are_refused_before_any_is_looked_at() {
        let many = vec!["not;allowed"; TAGS_MAX + 1];
        assert!(tags(&many).unwrap_err().message.starts_with("A session can have at most"));
        let keys = vec!["absent".to_owned(); TAGS_MAX + 1];
        let refused = SessionTags::new(Vec::new(), keys, None).unwrap_err();
        assert!(refused.message.starts_with("A session can have at most"));
    }
}

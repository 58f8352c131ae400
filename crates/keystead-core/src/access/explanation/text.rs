//! An explanation for people.

use std::fmt;

use super::{
    ExplainedConstraint, ExplainedDecision, ExplainedDocument, ExplainedEffect, ExplainedGrant, ExplainedLayer,
    ExplainedStatement, Explanation, Reason, WithoutPolicies,
};

impl fmt::Display for Explanation {
    /// The answer and its reasons; what it depends on that is not known; and where nothing allows it, why each statement and each grant
    /// does not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = if self.is_allowed() { "Allowed" } else { "Denied" };
        writeln!(f, "{answer}: {} {} on {}", self.principal, self.action, self.resource)?;
        for reason in &self.reasons {
            writeln!(f, "  {reason}")?;
        }
        self.write_unknown(f)?;
        if self.decision != ExplainedDecision::ImplicitDeny {
            return Ok(());
        }
        if let Some(without) = &self.without_policies {
            writeln!(f, "  {without}.")?;
        }
        if self.documents.is_empty() && self.grants.is_empty() {
            return Ok(());
        }
        writeln!(f, "Looked at:")?;
        self.documents.iter().try_for_each(|document| write!(f, "{document}"))?;
        self.grants.iter().try_for_each(|grant| writeln!(f, "  {grant}"))
    }
}

impl Explanation {
    /// What could make the answer another one, if it were known.
    fn write_unknown(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for document in &self.documents {
            for statement in &document.statements {
                let Some(key) = statement.key_not_given.as_ref().filter(|_| self.may_depend_on(document, statement))
                else {
                    continue;
                };
                let (policy, effect) = (&document.policy, statement.effect);
                write!(f, "  Not known: {} of {policy}, {effect}, depends on {key}; ", Named(statement))?;
                writeln!(f, "give --context {key}=...")?;
            }
        }
        if self.session_policies_unknown {
            let line = "Session policies are not known here: what the session was given when it began may allow less.";
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }

    /// A statement that decided; and one that does not fit: what is allowed it could deny, and what nothing allows it could allow as well.
    fn may_depend_on(&self, document: &ExplainedDocument, found: &ExplainedStatement) -> bool {
        if found.mismatch.is_none() {
            return self.reasons.iter().any(|reason| {
                matches!(reason, Reason::Statement { policy, statement, layer, .. }
                    if *policy == document.policy && *statement == found.statement && *layer == document.layer)
            });
        }
        match self.decision {
            ExplainedDecision::Allowed => found.effect == ExplainedEffect::Deny,
            ExplainedDecision::ImplicitDeny => true,
            ExplainedDecision::ExplicitDeny => false,
        }
    }
}

/// A statement's place and `Sid`.
struct Named<'a>(&'a ExplainedStatement);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.0.statement)?;
        self.0.sid.iter().try_for_each(|sid| write!(f, " ({sid})"))
    }
}

impl fmt::Display for ExplainedEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}

impl fmt::Display for WithoutPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name} has no IAM policies, and no groups with any"),
            Self::Role(name) => write!(f, "role {name} has no IAM policies"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootUser => f.write_str("The root user may do in its account whatever nothing denies."),
            Self::Statement { layer, effect, policy, statement, sid, leaves_to_account } => {
                let does = match (effect, leaves_to_account) {
                    (ExplainedEffect::Deny, _) => "denies it",
                    (ExplainedEffect::Allow, true) => "lets the policies of the account allow it",
                    (ExplainedEffect::Allow, false) => "allows it",
                };
                write!(f, "{layer}: {policy}, statement {statement}")?;
                if let Some(sid) = sid {
                    write!(f, " ({sid})")?;
                }
                write!(f, " {does}.")
            }
            Self::Grant { grant_id } => write!(f, "Grant {grant_id} allows it."),
            Self::NothingAllows { layer: ExplainedLayer::KeyPolicy } => {
                f.write_str("Neither the key policy nor a grant allows it.")
            }
            Self::NothingAllows { layer } => write!(f, "{layer}: nothing allows it."),
            Self::OtherAccount => f.write_str("It cannot be done with what is another account's."),
            Self::Everybody => f.write_str("Everybody who has an access key may do this; policies do not count."),
            Self::LongTermAccessKeys => f.write_str(
                "Everybody who has a long-term access key may do this, and no session; policies do not count.",
            ),
            Self::RootAssumesNoRole => f.write_str("Root users cannot assume roles, whatever policies say."),
        }
    }
}

impl fmt::Display for ExplainedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentityPolicy => "Identity policy",
            Self::KeyPolicy => "Key policy",
            Self::TrustPolicy => "Trust policy",
            Self::PermissionsBoundary => "Permissions boundary",
            Self::SessionPolicy => "Session policy",
        })
    }
}

impl fmt::Display for ExplainedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {}", self.layer, self.policy)?;
        for statement in &self.statements {
            let effect = statement.effect;
            write!(f, "    {}", Named(statement))?;
            match &statement.mismatch {
                Some(element) => writeln!(f, ", {effect}: does not fit in {element}")?,
                None => writeln!(f, ", {effect}: fits")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ExplainedGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant {}", self.grant_id)?;
        if let Some(name) = self.name.as_ref().filter(|name| !name.is_empty()) {
            write!(f, " ({name})")?;
        }
        match (self.has_operation, &self.unmet_constraint) {
            (false, _) => f.write_str(": the action is not among its operations"),
            (true, Some(unmet)) => write!(f, ": has the action, but its constraint {unmet} does not hold"),
            (true, None) => f.write_str(": has the action"),
        }
    }
}

impl fmt::Display for ExplainedConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, pairs) = match self {
            Self::EncryptionContextEquals(pairs) => ("EncryptionContextEquals", pairs),
            Self::EncryptionContextSubset(pairs) => ("EncryptionContextSubset", pairs),
        };
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "{name} ({})", pairs.join(", "))
    }
}

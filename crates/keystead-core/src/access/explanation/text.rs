//! An explanation for people.

use std::fmt;

use super::{
    ExplainedDecision, ExplainedDocument, ExplainedEffect, ExplainedGrant, ExplainedLayer, Explanation, Reason,
};

impl fmt::Display for Explanation {
    /// The answer and its reasons; and where nothing allows it, why each statement and each grant does not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = if self.is_allowed() { "Allowed" } else { "Denied" };
        writeln!(f, "{answer}: {} {} on {}", self.principal, self.action, self.resource)?;
        for reason in &self.reasons {
            writeln!(f, "  {reason}")?;
        }
        if self.decision != ExplainedDecision::ImplicitDeny {
            return Ok(());
        }
        if self.documents.is_empty() && self.grants.is_empty() {
            return writeln!(f, "There is no policy and no grant to look at.");
        }
        writeln!(f, "Looked at:")?;
        self.documents.iter().try_for_each(|document| write!(f, "{document}"))?;
        self.grants.iter().try_for_each(|grant| writeln!(f, "  {grant}"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootUser => f.write_str("The root user may do in its account whatever nothing denies."),
            Self::Statement { layer, effect, policy, statement, sid } => {
                let does = match (effect, layer) {
                    (ExplainedEffect::Deny, _) => "denies it",
                    (ExplainedEffect::Allow, ExplainedLayer::ResourcePolicy) => {
                        "allows it, or lets the policies of the account allow it"
                    }
                    (ExplainedEffect::Allow, _) => "allows it",
                };
                write!(f, "{layer}: {policy}, statement {statement}")?;
                if let Some(sid) = sid {
                    write!(f, " ({sid})")?;
                }
                write!(f, " {does}.")
            }
            Self::Grant { grant_id } => write!(f, "Grant {grant_id} allows it."),
            Self::NothingAllows { layer: ExplainedLayer::ResourcePolicy } => {
                f.write_str("Neither the key policy nor a grant allows it.")
            }
            Self::NothingAllows { layer } => write!(f, "{layer}: nothing allows it."),
            Self::OtherAccount => f.write_str("It cannot be done with what is another account's."),
        }
    }
}

impl fmt::Display for ExplainedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentityPolicy => "Identity policy",
            Self::ResourcePolicy => "Key policy",
            Self::PermissionsBoundary => "Permissions boundary",
            Self::SessionPolicy => "Session policy",
        })
    }
}

impl fmt::Display for ExplainedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {}", self.layer, self.policy)?;
        for statement in &self.statements {
            let effect = match statement.effect {
                ExplainedEffect::Allow => "Allow",
                ExplainedEffect::Deny => "Deny",
            };
            write!(f, "    statement {}", statement.statement)?;
            if let Some(sid) = &statement.sid {
                write!(f, " ({sid})")?;
            }
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
        match (self.has_operation, self.constrained) {
            (false, _) => f.write_str(": the action is not among its operations"),
            (true, true) => f.write_str(": has the action, with constraints on the encryption context"),
            (true, false) => f.write_str(": has the action"),
        }
    }
}

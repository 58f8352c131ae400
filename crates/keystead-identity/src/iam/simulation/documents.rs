//! The policies of a simulation.

use keystead_policy::{AccessRequest, Effect, NamedPolicy, PolicyDocument, PolicyKind};
use keystead_query::{Node, Structure};

use super::statement_positions::{Position, Span, statement_spans};
use crate::error::IdentityError;

/// What a policy is attached to, or who made it (IAM API Reference, Statement).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SourceType {
    User,
    Group,
    Role,
    AwsManaged,
    UserManaged,
    Resource,
    /// It came with the request.
    None,
}

impl SourceType {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::AwsManaged => "aws-managed",
            Self::UserManaged => "user-managed",
            Self::Resource => "resource",
            Self::None => "none",
        }
    }
}

/// A statement that determines a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MatchedStatement {
    pub(super) source_id: String,
    source_type: SourceType,
    pub(super) span: Option<Span>,
}

impl MatchedStatement {
    pub(super) fn shown(&self) -> Structure {
        Structure::default()
            .with("SourcePolicyId", &self.source_id)
            .with("SourcePolicyType", self.source_type.name())
            .with_some("StartPosition", self.span.map(|span| shown(span.start)))
            .with_some("EndPosition", self.span.map(|span| shown(span.end)))
    }
}

fn shown(position: Position) -> Node {
    Structure::default().with("Line", position.line).with("Column", position.column).into()
}

/// Policies, each with its text.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Documents {
    /// Named by their source IDs.
    pub(super) policies: Vec<NamedPolicy>,
    source_types: Vec<SourceType>,
    texts: Vec<String>,
    /// Where the statements of each are in its text.
    spans: Vec<Vec<Span>>,
}

impl Documents {
    /// Adds a policy under the ID by which results speak of it.
    pub(super) fn add(&mut self, id: String, kind: SourceType, text: String) -> Result<(), IdentityError> {
        let expected = if kind == SourceType::Resource { PolicyKind::Key } else { PolicyKind::Identity };
        let document = PolicyDocument::parse(&text, expected)
            .map_err(|error| IdentityError::invalid_input(format!("The policy {id} cannot be read: {error}")))?;
        self.policies.push(NamedPolicy { name: id, document });
        self.source_types.push(kind);
        self.spans.push(statement_spans(&text));
        self.texts.push(text);
        Ok(())
    }

    /// Adds all of `others`.
    pub(super) fn append(&mut self, others: Self) {
        self.policies.extend(others.policies);
        self.source_types.extend(others.source_types);
        self.texts.extend(others.texts);
        self.spans.extend(others.spans);
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    /// The statements of this effect that speak of a request. Who has a boundary is excepted by no `NotPrincipal`.
    pub(super) fn matched(&self, request: &AccessRequest<'_>, effect: Effect, bounded: bool) -> Vec<MatchedStatement> {
        let mut matched = Vec::new();
        for ((policy, kind), spans) in self.policies.iter().zip(&self.source_types).zip(&self.spans) {
            let document = &policy.document;
            let explained = if bounded { document.explain_bounded(request) } else { document.explain(request) };
            let fits = explained.iter().filter(|found| found.effect == effect && found.mismatch.is_none());
            matched.extend(fits.map(|found| MatchedStatement {
                source_id: policy.name.clone(),
                source_type: *kind,
                span: spans.get(found.index).copied(),
            }));
        }
        matched
    }
}

//! What all policies and grants together say: first every statement and grant that speaks of the request is gathered, then the rules of the
//! IAM User Guide ("Policy evaluation logic") and of the KMS Developer Guide ("Key policies", "Grants") are read off that heap.

use std::collections::BTreeMap;

use keystead_policy::{ContextValue, Identity, Layer, PolicyKind, PrincipalMatch};
use serde_json::{Value, json};

use super::{Request, matching_statements, principal};

/// Everything that has a say.
pub(crate) struct Everything<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a [(String, ContextValue)],
    pub(crate) resource_context: &'a [(String, ContextValue)],
    pub(crate) encryption_context: Option<&'a BTreeMap<String, String>>,
    pub(crate) owner: &'a str,
    /// Layer, name, document.
    pub(crate) documents: Vec<(Layer, &'a str, &'a Value)>,
    pub(crate) has_boundary: bool,
    pub(crate) has_session_policies: bool,
    /// Which unique ID each ARN in the resource's policy stood for when that was stored.
    pub(crate) ids: &'a BTreeMap<String, String>,
    /// The kind of the resource's policy, if it can have one.
    pub(crate) resource_policy: Option<PolicyKind>,
    pub(crate) grants: Vec<GrantText<'a>>,
}

/// A grant: ID, grantee and its unique ID, operations, constraints.
pub(crate) struct GrantText<'a> {
    pub(crate) id: &'a str,
    pub(crate) grantee: &'a str,
    pub(crate) grantee_id: Option<&'a str>,
    pub(crate) operations: &'a [String],
    pub(crate) equals: Option<&'a BTreeMap<String, String>>,
    pub(crate) subset: Option<&'a BTreeMap<String, String>>,
}

/// A statement or a grant that speaks of the request.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) layer: Layer,
    /// The name of the document, or the grant's ID.
    pub(crate) name: String,
    /// The statement's place; `None`: a grant.
    pub(crate) statement: Option<usize>,
    denies: bool,
    ways: Vec<PrincipalMatch>,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Outcome {
    Allowed,
    ExplicitDeny(Layer),
    ImplicitDeny(Layer),
}

/// The answer, and why.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    voices: Vec<Voice>,
}

impl Answer {
    /// Whether a statement (or grant, without an index) of this layer denies (or allows).
    pub(crate) fn has_voice(&self, layer: Layer, name: &str, statement: Option<usize>, denies: bool) -> bool {
        let is_it = |voice: &Voice| (voice.layer, voice.name.as_str(), voice.statement) == (layer, name, statement);
        self.voices.iter().any(|voice| is_it(voice) && voice.denies == denies)
    }
}

pub(crate) fn decide(everything: &Everything<'_>) -> Answer {
    let mut voices = statements(everything);
    voices.extend(grants(everything));
    let outcome = if is_allowed(everything, &voices) { Outcome::Allowed } else { refusal(everything, &voices) };
    Answer { outcome, voices }
}

fn statements(everything: &Everything<'_>) -> Vec<Voice> {
    let mut voices = Vec::new();
    for (layer, name, document) in &everything.documents {
        let of_resource = *layer == Layer::ResourcePolicy;
        let request = Request {
            identity: everything.identity,
            action: everything.action,
            resource: everything.resource,
            context: if of_resource { everything.resource_context } else { everything.context },
            has_boundary: everything.has_boundary,
            ids: everything.ids,
        };
        let kind = everything.resource_policy.filter(|_| of_resource).unwrap_or(PolicyKind::Identity);
        for (index, denies, ways) in matching_statements(document, kind, &request) {
            voices.push(Voice { layer: *layer, name: (*name).to_owned(), statement: Some(index), denies, ways });
        }
    }
    voices
}

/// "A grant [...] allows the grantee principal to call the operations specified in the grant, when any grant constraint is met".
fn grants(everything: &Everything<'_>) -> Vec<Voice> {
    let mut voices = Vec::new();
    for grant in &everything.grants {
        let ids = grant.grantee_id.map(|id| (grant.grantee.to_owned(), id.to_owned()));
        let ids = ids.into_iter().collect();
        let ways = principal::named(&json!({ "AWS": grant.grantee }), false, everything.identity, &ids);
        let operation = grant.operations.iter().any(|operation| everything.action == format!("kms:{operation}"));
        // "EncryptionContextEquals: [...] the encryption context in the request must be identical"; "EncryptionContextSubset: [...] it can
        // include additional pairs". Operations without an encryption context are not constrained.
        let constraints = everything.encryption_context.is_none_or(|asked| {
            let identical = grant.equals.is_none_or(|pairs| asked == pairs);
            let included =
                grant.subset.is_none_or(|pairs| pairs.iter().all(|pair| asked.iter().any(|has| has == pair)));
            identical && included
        });
        if !ways.is_empty() && operation && constraints {
            let (layer, name) = (Layer::ResourcePolicy, grant.id.to_owned());
            voices.push(Voice { layer, name, statement: None, denies: false, ways });
        }
    }
    voices
}

/// Whether anything in the layer allows, of the resource's side in one of these ways.
fn allows(voices: &[Voice], layer: Layer, ways: &[PrincipalMatch]) -> bool {
    let mut allowing = voices.iter().filter(|voice| voice.layer == layer && !voice.denies);
    allowing.any(|voice| voice.ways.iter().any(|way| ways.contains(way)))
}

/// "By default, all requests are implicitly denied with the exception of the AWS account root user, which has full access."
fn identity_allows(everything: &Everything<'_>, voices: &[Voice]) -> bool {
    everything.identity.arn.ends_with(":root") || allows(voices, Layer::IdentityPolicy, &[PrincipalMatch::Itself])
}

fn boundary_allows(everything: &Everything<'_>, voices: &[Voice]) -> bool {
    !everything.has_boundary || allows(voices, Layer::PermissionsBoundary, &[PrincipalMatch::Itself])
}

fn session_allows(everything: &Everything<'_>, voices: &[Voice]) -> bool {
    !everything.has_session_policies || allows(voices, Layer::SessionPolicy, &[PrincipalMatch::Itself])
}

const ANY_WAY: &[PrincipalMatch] =
    &[PrincipalMatch::Account, PrincipalMatch::Role, PrincipalMatch::Anyone, PrincipalMatch::Itself];

fn is_allowed(everything: &Everything<'_>, voices: &[Voice]) -> bool {
    let resource_allows = |ways| allows(voices, Layer::ResourcePolicy, ways);
    // "An explicit deny in any policy overrides any allows."
    let denied = voices.iter().any(|voice| voice.denies);
    // "The resulting permissions are the intersection."
    let limits_allow = boundary_allows(everything, voices) && session_allows(everything, voices);
    let own_allows = identity_allows(everything, voices) && limits_allow;
    let stranger = everything.identity.account != everything.owner;
    let allowed = match everything.resource_policy {
        // "The request is allowed only if both evaluations return a decision of Allow."
        Some(_) if stranger => own_allows && resource_allows(ANY_WAY),
        None if stranger => false,
        None => own_allows,
        Some(_) => {
            // "Permissions granted directly to a session [or a user] are not limited by an implicit deny".
            let directly = resource_allows(&[PrincipalMatch::Itself]);
            // "Resource-based policies that grant permissions to an IAM role ARN are limited by an implicit deny in a permissions boundary or
            // session policy." What is said of anyone is limited as well.
            let by_role = resource_allows(&[PrincipalMatch::Role, PrincipalMatch::Anyone]) && limits_allow;
            // "It allows the account to use IAM policies to allow access to the KMS key."
            let by_account = resource_allows(&[PrincipalMatch::Account]) && own_allows;
            directly || by_role || by_account
        }
    };
    allowed && !denied
}

/// What a refusal is put down to.
fn refusal(everything: &Everything<'_>, voices: &[Voice]) -> Outcome {
    let denied_by = |layer| voices.iter().any(|voice| voice.layer == layer && voice.denies);
    let own = [Layer::IdentityPolicy, Layer::PermissionsBoundary, Layer::SessionPolicy];
    let stranger = everything.identity.account != everything.owner;
    let nothing_there = !allows(voices, Layer::ResourcePolicy, ANY_WAY);
    // A stranger hears of the resource's side first.
    if stranger && denied_by(Layer::ResourcePolicy) {
        return Outcome::ExplicitDeny(Layer::ResourcePolicy);
    }
    if stranger && nothing_there {
        return Outcome::ImplicitDeny(Layer::ResourcePolicy);
    }
    for layer in own.into_iter().chain([Layer::ResourcePolicy]) {
        if denied_by(layer) {
            return Outcome::ExplicitDeny(layer);
        }
    }
    if everything.resource_policy.is_some() && nothing_there {
        return Outcome::ImplicitDeny(Layer::ResourcePolicy);
    }
    // Who is named by the role, or as one of anyone, needs no policy of its own, at home.
    let named = allows(voices, Layer::ResourcePolicy, &[PrincipalMatch::Role, PrincipalMatch::Anyone]);
    let needs_own = stranger || !named;
    if needs_own && !identity_allows(everything, voices) {
        return Outcome::ImplicitDeny(Layer::IdentityPolicy);
    }
    if !boundary_allows(everything, voices) {
        return Outcome::ImplicitDeny(Layer::PermissionsBoundary);
    }
    Outcome::ImplicitDeny(Layer::SessionPolicy)
}

//! AssumeRoleWithWebIdentity: a session of a role for whom an OpenID Connect provider vouches for.

use keystead_core::access::{AccessRequest, AssumableRole, Principal, PrincipalPolicies};
use keystead_core::audit::UserIdentity;
use keystead_model::SecretString;
use keystead_model::arn::AccountId;
use keystead_oidc::{TokenError, WebIdentity};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};
use serde_json::Value;

use super::call::Call;
use super::credentials::{ROLE_DURATION_DEFAULT, issue, new_session, role_duration, role_session_structure};
use super::role::RoleArn;
use super::session_policies::SessionPolicies;
use super::session_tags::SessionTags;
use super::text::{ROLE_DURATION, ROLE_SESSION_NAME, SOURCE_IDENTITY, duration};
use crate::error::IdentityError;

const ASSUME_ROLE: &str = "sts:AssumeRoleWithWebIdentity";
/// IAM User Guide, "Pass session tags in AWS STS".
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";
/// IAM User Guide, "Monitor and control actions taken with assumed roles".
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";
/// Claims that are condition keys `ISSUER:CLAIM` as they are.
const CONDITION_CLAIMS: &[&str] = &["sub", "amr", "email"];

/// What is known of the caller, as far as it is known.
#[derive(Default)]
pub(super) struct Vouched {
    /// The account of the role, once a provider of it has vouched.
    pub(super) account: Option<AccountId>,
    principal: Option<Principal>,
}

impl Vouched {
    /// Who called, for the record.
    pub(super) fn user_identity(&self) -> UserIdentity {
        self.principal.as_ref().map_or_else(|| UserIdentity::unknown(None), |principal| UserIdentity::of(principal, ""))
    }
}

/// Serves a request that has no signature.
pub(super) async fn assume_role_with_web_identity(
    call: &Call<'_>,
    parameters: Parameters,
) -> (Result<Structure, IdentityError>, Vouched) {
    let mut vouched = Vouched::default();
    let result = serve(call, parameters, &mut vouched).await;
    (result, vouched)
}

async fn serve(call: &Call<'_>, mut parameters: Parameters, vouched: &mut Vouched) -> Result<Structure, IdentityError> {
    let role_arn = RoleArn::take(&mut parameters)?;
    let session_name = ROLE_SESSION_NAME.required(&mut parameters, "RoleSessionName")?;
    let token = SecretString::from(parameters.required("WebIdentityToken")?);
    let asked_duration = duration(&mut parameters, &ROLE_DURATION, ROLE_DURATION_DEFAULT)?;
    let policies = SessionPolicies::take(&mut parameters)?;
    parameters.finish()?;

    let identity = call.issuers.verify(token.expose(), call.now).await?;
    let url = identity.issuer.strip_prefix("https://").unwrap_or(&identity.issuer).to_owned();
    let provider = call.store().oidc_provider(&role_arn.account, &url).await?.ok_or_else(|| {
        invalid_token(&format!("No OpenIDConnect provider found in your account for {}", identity.issuer))
    })?;
    let audience =
        identity.audience_among(&provider.client_ids).ok_or_else(|| invalid_token("Incorrect token audience"))?;
    let principal =
        Principal::web_identity(role_arn.account, provider.arn(), audience.to_owned(), identity.subject.clone());
    vouched.account = Some(role_arn.account);
    vouched.principal = Some(principal.clone());
    let tags = session_tags(&identity)?;

    let mut context = RequestContext::default();
    context.set("sts:RoleSessionName", session_name.as_str());
    put_claims_into_context(&mut context, &url, audience, &identity);
    tags.put_into_context(&mut context);
    let role = role_arn.find(call.store()).await?.ok_or_else(not_authorized)?;
    authorize_all(call, &principal, &role, &tags, &context)?;

    let seconds = role_duration(&role, asked_duration, false)?;
    let of = role.session_principal(session_name.clone());
    let mut content = new_session(call, role.role.account, of, seconds);
    policies.put_into(&mut content, call.store(), &role.role.account).await?;
    tags.put_into(&mut content);
    content.federated_provider = Some(provider.arn());
    let credentials = issue(call, &content)?;
    Ok(role_session_structure(&role, &content, &credentials, &session_name)
        .with("SubjectFromWebIdentityToken", &identity.subject)
        .with("Audience", audience)
        .with("Provider", provider.arn()))
}

/// Whether the role's trust policy lets the provider's identity do all that it asks.
fn authorize_all(
    call: &Call<'_>,
    principal: &Principal,
    role: &AssumableRole,
    tags: &SessionTags,
    context: &RequestContext,
) -> Result<(), IdentityError> {
    let policies = PrincipalPolicies::none();
    let request = AccessRequest {
        principal,
        policies: &policies,
        origin: call.origin,
        region: call.kms.home_region(),
        now: call.now,
        keys: context,
    };
    let actions = [
        (ASSUME_ROLE, true),
        ("sts:TagSession", tags.tags_session()),
        ("sts:SetSourceIdentity", tags.source_identity.is_some()),
    ];
    for (action, needed) in actions {
        if needed && !role.allows(&request, action)? {
            return Err(not_authorized());
        }
    }
    Ok(())
}

/// Tells policies of the claims (IAM User Guide, "Available keys for AWS OIDC federation"). `oaud` is `aud` where the token says for
/// whom it was made.
fn put_claims_into_context(context: &mut RequestContext, url: &str, audience: &str, identity: &WebIdentity) {
    context.set(&format!("{url}:aud"), audience);
    context.set(&format!("{url}:oaud"), identity.audiences.clone());
    for claim in CONDITION_CLAIMS {
        match identity.claims.get(*claim) {
            Some(Value::String(text)) => context.set(&format!("{url}:{claim}"), text.as_str()),
            Some(Value::Array(_)) => {
                if let Some(texts) = identity.texts(claim) {
                    context.set(&format!("{url}:{claim}"), texts);
                }
            }
            Some(_) | None => {}
        }
    }
}

/// The session tags that the token carries: `principal_tags`, of which each has a list of one value, and `transitive_tag_keys`.
fn session_tags(identity: &WebIdentity) -> Result<SessionTags, IdentityError> {
    let malformed = || rejected(&format!("The claim {TAGS_CLAIM} is not of the form that session tags have."));
    let mut pairs = Vec::new();
    let mut transitive = Vec::new();
    if let Some(claim) = identity.claims.get(TAGS_CLAIM) {
        let tags = claim.get("principal_tags").and_then(Value::as_object).ok_or_else(malformed)?;
        for (key, value) in tags {
            let value = match value {
                Value::String(value) => value,
                Value::Array(values) => match values.as_slice() {
                    [Value::String(value)] => value,
                    _ => return Err(malformed()),
                },
                _ => return Err(malformed()),
            };
            pairs.push((key.clone(), value.clone()));
        }
        for key in claim.get("transitive_tag_keys").map_or(Some(&Vec::new()), Value::as_array).ok_or_else(malformed)? {
            transitive.push(key.as_str().ok_or_else(malformed)?.to_owned());
        }
    }
    let source_identity = match identity.claims.get(SOURCE_IDENTITY_CLAIM) {
        None => None,
        Some(Value::String(text)) => {
            SOURCE_IDENTITY.check("sourceIdentity", text).map_err(|error| rejected(&error.message))?;
            Some(text.clone())
        }
        Some(_) => return Err(rejected(&format!("The claim {SOURCE_IDENTITY_CLAIM} must be a text."))),
    };
    SessionTags::new(pairs, transitive, source_identity).map_err(|error| rejected(&error.message))
}

fn not_authorized() -> IdentityError {
    IdentityError::new("AccessDenied", 403, format!("Not authorized to perform {ASSUME_ROLE}"))
}

fn invalid_token(message: &str) -> IdentityError {
    IdentityError::new("InvalidIdentityToken", 400, message)
}

fn rejected(message: &str) -> IdentityError {
    IdentityError::new("IDPRejectedClaim", 403, message)
}

/// Source: STS service model.
impl From<TokenError> for IdentityError {
    fn from(error: TokenError) -> Self {
        let message = error.to_string();
        match error {
            TokenError::Invalid(_) => invalid_token(&message),
            TokenError::RejectedClaim(_) => rejected(&message),
            TokenError::Expired => Self::new("ExpiredTokenException", 400, message),
            TokenError::Communication => Self::new("IDPCommunicationError", 400, message),
        }
    }
}

//! Whole cases: a request, and every policy and grant that has a say in it.

use std::collections::BTreeMap;
use std::fmt;

use keystead_policy::{
    ContextValue, Decision, GrantTerms, Identity, IdentitySide, NamedPolicy, PolicyDocument, PolicyKind, Question,
    RequestContext, ResourceSide, decide,
};
use serde_json::{Value, json};

use super::random::Random;
use super::vocabulary::{ACCOUNTS, ACTIONS, CONTEXT_PAIRS, GRANTEES, KEY_ARNS, OPERATIONS, ROLE_ARN, TRUST_ACTIONS};
use super::{context, document_of, id, identity, ids, statement};

/// A grant.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) grantee: String,
    /// The unique ID of the grantee that the grant is bound to.
    pub(crate) grantee_id: Option<String>,
    /// Such as `Encrypt`.
    pub(crate) operations: Vec<String>,
    pub(crate) equals: Option<BTreeMap<String, String>>,
    pub(crate) subset: Option<BTreeMap<String, String>>,
}

/// A document with its name.
pub(crate) type Named = (String, Value);

/// A request with everything that has a say in it.
#[derive(Clone, Debug)]
pub(crate) struct WholeCase {
    pub(crate) identity: Identity,
    pub(crate) policies: Vec<Named>,
    pub(crate) boundary: Option<Named>,
    pub(crate) session: Option<Vec<Named>>,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) owner: String,
    /// The kind of the resource's policy.
    pub(crate) kind: PolicyKind,
    pub(crate) policy: Option<Named>,
    /// The unique IDs of principals that the resource's policy is bound to.
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) context: Vec<(String, ContextValue)>,
    /// What the resource's policy may see.
    pub(crate) resource_context: Vec<(String, ContextValue)>,
    pub(crate) encryption_context: Option<BTreeMap<String, String>>,
}

impl WholeCase {
    /// The case of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let mut case = match random.below(10) {
            0 => Self::about_a_role(random),
            1 => Self::about_the_account(random),
            _ => Self::about_a_key(random),
        };
        case.ids = ids(random, &case.identity);
        for grant in &mut case.grants {
            grant.grantee_id = id(random, &case.identity).filter(|_| random.chance(50));
        }
        case
    }

    fn about_a_key(random: &mut Random) -> Self {
        let (owner, arn) = *random.pick(KEY_ARNS);
        let identity = identity_of_iam(random, owner);
        let mut case = Self::without_policies(random, identity, owner, arn, ACTIONS);
        // Where the key's policy speaks of others, it is the grants that decide.
        let own = if random.chance(50) { 5 } else { 60 };
        case.policy = Some(("key policy".to_owned(), case.document(random, PolicyKind::Key, own)));
        case.grants = (0..random.below(5)).map(|index| case.grant(random, index)).collect();
        case.with_policies_of_identity(random)
    }

    fn about_a_role(random: &mut Random) -> Self {
        let mut identity = identity(random);
        if identity.federated_provider.is_some() {
            // It comes to the account of the role that it wants.
            ACCOUNTS[0].clone_into(&mut identity.account);
        }
        let mut case = Self::without_policies(random, identity, ACCOUNTS[0], ROLE_ARN, TRUST_ACTIONS);
        case.kind = PolicyKind::Trust;
        case.policy = Some(("trust policy".to_owned(), case.document(random, PolicyKind::Trust, 60)));
        case.with_policies_of_identity(random)
    }

    /// About nothing that could have a policy.
    fn about_the_account(random: &mut Random) -> Self {
        let owner = *random.pick(ACCOUNTS);
        let identity = identity_of_iam(random, owner);
        Self::without_policies(random, identity, owner, "*", ACTIONS).with_policies_of_identity(random)
    }

    fn without_policies(
        random: &mut Random,
        identity: Identity,
        owner: &str,
        resource: &str,
        actions: &[&str],
    ) -> Self {
        let context = context(random);
        let mut resource_context = context.clone();
        if random.chance(20) && !resource_context.is_empty() {
            resource_context.remove(random.below(resource_context.len()));
        }
        Self {
            identity,
            policies: Vec::new(),
            boundary: None,
            session: None,
            action: (*random.pick(actions)).to_owned(),
            resource: resource.to_owned(),
            owner: owner.to_owned(),
            kind: PolicyKind::Key,
            policy: None,
            ids: BTreeMap::new(),
            grants: Vec::new(),
            context,
            resource_context,
            encryption_context: random.chance(70).then(|| pairs(random)),
        }
    }

    fn with_policies_of_identity(mut self, random: &mut Random) -> Self {
        // The root user and who comes from elsewhere have none.
        if self.is_root() || self.identity.federated_provider.is_some() {
            return self;
        }
        let count = random.below(5);
        self.policies = (0..count).map(|index| self.named(random, "policy", index)).collect();
        if random.chance(50) {
            self.boundary = Some(self.named(random, "boundary", 0));
        }
        if random.chance(if self.identity.role_arn.is_some() { 50 } else { 5 }) {
            let count = random.below(3);
            self.session = Some((0..count).map(|index| self.named(random, "session policy", index)).collect());
        }
        self
    }

    fn named(&self, random: &mut Random, name: &str, index: usize) -> Named {
        (format!("{name} {index}"), self.document(random, PolicyKind::Identity, 0))
    }

    fn document(&self, random: &mut Random, kind: PolicyKind, own: usize) -> Value {
        let count = 1 + random.below(4);
        let statements = (0..count).map(|index| self.statement(random, kind, own, index)).collect();
        document_of(random, kind, statements)
    }

    /// A statement that often speaks of the request, or nearly does: in `own` of a hundred cases of who asks.
    pub(crate) fn statement(&self, random: &mut Random, kind: PolicyKind, own: usize, index: usize) -> Value {
        let mut statement = statement(random, kind, index);
        let Value::Object(members) = &mut statement else { return statement };
        if random.chance(60) && kind != PolicyKind::Trust {
            members.remove("NotAction");
            members.insert("Action".to_owned(), json!(random.pick(&["*", "kms:*", self.action.as_str()])));
        }
        if random.chance(60) && kind != PolicyKind::Trust {
            members.remove("NotResource");
            members.insert("Resource".to_owned(), json!(random.pick(&["*", self.resource.as_str()])));
        }
        if random.chance(own) && members.contains_key("Principal") {
            members.insert("Principal".to_owned(), self.own_principal(random));
        }
        if random.chance(65) {
            members.remove("Condition");
        }
        if random.chance(75) && !members.contains_key("NotPrincipal") {
            members.insert("Effect".to_owned(), json!("Allow"));
        }
        statement
    }

    /// One of the names of who asks.
    fn own_principal(&self, random: &mut Random) -> Value {
        let identity = &self.identity;
        if let Some(provider) = &identity.federated_provider {
            return json!({ "Federated": provider });
        }
        let role = identity.role_arn.as_ref().unwrap_or(&identity.account);
        json!({ "AWS": random.pick(&[&identity.account, &identity.account, role, &identity.arn]) })
    }

    /// A grant that is often for who asks.
    pub(crate) fn grant(&self, random: &mut Random, index: usize) -> Grant {
        let role = self.identity.role_arn.as_deref();
        let (account, arn) = (self.identity.account.as_str(), self.identity.arn.as_str());
        let own = [account, account, account, arn, role.unwrap_or(arn)];
        let grantee = if random.chance(65) { *random.pick(&own) } else { *random.pick(GRANTEES) };
        let mut constraint = || random.chance(20).then(|| pairs(random));
        let (equals, subset) = (constraint(), constraint());
        let mut operations: Vec<_> = random.some(OPERATIONS, 1, 3).into_iter().map(str::to_owned).collect();
        if let Some(operation) = self.action.strip_prefix("kms:").filter(|_| random.chance(65)) {
            operations.push(operation.to_owned());
        }
        Grant {
            id: format!("grant {index}"),
            grantee: grantee.to_owned(),
            grantee_id: None,
            operations,
            equals,
            subset,
        }
    }

    /// Whether the root user asks.
    pub(crate) fn is_root(&self) -> bool {
        self.identity.arn.ends_with(":root")
    }

    /// Does something with what the library decides; fails for documents that it does not read.
    pub(crate) fn with_decision<T>(&self, work: impl FnOnce(&Decision<'_>) -> T) -> Result<T, String> {
        let read_as = |kind: PolicyKind| {
            move |(name, document): &Named| {
                let document = PolicyDocument::parse(&document.to_string(), kind);
                let document = document.map_err(|error| format!("{name}: {error}"))?;
                Ok::<_, String>(NamedPolicy { name: name.clone(), document })
            }
        };
        let all =
            |documents: &[Named]| documents.iter().map(read_as(PolicyKind::Identity)).collect::<Result<Vec<_>, _>>();
        let policies = all(&self.policies)?;
        let boundary = self.boundary.as_ref().map(read_as(PolicyKind::Identity)).transpose()?;
        let session = self.session.as_deref().map(all).transpose()?;
        let policy = self.policy.as_ref().map(read_as(self.kind)).transpose()?;
        let policy =
            policy.map(|NamedPolicy { name, document }| NamedPolicy { name, document: document.bound_to(&self.ids) });
        let grants = self.grants.iter().map(Grant::terms).collect::<Result<Vec<_>, _>>()?;
        let (context, resource_context) = (context_of(&self.context), context_of(&self.resource_context));
        let question = Question {
            action: &self.action,
            resource: &self.resource,
            context: &context,
            resource_context: &resource_context,
            encryption_context: self.encryption_context.as_ref(),
        };
        let identity = IdentitySide {
            identity: &self.identity,
            is_root: self.is_root(),
            policies: &policies,
            boundary: boundary.as_ref(),
            session: session.as_deref(),
        };
        let resource = ResourceSide { account: &self.owner, policy: policy.as_ref(), grants: &grants };
        Ok(work(&decide(&question, &identity, &resource)))
    }
}

impl Grant {
    fn terms(&self) -> Result<GrantTerms, String> {
        let actions = self.operations.iter().map(|operation| format!("kms:{operation}")).collect();
        GrantTerms::new(self.id.clone(), &self.grantee, actions, self.equals.clone(), self.subset.clone())
            .map(|terms| terms.bound_to(self.grantee_id.as_deref()))
            .map_err(|error| error.to_string())
    }
}

impl fmt::Display for WholeCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}\n{} on {} of {}", self.identity, self.action, self.resource, self.owner)?;
        let documents = self.policies.iter().chain(&self.boundary).chain(self.session.iter().flatten());
        for (name, document) in documents.chain(&self.policy) {
            writeln!(f, "{name}: {document}")?;
        }
        writeln!(f, "bound to {:?}", self.ids)?;
        if self.session.as_ref().is_some_and(Vec::is_empty) {
            writeln!(f, "no session policy, of a session that has them")?;
        }
        for grant in &self.grants {
            writeln!(f, "{grant:?}")?;
        }
        writeln!(f, "identity policies see {:?}", self.context)?;
        writeln!(f, "the resource's policy sees {:?}", self.resource_context)?;
        write!(f, "encryption context {:?}", self.encryption_context)
    }
}

/// One who is in the account of the resource in most cases, and comes from no identity provider.
fn identity_of_iam(random: &mut Random, owner: &str) -> Identity {
    let stranger = random.chance(31);
    loop {
        let identity = identity(random);
        let wanted = identity.federated_provider.is_none() && (identity.account != owner) == stranger;
        // Of the root user there is less to say.
        if wanted && (!identity.arn.ends_with(":root") || random.chance(90)) {
            return identity;
        }
    }
}

fn pairs(random: &mut Random) -> BTreeMap<String, String> {
    let pairs = random.some(CONTEXT_PAIRS, 0, 2);
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn context_of(pairs: &[(String, ContextValue)]) -> RequestContext {
    let mut context = RequestContext::default();
    for (key, value) in pairs {
        context.set(key, value.clone());
    }
    context
}

//! The life of a few keys: grants come and go, and people try what they may.

use std::collections::BTreeMap;

use keystead_core::access::Principal;
use keystead_core::background::read_change_feed;
use serde_json::{Value, json};

use super::oracle::{Constraint, Context, Granted, Person, Wish, may_grant, may_retire, may_use};
use super::random::Random;
use crate::support::{Answer, Installation, Made, Server, account, other_account, statement};

const OPERATIONS: [&str; 9] = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
];

pub(crate) struct Life {
    seed: u64,
    random: Random,
    _installation: Installation,
    servers: [Server; 2],
    /// How far each server has read the change feed.
    read: [Option<u64>; 2],
    keys: Vec<String>,
    people: Vec<(Principal, Person)>,
    grants: Vec<Granted>,
    blobs: BTreeMap<(usize, Context), Value>,
    pub(crate) allowed: u32,
    pub(crate) refused: u32,
}

impl Life {
    pub(crate) async fn begin(seed: u64) -> Self {
        let installation = Installation::new().await;
        installation.create_other_account().await;
        let servers = [installation.serve(), installation.serve()];
        let root = Principal::root(account()).arn;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalType": "Account"}},
        }]});
        let mut keys = Vec::new();
        for _ in 0..2 {
            keys.push(servers[0].create_key(json!({"Policy": policy.to_string()})).await);
        }
        let people = people(&installation).await;
        let mut life = Self {
            seed,
            random: Random::new(seed),
            _installation: installation,
            servers,
            read: [None, None],
            keys,
            people,
            grants: Vec::new(),
            blobs: BTreeMap::new(),
            allowed: 0,
            refused: 0,
        };
        life.tell_all().await;
        life
    }

    /// Something happens.
    pub(crate) async fn step(&mut self) {
        match self.random.below(10) {
            0 | 1 => self.owner_grants().await,
            2 if self.grants.len() > 8 => self.owner_revokes().await,
            2 | 3 => self.somebody_grants().await,
            4 => self.somebody_retires().await,
            5 => self.somebody_re_encrypts().await,
            _ => self.somebody_uses().await,
        }
    }

    async fn owner_grants(&mut self) {
        let wish = self.wish();
        let (input, granted) = self.request(&wish, Principal::root(account()).arn);
        let answer = self.servers[0].call("CreateGrant", input).await.unwrap();
        self.made(granted, &answer).await;
    }

    async fn owner_revokes(&mut self) {
        let revoked = self.grants.swap_remove(self.random.below(self.grants.len()));
        let input = json!({"KeyId": self.keys[revoked.key], "GrantId": revoked.id});
        self.servers[0].call("RevokeGrant", input).await.unwrap();
        self.tell_all().await;
    }

    async fn somebody_grants(&mut self) {
        let (principal, person) = self.random.pick(&self.people).clone();
        let wish = self.wish();
        let (input, granted) = self.request(&wish, person.account.clone());
        let may = may_grant(&self.grants, &person, &wish);
        let answer = self.server().call_by(&principal, "CreateGrant", input).await;
        self.compare(may, &answer, &format!("{} grants {wish:?}", person.arn));
        if let Ok(answer) = answer {
            self.made(granted, &answer).await;
        }
    }

    async fn somebody_retires(&mut self) {
        if self.grants.is_empty() {
            return;
        }
        let (principal, person) = self.random.pick(&self.people).clone();
        let place = self.random.below(self.grants.len());
        let grant = self.grants[place].clone();
        let may = may_retire(&person, &grant, &Principal::root(account()).arn);
        let input = if self.random.percent(50) {
            json!({"GrantToken": grant.token})
        } else {
            json!({"KeyId": self.keys[grant.key], "GrantId": grant.id})
        };
        let answer = self.server().call_by(&principal, "RetireGrant", input).await;
        self.compare(may, &answer, &format!("{} retires {grant:?}", person.arn));
        if answer.is_ok() {
            self.grants.remove(place);
            self.tell_all().await;
        }
    }

    async fn somebody_uses(&mut self) {
        let (principal, person) = self.random.pick(&self.people).clone();
        let (key, context) = (self.random.below(self.keys.len()), self.context());
        let arn = self.keys[key].clone();
        let (operation, input, context) = match self.random.below(5) {
            0 => ("DescribeKey", json!({"KeyId": arn}), None),
            1 => {
                let blob = self.blob(key, &context).await;
                ("Decrypt", json!({"KeyId": arn, "CiphertextBlob": blob, "EncryptionContext": context}), Some(context))
            }
            2 => {
                let input = json!({"KeyId": arn, "Plaintext": "AAAA", "EncryptionContext": context});
                ("Encrypt", input, Some(context))
            }
            data_key => {
                let input = json!({"KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": context});
                let operation = ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"][data_key - 3];
                (operation, input, Some(context))
            }
        };
        let may = may_use(&self.grants, &person, operation, key, context.as_ref());
        let answer = self.server().call_by(&principal, operation, input.clone()).await;
        self.compare(may, &answer, &format!("{} {operation} {input}", person.arn));
    }

    async fn somebody_re_encrypts(&mut self) {
        let (principal, person) = self.random.pick(&self.people).clone();
        let [source, destination] = [(); 2].map(|()| self.random.below(self.keys.len()));
        let [from, to] = [(); 2].map(|()| self.context());
        let input = json!({
            "CiphertextBlob": self.blob(source, &from).await, "SourceEncryptionContext": from,
            "DestinationKeyId": self.keys[destination], "DestinationEncryptionContext": to,
        });
        let may = may_use(&self.grants, &person, "ReEncryptFrom", source, Some(&from))
            && may_use(&self.grants, &person, "ReEncryptTo", destination, Some(&to));
        let answer = self.server().call_by(&principal, "ReEncrypt", input.clone()).await;
        self.compare(may, &answer, &format!("{} ReEncrypt {input}", person.arn));
    }

    fn compare(&mut self, may: bool, answer: &Answer, what: &str) {
        let seed = self.seed;
        match answer {
            Ok(_) => self.allowed += 1,
            Err(refused) => {
                assert_eq!(refused.exception, "AccessDeniedException", "seed {seed}: {what}: {}", refused.message);
                self.refused += 1;
            }
        }
        assert_eq!(answer.is_ok(), may, "seed {seed}: {what}: {answer:?}; grants: {:#?}", self.grants);
    }

    fn server(&mut self) -> &Server {
        &self.servers[self.random.below(2)]
    }

    /// A grant to somebody: the request, and what there is once it is granted.
    fn request(&mut self, wish: &Wish, issuer: String) -> (Value, Granted) {
        let grantee = self.name();
        let retiring = self.random.percent(30).then(|| self.name());
        let mut input =
            json!({"KeyId": self.keys[wish.key], "GranteePrincipal": grantee, "Operations": wish.operations});
        match &wish.constraint {
            Constraint::None => {}
            Constraint::Equals(pairs) => input["Constraints"] = json!({"EncryptionContextEquals": pairs}),
            Constraint::Subset(pairs) => input["Constraints"] = json!({"EncryptionContextSubset": pairs}),
        }
        if let Some(retiring) = &retiring {
            input["RetiringPrincipal"] = json!(retiring);
        }
        let Wish { key, operations, constraint } = wish.clone();
        let (id, token) = (String::new(), String::new());
        (input, Granted { id, token, key, grantee, retiring, issuer, operations, constraint })
    }

    async fn made(&mut self, granted: Granted, answer: &Value) {
        let Made { id, token } = Made::of(answer);
        self.grants.push(Granted { id, token, ..granted });
        self.tell_all().await;
    }

    async fn tell_all(&mut self) {
        for (server, read) in self.servers.iter().zip(&mut self.read) {
            read_change_feed(&server.kms, read).await.unwrap();
        }
    }

    fn wish(&mut self) -> Wish {
        let mut operations: Vec<_> = OPERATIONS.into_iter().filter(|_| self.random.percent(35)).collect();
        if operations.is_empty() || operations == ["CreateGrant"] {
            operations.push("Encrypt");
        }
        let constraint = match self.random.below(3) {
            0 => Constraint::None,
            1 => Constraint::Equals(self.context()),
            _ => Constraint::Subset(self.context()),
        };
        Wish { key: self.random.below(self.keys.len()), operations, constraint }
    }

    /// The name of somebody, of a role, or of an account.
    fn name(&mut self) -> String {
        let (_, person) = self.random.pick(&self.people);
        let names = [Some(person.arn.clone()), person.role.clone(), Some(person.account.clone())];
        let names: Vec<_> = names.into_iter().flatten().collect();
        self.random.pick(&names).clone()
    }

    fn context(&mut self) -> Context {
        let mut context = Context::new();
        for name in ["a", "b"] {
            if self.random.percent(50) {
                context.insert(name.to_owned(), (*self.random.pick(&["1", "2"])).to_owned());
            }
        }
        context
    }

    /// A ciphertext of the owner's.
    async fn blob(&mut self, key: usize, context: &Context) -> Value {
        let place = (key, context.clone());
        if !self.blobs.contains_key(&place) {
            let input = json!({"KeyId": self.keys[key], "Plaintext": "AAAA", "EncryptionContext": context});
            let blob = self.servers[0].call("Encrypt", input).await.unwrap()["CiphertextBlob"].clone();
            self.blobs.insert(place.clone(), blob);
        }
        self.blobs[&place].clone()
    }
}

/// Users of two accounts and sessions of a role, whose own policies differ.
async fn people(installation: &Installation) -> Vec<(Principal, Person)> {
    let allow = statement("Allow", &["kms:*"], "*");
    let deny = statement("Deny", &["kms:Decrypt", "kms:RetireGrant"], "*");
    let session = installation.create_session("clerk", &[]).await;
    let role = session.policy_identity.role_arn.clone();
    let (everything, nothing) = (OPERATIONS.to_vec(), Vec::new());
    let denied = vec!["Decrypt", "RetireGrant"];
    let user = async |account, name, statements: &[Value]| installation.create_user_of(account, name, statements).await;
    let all = std::slice::from_ref(&allow);
    let who = [
        (user(account(), "bare", &[]).await, None, &nothing, &nothing),
        (user(account(), "allowed", all).await, None, &everything, &nothing),
        (user(account(), "denied", &[allow.clone(), deny]).await, None, &everything, &denied),
        (session, role, &nothing, &nothing),
        (user(other_account(), "bare", &[]).await, None, &nothing, &nothing),
        (user(other_account(), "allowed", all).await, None, &everything, &nothing),
    ];
    who.into_iter()
        .map(|(principal, role, allowed, denied)| {
            let person = Person {
                arn: principal.arn.clone(),
                role,
                account: Principal::root(principal.account).arn,
                allowed: allowed.clone(),
                denied: denied.clone(),
                at_home: principal.account == account(),
            };
            (principal, person)
        })
        .collect()
}

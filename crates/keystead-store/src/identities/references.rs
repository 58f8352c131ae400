//! Who refers to a group or to a managed policy.
//!
//! A holder's row tells to whom it refers; the table of references tells the same by target. It is written with the holder, in one
//! transaction.

use std::collections::{BTreeMap, BTreeSet};

use keystead_core::access::{Group, Role, User};
use keystead_core::port::{PolicyHolder, PolicyReference, StoreError};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{append_change, groups, policies};
use crate::rows::{Layout, Record};
use crate::statements::{execute, exists, fetch_all, statements};

const LAYOUT: Layout = Layout { table: "iam_references", identity: &["account", "holder_kind", "name"] };

/// What the ARNs of managed policies of AWS begin with.
const AWS_POLICIES: &str = "arn:aws:iam::aws:policy/";

statements! {
    INSERT = "INSERT INTO iam_references (account, holder_kind, holder_name, target, member, attached, boundary)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE_OF_HOLDER = "DELETE FROM iam_references WHERE account = $1 AND holder_kind = $2 AND holder_name = $3";
    TO_TARGET = "SELECT holder_name FROM iam_references WHERE account = $1 AND target = $2 LIMIT 1";
    USERS_OF_POLICY = "SELECT iam_references.account, holder_kind, user_name AS name, user_id AS unique_id, path, attached, boundary
        FROM iam_references JOIN users ON users.account = iam_references.account AND user_name = holder_name
        WHERE iam_references.account = $1 AND target = $2 AND holder_kind = 'USER' AND member = 0 ORDER BY holder_name";
    GROUPS_OF_POLICY = "SELECT iam_references.account, holder_kind, group_name AS name, group_id AS unique_id, path, attached, boundary
        FROM iam_references JOIN iam_groups ON iam_groups.account = iam_references.account AND group_name = holder_name
        WHERE iam_references.account = $1 AND target = $2 AND holder_kind = 'GROUP' ORDER BY holder_name";
    ROLES_OF_POLICY = "SELECT iam_references.account, holder_kind, role_name AS name, role_id AS unique_id, path, attached, boundary
        FROM iam_references JOIN iam_roles ON iam_roles.account = iam_references.account AND role_name = holder_name
        WHERE iam_references.account = $1 AND target = $2 AND holder_kind = 'ROLE' ORDER BY holder_name";
}

/// The statement for each kind of holder, in the order of the kinds.
const OF_POLICY: [(PolicyHolder, &str); 3] = [
    (PolicyHolder::User, USERS_OF_POLICY),
    (PolicyHolder::Group, GROUPS_OF_POLICY),
    (PolicyHolder::Role, ROLES_OF_POLICY),
];

/// Who refers, and to whom.
pub(super) struct References<'a> {
    account: &'a AccountId,
    holder: PolicyHolder,
    name: &'a str,
    targets: BTreeMap<&'a str, Relation>,
}

/// What a target is to its holder.
#[derive(Clone, Copy, Default)]
struct Relation {
    member: bool,
    attached: bool,
    boundary: bool,
}

impl<'a> References<'a> {
    /// Those of a user.
    pub(super) fn of_user(user: &'a User) -> Self {
        let mut references = Self::none(&user.account, PolicyHolder::User, &user.user_name);
        references.add_policies(&user.policies.managed, user.permissions_boundary.as_deref());
        for group in &user.groups {
            references.relation(group).member = true;
        }
        references
    }

    /// Those of a group.
    pub(super) fn of_group(group: &'a Group) -> Self {
        let mut references = Self::none(&group.account, PolicyHolder::Group, &group.group_name);
        references.add_policies(&group.policies.managed, None);
        references
    }

    /// Those of a role.
    pub(super) fn of_role(role: &'a Role) -> Self {
        let mut references = Self::none(&role.account, PolicyHolder::Role, &role.role_name);
        references.add_policies(&role.policies.managed, role.permissions_boundary.as_deref());
        references
    }

    /// Nothing that a holder refers to: what is to be stored of one that goes.
    pub(super) fn none(account: &'a AccountId, holder: PolicyHolder, name: &'a str) -> Self {
        Self { account, holder, name, targets: BTreeMap::new() }
    }

    fn add_policies(&mut self, managed: &'a BTreeSet<String>, boundary: Option<&'a str>) {
        for arn in managed {
            self.relation(arn).attached = true;
        }
        if let Some(arn) = boundary {
            self.relation(arn).boundary = true;
        }
    }

    fn relation(&mut self, target: &'a str) -> &mut Relation {
        self.targets.entry(target).or_default()
    }

    /// What follows every change of a holder: stores them in place of those that are stored of it, and tells the change feed. `NotFound` if a
    /// target is not there.
    pub(super) async fn store(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let delete =
            sqlx::query(DELETE_OF_HOLDER).bind(self.account.as_str()).bind(holder_kind(self.holder)).bind(self.name);
        execute(connection, delete).await?;
        for (target, relation) in &self.targets {
            self.target_exists(connection, target, *relation).await?;
            self.insert(connection, target, *relation).await?;
        }
        append_change(connection, self.account).await
    }

    async fn target_exists(
        &self,
        connection: &mut SqliteConnection,
        target: &str,
        relation: Relation,
    ) -> Result<(), StoreError> {
        let is_there = if relation.member {
            groups::exists_of_name(connection, self.account, target).await?
        } else {
            target.starts_with(AWS_POLICIES) || policies::exists_of_arn(connection, self.account, target).await?
        };
        if is_there { Ok(()) } else { Err(StoreError::NotFound) }
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        target: &str,
        relation: Relation,
    ) -> Result<(), StoreError> {
        let insert = sqlx::query(INSERT)
            .bind(self.account.as_str())
            .bind(holder_kind(self.holder))
            .bind(self.name)
            .bind(target)
            .bind(i64::from(relation.member))
            .bind(i64::from(relation.attached))
            .bind(i64::from(relation.boundary));
        execute(connection, insert).await.map(drop)
    }
}

/// `Referenced` if anyone of an account refers to a group (by its name) or to a managed policy (by its ARN).
pub(super) async fn nobody_refers_to(
    connection: &mut SqliteConnection,
    account: &AccountId,
    target: &str,
) -> Result<(), StoreError> {
    match exists(connection, sqlx::query(TO_TARGET).bind(account.as_str()).bind(target)).await? {
        true => Err(StoreError::Referenced),
        false => Ok(()),
    }
}

/// [`keystead_core::port::IdentityStore::policy_references`].
pub(crate) async fn of_policy(
    connection: &mut SqliteConnection,
    account: &AccountId,
    policy_arn: &str,
) -> Result<Vec<PolicyReference>, StoreError> {
    let mut references = Vec::new();
    for (holder, statement) in OF_POLICY {
        let rows = fetch_all(connection, sqlx::query(statement).bind(account.as_str()).bind(policy_arn)).await?;
        for row in &rows {
            references.push(read(row, holder)?);
        }
    }
    Ok(references)
}

fn holder_kind(holder: PolicyHolder) -> &'static str {
    match holder {
        PolicyHolder::User => "USER",
        PolicyHolder::Group => "GROUP",
        PolicyHolder::Role => "ROLE",
    }
}

fn read(row: &SqliteRow, holder: PolicyHolder) -> Result<PolicyReference, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(PolicyReference {
        holder,
        name: record.text("name")?,
        unique_id: record.text("unique_id")?,
        path: record.text("path")?,
        attached: record.whole::<u8>("attached")? != 0,
        boundary: record.whole::<u8>("boundary")? != 0,
    })
}

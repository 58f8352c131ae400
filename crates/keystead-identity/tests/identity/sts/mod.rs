//! STS over the real store: roles, chains of roles, sessions of users, web identities, and what becomes of them.

mod access_keys;
mod assumed_roles;
mod chains;
mod endings;
mod limits;
mod other_accounts;
mod protocol;
mod refusals;
mod support;
mod tags;
mod user_sessions;
mod web_identities;

//! The IAM API, member by member.

mod access_keys;
mod authorization_details;
mod gone_principals;
mod groups;
mod not_kept;
mod permissions;
mod protocol;
mod roles;
mod tags_at_creation;
mod user_sessions;
mod users;

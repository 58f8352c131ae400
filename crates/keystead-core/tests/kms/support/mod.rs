//! An installation of KMS in several Regions, over the real store, without key stores and HSMs.

mod grants;
mod identities;
mod installation;
mod no_key_stores;
mod policies;
mod wrapping;

pub use grants::Made;
pub use identities::{other_account, statement, with_session_policy};
pub use installation::{
    Answer, IRELAND, Installation, KEY_TRANSITION_MS, OHIO, Refused, Server, TOKYO, VIRGINIA, account, text,
};
pub use policies::{allow_if, denied, enable_iam, for_principal, key_policy, not_allowed};
pub use wrapping::Parameters;

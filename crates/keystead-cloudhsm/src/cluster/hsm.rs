//! One HSM of a cluster.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use keystead_model::Timestamp;
use keystead_model::cloudhsm::HsmState;
use serde::{Deserialize, Serialize};

/// An HSM: a token and a network interface.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct Hsm {
    pub(crate) hsm_id: String,
    /// CREATE_IN_PROGRESS, ACTIVE or DELETE_IN_PROGRESS; that one is DEGRADED is found out each time.
    pub(crate) state: HsmState,
    /// When it came into this state.
    pub(crate) since: Timestamp,
    pub(crate) availability_zone: String,
    pub(crate) subnet_id: String,
    /// The address that was asked for.
    pub(crate) requested_ip: Option<Ipv4Addr>,
    pub(crate) eni_id: Option<String>,
    pub(crate) eni_ip: Option<Ipv4Addr>,
    /// What its token is made from, once that is decided.
    pub(crate) source: Option<TokenSource>,
    /// Its token, once it is there and in order.
    pub(crate) token: Option<Token>,
    /// The backup that is taken before it goes, once that is decided.
    pub(crate) final_backup: Option<String>,
}

/// What a token is made from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum TokenSource {
    /// Nothing: it is initialised.
    Fresh,
    /// The backup of this ID.
    Backup(String),
}

/// The token of an HSM. Where a soft token is follows from the data folder, which may be moved; where another one is, its owner said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) struct Token {
    /// What the module finds its configuration by; empty for soft tokens.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) label: Option<String>,
    pub(crate) serial: Option<String>,
    /// It is being initialised again, which may give it another serial number.
    #[serde(default)]
    pub(crate) reinitializing: bool,
    /// File or folder in which the token keeps its objects, where its owner said so.
    pub(crate) storage: Option<PathBuf>,
}

impl Hsm {
    /// In service so far as the store knows.
    pub(crate) fn is_active(&self) -> bool {
        self.state == HsmState::Active
    }

    /// In a state that it leaves by itself.
    pub(crate) fn is_transitional(&self) -> bool {
        matches!(self.state, HsmState::CreateInProgress | HsmState::DeleteInProgress)
    }
}

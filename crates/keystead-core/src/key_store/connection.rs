//! The connection state machine of a custom key store: one enum, one transition table.
//!
//! Source: KMS API Reference, ConnectionStateType, and the exceptions of the six custom key store operations.

use keystead_model::kms::{ConnectionErrorCodeType, ConnectionStateType};

/// Where a custom key store's connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionState {
    /// Never connected, or deliberately disconnected.
    Disconnected,
    /// A connect job is under way.
    Connecting,
    /// Connecting succeeded once. Says nothing about the proxy being up now.
    Connected,
    /// Connecting failed; only a disconnect leads on.
    Failed(ConnectionErrorCodeType),
    /// A disconnect job is under way. Keys are unusable already.
    Disconnecting,
}

/// What happens to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionEvent {
    /// ConnectCustomKeyStore was called.
    Connect,
    /// DisconnectCustomKeyStore was called.
    Disconnect,
    /// The connect job succeeded.
    ConnectSucceeded,
    /// The connect job failed.
    ConnectFailed(ConnectionErrorCodeType),
    /// The disconnect job is done.
    DisconnectDone,
}

/// What an event does in a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionTransition {
    /// The state becomes this one.
    To(ConnectionState),
    /// Already so: nothing to do, and no error.
    Unchanged,
    /// Not allowed: `CustomKeyStoreInvalidStateException` to a caller, a stale job to a worker.
    Refused,
}

impl ConnectionState {
    /// The transition table; every pair is spelled out so that a new state or event asks for its row.
    pub fn on(self, event: ConnectionEvent) -> ConnectionTransition {
        use ConnectionEvent as E;
        use ConnectionState as S;
        use ConnectionTransition::{Refused, To, Unchanged};
        match (self, event) {
            (S::Disconnected, E::Connect) => To(S::Connecting),
            // The API reference names only FAILED and DISCONNECTING as wrong states: the call is idempotent otherwise (unverified).
            (S::Connecting | S::Connected, E::Connect) => Unchanged,
            (S::Failed(_) | S::Disconnecting, E::Connect) => Refused,

            (S::Connected | S::Connecting | S::Failed(_), E::Disconnect) => To(S::Disconnecting),
            (S::Disconnected | S::Disconnecting, E::Disconnect) => Refused,

            (S::Connecting, E::ConnectSucceeded) => To(S::Connected),
            (S::Disconnected | S::Connected | S::Failed(_) | S::Disconnecting, E::ConnectSucceeded) => Refused,

            (S::Connecting, E::ConnectFailed(code)) => To(S::Failed(code)),
            (S::Disconnected | S::Connected | S::Failed(_) | S::Disconnecting, E::ConnectFailed(_)) => Refused,

            (S::Disconnecting, E::DisconnectDone) => To(S::Disconnected),
            (S::Disconnected | S::Connected | S::Connecting | S::Failed(_), E::DisconnectDone) => Refused,
        }
    }

    /// The value of the `ConnectionState` member.
    pub fn state_type(self) -> ConnectionStateType {
        match self {
            Self::Disconnected => ConnectionStateType::Disconnected,
            Self::Connecting => ConnectionStateType::Connecting,
            Self::Connected => ConnectionStateType::Connected,
            Self::Failed(_) => ConnectionStateType::Failed,
            Self::Disconnecting => ConnectionStateType::Disconnecting,
        }
    }

    /// The value of the `ConnectionErrorCode` member: in FAILED alone.
    pub fn error_code(self) -> Option<ConnectionErrorCodeType> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Disconnected | Self::Connecting | Self::Connected | Self::Disconnecting => None,
        }
    }

    /// Whether keys in the store can be used.
    pub fn is_connected(self) -> bool {
        self == Self::Connected
    }

    /// Whether the store is on its way to another state.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Connecting | Self::Disconnecting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionErrorCodeType::XksProxyTimedOut;
    use ConnectionState::{Connected, Connecting, Disconnected, Disconnecting, Failed};

    /// External key stores digest, 3.6: columns are Connect, Disconnect, ConnectSucceeded, ConnectFailed, DisconnectDone;
    /// `=` unchanged, `x` refused.
    #[test]
    fn the_documented_table() {
        let failed = Failed(XksProxyTimedOut);
        let events = [
            ConnectionEvent::Connect,
            ConnectionEvent::Disconnect,
            ConnectionEvent::ConnectSucceeded,
            ConnectionEvent::ConnectFailed(XksProxyTimedOut),
            ConnectionEvent::DisconnectDone,
        ];
        let to = ConnectionTransition::To;
        let (same, x) = (ConnectionTransition::Unchanged, ConnectionTransition::Refused);
        let table = [
            (Disconnected, [to(Connecting), x, x, x, x]),
            (Connecting, [same, to(Disconnecting), to(Connected), to(failed), x]),
            (Connected, [same, to(Disconnecting), x, x, x]),
            (failed, [x, to(Disconnecting), x, x, x]),
            (Disconnecting, [x, x, x, x, to(Disconnected)]),
        ];
        for (state, row) in table {
            for (event, expected) in events.into_iter().zip(row) {
                assert_eq!(state.on(event), expected, "{state:?} on {event:?}");
            }
        }
    }
}

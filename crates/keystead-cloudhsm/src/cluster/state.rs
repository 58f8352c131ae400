//! The states of a cluster, and what leads from one to the other.

use keystead_model::cloudhsm::ClusterState;

/// What happens to a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClusterEvent {
    /// Its security group is there.
    Created,
    /// The same, of a cluster that has certificate, users and keys already: from a backup, or registered.
    CreatedActive,
    /// InitializeCluster was given a good certificate.
    InitializeRequested,
    /// The certificate is in force.
    InitializeDone,
    /// The administrator has a password of their own.
    Activated,
    /// DeleteCluster.
    DeleteRequested,
    /// Nothing of it is left.
    DeleteDone,
}

/// Every move there is (digest 5.3). What is not here is refused.
///
/// DEGRADED, UPDATE_IN_PROGRESS, MODIFY_IN_PROGRESS and ROLLBACK_IN_PROGRESS are states of the API that a cluster here never is in: its
/// HSMs alone become DEGRADED, and what can be modified is modified at once.
const TRANSITIONS: &[(ClusterState, ClusterEvent, ClusterState)] = &[
    (ClusterState::CreateInProgress, ClusterEvent::Created, ClusterState::Uninitialized),
    // Whether AWS waits for the first HSM is unverified; Terraform's provider waits for ACTIVE before it makes one.
    (ClusterState::CreateInProgress, ClusterEvent::CreatedActive, ClusterState::Active),
    (ClusterState::Uninitialized, ClusterEvent::InitializeRequested, ClusterState::InitializeInProgress),
    (ClusterState::InitializeInProgress, ClusterEvent::InitializeDone, ClusterState::Initialized),
    (ClusterState::Initialized, ClusterEvent::Activated, ClusterState::Active),
    (ClusterState::Uninitialized, ClusterEvent::DeleteRequested, ClusterState::DeleteInProgress),
    (ClusterState::Initialized, ClusterEvent::DeleteRequested, ClusterState::DeleteInProgress),
    (ClusterState::Active, ClusterEvent::DeleteRequested, ClusterState::DeleteInProgress),
    (ClusterState::DeleteInProgress, ClusterEvent::DeleteDone, ClusterState::Deleted),
];

/// Where `event` leads from `state`; `None` where it cannot happen.
pub(crate) fn next(state: ClusterState, event: ClusterEvent) -> Option<ClusterState> {
    TRANSITIONS.iter().find(|(from, on, _)| (*from, *on) == (state, event)).map(|(_, _, to)| *to)
}

/// Whether the cluster's administrator has taken it over, and KMS may use it.
pub(crate) fn is_active(state: ClusterState) -> bool {
    match state {
        ClusterState::Active
        | ClusterState::UpdateInProgress
        | ClusterState::ModifyInProgress
        | ClusterState::RollbackInProgress
        | ClusterState::Degraded => true,
        ClusterState::CreateInProgress
        | ClusterState::Uninitialized
        | ClusterState::InitializeInProgress
        | ClusterState::Initialized
        | ClusterState::DeleteInProgress
        | ClusterState::Deleted => false,
    }
}

/// Whether a cluster in this state leaves it by itself.
pub(crate) fn is_transitional(state: ClusterState) -> bool {
    matches!(
        state,
        ClusterState::CreateInProgress | ClusterState::InitializeInProgress | ClusterState::DeleteInProgress
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClusterEvent::*;

    const EVENTS: &[ClusterEvent] =
        &[Created, CreatedActive, InitializeRequested, InitializeDone, Activated, DeleteRequested, DeleteDone];

    /// Digest 5.3, one path a line.
    #[test]
    fn the_documented_life_cycles() {
        let paths: &[(&[ClusterEvent], &[&str])] = &[
            (
                &[Created, InitializeRequested, InitializeDone, Activated, DeleteRequested, DeleteDone],
                &["UNINITIALIZED", "INITIALIZE_IN_PROGRESS", "INITIALIZED", "ACTIVE", "DELETE_IN_PROGRESS", "DELETED"],
            ),
            (&[CreatedActive, DeleteRequested, DeleteDone], &["ACTIVE", "DELETE_IN_PROGRESS", "DELETED"]),
        ];
        for (events, states) in paths {
            let mut state = Some(ClusterState::CreateInProgress);
            for (event, expected) in events.iter().zip(*states) {
                state = state.and_then(|state| next(state, *event));
                assert_eq!(state.map(ClusterState::as_str), Some(*expected), "{event:?}");
            }
        }
    }

    #[test]
    fn each_event_and_state_has_one_row_at_most_and_the_rest_is_refused() {
        let pairs = ClusterState::ALL.iter().flat_map(|state| EVENTS.iter().map(move |event| (*state, *event)));
        let mut moves = 0;
        for (state, event) in pairs {
            let rows = TRANSITIONS.iter().filter(|(from, on, _)| (*from, *on) == (state, event)).count();
            assert!(rows <= 1, "{state} {event:?}");
            assert_eq!(next(state, event).is_some(), rows == 1);
            moves += rows;
        }
        assert_eq!(moves, TRANSITIONS.len());
        assert_eq!(next(ClusterState::Deleted, DeleteRequested), None);
        assert_eq!(next(ClusterState::Active, Activated), None);
        assert_eq!(next(ClusterState::Active, InitializeRequested), None);
    }

    #[test]
    fn every_state_that_passes_by_itself_has_a_way_out() {
        for state in ClusterState::ALL.iter().filter(|state| is_transitional(**state)) {
            assert!(EVENTS.iter().any(|event| next(*state, *event).is_some()), "{state}");
        }
    }
}

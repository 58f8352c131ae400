//! What every implementation of the Store port must do, case by case.
//!
//! A case takes an empty store. [`for_each_case`] makes a test of each for one implementation.

pub mod access_key_uses;
pub mod access_keys;
pub mod aliases;
pub mod changes;
pub mod connection_jobs;
pub mod custom_key_stores;
pub mod fixtures;
pub mod grants;
pub mod groups;
pub mod identity_counts;
pub mod identity_fixtures;
pub mod key_last_usages;
pub mod key_materials;
pub mod keys;
pub mod keys_due;
pub mod metadata;
pub mod multi_region;
pub mod oidc_providers;
pub mod pending_backing_keys;
pub mod policies;
pub mod roles;
pub mod session_revocation;
pub mod users;

/// The result is this error, or the test says what it is instead.
#[macro_export]
macro_rules! assert_error {
    ($result:expr, $error:pat) => {
        match $result {
            Err($error) => {}
            other => panic!("expected {}, got {other:?}", stringify!($error)),
        }
    };
}

/// Makes a `#[tokio::test]` of every case. `$fresh` is an async function that gives something that holds an empty store, with a method
/// `store(&self) -> &dyn Store`.
#[macro_export]
macro_rules! for_each_case {
    ($fresh:path) => {
        $crate::cases! { $fresh;
            metadata: the_root_key_check_is_set_once;

            access_keys: accounts_are_unique_by_id_and_by_name;
            access_keys: access_keys_need_their_owner;
            access_keys: access_keys_are_activated_and_deactivated;
            access_keys: the_access_key_quota_is_each_users_own;

            access_key_uses: the_latest_use_stays;
            access_key_uses: uses_of_access_keys_are_recorded_together;

            users: a_user_comes_back_as_it_was_stored;
            users: user_names_are_unique_whatever_their_case;
            users: what_stands_against_a_new_user;
            users: an_update_replaces_what_may_change_of_a_user;
            users: what_stands_against_an_update_of_a_user;
            users: a_user_with_access_keys_stays;
            users: a_deleted_user_refers_to_nothing;
            users: users_come_in_order_page_by_page;
            users: users_of_a_group_come_in_order_page_by_page;
            users: a_user_has_dates_that_can_be_stored;

            groups: a_group_comes_back_as_it_was_stored;
            groups: what_stands_against_a_new_group;
            groups: an_update_replaces_the_policies_of_a_group;
            groups: a_group_with_users_stays;
            groups: groups_come_in_order_page_by_page;

            roles: a_role_comes_back_as_it_was_stored;
            roles: what_stands_against_a_new_role;
            roles: an_update_replaces_what_may_change_of_a_role;
            roles: what_stands_against_an_update_of_a_role;
            roles: a_role_is_deleted_at_its_revision;
            roles: roles_come_in_order_page_by_page;

            policies: a_policy_comes_back_as_it_was_stored;
            policies: what_stands_against_a_new_policy;
            policies: an_update_replaces_what_may_change_of_a_policy;
            policies: a_policy_that_is_referred_to_stays;
            policies: who_refers_to_a_policy;
            policies: members_refer_to_no_policy;
            policies: policies_come_in_order_page_by_page;

            oidc_providers: a_provider_comes_back_as_it_was_stored;
            oidc_providers: what_stands_against_a_new_provider;
            oidc_providers: an_update_replaces_what_may_change_of_a_provider;
            oidc_providers: a_provider_is_deleted_at_its_revision;

            identity_counts: every_kind_is_counted_in_its_account;

            session_revocation: sessions_of_a_user_are_revoked;
            session_revocation: sessions_of_a_role_are_revoked;
            session_revocation: sessions_of_a_root_user_are_revoked;
            session_revocation: an_account_may_come_with_a_revocation;
            session_revocation: sessions_of_nobody_cannot_be_revoked;

            keys: a_key_comes_back_as_it_was_stored;
            keys: what_stands_against_a_new_key;
            keys: a_key_store_takes_keys_while_it_is_connected;
            keys: the_key_quota_counts_what_is_there;
            keys: an_update_needs_the_revision_that_was_read;
            keys: keys_of_every_spec_and_usage;
            keys: an_update_replaces_what_may_change;
            keys: an_update_leaves_what_never_changes;
            keys: several_keys_are_updated_together_or_not_at_all;
            keys: a_deleted_key_takes_all_it_has_along;
            keys: key_ids_come_in_order_page_by_page;

            key_materials: materials_come_back_as_they_were_stored;
            key_materials: an_update_replaces_the_materials;

            multi_region: related_keys_tell_of_each_other;
            multi_region: a_single_region_key_has_no_related_keys;
            multi_region: a_replica_updates_its_primary;
            multi_region: what_stands_against_a_replica;
            multi_region: the_primary_region_moves;
            multi_region: a_primary_key_outlives_its_replicas;

            keys_due: keys_due_for_deletion;
            keys_due: keys_without_replicas_left;
            keys_due: keys_due_for_rotation;
            keys_due: replicas_are_not_due_for_rotation;
            keys_due: keys_with_expired_material;

            grants: a_grant_comes_back_as_it_was_stored;
            grants: what_stands_against_a_new_grant;
            grants: a_grant_with_a_name_is_made_once;
            grants: grants_without_a_name_are_always_others;
            grants: a_grant_is_deleted_once;
            grants: grants_of_a_key_come_in_order_page_by_page;
            grants: grants_to_retire_come_in_order_page_by_page;
            grants: grants_to_retire_are_of_who_had_the_name;

            key_last_usages: the_latest_usage_stays;
            key_last_usages: since_when_usages_are_recorded;
            key_last_usages: usages_are_recorded_together;

            aliases: an_alias_comes_back_as_it_was_stored;
            aliases: what_stands_against_a_new_alias;
            aliases: what_stands_against_a_moved_alias;
            aliases: a_deletion_needs_the_revision_that_was_read;
            aliases: aliases_come_in_order_page_by_page;

            custom_key_stores: a_key_store_comes_back_as_it_was_stored;
            custom_key_stores: what_stands_against_a_new_key_store;
            custom_key_stores: the_same_is_free_in_another_account_and_region;
            custom_key_stores: what_stands_against_an_update;
            custom_key_stores: every_connection_state_is_stored;
            custom_key_stores: a_key_store_with_keys_stays;
            custom_key_stores: key_stores_come_in_order_page_by_page;
            custom_key_stores: a_cluster_backs_one_key_store_of_an_account;
            custom_key_stores: a_key_store_keeps_its_type;

            pending_backing_keys: a_key_takes_its_backing_key_out_of_the_journal;
            pending_backing_keys: an_abandoned_backing_key_gets_no_key;
            pending_backing_keys: a_key_does_not_take_another_key_stores_backing_key;
            pending_backing_keys: the_journal_is_read_oldest_first;

            connection_jobs: starting_a_job_updates_the_key_store;
            connection_jobs: one_owner_at_a_time;
            connection_jobs: the_earliest_due_comes_first;
            connection_jobs: a_new_job_replaces_the_old_one;
            connection_jobs: only_the_lease_holder_finishes;
            connection_jobs: a_job_that_cannot_finish_stays;
            connection_jobs: discarding_is_idempotent;
            connection_jobs: a_deleted_key_store_takes_its_job_along;
            connection_jobs: a_lease_is_renewed_by_its_holder;

            changes: every_mutation_is_in_the_feed;
            changes: related_keys_are_in_the_feed;
            changes: identities_are_in_the_feed;
            changes: what_changes_no_identity_is_not_in_the_feed;
            changes: grants_are_in_the_feed;
            changes: usages_are_not_in_the_feed;
            changes: what_fails_is_not_in_the_feed;
            changes: the_feed_is_read_page_by_page;
        }
    };
}

/// See [`for_each_case`].
#[macro_export]
macro_rules! cases {
    ($fresh:path; $($module:ident: $case:ident;)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let fresh = $fresh().await;
                $crate::behaviour::$module::$case(fresh.store()).await;
            }
        )+
    };
}

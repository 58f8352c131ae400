//! The last uses of access keys that are not stored yet.
//!
//! Each use is noted in memory, and what was noted is stored every few seconds and when the server ends: so a signature costs no write. A
//! server that is killed loses the last seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keystead_model::Timestamp;
use keystead_model::arn::Region;

use super::AccessKeyUse;
use crate::error::KmsError;
use crate::kms::Kms;

/// How long a use may stay in memory alone.
pub(crate) const STORE_INTERVAL: Duration = Duration::from_secs(5);
/// How many are stored in one transaction.
const BATCH: usize = 1000;
/// Requests with different access keys do not wait for each other, unless they meet in one part of so many.
const PARTS: usize = 16;
/// The most access keys in a part: in all some 20 MB. The uses of more are not noted until these are stored.
const KEYS_PER_PART_MAX: usize = 6250;

/// See the module's text.
#[derive(Default)]
pub(crate) struct AccessKeyUseTracker {
    parts: [Mutex<HashMap<String, AccessKeyUse>>; PARTS],
}

impl AccessKeyUseTracker {
    /// Notes a use. A second is as exact as IAM tells it, so a use like the noted one within its second changes nothing.
    fn note(&self, access_key_id: &str, date: Timestamp, region: &Region, service: &str) {
        let mut part = self.part(access_key_id);
        let noted = part.get(access_key_id);
        if noted.is_some_and(|noted| {
            noted.date > date || (second(noted.date) == second(date) && is_of(noted, region, service))
        }) || (noted.is_none() && part.len() >= KEYS_PER_PART_MAX)
        {
            return;
        }
        let access_key_id = access_key_id.to_owned();
        let last_use =
            AccessKeyUse { access_key_id, date, region: region.as_str().to_owned(), service: service.to_owned() };
        part.insert(last_use.access_key_id.clone(), last_use);
    }

    fn noted(&self, access_key_id: &str) -> Option<AccessKeyUse> {
        self.part(access_key_id).get(access_key_id).cloned()
    }

    fn all(&self) -> Vec<AccessKeyUse> {
        self.parts.iter().flat_map(|part| lock(part).values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Forgets what is stored now; an access key that was used again meanwhile stays.
    fn forget(&self, stored: &[AccessKeyUse]) {
        for last_use in stored {
            let mut part = self.part(&last_use.access_key_id);
            if part.get(&last_use.access_key_id) == Some(last_use) {
                part.remove(&last_use.access_key_id);
            }
        }
    }

    fn part(&self, access_key_id: &str) -> MutexGuard<'_, HashMap<String, AccessKeyUse>> {
        // The last character is random in every access key ID.
        let last = access_key_id.bytes().last().unwrap_or_default();
        lock(&self.parts[usize::from(last) % PARTS])
    }
}

impl Kms {
    /// Notes that an access key signed a request to a service, which its signature names, in a Region. For long-term access keys.
    pub fn note_access_key_use(&self, access_key_id: &str, region: &Region, service: &str) {
        self.access_key_use_tracker.note(access_key_id, self.clock.now(), region, service);
    }

    /// The last use of an access key, noted or stored.
    pub async fn access_key_last_use(&self, access_key_id: &str) -> Result<Option<AccessKeyUse>, KmsError> {
        let noted = self.access_key_use_tracker.noted(access_key_id);
        let stored = self.catalog.store().access_key_use(access_key_id).await?;
        Ok(noted.into_iter().chain(stored).max_by_key(|last_use| last_use.date))
    }
}

/// Stores what was noted. What the store does not take stays noted.
pub(crate) async fn store_access_key_uses(kms: &Kms) -> Result<(), KmsError> {
    let tracker = &kms.access_key_use_tracker;
    for batch in tracker.all().chunks(BATCH) {
        kms.catalog.store().record_access_key_uses(batch).await?;
        tracker.forget(batch);
    }
    Ok(())
}

fn second(date: Timestamp) -> i64 {
    date.millis().div_euclid(1000)
}

fn is_of(last_use: &AccessKeyUse, region: &Region, service: &str) -> bool {
    last_use.region == region.as_str() && last_use.service == service
}

/// No panic leaves a part half changed.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn note(tracker: &AccessKeyUseTracker, id: &str, millis: i64, service: &str) {
        tracker.note(id, Timestamp::from_millis(millis), &Region::parse("us-east-1").unwrap(), service);
    }

    fn noted(tracker: &AccessKeyUseTracker, id: &str) -> Option<(i64, String)> {
        tracker.noted(id).map(|last_use| (last_use.date.millis(), last_use.service))
    }

    #[test]
    fn the_latest_use_counts_to_the_second() {
        let tracker = AccessKeyUseTracker::default();
        for (millis, service, expected) in [
            (5_000, "kms", (5_000, "kms")),
            (5_900, "kms", (5_000, "kms")),
            (5_950, "iam", (5_950, "iam")),
            (4_000, "kms", (5_950, "iam")),
            (6_000, "iam", (6_000, "iam")),
        ] {
            note(&tracker, "AKIAA", millis, service);
            assert_eq!(noted(&tracker, "AKIAA"), Some((expected.0, expected.1.to_owned())));
        }
        assert_eq!(noted(&tracker, "AKIAB"), None);
    }

    #[test]
    fn what_is_stored_is_forgotten_unless_it_was_used_again() {
        let tracker = AccessKeyUseTracker::default();
        note(&tracker, "AKIAA", 1_000, "kms");
        note(&tracker, "AKIAB", 1_000, "kms");
        let stored = tracker.all();
        assert_eq!(stored.len(), 2);
        note(&tracker, "AKIAB", 2_000, "kms");
        tracker.forget(&stored);
        assert_eq!((noted(&tracker, "AKIAA"), noted(&tracker, "AKIAB").unwrap().0), (None, 2_000));
    }

    #[test]
    fn memory_is_bounded() {
        let tracker = AccessKeyUseTracker::default();
        for number in 0..=KEYS_PER_PART_MAX {
            note(&tracker, &format!("AKIA{number}A"), 1_000, "kms");
        }
        assert_eq!(tracker.all().len(), KEYS_PER_PART_MAX);
        // Those that are noted already go on being noted.
        note(&tracker, "AKIA0A", 9_000, "kms");
        assert_eq!(noted(&tracker, "AKIA0A").unwrap().0, 9_000);
    }
}

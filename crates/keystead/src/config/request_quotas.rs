//! `[request_quotas]`: how often a second an account may call what.

use std::collections::BTreeMap;

use keystead_core::quota::{REQUEST_QUOTAS, RequestQuotaSettings};
use serde::Deserialize;

use super::number::check_least;

/// `[request_quotas]`. The defaults are AWS's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RequestQuotasConfig {
    /// Whether request quotas hold. Default true.
    pub(crate) enabled: bool,
    /// Requests a second of each account in a Region, where they differ from AWS's: by the quota's name, such as `CreateKey`.
    pub(crate) per_second: BTreeMap<String, u32>,
}

impl Default for RequestQuotasConfig {
    fn default() -> Self {
        Self { enabled: true, per_second: BTreeMap::new() }
    }
}

impl RequestQuotasConfig {
    /// Refuses quotas that there are none of, and such as would let nobody call.
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, per_second) in &self.per_second {
            let key = format!("request_quotas.per_second.{name}");
            if !REQUEST_QUOTAS.iter().any(|quota| quota.name == name) {
                return Err(format!("{key}: there is no such quota; docs/quotas.md lists all of them"));
            }
            check_least(&key, u64::from(*per_second), 1)?;
        }
        Ok(())
    }

    /// What the core is to know.
    pub(super) fn quotas(&self) -> RequestQuotaSettings {
        RequestQuotaSettings { enabled: self.enabled, per_second: self.per_second.clone() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::smallest;

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            ("[request_quotas.per_second]\nMakeKey = 5\n", "request_quotas.per_second.MakeKey: there is no such quota"),
            ("[request_quotas.per_second]\nCreateKey = 0\n", "request_quotas.per_second.CreateKey must be 1 or more"),
        ]);
    }

    #[test]
    fn the_core_hears_of_what_differs() {
        let settings = smallest::with("[request_quotas.per_second]\nCreateKey = 7\n").unwrap().settings().unwrap();
        assert!(settings.request_quotas.enabled);
        assert_eq!(settings.request_quotas.per_second.into_iter().collect::<Vec<_>>(), [("CreateKey".to_owned(), 7)]);
    }
}

//! The credential scope: what a signing key is good for.

use std::fmt;

use crate::amz_date::AmzDate;

/// The last element of every scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// Day, Region and service that a signature is bound to. Shown as `<date>/<region>/<service>/aws4_request`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CredentialScope {
    /// UTC day, `yyyymmdd`.
    pub date: String,
    /// Region, such as `us-east-1`.
    pub region: String,
    /// Service, such as `kms` or `kms-xks-proxy`.
    pub service: String,
}

impl CredentialScope {
    /// The scope of a request made at `date`.
    pub fn on(date: AmzDate, region: impl Into<String>, service: impl Into<String>) -> Self {
        Self { date: date.date_stamp(), region: region.into(), service: service.into() }
    }
}

impl fmt::Display for CredentialScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_four_elements() {
        let scope = CredentialScope::on(AmzDate::from_unix(1_440_938_160), "us-east-1", "kms");
        assert_eq!(scope.to_string(), "20150830/us-east-1/kms/aws4_request");
    }
}

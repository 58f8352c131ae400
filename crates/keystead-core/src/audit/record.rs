//! One audit record. The order of the members is CloudTrail's.

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, Region};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::macros::format_description;

use super::UserIdentity;
use crate::kms::RequestOrigin;

/// What is recorded of a text that the caller chose, at most, in characters (CloudTrail cuts both as well).
const USER_AGENT_CHARACTERS_MAX: usize = 1024;
const ERROR_MESSAGE_CHARACTERS_MAX: usize = 4096;

/// The version of the record format that is followed.
const EVENT_VERSION: &str = "1.11";

/// A CloudTrail-shaped record of one request, or of one thing that KMS did by itself.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    event_version: &'static str,
    /// Who called.
    pub user_identity: UserIdentity,
    /// `2022-11-24T18:57:43Z`
    pub event_time: String,
    /// The service: `kms.amazonaws.com` unless set otherwise.
    pub event_source: &'static str,
    /// The operation.
    pub event_name: String,
    /// The Region.
    pub aws_region: String,
    /// The caller's address.
    #[serde(rename = "sourceIPAddress")]
    pub source_ip_address: String,
    /// The caller's `User-Agent`.
    pub user_agent: String,
    /// The exception's name, of a failed request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The request's members without secrets and without data.
    pub request_parameters: Value,
    /// What a mutation answered.
    pub response_elements: Value,
    /// Custom key store, external key, machine-readable cause.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub additional_event_data: Map<String, Value>,
    /// Equal to the `x-amzn-RequestId` of the answer and to the `kmsRequestId` that a proxy is sent.
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// A UUID of this record.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// The keys concerned; `None` for operations on custom key stores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<AuditResource>>,
    /// `AwsApiCall`, or `AwsServiceEvent`.
    pub event_type: &'static str,
    management_event: bool,
    /// The account that the record belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_account_id: Option<String>,
    /// The same in the records of all accounts that a call was recorded in, if there are several.
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    pub shared_event_id: Option<String>,
    /// The VPC endpoint that the request came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_id: Option<String>,
    /// Of something that KMS did by itself: what it did.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub service_event_details: Map<String, Value>,
    event_category: &'static str,
    /// How the request was protected on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_details: Option<TlsDetails>,
}

/// A key that a request was about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AuditResource {
    /// The account that owns it.
    #[serde(rename = "accountId")]
    pub account_id: String,
    /// `AWS::KMS::Key`, or `AWS::KMS::Alias`.
    #[serde(rename = "type")]
    pub resource_type: &'static str,
    /// Its ARN.
    #[serde(rename = "ARN")]
    pub arn: String,
}

impl AuditResource {
    /// A KMS key.
    pub fn key(account: &AccountId, arn: &str) -> Self {
        Self { account_id: account.to_string(), resource_type: "AWS::KMS::Key", arn: arn.to_owned() }
    }

    /// An alias.
    pub fn alias(account: &AccountId, arn: String) -> Self {
        Self { account_id: account.to_string(), resource_type: "AWS::KMS::Alias", arn }
    }
}

/// How a request was protected on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsDetails {
    /// `TLSv1.3`
    pub tls_version: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher_suite: String,
    /// The host that the client asked for.
    pub client_provided_host_header: String,
}

impl AuditRecord {
    /// A record of a request; the caller fills in what it knows beyond these.
    pub fn of_call(event_name: &str, region: &Region, at: Timestamp, event_id: String, read_only: bool) -> Self {
        Self {
            event_version: EVENT_VERSION,
            user_identity: UserIdentity::default(),
            event_time: iso8601(at),
            event_source: "kms.amazonaws.com",
            event_name: event_name.to_owned(),
            aws_region: region.to_string(),
            source_ip_address: String::new(),
            user_agent: String::new(),
            error_code: None,
            error_message: None,
            request_parameters: Value::Null,
            response_elements: Value::Null,
            additional_event_data: Map::new(),
            request_id: None,
            event_id,
            read_only,
            resources: None,
            event_type: "AwsApiCall",
            management_event: true,
            recipient_account_id: None,
            shared_event_id: None,
            vpc_endpoint_id: None,
            service_event_details: Map::new(),
            event_category: "Management",
            tls_details: None,
        }
    }

    /// Fills in how the request came.
    pub fn set_origin(&mut self, origin: &RequestOrigin) {
        self.request_id = Some(origin.request_id.clone());
        self.source_ip_address.clone_from(&origin.source_ip);
        self.user_agent = cut(&origin.user_agent, USER_AGENT_CHARACTERS_MAX);
        self.vpc_endpoint_id = origin.vpc_endpoint.as_ref().map(|endpoint| endpoint.vpc_endpoint_id.clone());
        self.tls_details.clone_from(&origin.tls);
    }

    /// Fills in how the request failed.
    pub fn set_error(&mut self, code: String, message: Option<&str>) {
        self.error_code = Some(code);
        self.error_message = message.map(|message| cut(message, ERROR_MESSAGE_CHARACTERS_MAX));
    }

    /// A record of something that KMS did by itself for `account`.
    pub fn of_service_event(
        event_name: &str,
        region: &Region,
        account: &AccountId,
        at: Timestamp,
        event_id: String,
    ) -> Self {
        Self {
            user_identity: UserIdentity {
                account_id: Some(account.to_string()),
                invoked_by: Some("AWS Internal"),
                ..UserIdentity::default()
            },
            source_ip_address: "AWS Internal".to_owned(),
            user_agent: "AWS Internal".to_owned(),
            event_type: "AwsServiceEvent",
            recipient_account_id: Some(account.to_string()),
            ..Self::of_call(event_name, region, at, event_id, false)
        }
    }
}

fn cut(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).collect()
}

/// `2022-11-24T18:57:43Z`
pub fn iso8601(at: Timestamp) -> String {
    format(at, format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
}

/// `Aug 10, 2022, 10:38:27 PM`: how dates look inside requestParameters and responseElements.
pub(super) fn localised(at: Timestamp) -> String {
    format(
        at,
        format_description!(
            "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period case:upper]"
        ),
    )
}

fn format(at: Timestamp, description: &[time::format_description::BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1000))
        .ok()
        .and_then(|date| date.format(description).ok())
        // Only a date outside the years 0 to 9999 comes here; the number is still true.
        .unwrap_or_else(|| at.millis().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_cloudtrail_prints_them() {
        let at = Timestamp::from_millis(1_660_171_107_500);
        assert_eq!(iso8601(at), "2022-08-10T22:38:27Z");
        assert_eq!(localised(at), "Aug 10, 2022, 10:38:27 PM");
    }
}

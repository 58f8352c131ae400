//! Requests, signed as an SDK signs them, and spoilt as a test wants.

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, PathMode, SecretAccessKey, SignableRequest, SigningKey, payload_sha256_hex,
    sign,
};

use super::ports::FixedClock;
use super::{ACTIVE, SECRET};

/// What a request is signed with.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) region: &'static str,
    pub(crate) service: &'static str,
    /// Seconds off the server's clock.
    pub(crate) off_seconds: i64,
    /// Headers that are sent and not signed.
    pub(crate) unsigned: &'static [&'static str],
}

impl Default for Signer<'_> {
    fn default() -> Self {
        Self {
            access_key_id: ACTIVE,
            secret: SECRET,
            region: "us-east-1",
            service: "kms",
            off_seconds: 0,
            unsigned: &[],
        }
    }
}

/// A POST to `/`.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// An unsigned request for an operation.
    pub(crate) fn new(host: impl ToString, operation: &str, body: &str) -> Self {
        let headers = [
            ("host", host.to_string()),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("TrentService.{operation}")),
            ("user-agent", "a-test/1.0".to_owned()),
        ];
        Self { headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(), body: body.as_bytes().to_vec() }
    }

    /// A request to CloudHSM, signed.
    pub(crate) fn cloudhsm(host: impl ToString, operation: &str, body: &str) -> Self {
        Self::new(host, operation, body)
            .changed("x-amz-target", &format!("BaldrApiService.{operation}"))
            .signed_for("cloudhsm")
    }

    /// A form for IAM or STS, unsigned.
    pub(crate) fn form(host: impl ToString, form: &str) -> Self {
        Self::unsigned_ec2(host, form)
    }

    /// A request to EC2, signed.
    pub(crate) fn ec2(host: impl ToString, form: &str) -> Self {
        Self::unsigned_ec2(host, form).signed_for("ec2")
    }

    /// A request to EC2 without a signature.
    pub(crate) fn unsigned_ec2(host: impl ToString, form: &str) -> Self {
        Self::new(host, "", form)
            .without("x-amz-target")
            .changed("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    }

    /// Eight random bytes, signed.
    pub(crate) fn random(host: impl ToString) -> Self {
        Self::new(host, "GenerateRandom", r#"{"NumberOfBytes":8}"#).signed()
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With the header's value changed.
    pub(crate) fn changed(mut self, name: &str, value: &str) -> Self {
        for (_, old) in self.headers.iter_mut().filter(|(candidate, _)| candidate == name) {
            *old = value.to_owned();
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(candidate, _)| candidate != name);
        self
    }

    pub(crate) fn with_body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub(crate) fn signed(self) -> Self {
        self.signed_by(&Signer::default())
    }

    pub(crate) fn signed_for(self, service: &'static str) -> Self {
        self.signed_by(&Signer { service, ..Signer::default() })
    }

    pub(crate) fn signed_by(self, signer: &Signer<'_>) -> Self {
        self.signed_at("POST", "", signer)
    }

    /// Signed with another method and with a query string.
    pub(crate) fn signed_at(mut self, method: &str, query: &str, signer: &Signer<'_>) -> Self {
        let date = AmzDate::from_unix(FixedClock::UNIX + signer.off_seconds);
        self.headers.push(("x-amz-date".to_owned(), date.to_string()));
        let scope = CredentialScope::on(date, signer.region, signer.service);
        let key = SigningKey::derive(&SecretAccessKey::new(signer.secret), &scope);
        let signed: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .filter(|(name, _)| !signer.unsigned.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let payload_sha256 = payload_sha256_hex(&self.body);
        let request = SignableRequest { method, path: "/", query, headers: &signed, payload_sha256: &payload_sha256 };
        let id = AccessKeyId::new(signer.access_key_id);
        let authorization = sign(&request, &id, &key, &scope, date, PathMode::Normalize);
        self.header("authorization", authorization)
    }
}

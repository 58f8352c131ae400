"""Checks the Signature Version 4 of a request that reached a proxy.

Source: XKS Proxy API specification, "Authentication"; digest external-key-stores.md, 1.3.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

AUTHORIZATION = re.compile(
    r"^AWS4-HMAC-SHA256 Credential=(?P<access_key_id>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<signed_headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})$"
)


@dataclass(frozen=True)
class ProxyCredential:
    """A proxy authentication credential, in the words of the API."""

    access_key_id: str
    raw_secret_access_key: str

    def as_parameter(self):
        """The value of `XksProxyAuthenticationCredential`."""
        return {"AccessKeyId": self.access_key_id, "RawSecretAccessKey": self.raw_secret_access_key}


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def parse_authorization(header):
    """The parts of the header as a dictionary; `None` if it is not of the specification's form."""
    match = AUTHORIZATION.match(header or "")
    return match and match.groupdict()


def canonical_request(method, path, headers, signed_headers, body):
    """The canonical request; there is never a query string."""
    lines = [method, path, ""]
    lines += [f"{name}:{headers[name].strip()}" for name in signed_headers.split(";")]
    lines += ["", signed_headers, hashlib.sha256(body).hexdigest()]
    return "\n".join(lines)


def expected_signature(secret, scope, timestamp, canonical):
    """The signature over `canonical` for a scope `date/region/service/aws4_request`."""
    to_sign = "\n".join(["AWS4-HMAC-SHA256", timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, to_sign).hex()


def is_signed_with(request, credential):
    """Whether `request` (method, path, headers, body) carries a valid signature of `credential`."""
    parts = parse_authorization(request.headers.get("authorization"))
    if not parts or parts["access_key_id"] != credential.access_key_id:
        return False
    if not {"host", "x-amz-date"} <= set(parts["signed_headers"].split(";")) <= set(request.headers):
        return False
    canonical = canonical_request(
        request.method, request.path, request.headers, parts["signed_headers"], request.body
    )
    secret = credential.raw_secret_access_key
    expected = expected_signature(secret, parts["scope"], request.headers["x-amz-date"], canonical)
    return hmac.compare_digest(expected, parts["signature"])

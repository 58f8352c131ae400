"""KMS requests signed by botocore's own signer, every part of which a test can bend, and sent byte for byte."""

import datetime
import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass, field

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from support.http_exchange import LIMIT_S, Answer, exchange
from support.sdk_client import REGION

CONTENT_TYPE = "application/x-amz-json-1.1"


class KmsAnswer(Answer):
    """The answer of the KMS API."""

    @property
    def type(self):
        return self.json.get("__type")

    @property
    def message(self):
        return self.json.get("message")


@dataclass
class RawRequest:
    """One request; change any member between signing and sending to tamper with it."""

    endpoint: str
    method: str = "POST"
    path: str = "/"
    headers: dict = field(default_factory=dict)
    body: bytes = b"{}"

    def send(self, ca_certificate=None):
        """Sends exactly these headers and this body over HTTP/1.1."""
        connection = connection_to(self.endpoint, ca_certificate)
        return exchange(connection, self.method, self.path, self.headers, self.body, KmsAnswer)


def connection_to(endpoint, ca_certificate=None):
    """An `http.client` connection to the endpoint."""
    address = urllib.parse.urlsplit(endpoint)
    if address.scheme == "http":
        return http.client.HTTPConnection(address.hostname, address.port, timeout=LIMIT_S)
    context = ssl.create_default_context(cafile=ca_certificate)
    return http.client.HTTPSConnection(address.hostname, address.port, timeout=LIMIT_S, context=context)


def unsigned_request(endpoint, operation="ListKeys", parameters=None, body=None):
    """A request without Authorization. `body` wins over `parameters`."""
    content = body if body is not None else json.dumps(parameters or {}).encode()
    headers = {
        "Host": urllib.parse.urlsplit(endpoint).netloc,
        "Content-Type": CONTENT_TYPE,
        "X-Amz-Target": f"TrentService.{operation}",
        "Content-Length": str(len(content)),
    }
    return RawRequest(endpoint, headers=headers, body=content)


def signed_request(
    endpoint,
    credentials,
    operation="ListKeys",
    parameters=None,
    body=None,
    region=REGION,
    service="kms",
    moved_by_s=0,
    target=None,
    extra_headers=None,
):
    """A validly signed request, unless `region`, `service` or the clock moved by `moved_by_s` seconds make it wrong."""
    request = unsigned_request(endpoint, operation, parameters, body)
    if target is not None:
        request.headers["X-Amz-Target"] = target
    request.headers.update(extra_headers or {})
    sign(request, credentials, region, service, moved_by_s)
    return request


def sign(request, credentials, region=REGION, service="kms", moved_by_s=0):
    """Adds X-Amz-Date and Authorization, computed by botocore's signer."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=moved_by_s)
    timestamp = moment.strftime("%Y%m%dT%H%M%SZ")
    key = botocore.credentials.Credentials(credentials.access_key_id, credentials.secret_access_key)
    signer = botocore.auth.SigV4Auth(key, service, region)
    request.headers["X-Amz-Date"] = timestamp
    unsigned = {name: value for name, value in request.headers.items() if name not in ("Content-Length", "Authorization")}
    to_sign = botocore.awsrequest.AWSRequest(
        request.method, request.endpoint + request.path, headers=unsigned, data=request.body
    )
    to_sign.context["timestamp"] = timestamp
    canonical = signer.canonical_request(to_sign)
    signature = signer.signature(signer.string_to_sign(to_sign, canonical), to_sign)
    signed_headers = signer.signed_headers(signer.headers_to_sign(to_sign))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(to_sign)}, SignedHeaders={signed_headers}, Signature={signature}"
    )


def call(endpoint, credentials, operation, parameters=None, body=None):
    """Signs and sends in one go."""
    return signed_request(endpoint, credentials, operation, parameters, body).send()

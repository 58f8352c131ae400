"""`keystead xks-proxy` in a folder, and signed calls to it."""

import datetime
import http.client
import json
import socket
import ssl
import urllib.parse
from pathlib import Path

from support.built_binary import ServerProcess, run_successfully
from support.external_key_realm import new_credential
from support.http_exchange import LIMIT_S, Answer, exchange
from support.installation import to_toml
from support.proxy_signature import canonical_request, expected_signature

HOST = "built.proxy.test"
REGION = "us-east-1"


class ProxyAnswer(Answer):
    """The answer of the XKS proxy API."""

    @property
    def error(self):
        return self.json.get("errorName")


class BuiltProxy:
    """A proxy of the built binary with some prefixes; each has its own credentials file."""

    def __init__(self, folder, authority, prefixes, **settings):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.credentials = {}
        self.process = None
        self.configuration_file = self.folder / "xks-proxy.toml"
        run_successfully("root-key", "create", self.folder / "root.key")
        self._write_configuration(prefixes, settings)

    def _write_configuration(self, prefixes, settings):
        certificate = self.authority.issue(HOST)
        tls = {"certificate": str(certificate.certificate), "private_key": str(certificate.private_key)}
        configuration = {
            "listen": "127.0.0.1:0",
            "region": REGION,
            "key_file": "external-keys.json",
            "root_key_file": "root.key",
            "access_log": "access.jsonl",
            **settings,
            "tls": {**tls, **settings.get("tls", {})},
        }
        text = to_toml(configuration)
        for path, members in prefixes.items():
            self.write_credentials(path, [new_credential()])
            text += "\n[[prefix]]\n" + to_toml({"path": path, "credentials_file": self._file_of(path), **members})
        self.configuration_file.write_text(text)

    def _file_of(self, prefix):
        return f"credentials{prefix.replace('/', '-')}.json"

    def write_credentials(self, prefix, credentials):
        """Replaces the credentials that the prefix accepts."""
        file = self.folder / self._file_of(prefix)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"credentials": [credential.as_parameter() for credential in credentials]}))
        fresh.chmod(0o600)
        fresh.rename(file)
        self.credentials[prefix] = credentials

    def start(self):
        arguments = ("xks-proxy", "--config", self.configuration_file)
        self.process = ServerProcess(*arguments, log_folder=self.folder)
        self.address = urllib.parse.urlsplit(self.process.wait_ready())
        return self

    def keys(self, *arguments):
        """Runs `keystead xks-proxy keys ...`."""
        return run_successfully("xks-proxy", "keys", *arguments, "--config", self.configuration_file)

    def connect(self, context=None):
        """A TLS connection whose certificate was checked against the authority."""
        context = context or ssl.create_default_context(cafile=self.authority.certificate)
        plain = socket.create_connection((self.address.hostname, self.address.port), LIMIT_S)
        return context.wrap_socket(plain, server_hostname=HOST)

    def send(self, method, path, headers, body, context=None):
        """Sends one request as it is."""
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self.connect(context)
        return exchange(connection, method, path, {**headers, "content-length": str(len(body))}, body, ProxyAnswer)

    def call(self, prefix, suffix, members, credential=None, tamper=None, **signing):
        """Signs and sends a POST; `tamper(headers, body)` may change what was signed."""
        path = f"{prefix}/kms/xks/v1{suffix}"
        body = members if isinstance(members, bytes) else json.dumps(members).encode()
        headers = signed_headers("POST", path, body, credential or self.credentials[prefix][0], **signing)
        if tamper is not None:
            headers, body = tamper(headers, body)
        return self.send("POST", path, headers, body)

    def send_health(self, context):
        """A valid GetHealthStatus of the first prefix over a TLS context of the caller's."""
        prefix, credentials = next(iter(self.credentials.items()))
        path = f"{prefix}/kms/xks/v1/health"
        body = b'{"requestMetadata":{"kmsOperation":"KmsHealthCheck","kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae"}}'
        return self.send("POST", path, signed_headers("POST", path, body, credentials[0]), body, context)

    def access_log(self):
        return (self.folder / "access.jsonl").read_text()


def signed_headers(method, path, body, credential, region=REGION, service="kms-xks-proxy", moved_by_s=0):
    """Headers with a valid signature, unless region, service or clock make it wrong."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=moved_by_s)
    timestamp = moment.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": HOST, "x-amz-date": timestamp}
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    canonical = canonical_request(method, path, headers, "host;x-amz-date", body)
    signature = expected_signature(credential.raw_secret_access_key, scope, timestamp, canonical)
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential.access_key_id}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    return {**headers, "content-type": "application/json"}

"""One path prefix of a proxy: its credential, its external keys, and the honest answers of all four APIs.

Source: XKS Proxy API specification 1.0.3; digest external-key-stores.md, 1.4 to 1.9.
"""

import base64
import hashlib
import itertools
import json
import os
import struct
import threading
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from support.proxy_signature import ProxyCredential, is_signed_with

_numbers = itertools.count(1)

ERROR_STATUS = {
    "ValidationException": 400,
    "InvalidStateException": 400,
    "InvalidCiphertextException": 400,
    "InvalidKeyUsageException": 400,
    "AuthenticationFailedException": 401,
    "AccessDeniedException": 403,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    "ThrottlingException": 429,
    "UnsupportedOperationException": 501,
    "DependencyTimeoutException": 503,
    "InternalException": 500,
}


@dataclass(frozen=True)
class ReceivedRequest:
    """What arrived at the proxy. Header names are in lower case."""

    method: str
    path: str
    headers: dict
    body: bytes
    connection: int

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def api(self):
        """`health`, `metadata`, `encrypt` or `decrypt`."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def external_key_id(self):
        return self.path.split("/")[-2]

    def decoded(self, member):
        """The bytes of a base64 member."""
        return base64.b64decode(self.json[member], validate=True)


@dataclass(frozen=True)
class HttpAnswer:
    """A whole HTTP response."""

    status: int
    body: bytes
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class ExternalKey:
    """An AES-256 key with versions; the newest encrypts, and `ciphertextMetadata` says which one did, unless it gives none."""

    identifier: str
    versions: list = field(default_factory=lambda: [os.urandom(32)])
    key_spec: str = "AES_256"
    key_usage: tuple = ("ENCRYPT", "DECRYPT")
    key_status: str = "ENABLED"
    gives_metadata: bool = True

    def rotate(self):
        self.versions.append(os.urandom(32))

    def metadata(self):
        return b"version=%d" % (len(self.versions) - 1) if self.gives_metadata else b""

    def material_of(self, metadata):
        if not self.gives_metadata:
            return self.versions[-1]
        return self.versions[int(metadata.removeprefix(b"version="))]


def error(name, status=None, message="said by the test's proxy"):
    """The specification's error answer."""
    body = {"errorName": name}
    if message is not None:
        body["errorMessage"] = message
    return HttpAnswer(status or ERROR_STATUS[name], json.dumps(body).encode())


def ok(members):
    """A successful answer with these members."""
    return HttpAnswer(200, json.dumps(members).encode())


def b64(data):
    return base64.b64encode(data).decode()


def integrity_value(aad, metadata, iv, ciphertext, tag):
    """The ciphertext data integrity value (specification, appendix C)."""
    return hashlib.sha256(aad + metadata + iv + ciphertext + tag).digest()


def gcm_aad(aad, metadata):
    """The AAD that the proxy hands to the external key manager."""
    return struct.pack(">H", len(aad)) + aad + bytes([len(metadata)]) + metadata


class Realm:
    """A path prefix with a credential and keys of its own. Records every request; answers honestly unless told otherwise."""

    def __init__(self, endpoint):
        self.number = next(_numbers)
        self.uri_endpoint = endpoint
        self.uri_path = f"/realm-{self.number}/kms/xks/v1"
        self.credential = new_credential()
        self.retired_credentials = []
        self.keys = {}
        self.requests = []
        self.health = ["ACTIVE"]
        self._behaviours = {}
        self._lock = threading.Lock()

    def add_key(self, identifier=None, **members):
        """Adds an external key and returns it."""
        key = ExternalKey(identifier or f"external-key-{next(_numbers)}", **members)
        self.keys[key.identifier] = key
        return key

    def behave(self, api, behaviour, times=None):
        """From now on answers `api` with `behaviour(request, realm)`, for ever or so many times."""
        with self._lock:
            self._behaviours[api] = [behaviour, times]

    def behave_honestly(self):
        """Forgets every behaviour."""
        with self._lock:
            self._behaviours.clear()

    def received(self, api=None):
        """The requests so far, all or of one API."""
        return [request for request in list(self.requests) if api in (None, request.api)]

    def answer(self, request):
        """Records the request and answers it."""
        self.requests.append(request)
        behaviour = self._take_behaviour(request.api)
        return behaviour(request, self) if behaviour else self.honest(request)

    def _take_behaviour(self, api):
        with self._lock:
            entry = self._behaviours.get(api)
            if entry is None or entry[1] == 0:
                return None
            if entry[1] is not None:
                entry[1] -= 1
            return entry[0]

    def honest(self, request):
        """The answer of a faultless proxy."""
        if not any(is_signed_with(request, known) for known in [self.credential, *self.retired_credentials]):
            return error("AuthenticationFailedException")
        if request.api == "health":
            return self._health()
        key = self.keys.get(request.external_key_id)
        if key is None:
            return error("KeyNotFoundException")
        if request.api == "metadata":
            return _metadata(key)
        if key.key_status != "ENABLED":
            return error("InvalidStateException")
        return {"encrypt": _encrypt, "decrypt": _decrypt}[request.api](key, request)

    def _health(self):
        fleet = [
            {"id": f"hsm-{n}", "model": "Test HSM 1.0", "healthStatus": state} for n, state in enumerate(self.health)
        ]
        return ok(
            {
                "xksProxyFleetSize": 1,
                "xksProxyVendor": "Keystead tests",
                "xksProxyModel": "Fault proxy 1.0",
                "ekmVendor": "Keystead tests",
                "ekmFleetDetails": fleet,
            }
        )


def _metadata(key):
    return ok({"keySpec": key.key_spec, "keyUsage": list(key.key_usage), "keyStatus": key.key_status})


def _encrypt(key, request):
    if "ENCRYPT" not in key.key_usage:
        return error("InvalidKeyUsageException")
    plaintext, aad = request.decoded("plaintext"), _aad(request)
    iv, metadata = os.urandom(12), key.metadata()
    sealed = AESGCM(key.versions[-1]).encrypt(iv, plaintext, gcm_aad(aad, metadata))
    ciphertext, tag = sealed[:-16], sealed[-16:]
    members = {
        "ciphertext": b64(ciphertext),
        "initializationVector": b64(iv),
        "authenticationTag": b64(tag),
    }
    if metadata:
        members["ciphertextMetadata"] = b64(metadata)
    if request.json.get("ciphertextDataIntegrityValueAlgorithm") == "SHA_256":
        members["ciphertextDataIntegrityValue"] = b64(integrity_value(aad, metadata, iv, ciphertext, tag))
    return ok(members)


def _decrypt(key, request):
    if "DECRYPT" not in key.key_usage:
        return error("InvalidKeyUsageException")
    metadata = base64.b64decode(request.json.get("ciphertextMetadata", ""))
    sealed = request.decoded("ciphertext") + request.decoded("authenticationTag")
    iv = request.decoded("initializationVector")
    try:
        plaintext = AESGCM(key.material_of(metadata)).decrypt(iv, sealed, gcm_aad(_aad(request), metadata))
    except (InvalidTag, ValueError, IndexError):
        return error("InvalidCiphertextException")
    return ok({"plaintext": b64(plaintext)})


def _aad(request):
    return base64.b64decode(request.json.get("additionalAuthenticatedData", ""))


def new_credential():
    """A fresh credential: 20 characters of base32, 43 of base64."""
    access_key_id = base64.b32encode(os.urandom(13)).decode()[:20]
    return ProxyCredential(access_key_id, b64(os.urandom(32))[:43])

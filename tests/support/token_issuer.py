"""An OpenID Connect issuer: a key, its key set in a file or on a TLS server, and tokens signed with it."""

import base64
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

COORDINATE_BYTES = 32


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value):
    return _base64(json.dumps(value).encode())


class TokenIssuer:
    """Signs with ES256."""

    def __init__(self, issuer):
        self.issuer = issuer
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def key_set(self):
        """What the issuer publishes."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64(number.to_bytes(COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
        return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "x": x, "y": y}]})

    def token(self, **changes):
        """A token for an hour; `changes` are laid over its claims."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "alice", "aud": "keystead", "iat": now, "exp": now + 3600, **changes}
        message = f"{_part({'alg': 'ES256', 'kid': '1'})}.{_part(claims)}"
        numbers = decode_dss_signature(self._key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{_base64(b''.join(number.to_bytes(COORDINATE_BYTES, 'big') for number in numbers))}"


class KeySetServer:
    """Publishes a key set at `/keys` over TLS."""

    def __init__(self, certificate_files, key_set):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = key_set.encode() if self.path == "/keys" else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        context: ssl.SSLContext = certificate_files.server_context()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self._server.server_port

    def close(self):
        self._server.shutdown()
        self._server.server_close()

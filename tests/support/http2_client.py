"""One request over HTTP/2: in clear with prior knowledge, or over TLS with ALPN."""

import socket
import ssl
import urllib.parse

import h2.config
import h2.connection
import h2.events

from support.http_exchange import LIMIT_S
from support.raw_request import KmsAnswer


def send_over_http2(request, ca_certificate=None):
    """Sends a `RawRequest` and returns its answer."""
    address = urllib.parse.urlsplit(request.endpoint)
    with socket.create_connection((address.hostname, address.port), LIMIT_S) as plain:
        connection = _secured(plain, address.hostname, ca_certificate) if address.scheme == "https" else plain
        return _exchange(connection, request, address)


def negotiated_protocol(endpoint, offered, ca_certificate):
    """What the server chooses of the ALPN protocols offered."""
    address = urllib.parse.urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port), LIMIT_S) as plain:
        return _secured(plain, address.hostname, ca_certificate, offered).selected_alpn_protocol()


def _secured(plain, host, ca_certificate, offered=("h2",)):
    context = ssl.create_default_context(cafile=ca_certificate)
    context.set_alpn_protocols(list(offered))
    return context.wrap_socket(plain, server_hostname=host)


def _exchange(connection, request, address):
    http2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    http2.initiate_connection()
    http2.send_headers(1, _headers(request, address))
    http2.send_data(1, request.body, end_stream=True)
    connection.sendall(http2.data_to_send())
    return _receive(connection, http2)


def _headers(request, address):
    pseudo = [(":method", request.method), (":scheme", address.scheme), (":authority", address.netloc), (":path", request.path)]
    return pseudo + [(name.lower(), value) for name, value in request.headers.items() if name.lower() != "host"]


def _receive(connection, http2):
    headers, body = {}, b""
    while True:
        data = connection.recv(65536)
        assert data, "the server closed the connection before it answered"
        for event in http2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                headers = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamEnded):
                return KmsAnswer(int(headers.pop(":status")), headers, body)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise AssertionError(f"the server ended the stream: {event}")
        connection.sendall(http2.data_to_send())

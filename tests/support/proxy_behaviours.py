"""What a proxy can do wrong, each as a behaviour `(request, realm) -> answer` for `Realm.behave`."""

import json
import threading
from dataclasses import dataclass, field

from support.external_key_realm import HttpAnswer, error

HOLD_LIMIT_S = 60.0


@dataclass(frozen=True)
class RawBytes:
    """Bytes that replace the HTTP response; the connection is closed after them."""

    data: bytes


@dataclass(frozen=True)
class Reset:
    """The connection is torn down by a TCP reset instead of an answer."""


@dataclass(frozen=True)
class Close:
    """The connection is closed instead of an answer."""


@dataclass(frozen=True)
class Hold:
    """No answer until `release` is set; then the answer that `then` gives."""

    release: threading.Event = field(default_factory=threading.Event)
    then: object = None


def proxy_error(name, status=None, message="said by the test's proxy"):
    """Answers an error of the specification, if need be with an untypical HTTP status."""
    return lambda request, realm: error(name, status, message)


def body(data, status=200, content_type="application/json"):
    """Answers `data` instead of a JSON object."""
    return lambda request, realm: HttpAnswer(status, data, {"Content-Type": content_type})


def garbage():
    """Answers bytes that are no HTTP."""
    return lambda request, realm: RawBytes(b"\x16\x03\x01 this is not HTTP \x00\xff\r\n\r\n")


def truncated():
    """Promises more bytes than it sends, then closes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    return lambda request, realm: RawBytes(head + b'{"keySpec":')


def reset():
    """Resets the connection when the request has arrived."""
    return lambda request, realm: Reset()


def close():
    """Closes the connection when the request has arrived."""
    return lambda request, realm: Close()


def hold(release=None):
    """Takes the request and does not answer until `release` is set; then answers honestly."""
    event = release or threading.Event()
    return lambda request, realm: Hold(event, lambda: realm.honest(request))


def never():
    """Takes the request and never answers: the client gives up first."""
    return lambda request, realm: Hold(threading.Event(), Close)


def oversized(bytes_count):
    """An honest answer, padded by white space to `bytes_count`."""

    def behaviour(request, realm):
        honest = realm.honest(request)
        return HttpAnswer(honest.status, honest.body.ljust(bytes_count), honest.headers)

    return behaviour


def altered(change):
    """An honest answer whose members went through `change(members)`."""

    def behaviour(request, realm):
        honest = realm.honest(request)
        members = json.loads(honest.body)
        change(members)
        return HttpAnswer(honest.status, json.dumps(members).encode(), honest.headers)

    return behaviour


def with_member(name, value):
    """An honest answer with one member replaced."""
    return altered(lambda members: members.update({name: value}))


def without_member(name):
    """An honest answer with one member left out."""
    return altered(lambda members: members.pop(name))

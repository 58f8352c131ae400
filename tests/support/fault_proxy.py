"""A proxy over real TLS sockets that answers as each of its realms decides, faults included."""

import itertools
import socket
import struct
import threading

from support.external_key_realm import HttpAnswer, ReceivedRequest, Realm, error
from support.proxy_behaviours import HOLD_LIMIT_S, Close, Hold, RawBytes, Reset

HEAD_LIMIT_BYTES = 65536
REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


class FaultProxy:
    """Listens on loopback for one host name; TLS by `context`."""

    def __init__(self, host, context):
        self.host = host
        self.uri_endpoint = f"https://{host}"
        self.handshakes = []
        self._context = context
        self._realms = {}
        self._connections = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accept_in_background()

    def realm(self):
        """A new path prefix with a credential of its own."""
        realm = Realm(self.uri_endpoint)
        self._realms[realm.uri_path] = realm
        return realm

    def show_certificate(self, context):
        """Drops every connection and answers new ones with another certificate."""
        self._context = context
        self.drop_connections()

    def stop_listening(self):
        """From now on connections are refused, and the open ones are gone."""
        listener, self._listener = self._listener, None
        # Without the shutdown the thread in accept() would keep the port open.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.drop_connections()

    def listen_again(self):
        """Listens on the same port again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept_in_background()

    def drop_connections(self):
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            _quietly(connection.shutdown, socket.SHUT_RDWR)
            _quietly(connection.close)

    def close(self):
        if self._listener is not None:
            self.stop_listening()

    def _accept_in_background(self):
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        number = next(self._numbers)
        try:
            secured = self._secure(connection)
        except (OSError, ValueError) as failure:
            self.handshakes.append(failure)
            _quietly(connection.close)
            return
        self.handshakes.append(None)
        try:
            self._serve_requests(secured, number)
        except (OSError, ValueError):
            # The peer went away, or the test dropped the connection: nothing is left to answer.
            pass
        finally:
            with self._lock:
                self._connections.discard(secured)
            _quietly(secured.close)

    def _secure(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = self._context.wrap_socket(connection, server_side=True)
        with self._lock:
            self._connections.add(secured)
        return secured

    def _serve_requests(self, connection, number):
        with connection.makefile("rb") as reader:
            while (request := _read_request(reader, number)) is not None:
                if not _send(connection, self._answer(request)):
                    return

    def _answer(self, request):
        for uri_path, realm in list(self._realms.items()):
            if request.path.startswith(uri_path + "/"):
                return realm.answer(request)
        return error("InvalidUriPathException")


def _quietly(action, *arguments):
    try:
        action(*arguments)
    except (OSError, ValueError):
        # Closing what the peer has closed already.
        pass


def _read_request(reader, number):
    request_line = reader.readline(HEAD_LIMIT_BYTES)
    if not request_line:
        return None
    method, path, _ = request_line.decode("latin-1").split(" ", 2)
    headers = {}
    while (line := reader.readline(HEAD_LIMIT_BYTES).strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return ReceivedRequest(method, path, headers, body, number)


def _send(connection, answer):
    """Sends the answer; false when the connection is over."""
    if isinstance(answer, Hold):
        answer.release.wait(HOLD_LIMIT_S)
        answer = answer.then()
    if isinstance(answer, HttpAnswer):
        connection.sendall(_encode(answer))
        return True
    if isinstance(answer, RawBytes):
        connection.sendall(answer.data)
    elif isinstance(answer, Reset):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif not isinstance(answer, Close):
        raise TypeError(f"no answer: {answer!r}")
    return False


def _encode(answer):
    head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Error')}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    head += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + answer.body


class SilentListener:
    """Accepts TCP connections and never says a word: no TLS handshake comes to pass."""

    def __init__(self, host):
        self.host = host
        self.uri_endpoint = f"https://{host}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def close(self):
        self._listener.close()


def closed_port():
    """A loopback port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class PlainTextListener:
    """Answers whatever comes, a TLS handshake too, with HTTP in clear."""

    def __init__(self, host):
        self.host = host
        self.uri_endpoint = f"https://{host}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._answer_each, daemon=True).start()

    def _answer_each(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(HEAD_LIMIT_BYTES)
                _quietly(connection.sendall, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self):
        _quietly(self._listener.shutdown, socket.SHUT_RDWR)
        self._listener.close()


class FullListener:
    """A port whose queue of connections is full, so that further SYN packets are dropped and a connect never completes."""

    def __init__(self, host):
        self.host = host
        self.uri_endpoint = f"https://{host}"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self._listener.getsockname()[1]
        self._fillers = []
        while len(self._fillers) < 16 and self._one_more_fits():
            pass

    def _one_more_fits(self):
        filler = socket.socket()
        filler.settimeout(0.3)
        self._fillers.append(filler)
        try:
            filler.connect(("127.0.0.1", self.port))
        except TimeoutError:
            return False
        return True

    def close(self):
        for filler in self._fillers:
            filler.close()
        self._listener.close()


class ClosedPort:
    """A host name that leads to a port at which nothing listens."""

    def __init__(self, host):
        self.host = host
        self.uri_endpoint = f"https://{host}"
        self.port = closed_port()

    def close(self):
        """Nothing to close: for the same shape as the listeners."""

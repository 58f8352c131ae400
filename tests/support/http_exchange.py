"""One HTTP/1.1 exchange that adds nothing to the request, and the answer as it came."""

import json
from dataclasses import dataclass

LIMIT_S = 30


@dataclass(frozen=True)
class Answer:
    """A whole response. Header names are in lower case."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def exchange(connection, method, path, headers, body, answer_type=Answer):
    """Sends exactly these headers and this body on an `http.client` connection, and closes it after the answer."""
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return answer_type(response.status, received, response.read())
    finally:
        connection.close()

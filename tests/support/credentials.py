"""Credentials of a Keystead user, as the commands print them."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """An access key; with a token if it is a temporary one."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def from_exports(cls, text):
        """From shell `export` lines."""
        exports = parse_exports(text)
        return cls(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])


def parse_exports(text):
    """The variables of shell `export NAME=value` lines."""
    variables = {}
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            variables.update(word.split("=", 1) for word in words[1:])
    return variables

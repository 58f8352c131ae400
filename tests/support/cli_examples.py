"""The example commands that the AWS CLI ships for `aws kms`, read from its own documentation source."""

import re
from dataclasses import dataclass
from pathlib import Path

import awscli

FOLDER = Path(awscli.__file__).parent / "examples" / "kms"
# A literal block is indented. One example has a shell's prompt before the command, another has lost the words `aws kms`.
COMMAND = re.compile(r"^ +(?:\$ )?(?P<command>aws kms \S.*|delete-custom-key-store .*)$")
# A line goes on after a backslash in a shell and after a caret in Windows' command prompt; an example has blanks behind it.
CONTINUED = re.compile(r"\s*[\\^]\s*$")
LITERAL = re.compile(r"^ +\S")


@dataclass(frozen=True)
class Example:
    """One command, and what it printed; `number` counts from 1 in its file."""

    file: str
    number: int
    command: str
    output: str | None

    @property
    def name(self):
        return f"{self.file}-{self.number}"

    @property
    def prints_json(self):
        return "--query" not in self.command and "--output text" not in self.command


def examples():
    """All of them, in the order of files and of places in them."""
    return [example for file in sorted(FOLDER.glob("*.rst")) for example in _examples_of(file)]


def literal_block(file, opening):
    """The lines of the file's literal block that follows a line which ends so."""
    lines = (FOLDER / f"{file}.rst").read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line.endswith(opening)) + 1
    return "\n".join(_block(lines, start))


def _examples_of(file):
    lines = file.read_text().splitlines()
    starts = [index for index, line in enumerate(lines) if COMMAND.match(line)]
    for number, (start, following) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), 1):
        command, end = _command(lines, start)
        yield Example(file.stem, number, command, _output(lines[end:following]))


def _command(lines, start):
    """A whole command in one line, and the index of the line after it."""
    parts = [COMMAND.match(lines[start]).group("command")]
    index = start
    while CONTINUED.search(parts[-1]):
        index += 1
        parts[-1:] = [CONTINUED.sub("", parts[-1]), lines[index].strip()]
    command = " ".join(part.strip() for part in parts)
    return command if command.startswith("aws ") else f"aws kms {command}", index + 1


def _output(lines):
    """The first literal block that is a JSON object, up to the next example's heading."""
    for index, line in enumerate(lines):
        if line.startswith("**"):
            return None
        if line.strip().startswith("{") and LITERAL.match(line):
            return "\n".join(_block(lines, index))
    return None


def _block(lines, start):
    while not lines[start].strip():
        start += 1
    end = start
    while end < len(lines) and (not lines[end].strip() or LITERAL.match(lines[end])):
        end += 1
    return lines[start:end]


TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|[^\s"{}\[\]:,]+')


def member_names(text):
    """The paths of all members, elements of arrays as one. The examples are not all JSON: commas and quotes are missing, ellipses stand for
    what was left out; so this reads no more than strings, braces and colons."""
    tokens = [(match.group(1), match.group(2)) for match in TOKEN.finditer(text)]
    names, path, pending = set(), [], ""
    for index, (string, mark) in enumerate(tokens):
        if mark in ("{", "["):
            path.append(pending)
        elif mark in ("}", "]"):
            path.pop()
        if mark != ":":
            pending = ""
        if string is not None and index + 1 < len(tokens) and tokens[index + 1][1] == ":":
            pending = string
            names.add(".".join([*filter(None, path), string]))
    return names

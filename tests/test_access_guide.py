"""docs/access.md as a new user follows it: every command and every answer, every refusal; and each cell of its table, with the AWS CLI."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.aws_cli import executable
from support.built_binary import COMMAND_LIMIT_S, clean_environment
from support.development_server import DevelopmentServer
from support.guide import Guide

GUIDE = Guide("access.md")

# What of each operation needs parameters: those of a call that nothing but a missing permission refuses with AccessDenied.
PARAMETERS = {
    "CreateKey": ["kms", "create-key"],
    "DescribeKey": ["kms", "describe-key", "--key-id", "{key}"],
    "GetKeyPolicy": ["kms", "get-key-policy", "--key-id", "{key}"],
    "ListAliases": ["kms", "list-aliases"],
    "Encrypt": [
        "kms", "encrypt", "--key-id", "{key}", "--plaintext", "fileb://plain.txt", "--encryption-context", "department=finance"
    ],
    "Decrypt": [
        "kms", "decrypt", "--key-id", "{key}", "--ciphertext-blob", "fileb://secret.bin", "--encryption-context", "department=finance"
    ],
    "GenerateDataKey": [
        "kms", "generate-data-key", "--key-id", "{key}", "--key-spec", "AES_256", "--encryption-context", "department=finance"
    ],
    "DisableKey": ["kms", "disable-key", "--key-id", "{key}"],
    "CreateGrant": [
        "kms", "create-grant", "--key-id", "{key}", "--grantee-principal", "{account}", "--operations", "Decrypt", "--dry-run"
    ],
    "DescribeCustomKeyStores": ["kms", "describe-custom-key-stores"],
    "ConnectCustomKeyStore": ["kms", "connect-custom-key-store", "--custom-key-store-id", "cks-0123456789abcdef0"],
    "CreateUser": ["iam", "create-user", "--user-name", "made-by-{who}"],
    "ListUsers": ["iam", "list-users"],
    "DescribeClusters": ["cloudhsmv2", "describe-clusters"],
}
DENIED = re.compile(r"\((AccessDenied|AccessDeniedException|CloudHsmAccessDeniedException|UnauthorizedOperation)\)")


def table():
    """The rows of the page's table: operation, and who may."""
    section = GUIDE.text.partition("\n## Who may do what here\n")[2].partition("\n## ")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    people = rows[0][1:]
    return {row[0]: {who: cell == "yes" for who, cell in zip(people, row[1:], strict=True)} for row in rows[2:]}


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    """A server on which the page was followed, every answer compared; its environment and the variables of the table."""
    folder = tmp_path_factory.mktemp("access")
    server = DevelopmentServer(folder / "server", "--no-hsm").start()
    GUIDE.follow_and_compare(folder, server)
    work = folder / "work"
    environment = clean_environment(
        {
            "AWS_ENDPOINT_URL": server.variables["AWS_ENDPOINT_URL"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "HOME": str(work),
            "AWS_SHARED_CREDENTIALS_FILE": str(work / "credentials"),
            "AWS_CONFIG_FILE": str(work / "config"),
            "AWS_MAX_ATTEMPTS": "1",
        }
    )
    policy = json.loads((work / "reader.json").read_text())
    yield work, environment, policy["Statement"][0]["Resource"]
    assert server.stop() == 0, server.server.stderr


def test_the_table_has_every_operation():
    assert list(table()) == list(PARAMETERS)


@pytest.mark.parametrize("operation", PARAMETERS)
def test_a_row_of_the_table(set_up, operation):
    work, environment, key = set_up
    answers = {who: call(work, environment, key, who, operation) for who in table()[operation]}
    assert {who: not DENIED.search(answer) for who, answer in answers.items()} == table()[operation], answers


def call(work, environment, key, who, operation):
    """Calls the operation with the AWS CLI, under the person's profile; returns what it wrote to standard error."""
    values = {"key": key, "account": key.split(":")[4], "who": who}
    arguments = [argument.format(**values) for argument in PARAMETERS[operation]]
    done = subprocess.run(
        [executable(), "--profile", who, *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        cwd=Path(work),
        env=environment,
        check=False,
    )
    return done.stderr

"""docs/nitro-enclaves.md as a new user follows it: every command that is shown with a prompt, and every answer that is shown below it."""

import json
import re

from support.attestation import AttestationAuthority, Enclave
from support.built_binary import REPOSITORY
from support.development_server import DevelopmentServer
from support.guide import Guide
from support.sdk_client import refusal

PAGE = "nitro-enclaves.md"
# The one that AWS publishes.
NITRO_ROOT = REPOSITORY / "crates/keystead-attestation/tests/documents/fixtures/aws_nitro_enclaves_root_g1.pem"
# Between these two headings the reader starts a server.
TRUST, ASK = "### Trust it\n", "### Ask\n"


def part(text, *before):
    """Some of the page as a page of its own; `before` are commands that the page does not show."""
    guide = Guide(PAGE)
    guide.text = "\n".join(["```console", *(f"$ {command}" for command in before), "```", text])
    return guide


def test_the_page(development_server, tmp_path):
    """First without and then with a server that trusts the PKI that the reader has made."""
    text = Guide(PAGE).text
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    part(text.partition(TRUST)[0], f"cp {NITRO_ROOT} nitro-root.pem").follow_and_compare(first, development_server)
    made = first / "work"
    (name,) = re.findall(r"(KEYSTEAD__\w+)=", text)
    trusting = DevelopmentServer(second, "--no-hsm", environment={name: json.dumps([str(made / "root.pem")])}).start()
    try:
        asking = part(text.partition(ASK)[2], f"cp {made}/* .", f"REPOSITORY={REPOSITORY}")
        assert len(asking.commands) > 10
        asking.follow_and_compare(second, trusting)
        (record,) = [record for record in trusting.audit_records() if record["eventName"] == "GenerateDataKey"]
        shown = re.search(r'```json\n"recipient": ({.*?})\n```', text, re.DOTALL).group(1)
        recorded = record["additionalEventData"]["recipient"]
        for member, value in json.loads(shown).items():
            assert recorded[member].startswith(value.removesuffix("...")), member
    finally:
        assert trusting.stop() == 0, trusting.server.stderr


def test_the_configuration_of_the_page(make_installation):
    """As it is written there, with the root of AWS: a document of another PKI is none of Nitro's."""
    (section,) = re.findall(r"^```toml\n(.*?)^```", Guide(PAGE).text, re.MULTILINE | re.DOTALL)
    installation = make_installation()
    (installation.folder / "nitro-root.pem").write_bytes(NITRO_ROOT.read_bytes())
    del installation.settings["attestation"]
    installation.write_configuration()
    with installation.configuration_file.open("a") as configuration:
        configuration.write("\n" + section)
    tenant = installation.start().create_tenant()
    recipient = Enclave(AttestationAuthority()).recipient()
    refused = refusal(tenant.client.generate_random, NumberOfBytes=1, Recipient=recipient)
    assert refused.code == "ValidationException" and "no configured root issued them" in refused.message
    assert installation.stop() == 0


def test_the_messages_of_the_page():
    """Each is one that the code has."""
    text = Guide(PAGE).text.partition("## Errors\n")[2]
    crates = REPOSITORY / "crates"
    sources = [crates / "keystead-attestation/src/error.rs", crates / "keystead-core/src/operation/recipient.rs"]
    code = "".join(source.read_text() for source in sources)
    messages = re.findall(r"^\| `(.*?)` \|", text, re.MULTILINE)
    assert len(messages) > 5
    assert [message for message in messages if message.removesuffix(" ...") not in code] == []

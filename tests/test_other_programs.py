"""Programs by others that keep their keys in KMS, as their users run them: sops (with the AWS SDK for Go), pgpkms, and a signer of
Ethereum transactions (with the AWS SDK for JavaScript)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.built_binary import COMMAND_LIMIT_S, clean_environment
from support.node import run_tests
from support.program_environment import aws_variables

SOPS = Path(sys.executable).parent / "sops"
DOCUMENT = {"password": "hunter2", "hosts": ["a.example", "b.example"], "port": 5432}
CONTEXT = {"app": "web", "env": "test"}


class Program:
    """A program in a folder of its own, led to the server by its environment."""

    def __init__(self, command, folder, variables):
        self.folder = folder
        self._command = [str(part) for part in command]
        self._environment = clean_environment(variables)

    def run(self, *arguments):
        """Runs it to its end; its output is bytes."""
        return subprocess.run(
            [*self._command, *map(str, arguments)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )

    def succeed(self, *arguments):
        """Runs it, fails unless it exits 0, and returns its standard output."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr.decode()}"
        return done.stdout

    def fail(self, *arguments):
        """Runs it, fails if it exits 0, and returns its standard error."""
        done = self.run(*arguments)
        assert done.returncode != 0, f"{arguments} succeeded"
        return done.stderr.decode()


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


# ---- sops ----


@pytest.fixture
def sops(keystead, tenant, tmp_path):
    return Program([SOPS, "--disable-version-check"], tmp_path, aws_variables(keystead, tenant))


@pytest.fixture
def secrets(tmp_path):
    """A file in clear."""
    file = tmp_path / "secrets.yaml"
    file.write_text(yaml.safe_dump(DOCUMENT))
    return file


def encrypt_with_sops(sops, secrets, *keys):
    context = ",".join(f"{name}:{value}" for name, value in CONTEXT.items())
    sops.succeed("encrypt", "--kms", ",".join(keys), "--encryption-context", context, "--in-place", secrets)
    assert b"hunter2" not in secrets.read_bytes()


def test_sops_encrypts_edits_rotates_and_decrypts(kms, sops, secrets):
    encrypt_with_sops(sops, secrets, new_key(kms))
    assert yaml.safe_load(sops.succeed("decrypt", secrets)) == DOCUMENT
    sops.succeed("set", secrets, '["password"]', json.dumps("hunter3"))
    before = yaml.safe_load(secrets.read_text())["sops"]["kms"][0]["enc"]
    sops.succeed("rotate", "--in-place", secrets)
    assert yaml.safe_load(secrets.read_text())["sops"]["kms"][0]["enc"] != before
    assert yaml.safe_load(sops.succeed("decrypt", secrets)) == {**DOCUMENT, "password": "hunter3"}


def test_sops_decrypts_with_any_of_several_keys(kms, sops, secrets):
    first, second = new_key(kms), new_key(kms)
    encrypt_with_sops(sops, secrets, first, second)
    kms.disable_key(KeyId=first)
    assert yaml.safe_load(sops.succeed("decrypt", secrets)) == DOCUMENT
    kms.disable_key(KeyId=second)
    assert "DisabledException" in sops.fail("decrypt", secrets)


def test_sops_adds_and_removes_keys(kms, sops, secrets):
    first, second = new_key(kms), new_key(kms)
    encrypt_with_sops(sops, secrets, first)
    sops.succeed("rotate", "--in-place", "--add-kms", second, "--rm-kms", first, secrets)
    kms.schedule_key_deletion(KeyId=first)
    assert yaml.safe_load(sops.succeed("decrypt", secrets)) == DOCUMENT


def test_sops_and_a_context_that_was_altered(kms, sops, secrets):
    encrypt_with_sops(sops, secrets, new_key(kms))
    secrets.write_text(secrets.read_text().replace("env: test", "env: live"))
    assert "InvalidCiphertextException" in sops.fail("decrypt", secrets)


# ---- pgpkms ----


@pytest.fixture
def pgpkms(keystead, tenant, tmp_path):
    return Program([sys.executable, "-m", "pgpkms"], tmp_path, aws_variables(keystead, tenant))


@pytest.fixture
def gpgv(tmp_path):
    """The verifier of GnuPG, with nobody's own configuration."""
    return Program(["gpgv", "--homedir", tmp_path, "--keyring", tmp_path / "trusted.gpg"], tmp_path, {})


@pytest.fixture
def pgp_key(kms):
    """A key under the one alias that pgpkms 1.0.7 looks at, with the tags from which it makes the user's name."""
    tags = [{"TagKey": "PGPName", "TagValue": "Jane Doe"}, {"TagKey": "PGPEmail", "TagValue": "jane@example.test"}]
    key = new_key(kms, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY", Tags=tags)
    kms.create_alias(AliasName="alias/PGP_KEY", TargetKeyId=key)
    return key


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_gnupg_verifies_what_pgpkms_signs(pgpkms, gpgv, pgp_key, bits):
    pgpkms.succeed("export", "--binary", "--output", "trusted.gpg", "--key", pgp_key)
    document = pgpkms.folder / "document"
    document.write_bytes(bytes(range(256)) * 100)
    pgpkms.succeed("sign", f"--sha{bits}", "--input", "document", "--output", "document.asc", "--key", pgp_key)
    verified = gpgv.run("document.asc", "document")
    assert verified.returncode == 0 and b'Good signature from "Jane Doe <jane@example.test>"' in verified.stderr, verified
    document.write_bytes(document.read_bytes() + b".")
    assert "BAD signature" in gpgv.fail("document.asc", "document")


def test_gnupg_verifies_a_message_that_pgpkms_signs(pgpkms, gpgv, pgp_key):
    pgpkms.succeed("export", "--binary", "--output", "trusted.gpg", "--key", pgp_key)
    (pgpkms.folder / "letter").write_text("Dear all,\nsee you at dawn.\n")
    pgpkms.succeed("message", "--input", "letter", "--output", "letter.asc", "--key", pgp_key)
    gpgv.succeed("letter.asc")


# ---- a signer of Ethereum transactions ----


def test_an_ethereum_signer(keystead, tenant):
    run_tests("ethers.test.mjs", aws_variables(keystead, tenant))

"""The AWS SDK for Rust does its part: tests/rust_sdk is a program of its own, built beside the binary, which this test runs."""

import os
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).parent.parent / "target" / "debug" / "keystead-rust-sdk-part"


def test_the_sdk_for_rust(keystead):
    tenant = keystead.create_tenant()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": keystead.endpoint,
        "AWS_REGION": keystead.settings["region"],
        "AWS_ACCESS_KEY_ID": tenant.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": tenant.credentials.secret_access_key,
    }
    assert PROGRAM.exists(), "build it: cargo build --package keystead-rust-sdk-part"
    done = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""A CloudHSM key store: keys inside a cluster of HSMs, one HSM lost, the owner's audit, and back again."""

import base64
import json
import os
import signal
from pathlib import Path

from stage import connect, disconnect, expect, say, show, wait_until

PLAINTEXT = "The vault opens at noon"
KMSUSER = "kmsuser"
PASSWORD = "audit7Password"
ENCRYPTED = "vault.encrypted"
DECRYPT = ["decrypt", "--ciphertext-blob", f"fileb://{ENCRYPTED}"]


def create(cli, server):
    say(
        "Now the key store whose keys are in HSMs. It needs a cluster, the certificate at the root of the cluster's, and the password of "
        "the HSMs' user `kmsuser`. `keystead dev` prepared a cluster of two HSMs, and wrote all three into a file."
    )
    request = server.data_folder / "create-cloudhsm-key-store.json"
    wait_until(request.exists, "the sample cluster to be ready")
    members = json.loads(request.read_text())
    certificate = members["TrustAnchorCertificate"].splitlines()[0] + "..."
    told = {**members, "TrustAnchorCertificate": certificate, "KeyStorePassword": "..."}
    show("cat data/create-cloudhsm-key-store.json    (certificate and password are hidden here)", json.dumps(told, indent=2))
    cluster = members["CloudHsmClusterId"]
    show_cluster(cli, cluster)
    created = cli.succeed("create-custom-key-store", "--cli-input-json", "file://data/create-cloudhsm-key-store.json")
    return created["CustomKeyStoreId"], cluster


def show_cluster(cli, cluster):
    arguments = ["describe-clusters", "--filters", f"clusterIds={cluster}"]
    arguments += ["--query", "Clusters[].{State: State, Hsms: Hsms[].[HsmId, AvailabilityZone, State]}"]
    (entry,) = cli.succeed(*arguments, service="cloudhsmv2")
    expect(entry["State"] == "ACTIVE" and len(entry["Hsms"]) == 2, "an active cluster of two HSMs")
    return [hsm_id for hsm_id, _, _ in entry["Hsms"]]


def create_key(cli, store):
    say(
        "The key is generated inside of the HSMs, has its ARN as label there, and no HSM ever gives it away. Both have it, or there is "
        "none."
    )
    metadata = cli.succeed(
        "create-key", "--origin", "AWS_CLOUDHSM", "--custom-key-store-id", store, "--description", "Vault"
    )["KeyMetadata"]
    expect(metadata["CustomKeyStoreId"] == store, "the key to name its key store")
    return metadata["Arn"]


def encrypt(cli, key):
    (cli.folder / "vault.txt").write_text(PLAINTEXT)
    ciphertext = cli.succeed("encrypt", "--key-id", key, "--plaintext", "fileb://vault.txt")["CiphertextBlob"]
    (cli.folder / ENCRYPTED).write_bytes(base64.b64decode(ciphertext))
    decrypt(cli)


def decrypt(cli):
    answer = cli.succeed(*DECRYPT)
    plaintext = base64.b64decode(answer["Plaintext"]).decode()
    expect(plaintext == PLAINTEXT, f"the plaintext, not {plaintext!r}")
    print(f"    (that is: {plaintext})")


def lose_an_hsm(cli, server, cluster):
    say(
        "Each HSM is driven by a process of its own, `keystead hsm-worker`, whose command line names the HSM. One of the two dies, and "
        "nobody who decrypts sees it."
    )
    hsm = show_cluster(cli, cluster)[0]
    worker = worker_of(hsm)
    show(f"pgrep -f 'hsm-worker.*{hsm}'", str(worker))
    os.kill(worker, signal.SIGKILL)
    show(f"kill -9 {worker}", "")
    decrypt(cli)
    wait_until(lambda: worker_of(hsm) not in (None, worker), "a new worker in the place of the one that died")
    say("A new worker has taken its place, and KMS has logged in again.")
    show(f"pgrep -f 'hsm-worker.*{hsm}'", str(worker_of(hsm)))


def worker_of(hsm):
    """The process that drives an HSM, or None."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            # It has just ended.
            continue
        if b"hsm-worker" in command and hsm.encode() in command:
            return int(process.name)
    return None


def audit(cli, server, store, cluster, key):
    say(
        "The owner may look into the HSMs, but not while KMS is logged in as `kmsuser`. So: disconnect, set a password as the crypto "
        "officer, log in, look, log out, tell KMS the password, and connect. KMS changes it again at once."
    )
    disconnect(cli, store)
    cli.fail("KMSInvalidStateException", f"{key} is unavailable.", *DECRYPT)
    of_cluster = ("--cluster-id", cluster)
    password = server.data_folder.parent / "audit-password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    officer = str(server.data_folder / "co-password")
    server.hsm_users(
        "change-password", *of_cluster, "--user", KMSUSER, "--new-password-file", str(password), "--co-password-file", officer
    )
    server.hsm_users("login", *of_cluster, "--user", KMSUSER, "--password-file", str(password))
    keys = server.hsm_users("keys", *of_cluster)
    expect(keys.count(key) == 2, "the key on both HSMs, labelled with its ARN")
    server.hsm_users("logout", *of_cluster, "--user", KMSUSER)
    # From a file the password is on no command line.
    request = server.data_folder.parent / "password.json"
    request.touch(mode=0o600)
    request.write_text(json.dumps({"KeyStorePassword": PASSWORD}))
    cli.succeed("update-custom-key-store", "--custom-key-store-id", store, "--cli-input-json", "file://password.json")
    connect(cli, store)
    decrypt(cli)


def tell(cli, server):
    """The story, step by step."""
    store, cluster = create(cli, server)
    connect(cli, store)
    key = create_key(cli, store)
    encrypt(cli, key)
    lose_an_hsm(cli, server, cluster)
    audit(cli, server, store, cluster, key)
    disconnect(cli, store)

"""A folder with a `serve` configuration, a root key and a store, and the server that runs on it."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from support.built_binary import ServerProcess, run_command, run_successfully
from support.conditions import wait_until
from support.credentials import Credentials
from support.sdk_client import OTHER_REGION, REGION, service_client

# Long beside any stall of a busy machine: only tests of timeouts take less, and name it.
PATIENT_TIMEOUT_MS = 5000
# So quick a series of creates and updates is no test of the limit on them.
UNLIMITED_PROBES_PER_SECOND = 100_000
_names = itertools.count(1)


@dataclass(frozen=True)
class Tenant:
    """An account, its administrator's access key, and a client that signs with it."""

    account: str
    credentials: Credentials
    client: object


class Installation:
    """One server with a folder of its own. `settings` are sections laid over the tests' defaults."""

    def __init__(self, folder, settings=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configuration_file = self.folder / "keystead.toml"
        self.data_folder = self.folder / "data"
        self.settings = merged(default_settings(), settings or {})
        self.scheme = "https" if "tls" in self.settings else "http"
        self.verify = None
        self.server = None
        self.endpoint = None
        run_successfully("root-key", "create", self.folder / "root.key")
        self.write_configuration()

    @property
    def place(self):
        """The arguments by which commands find this server."""
        return ("--config", self.configuration_file)

    def write_configuration(self):
        """Writes `settings` as the configuration file."""
        self.configuration_file.write_text(to_toml(self.settings))

    def start(self, environment=None):
        """Starts the server and waits until it is ready."""
        self.server = self.launch(environment)
        self.endpoint = self.server.wait_ready()
        return self

    def launch(self, environment=None):
        """Starts a server process and waits for nothing."""
        arguments = ("serve", "--config", self.configuration_file)
        return ServerProcess(*arguments, log_folder=self.folder, environment=environment)

    def stop(self):
        """Stops the server and returns its exit status."""
        return self.server.terminate()

    def kill(self):
        """Kills the server with no warning."""
        self.server.kill()

    def restart(self):
        """Stops and starts it."""
        assert self.stop() == 0, self.server.stderr
        return self.start()

    def restart_with(self, changes):
        """Stops it and starts it with changed settings."""
        assert self.stop() == 0, self.server.stderr
        self.settings = merged(self.settings, changes)
        self.write_configuration()
        return self.start()

    def admin(self, *arguments):
        """Runs an admin command and returns what it printed."""
        return run_successfully("admin", "--config", self.configuration_file, *arguments)

    def refused_admin(self, *arguments):
        """Runs an admin command that must fail; returns what it wrote to standard error."""
        done = run_command("admin", "--config", self.configuration_file, *arguments)
        assert done.returncode != 0, done.stdout
        assert "panicked" not in done.stderr, done.stderr
        return done.stderr

    def create_account(self):
        """A new account with a generated name; returns its ID."""
        return self.admin("accounts", "create", "--name", f"test-account-{next(_names)}").strip()

    def create_access_key(self, account, user=None, expires_in_seconds=None):
        """An access key of the account's root user, or of `user`."""
        arguments = ["access-keys", "create", "--account", account]
        if user is not None:
            arguments += ["--user", user]
        if expires_in_seconds is not None:
            arguments += ["--expires-in-seconds", str(expires_in_seconds)]
        return Credentials.from_exports(self.admin(*arguments))

    def create_tenant(self):
        """A new account with a user and an access key that the running server accepts already."""
        account = self.create_account()
        self.admin("users", "create", "--account", account, "--name", "alice", "--administrator")
        credentials = self.create_access_key(account, user="alice")
        client = self.client(credentials)
        self.wait_accepted(client)
        return Tenant(account, credentials, client)

    def wait_accepted(self, client):
        """Waits until the server knows the client's access key: the command takes effect within a second."""
        wait_until(lambda: signs_validly(client), "the access key was accepted")

    def client(self, credentials, service="kms", **options):
        """An SDK client of this server."""
        options.setdefault("verify", self.verify)
        options.setdefault("region", self.settings["region"])
        return service_client(service, self.endpoint, credentials, **options)

    def audit_records(self):
        """Every audit record so far."""
        text = (self.data_folder / "audit.jsonl").read_text()
        return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]

    def audit_record(self, request_id):
        """The one record of a request."""
        found = [record for record in self.audit_records() if record.get("requestID") == request_id]
        assert len(found) == 1, f"{len(found)} audit records of {request_id}"
        return found[0]


def signs_validly(client):
    """Whether the server accepts the client's signature."""
    try:
        client.list_keys(Limit=1)
    except ClientError as failure:
        if failure.response["Error"]["Code"] in ("UnrecognizedClientException", "ExpiredTokenException"):
            return False
        raise
    return True


def default_settings():
    """Loopback, every port free to choose, quick connections, patience with proxies; all else as shipped."""
    settings = {
        "listen": "127.0.0.1:0",
        "data_dir": "data",
        "region": REGION,
        "other_regions": [OTHER_REGION],
        "root_key": {"file": "root.key"},
        "custom_key_stores": {"transition_min_ms": 20, "probes_per_second": UNLIMITED_PROBES_PER_SECOND},
        "request_quotas": {"enabled": False},
        "xks": {"allowed_networks": ["127.0.0.1/32"], "trust_roots": [], "connect_to": {}},
    }
    return merged(settings, timeout_settings(PATIENT_TIMEOUT_MS))


def timeout_settings(request_timeout_ms):
    """The proxies' timeout, and the least lease of connection jobs that the server accepts beside it."""
    return {
        "xks": {"request_timeout_ms": request_timeout_ms},
        "custom_key_stores": {"job_lease_ms": 4 * request_timeout_ms},
    }


def proxy_settings(authority, proxies, **xks):
    """The `xks` section that leads each proxy's host name to its port."""
    connect_to = {proxy.host: f"127.0.0.1:{proxy.port}" for proxy in proxies}
    return {"xks": {"trust_roots": [str(authority.certificate)], "connect_to": connect_to, **xks}}


def merged(base, changes):
    """`base` with `changes` laid over it, section by section."""
    result = dict(base)
    for name, value in changes.items():
        both_sections = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both_sections else value
    return result


def to_toml(settings, prefix=""):
    """TOML text: plain values first, then one table for each section, and for each of the sections that a list has."""
    plain = {name: value for name, value in settings.items() if not _sections(value)}
    lines = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in plain.items()]
    for name, value in settings.items():
        path = prefix + json.dumps(name)
        header = f"[{path}]" if isinstance(value, dict) else f"[[{path}]]"
        for section in _sections(value):
            lines += ["", header, to_toml(section, path + ".").rstrip("\n")]
    return "\n".join(lines) + "\n"


def _sections(value):
    """The sections that a value of the settings is."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) and value and isinstance(value[0], dict) else []

"""`keystead dev` in a folder, and what it wrote there."""

import json
from pathlib import Path

from support.built_binary import ServerProcess, run_successfully
from support.conditions import wait_until
from support.credentials import Credentials, parse_exports
from support.sdk_client import service_client


class DevelopmentServer:
    """The development server of one data folder; survives `stop` and `start`."""

    def __init__(self, folder, *arguments, listen="127.0.0.1:0", environment=None):
        self.folder = Path(folder)
        self.data_folder = self.folder / "data"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._arguments = ("dev", "--data-dir", self.data_folder, "--listen", listen, *arguments)
        self._environment = environment
        self.server = None
        self.endpoint = None

    def launch(self):
        """Starts a process and waits for nothing."""
        return ServerProcess(*self._arguments, log_folder=self.folder, environment=self._environment)

    def start(self):
        """Starts it and waits until it is ready."""
        self.server = self.launch()
        self.endpoint = self.server.wait_ready()
        return self

    def stop(self):
        """Stops it and returns the exit status."""
        return self.server.terminate()

    @property
    def place(self):
        """The arguments by which commands find this server."""
        return ("--data-dir", self.data_folder)

    @property
    def variables(self):
        """The variables of `env`."""
        return parse_exports((self.data_folder / "env").read_text())

    @property
    def proxy_configuration(self):
        """The members of `xks-proxy.json`."""
        return json.loads((self.data_folder / "xks-proxy.json").read_text())

    @property
    def credentials(self):
        return Credentials(self.variables["AWS_ACCESS_KEY_ID"], self.variables["AWS_SECRET_ACCESS_KEY"])

    @property
    def cluster_configuration(self):
        """The members of `cluster.json`; waits until the sample cluster is ready, which a first start makes while it serves already."""
        ready = self.data_folder / "create-cloudhsm-key-store.json"
        wait_until(ready.exists, f"{ready} told that the sample cluster is ready", 90)
        return json.loads((self.data_folder / "cluster.json").read_text())

    def client(self, service="kms", region=None):
        """An SDK client with the credentials and the endpoint of `env`, and its Region unless another is given."""
        variables = self.variables
        return service_client(
            service,
            variables["AWS_ENDPOINT_URL"],
            self.credentials,
            region=region or variables["AWS_REGION"],
            verify=variables.get("AWS_CA_BUNDLE"),
        )

    def external_keys(self, *arguments):
        """Runs `keystead xks-proxy keys ...` on this folder's proxy."""
        return run_successfully(
            "xks-proxy", "keys", *arguments, "--config", self.data_folder / "xks-proxy.toml"
        )

    def audit_records(self):
        """Every audit record so far."""
        text = (self.data_folder / "audit.jsonl").read_text()
        return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]

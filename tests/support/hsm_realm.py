"""An account with its clients of KMS, CloudHSM and EC2, and the clusters of HSMs that a test makes through them."""

import itertools
from dataclasses import dataclass

from support.cluster_authority import ClusterAuthority
from support.conditions import wait_until
from support.hsm_network import ZONES, create_network
from support.hsm_users import HsmUsers
from support.key_store_handle import KeyStoreHandle
from support.sdk_client import REGION

CO_PASSWORD = "officer1Password"
KMSUSER = "kmsuser"
KMSUSER_PASSWORD = "kmsPswd1234567"
# The key that keys travel under between the HSMs of a cluster.
MASKING_KEY = "keystead masking key"
# A worker starts, a token is made or copied: seconds on a busy machine, and a debug build makes RSA keys slowly.
SLOW_LIMIT_S = 90
_names = itertools.count(1)


class HsmRealm:
    """One account of a server, as its owner sees it."""

    def __init__(self, installation, tenant=None):
        self.installation = installation
        self.tenant = tenant or installation.create_tenant()
        self.authority = ClusterAuthority()
        self.reconnect()

    def reconnect(self):
        """Makes the clients anew: a restarted server listens on another port."""
        clients = {name: self._client(name) for name in ("kms", "cloudhsmv2", "ec2")}
        self.kms, self.cloudhsm, self.ec2 = clients["kms"], clients["cloudhsmv2"], clients["ec2"]

    def _client(self, service, **options):
        return self.installation.client(self.tenant.credentials, service=service, **options)

    def unchecked(self, service):
        """A client that sends what the SDK itself would refuse."""
        return self._client(service, checked=False)

    def variables(self):
        """What the AWS CLI needs in its environment."""
        credentials = self.tenant.credentials
        return {
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.installation.endpoint,
        }

    def create_network(self, **shape):
        """A VPC; `shape` as of `create_network`."""
        return create_network(self.ec2, **shape)

    def create_cluster(self, network=None, **parameters):
        """A cluster without HSMs, UNINITIALIZED unless it comes from a backup."""
        network = network or self.create_network()
        created = self.cloudhsm.create_cluster(
            HsmType="hsm1.medium", SubnetIds=network.subnet_ids, **parameters
        )["Cluster"]
        cluster = HsmCluster(self, created["ClusterId"], network, self.authority)
        cluster.wait_past("CREATE_IN_PROGRESS")
        return cluster

    def active_cluster(self, network=None, zones=ZONES, kmsuser_password=KMSUSER_PASSWORD):
        """An activated cluster with `kmsuser` and an HSM in each of these zones."""
        cluster = self.create_cluster(network)
        cluster.create_hsm(zones[0])
        cluster.initialize()
        cluster.activate()
        if kmsuser_password is not None:
            cluster.create_kmsuser(kmsuser_password)
        for zone in zones[1:]:
            cluster.create_hsm(zone)
        return cluster

    def cluster_from_backup(self, backup_id, network=None, zones=ZONES):
        """A cluster restored from a backup, with an HSM in each of these zones; it is active at once."""
        cluster = self.create_cluster(network, SourceBackupId=backup_id)
        for zone in zones:
            cluster.create_hsm(zone)
        cluster.wait_state("ACTIVE")
        return cluster

    def create_store(self, cluster, **changes):
        """A key store over the cluster, disconnected."""
        created = self.kms.create_custom_key_store(**cluster.store_parameters(**changes))
        return CloudHsmStore(self, created["CustomKeyStoreId"])

    def connected_store(self, cluster=None, **changes):
        """A key store over the cluster (a new one unless given), connected."""
        return self.create_store(cluster or self.active_cluster(), **changes).connect_and_wait()

    def store_with_id(self, store_id):
        """The handle of a key store that exists."""
        return CloudHsmStore(self, store_id)


@dataclass(frozen=True)
class HsmCluster:
    """One cluster, and the authority that signs it."""

    realm: HsmRealm
    cluster_id: str
    network: object
    authority: ClusterAuthority

    @property
    def users(self):
        """Its users, through the command line."""
        installation = self.realm.installation
        return HsmUsers(installation.place, self.cluster_id, installation.folder)

    def describe(self):
        """Its entry of DescribeClusters."""
        (entry,) = self.realm.cloudhsm.describe_clusters(Filters={"clusterIds": [self.cluster_id]})["Clusters"]
        return entry

    def is_shown(self):
        return self.realm.cloudhsm.describe_clusters(Filters={"clusterIds": [self.cluster_id]})["Clusters"] != []

    def wait_state(self, *states):
        """Waits until it is in one of these states and returns its entry."""

        def entry_in_state():
            entry = self.describe()
            return entry if entry["State"] in states else None

        return wait_until(entry_in_state, f"{self.cluster_id} was {' or '.join(states)}", SLOW_LIMIT_S)

    def wait_past(self, state):
        """Waits until it has left the state."""
        wait_until(lambda: self.describe()["State"] != state, f"{self.cluster_id} was past {state}", SLOW_LIMIT_S)

    def hsms(self, state=None):
        """Its HSMs, all or those in one state."""
        return [hsm for hsm in self.describe()["Hsms"] if state in (None, hsm["State"])]

    def create_hsm(self, zone):
        """Adds an HSM, waits until it is active, and returns its entry."""
        hsm_id = self.realm.cloudhsm.create_hsm(ClusterId=self.cluster_id, AvailabilityZone=zone)["Hsm"]["HsmId"]

        def active():
            return next((hsm for hsm in self.hsms("ACTIVE") if hsm["HsmId"] == hsm_id), None)

        return wait_until(active, f"{hsm_id} was active", SLOW_LIMIT_S)

    def delete_hsm(self, hsm_id):
        """Removes an HSM and waits until it is gone."""
        self.realm.cloudhsm.delete_hsm(ClusterId=self.cluster_id, HsmId=hsm_id)
        gone = {"DELETED"}
        wait_until(
            lambda: all(hsm["HsmId"] != hsm_id or hsm["State"] in gone for hsm in self.hsms()),
            f"{hsm_id} was gone",
            SLOW_LIMIT_S,
        )

    def delete_all_hsms(self):
        for hsm in self.hsms("ACTIVE"):
            self.delete_hsm(hsm["HsmId"])

    def delete(self):
        """Removes its HSMs and itself."""
        self.delete_all_hsms()
        self.realm.cloudhsm.delete_cluster(ClusterId=self.cluster_id)
        wait_until(self.is_gone, f"{self.cluster_id} was gone", SLOW_LIMIT_S)

    def is_gone(self):
        """Whether no more than a trace of it is left."""
        found = self.realm.cloudhsm.describe_clusters(Filters={"clusterIds": [self.cluster_id]})["Clusters"]
        return all(entry["State"] == "DELETED" for entry in found)

    def csr(self):
        """The signing request that its first HSM made."""
        csr = wait_until(
            lambda: self.describe()["Certificates"].get("ClusterCsr"), "the cluster showed its CSR", SLOW_LIMIT_S
        )
        return csr

    def initialize(self):
        """Signs its CSR and gives it certificate and trust anchor."""
        self.realm.cloudhsm.initialize_cluster(
            ClusterId=self.cluster_id, SignedCert=self.authority.sign(self.csr()), TrustAnchor=self.authority.trust_anchor
        )
        self.wait_state("INITIALIZED")

    def activate(self, password=CO_PASSWORD):
        """The officer takes the cluster over with a password of their own."""
        self.users.succeed("change-password", user="admin", password=self.pre_co_password(), new_password=password)
        self.wait_state("ACTIVE")

    def pre_co_password(self):
        """The password that the officer of a cluster that is not activated has."""
        return self.describe()["PreCoPassword"]

    def create_kmsuser(self, password=KMSUSER_PASSWORD, **options):
        self.users.succeed("create", user=KMSUSER, new_password=password, co_password=CO_PASSWORD, **options)

    def set_kmsuser_password(self, password):
        """As the officer: also unlocks."""
        self.users.succeed("change-password", user=KMSUSER, new_password=password, co_password=CO_PASSWORD)

    def users_named(self, user):
        """The entries of a user, one for each HSM."""
        return [entry for hsm in self.users.listed("list") for entry in hsm["users"] if entry["user"] == user]

    def auditor_logs_in(self, password=KMSUSER_PASSWORD):
        """Audit mode, 2.3: as the officer sets a known password, and with it logs in as kmsuser."""
        self.set_kmsuser_password(password)
        self.users.succeed("login", user=KMSUSER, password=password)

    def auditor_logs_out(self):
        self.users.succeed("logout", user=KMSUSER)

    def keys(self):
        """The keys of KMS in each HSM, by HSM ID, as the auditor sees them.

        Without the beginnings of keys that a crash of SoftHSM 2 may leave: they have no ID, and nobody can use them.
        """
        listed = self.users.listed("keys")
        assert all(hsm["problem"] is None for hsm in listed), listed
        return {hsm["hsm_id"]: [key for key in hsm["keys"] if is_of_kms(key)] for hsm in listed}

    def backups(self):
        """Its backups that can be used, newest first."""
        filters = {"clusterIds": [self.cluster_id], "states": ["READY"]}
        return self.realm.cloudhsm.describe_backups(Filters=filters)["Backups"]

    def newest_backup(self):
        return max(self.backups(), key=lambda backup: backup["CreateTimestamp"])["BackupId"]

    def store_parameters(self, **changes):
        """The parameters of CreateCustomKeyStore for this cluster."""
        parameters = {
            "CustomKeyStoreName": f"cloudhsm-{next(_names)}",
            "CloudHsmClusterId": self.cluster_id,
            "KeyStorePassword": KMSUSER_PASSWORD,
            "TrustAnchorCertificate": self.authority.trust_anchor,
        }
        parameters.update(changes)
        return {name: value for name, value in parameters.items() if value is not None}


def is_of_kms(key):
    """Whether a key of an HSM is a KMS key's."""
    return key["label"] != MASKING_KEY and key["id"] != ""


@dataclass(frozen=True)
class CloudHsmStore(KeyStoreHandle):
    """A key store over a cluster."""

    realm: HsmRealm
    store_id: str

    @property
    def client(self):
        return self.realm.kms

    def create_key(self, **parameters):
        """A KMS key in it; returns its ARN."""
        created = self.client.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=self.store_id, **parameters)
        return created["KeyMetadata"]["Arn"]

    def update(self, **changes):
        self.client.update_custom_key_store(CustomKeyStoreId=self.store_id, **changes)

    def fail_to_connect(self):
        """Connects, waits for FAILED, and returns the ConnectionErrorCode."""
        self.connect()
        entry = self.wait_state("FAILED", "CONNECTED")
        assert entry["ConnectionState"] == "FAILED", entry
        return entry["ConnectionErrorCode"]

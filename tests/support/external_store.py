"""External key stores made through the API for a test."""

import itertools
from dataclasses import dataclass

from support.conditions import wait_until

_names = itertools.count(1)


def create_parameters(realm, **changes):
    """The parameters of CreateCustomKeyStore for a realm of the tests' proxy."""
    parameters = {
        "CustomKeyStoreName": f"external-{next(_names)}",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": realm.uri_endpoint,
        "XksProxyUriPath": realm.uri_path,
        "XksProxyAuthenticationCredential": realm.credential.as_parameter(),
    }
    parameters.update(changes)
    return {name: value for name, value in parameters.items() if value is not None}


@dataclass(frozen=True)
class ExternalStore:
    """An external key store, the realm behind it, and the client that made it."""

    client: object
    realm: object
    store_id: str

    def describe(self):
        """Its entry of DescribeCustomKeyStores."""
        return self.client.describe_custom_key_stores(CustomKeyStoreId=self.store_id)["CustomKeyStores"][0]

    def state(self):
        return self.describe()["ConnectionState"]

    def connect(self):
        self.client.connect_custom_key_store(CustomKeyStoreId=self.store_id)

    def disconnect(self):
        self.client.disconnect_custom_key_store(CustomKeyStoreId=self.store_id)

    def wait_state(self, *states):
        """Waits until it is in one of these states and returns its entry."""

        def entry_in_state():
            entry = self.describe()
            return entry if entry["ConnectionState"] in states else None

        return wait_until(entry_in_state, f"{self.store_id} was {' or '.join(states)}")

    def connect_and_wait(self):
        self.connect()
        self.wait_state("CONNECTED", "FAILED")
        assert self.state() == "CONNECTED", self.describe()
        return self

    def disconnect_and_wait(self):
        self.disconnect()
        self.wait_state("DISCONNECTED")
        return self

    def delete(self):
        self.client.delete_custom_key_store(CustomKeyStoreId=self.store_id)

    def create_key(self, external_key=None, **parameters):
        """A KMS key over an external key (a new one unless given); returns its ARN."""
        external_key = external_key or self.realm.add_key()
        created = self.client.create_key(
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=self.store_id,
            XksKeyId=external_key.identifier,
            **parameters,
        )
        return created["KeyMetadata"]["Arn"]


def create_store(client, realm, **changes):
    """Creates an external key store, and leaves it disconnected."""
    created = client.create_custom_key_store(**create_parameters(realm, **changes))
    return ExternalStore(client, realm, created["CustomKeyStoreId"])


def connected_store(client, realm, **changes):
    """Creates an external key store and connects it."""
    return create_store(client, realm, **changes).connect_and_wait()

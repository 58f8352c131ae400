"""External key stores made through the API for a test."""

import itertools
from dataclasses import dataclass

from support.key_store_handle import KeyStoreHandle

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
class ExternalStore(KeyStoreHandle):
    """An external key store, the realm behind it, and the client that made it."""

    client: object
    realm: object
    store_id: str

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

"""What can be done with a custom key store of either type."""

from support.conditions import wait_until


class KeyStoreHandle:
    """Expects the attributes `client` and `store_id`."""

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

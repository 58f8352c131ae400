"""Pages of every list operation: whole and without doubles while items come and go, limits, and markers that no page gave.

Source: digest kms-core.md, 2.5.
"""

import base64
import itertools
from dataclasses import dataclass, field

import pytest

from support.conditions import wait_until
from support.external_store import create_store
from support.raw_request import call as raw_call
from support.raw_request import signed_request
from support.sdk_client import OTHER_REGION, refusal

_numbers = itertools.count(1)


@dataclass
class Listing:
    """A list operation, and how items come and go. A subclass says how; `parameters` is what the operation is asked with besides."""

    tenant: object
    proxy: object = None
    parameters: dict = field(default_factory=dict)

    operation = None
    result = None
    # Documented, 2.5; the default of the key stores is not.
    default_limit, max_limit = None, None
    can_remove = True

    @property
    def client(self):
        return self.tenant.client

    def new_key(self, **parameters):
        return self.client.create_key(**parameters)["KeyMetadata"]["Arn"]

    def prepare(self):
        """Makes what the items belong to."""

    def add(self):
        """Makes an item and returns its name."""
        raise NotImplementedError

    def remove(self, name):
        raise NotImplementedError

    def name(self, entry):
        raise NotImplementedError

    def page(self, **parameters):
        method = next(name for name, of in self.client.meta.method_to_api_mapping.items() if of == self.operation)
        return getattr(self.client, method)(**self.parameters, **parameters)

    def names(self, page):
        return [self.name(entry) for entry in page[self.result]]

    def all_names(self, limit):
        """The names on all pages; checks that each page keeps to the limit, and tells of the next one in both ways."""
        names, marker = [], {}
        while True:
            page = self.page(Limit=limit, **marker)
            assert len(page[self.result]) <= limit
            assert page["Truncated"] is ("NextMarker" in page)
            names += self.names(page)
            if not page["Truncated"]:
                return names
            marker = {"Marker": page["NextMarker"]}


class Keys(Listing):
    operation, result = "ListKeys", "Keys"
    default_limit, max_limit = 100, 1000
    # A key goes after a week at the earliest.
    can_remove = False

    def add(self):
        return self.new_key()

    def name(self, entry):
        return entry["KeyArn"]


class Aliases(Listing):
    operation, result = "ListAliases", "Aliases"
    default_limit, max_limit = 50, 100

    def prepare(self):
        self.keys = []

    def add(self):
        # No more than 50 to a key.
        number = next(_numbers)
        if number % 40 == 0 or not self.keys:
            self.keys.append(self.new_key())
        name = f"alias/{number % 7}-{number}"
        self.client.create_alias(AliasName=name, TargetKeyId=self.keys[-1])
        return name

    def remove(self, name):
        self.client.delete_alias(AliasName=name)

    def name(self, entry):
        return entry["AliasName"]


class AliasesOfAKey(Aliases):
    def prepare(self):
        self.keys = [self.new_key()]
        self.parameters = {"KeyId": self.keys[0]}

    def add(self):
        name = f"alias/of-one-key-{next(_numbers)}"
        self.client.create_alias(AliasName=name, TargetKeyId=self.keys[0])
        return name


class Grants(Listing):
    operation, result = "ListGrants", "Grants"
    default_limit, max_limit = 50, 100

    @property
    def alice(self):
        return f"arn:aws:iam::{self.tenant.account}:user/alice"

    def prepare(self):
        self.key = self.new_key()
        self.parameters = {"KeyId": self.key}

    def add(self):
        parameters = {"GranteePrincipal": self.alice, "RetiringPrincipal": self.alice, "Operations": ["Encrypt"]}
        return self.client.create_grant(KeyId=self.key, **parameters)["GrantId"]

    def remove(self, name):
        self.client.revoke_grant(KeyId=self.key, GrantId=name)

    def name(self, entry):
        return entry["GrantId"]


class GrantsOfAGrantee(Grants):
    def prepare(self):
        super().prepare()
        for _ in range(3):
            self.client.create_grant(KeyId=self.key, GranteePrincipal="999988887777", Operations=["Encrypt"])
        self.parameters = {"KeyId": self.key, "GranteePrincipal": self.alice}


class RetirableGrants(Grants):
    operation = "ListRetirableGrants"

    def prepare(self):
        super().prepare()
        self.parameters = {"RetiringPrincipal": self.alice}


class Tags(Listing):
    operation, result = "ListResourceTags", "Tags"
    default_limit, max_limit = 50, 50

    def prepare(self):
        self.key = self.new_key()
        self.parameters = {"KeyId": self.key}

    def add(self):
        number = next(_numbers)
        name = f"{number % 7} tag {number} ü"
        self.client.tag_resource(KeyId=self.key, Tags=[{"TagKey": name, "TagValue": ""}])
        return name

    def remove(self, name):
        self.client.untag_resource(KeyId=self.key, TagKeys=[name])

    def name(self, entry):
        return entry["TagKey"]


class Rotations(Listing):
    operation, result = "ListKeyRotations", "Rotations"
    default_limit, max_limit = 100, 1000
    can_remove = False

    def prepare(self):
        self.key = self.new_key()
        self.parameters = {"KeyId": self.key}

    def add(self):
        before = self.materials()
        self.client.rotate_key_on_demand(KeyId=self.key)
        (made,) = wait_until(lambda: self.materials() - before, "the key was rotated")
        return made

    def materials(self):
        return {self.name(entry) for entry in self.client.list_key_rotations(KeyId=self.key)["Rotations"]}

    def name(self, entry):
        return entry["KeyMaterialId"]


class KeyStores(Listing):
    operation, result = "DescribeCustomKeyStores", "CustomKeyStores"
    max_limit = 1000

    def add(self):
        # Each key store has an endpoint and path of its own.
        return create_store(self.client, self.proxy.realm()).store_id

    def remove(self, name):
        self.client.delete_custom_key_store(CustomKeyStoreId=name)

    def name(self, entry):
        return entry["CustomKeyStoreId"]


LISTINGS = [Keys, Aliases, AliasesOfAKey, Grants, GrantsOfAGrantee, RetirableGrants, Tags, Rotations, KeyStores]


@pytest.fixture(params=LISTINGS, ids=lambda listing: listing.__name__)
def listing(request, tenant, fault_proxy):
    made = request.param(tenant, fault_proxy)
    made.prepare()
    return made


def test_every_list_operation_is_here(kms):
    model = kms.meta.service_model
    paginated = {name for name in model.operation_names if "Marker" in model.operation_model(name).input_shape.members}
    assert paginated == {listing.operation for listing in LISTINGS} | {"ListKeyPolicies"}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_are_whole(listing, limit):
    made = [listing.add() for _ in range(5)]
    listed = listing.all_names(limit)
    assert sorted(listed) == sorted(made)


def test_a_full_page_alone_is_not_truncated(listing):
    made = {listing.add() for _ in range(3)}
    page = listing.page(Limit=3)
    assert set(listing.names(page)) == made
    assert page["Truncated"] is False and "NextMarker" not in page


def test_pages_are_stable_while_items_come_and_go(listing):
    """What was there from start to end is listed exactly once, whatever came or went, and nothing is listed twice."""
    before = [listing.add() for _ in range(7)]
    page = listing.page(Limit=2)
    seen, gone = listing.names(page), set()
    while page["Truncated"]:
        if listing.can_remove:
            # The one that the next page begins after, and one that is still to come.
            to_come = [name for name in before if name not in seen and name not in gone]
            for name in [seen[-1], *to_come[:1]]:
                listing.remove(name)
                gone.add(name)
        listing.add()
        page = listing.page(Limit=2, Marker=page["NextMarker"])
        seen += listing.names(page)
    assert len(seen) == len(set(seen))
    assert set(before) - gone <= set(seen)


def test_a_marker_may_be_used_again(listing):
    """It tells a place, and does not grow old: also with another limit, and when all that came after it has gone."""
    made = [listing.add() for _ in range(4)]
    first = listing.page(Limit=1)
    rest = listing.page(Limit=3, Marker=first["NextMarker"])
    assert sorted(listing.names(first) + listing.names(rest)) == sorted(made)
    assert listing.names(listing.page(Limit=3, Marker=first["NextMarker"])) == listing.names(rest)
    if listing.can_remove:
        for name in made:
            listing.remove(name)
        page = listing.page(Marker=first["NextMarker"])
        assert listing.names(page) == [] and page["Truncated"] is False


def test_limits(listing):
    """2.5: the operation's own maximum is lower than the model's where it is documented so."""
    listing.add()
    assert len(listing.page(Limit=listing.max_limit)[listing.result]) == 1
    if listing.max_limit < 1000:
        refused = refusal(listing.page, Limit=listing.max_limit + 1)
        assert refused.code == "ValidationException"
        assert refused.message.endswith(f"Member must have value less than or equal to {listing.max_limit}")


@pytest.mark.parametrize("kind", [Aliases, Grants, RetirableGrants, Keys], ids=lambda kind: kind.__name__)
def test_the_page_by_default(tenant, kind):
    """2.5."""
    listing = kind(tenant)
    listing.prepare()
    made = {listing.add() for _ in range(listing.default_limit + 1)}
    page = listing.page()
    assert (len(page[listing.result]), page["Truncated"]) == (listing.default_limit, True)
    rest = listing.page(Marker=page["NextMarker"])
    assert set(listing.names(page) + listing.names(rest)) == made


def test_fifty_tags_are_one_page(tenant):
    listing = Tags(tenant)
    listing.prepare()
    made = [f"tag-{number:02}" for number in range(50)]
    tenant.client.tag_resource(KeyId=listing.key, Tags=[{"TagKey": name, "TagValue": ""} for name in made])
    page = listing.page()
    assert (sorted(listing.names(page)), page["Truncated"]) == (made, False)


# ---- markers that no page of the listing gave ----


def test_forged_markers(listing, keystead):
    """Each byte changed, cut, or of one's own making."""
    for _ in range(2):
        listing.add()
    marker = listing.page(Limit=1)["NextMarker"]
    made = base64.b64decode(marker, validate=True)
    forged = [made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :] for at in range(len(made))]
    forged += [made[:length] for length in range(1, len(made))] + [made + b"x", f"{listing.operation}\n".encode()]
    texts = [base64.b64encode(one).decode() for one in forged] + ["no marker", marker + "=", " " + marker, marker + marker]
    for text in texts:
        parameters = {**listing.parameters, "Marker": text}
        answer = raw_call(keystead.endpoint, listing.tenant.credentials, listing.operation, parameters)
        assert (answer.status, answer.type) == (400, "InvalidMarkerException"), text


def test_markers_of_another_listing(keystead, tenant):
    """Of another operation, of another key or filter, of another account, of another Region."""
    kinds = [kind for kind in LISTINGS if kind not in (Rotations, KeyStores)]
    listings = [kind(tenant) for kind in kinds]
    for listing in listings:
        listing.prepare()
        for _ in range(2):
            listing.add()
    markers = [listing.page(Limit=1)["NextMarker"] for listing in listings]
    for listing, other in itertools.product(listings, repeat=2):
        marker = markers[listings.index(other)]
        if listing is other:
            listing.page(Marker=marker)
        else:
            refused = refusal(listing.page, Marker=marker)
            assert refused.code == "InvalidMarkerException", (listing.operation, other.operation)
    keys_marker, stranger = markers[0], keystead.create_tenant()
    for _ in range(2):
        stranger.client.create_key()
    assert refusal(stranger.client.list_keys, Marker=keys_marker).code == "InvalidMarkerException"
    asked = {"Marker": keys_marker}
    there = signed_request(keystead.endpoint, tenant.credentials, "ListKeys", asked, region=OTHER_REGION)
    assert there.send().type == "InvalidMarkerException"


def test_markers_of_another_installation(keystead, make_installation):
    """Even of the same account."""
    other = make_installation().start()
    tenant = keystead.create_tenant()
    other.admin("accounts", "create", "--name", "the same", "--id", tenant.account)
    client = other.client(other.create_access_key(tenant.account))
    other.wait_accepted(client)
    for _ in range(2):
        client.create_key()
        tenant.client.create_key()
    marker = client.list_keys(Limit=1)["NextMarker"]
    assert refusal(tenant.client.list_keys, Marker=marker).code == "InvalidMarkerException"
    client.list_keys(Marker=marker)
    assert other.stop() == 0


def test_a_marker_outlives_the_server(make_installation):
    installation = make_installation().start()
    tenant = installation.create_tenant()
    made = {tenant.client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)}
    first = tenant.client.list_keys(Limit=1)
    client = installation.restart().client(tenant.credentials)
    second = client.list_keys(Marker=first["NextMarker"])
    assert {entry["KeyId"] for page in (first, second) for entry in page["Keys"]} == made
    assert installation.stop() == 0


def test_the_one_key_policy_has_one_page(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.list_key_policies(KeyId=key, Limit=1)["PolicyNames"] == ["default"]
    keys_marker = (kms.create_key(), kms.list_keys(Limit=1))[1]["NextMarker"]
    for marker in ("x", keys_marker):
        assert refusal(kms.list_key_policies, KeyId=key, Marker=marker).code == "InvalidMarkerException"

"""The users of a cluster's HSMs: activation, roles, passwords, the lock, and audit mode.

Source: digest cloudhsm-key-stores.md, 2.3 (audit mode), 5.4 (users and passwords); the issue, "HSM users".
"""

import pytest

from support.hsm_network import ZONES
from support.hsm_realm import CO_PASSWORD, KMSUSER, KMSUSER_PASSWORD
from support.hsm_users import HsmUsers

OTHER_PASSWORD = "another2Password"
STRIKES = 5


@pytest.fixture(scope="module")
def cluster(hsm_realm):
    """An active cluster; tests leave kmsuser with `KMSUSER_PASSWORD`, unlocked and logged out."""
    return hsm_realm.active_cluster()


@pytest.fixture
def users(cluster):
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    return cluster.users


def test_activation(own_hsm_realm):
    """5.3 and 5.4: PRECO until its password is changed, CO from then on."""
    cluster = own_hsm_realm.create_cluster()
    cluster.create_hsm(ZONES[0])
    cluster.initialize()
    (admin,) = cluster.users_named("admin")
    assert admin["role"] == "PRECO"
    preco = cluster.pre_co_password()
    cluster.users.refuse("create", user=KMSUSER, new_password=KMSUSER_PASSWORD, co_password=preco)
    cluster.users.refuse("change-password", user="admin", password="notThePassword", new_password=CO_PASSWORD)
    assert cluster.describe()["State"] == "INITIALIZED"
    cluster.activate()
    (admin,) = cluster.users_named("admin")
    assert admin["role"] == "CO"
    cluster.users.refuse("change-password", user="admin", password=preco, new_password=OTHER_PASSWORD)
    cluster.create_kmsuser()


def test_the_users_of_each_hsm(users, cluster):
    listed = users.listed("list")
    assert {hsm["hsm_id"] for hsm in listed} == {hsm["HsmId"] for hsm in cluster.hsms("ACTIVE")}
    assert [hsm["problem"] for hsm in listed] == [None, None]
    for hsm in listed:
        by_name = {user["user"]: user for user in hsm["users"]}
        assert by_name["admin"]["role"] == "CO"
        kmsuser = by_name[KMSUSER]
        assert (kmsuser["role"], kmsuser["exists"], kmsuser["locked"], kmsuser["strikes"]) == ("CU", True, False, 0)
        assert kmsuser["logged_in"] is None


def test_the_users_as_a_person_reads_them(users, cluster):
    text = users.succeed("list")
    assert all(hsm["HsmId"] in text for hsm in cluster.hsms("ACTIVE"))
    assert KMSUSER in text and "CU" in text


def test_a_user_twice(users):
    message = users.refuse("create", user=KMSUSER, new_password=OTHER_PASSWORD, co_password=CO_PASSWORD)
    assert KMSUSER in message


def test_a_wrong_officers_password(users):
    for command in ("create", "change-password"):
        message = users.refuse(command, user=KMSUSER, new_password=OTHER_PASSWORD, co_password="notThePassword")
        assert "password" in message
    assert users.run("login", user=KMSUSER, password=KMSUSER_PASSWORD).returncode == 0
    users.succeed("logout", user=KMSUSER)


# 5.4: 7 to 32 letters and digits.
BAD_PASSWORDS = ["short1", "a" * 33, "with-hyphen", "with blank", "Schlüssel1"]


@pytest.mark.parametrize("password", BAD_PASSWORDS)
def test_a_password_that_cannot_be(users, password):
    message = users.refuse("change-password", user=KMSUSER, new_password=password, co_password=CO_PASSWORD)
    assert password not in message, "a password is told to nobody"
    assert "7 to 32" in message or "letters and digits" in message, "the rule is told"
    users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.succeed("logout", user=KMSUSER)


@pytest.mark.parametrize("password", ["aB3defg", "a" * 32])
def test_passwords_at_the_limits(users, password):
    users.succeed("change-password", user=KMSUSER, new_password=password, co_password=CO_PASSWORD)
    users.succeed("login", user=KMSUSER, password=password)
    users.succeed("logout", user=KMSUSER)


def test_passwords_are_case_sensitive(users):
    users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD.swapcase())


def test_the_officer_changes_the_own_password(users):
    users.succeed("change-password", user="admin", password=CO_PASSWORD, new_password=OTHER_PASSWORD)
    users.refuse("change-password", user=KMSUSER, new_password=OTHER_PASSWORD, co_password=CO_PASSWORD)
    users.succeed("change-password", user="admin", password=OTHER_PASSWORD, new_password=CO_PASSWORD)


# ---- the lock: five strikes ----


def test_four_wrong_passwords_and_the_right_one(users, cluster):
    for count in range(1, STRIKES):
        users.refuse("login", user=KMSUSER, password="notThePassword")
        assert [user["strikes"] for user in cluster.users_named(KMSUSER)] == [count, count]
    users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.succeed("logout", user=KMSUSER)
    assert [user["strikes"] for user in cluster.users_named(KMSUSER)] == [0, 0]


def test_five_wrong_passwords_lock_and_the_officer_unlocks(users, cluster):
    for _ in range(STRIKES):
        users.refuse("login", user=KMSUSER, password="notThePassword")
    message = users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    assert "locked" in message
    assert all(user["locked"] for user in cluster.users_named(KMSUSER))
    cluster.set_kmsuser_password(OTHER_PASSWORD)
    assert not any(user["locked"] for user in cluster.users_named(KMSUSER))
    users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.succeed("login", user=KMSUSER, password=OTHER_PASSWORD)
    users.succeed("logout", user=KMSUSER)


def test_strikes_survive_a_restart(users, cluster):
    """Neither a new worker nor a new server forgives."""
    for _ in range(STRIKES - 1):
        users.refuse("login", user=KMSUSER, password="notThePassword")
    server = cluster.realm.installation
    server.kill()
    server.start()
    cluster.realm.reconnect()
    users.refuse("login", user=KMSUSER, password="notThePassword")
    assert "locked" in users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD)


def test_passwords_that_differ_from_hsm_to_hsm(users, cluster):
    """Users are not kept in step by the service: what is done on one HSM is seen on that one alone."""
    first, second = (hsm["HsmId"] for hsm in cluster.hsms("ACTIVE"))
    users.succeed("change-password", user=KMSUSER, new_password=OTHER_PASSWORD, co_password=CO_PASSWORD, hsm_id=first)
    users.run("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    by_hsm = {entry["hsm_id"]: user for entry in users.listed("list") for user in entry["users"] if user["user"] == KMSUSER}
    assert (by_hsm[first]["strikes"], by_hsm[first]["logged_in"]) == (1, None)
    assert (by_hsm[second]["strikes"], by_hsm[second]["logged_in"]) == (0, "Auditor")
    users.succeed("logout", user=KMSUSER)


# ---- audit mode: 2.3 ----


def test_audit_mode(own_hsm_realm):
    """Disconnect, change the password, log in, look, log out, tell KMS, connect."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    kms, key = own_hsm_realm.kms, store.create_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    check_kms_is_left_alone(cluster)
    store.disconnect_and_wait()
    cluster.auditor_logs_in()
    check_key_material(cluster, key)
    assert store.fail_to_connect() == "USER_LOGGED_IN"
    store.disconnect_and_wait()
    cluster.auditor_logs_out()
    cluster.users.refuse("keys")
    assert store.fail_to_connect() == "INVALID_CREDENTIALS", "KMS does not know the new password yet"
    store.disconnect_and_wait()
    store.update(KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def check_kms_is_left_alone(cluster):
    """2.3: while KMS is connected nobody else logs in as kmsuser or changes its password; the officer may still look."""
    users = cluster.users
    users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.refuse("change-password", user=KMSUSER, new_password=OTHER_PASSWORD, co_password=CO_PASSWORD)
    users.refuse("delete", user=KMSUSER, co_password=CO_PASSWORD)
    users.refuse("keys")
    assert {user["logged_in"] for user in cluster.users_named(KMSUSER)} == {"Kms"}
    assert [user["strikes"] for user in cluster.users_named(KMSUSER)] == [0, 0], "a login that is refused is no strike"


def check_key_material(cluster, key):
    """3.2: the same key on both HSMs, with the attributes that it must have."""
    by_hsm = cluster.keys()
    assert len(by_hsm) == 2
    found = [entry for keys in by_hsm.values() for entry in keys]
    assert [entry["label"] for entry in found] == [key, key]
    assert len({entry["id"] for entry in found}) == 1
    assert len({entry["check_value"] for entry in found}) == 1 and found[0]["check_value"]
    for entry in found:
        attributes = entry["attributes"]
        must = ("token", "private", "sensitive", "encrypt", "decrypt")
        must_not = ("extractable", "wrap", "unwrap")
        assert all(attributes[name] for name in must), attributes
        assert not any(attributes[name] for name in must_not), attributes


def test_keys_need_a_login(users):
    message = users.refuse("keys")
    assert "log" in message, "it says what to do"


def test_a_login_twice(users):
    """The auditor who is logged in already is, and a logout of nobody is none."""
    users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    users.succeed("logout", user=KMSUSER)
    users.succeed("logout", user=KMSUSER)


def test_delete_a_key_that_is_not_there(users):
    users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    try:
        assert "no key of that ID" in users.refuse("delete-key", "00" * 16, user=KMSUSER)
        assert "no-id" in users.refuse("delete-key", "no-id", user=KMSUSER)
    finally:
        users.succeed("logout", user=KMSUSER)


# ---- what does not exist ----


def test_a_cluster_that_does_not_exist(cluster, tmp_path):
    users = HsmUsers(cluster.realm.installation.place, "cluster-aaaaaaaaaaa", tmp_path)
    assert "cluster-aaaaaaaaaaa" in users.refuse("list")


def test_an_hsm_that_does_not_exist(users):
    options = {"new_password": OTHER_PASSWORD, "co_password": CO_PASSWORD, "hsm_id": "hsm-aaaaaaaaaaa"}
    assert "hsm-aaaaaaaaaaa" in users.refuse("change-password", user=KMSUSER, **options)


def test_a_user_that_cannot_exist(users):
    """A PKCS#11 token has one crypto user."""
    message = users.refuse("create", user="somebody", new_password=OTHER_PASSWORD, co_password=CO_PASSWORD)
    assert "kmsuser" in message


def test_a_password_file_that_others_may_read(users, cluster, tmp_path):
    file = tmp_path / "password"
    file.write_text(KMSUSER_PASSWORD)
    file.chmod(0o644)
    done = users.run("login", "--password-file", str(file), user=KMSUSER)
    assert done.returncode != 0
    assert str(file) in done.stderr and KMSUSER_PASSWORD not in done.stderr


def test_without_a_server(make_installation):
    """The command needs the running server, which owns the HSMs, and says so."""
    server = make_installation()
    users = HsmUsers(server.place, "cluster-aaaaaaaaaaa", server.folder)
    assert "server" in users.refuse("list")

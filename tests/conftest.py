"""The servers, proxies and accounts that the tests share. Starting them is slow; giving each test an account of its own is not."""

import pytest

from support.attestation import AttestationAuthority
from support.certificates import CertificateAuthority, old_tls_context
from support.development_server import DevelopmentServer
from support.fault_proxy import ClosedPort, FaultProxy, FullListener, PlainTextListener, SilentListener
from support.hsm_modules import HSM_MODULES, module_settings
from support.hsm_realm import HsmRealm
from support.installation import PATIENT_TIMEOUT_MS, Installation, merged, proxy_settings, timeout_settings


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The private CA that the tests' servers trust."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def attestation_authority():
    """The authority whose attestation documents the tests' servers trust."""
    return AttestationAuthority()


@pytest.fixture(scope="session")
def attestation_settings(attestation_authority, tmp_path_factory):
    """The settings of a server that trusts it."""
    root = tmp_path_factory.mktemp("attestation") / "root.pem"
    root.write_bytes(attestation_authority.root_pem)
    return {"attestation": {"roots": [str(root)]}}


def _trusted_proxy(authority, host):
    return FaultProxy(host, authority.issue(host).server_context())


@pytest.fixture(scope="session")
def fault_proxy(authority):
    """A proxy with a good certificate."""
    proxy = _trusted_proxy(authority, "proxy.faults.test")
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def second_proxy(authority):
    """Another proxy, for tests that trouble a listener as a whole."""
    proxy = _trusted_proxy(authority, "second.faults.test")
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def faulty_listeners(authority):
    """Ways to be unreachable or to fail the TLS handshake, by name."""

    def proxy(host, make):
        return FaultProxy(host, make(host).server_context())

    listeners = {
        "expired": proxy("expired.faults.test", authority.expired),
        "not-yet-valid": proxy("early.faults.test", authority.not_yet_valid),
        "self-signed": proxy("self-signed.faults.test", authority.self_signed),
        "wrong-name": FaultProxy("misnamed.faults.test", authority.issue("other.faults.test").server_context()),
        "old-tls": FaultProxy("old-tls.faults.test", old_tls_context(authority.issue("old-tls.faults.test"))),
        "no-tls": PlainTextListener("no-tls.faults.test"),
        "silent": SilentListener("silent.faults.test"),
        "unanswered-connect": FullListener("full.faults.test"),
        "refused": ClosedPort("refused.faults.test"),
    }
    yield listeners
    for listener in listeners.values():
        listener.close()


@pytest.fixture(scope="session")
def proxies(fault_proxy, second_proxy, faulty_listeners):
    """Everything that a server's connect_to map should lead to."""
    return [fault_proxy, second_proxy, *faulty_listeners.values()]


@pytest.fixture(scope="session")
def keystead(tmp_path_factory, authority, proxies, attestation_settings):
    """The server that most tests share."""
    settings = merged(proxy_settings(authority, proxies), attestation_settings)
    installation = Installation(tmp_path_factory.mktemp("keystead"), settings).start()
    yield installation
    assert installation.stop() == 0, installation.server.stderr
    assert "panicked" not in installation.server.stderr, installation.server.stderr


def _make_installations(tmp_path_factory, authority, proxies, attestation_settings):
    """Makes servers with settings of their own; stops what still runs at the end of whatever they were made for."""
    made = []

    def make(settings=None, request_timeout_ms=PATIENT_TIMEOUT_MS, **xks):
        base = merged(proxy_settings(authority, proxies, **xks), timeout_settings(request_timeout_ms))
        base = merged(base, attestation_settings)
        installation = Installation(tmp_path_factory.mktemp("installation"), merged(base, settings or {}))
        made.append(installation)
        return installation

    yield make
    for installation in made:
        if installation.server is not None and installation.server.is_running:
            installation.kill()


# For a test, for the tests of a module, for all. A server that idles takes its part of a busy machine.
make_installation = pytest.fixture(_make_installations)
make_module_installation = pytest.fixture(_make_installations, scope="module")
make_session_installation = pytest.fixture(_make_installations, scope="session")


# Short, as tests of timeouts wait for it to pass; and still long beside most stalls, for the honest calls on the way there.
SHORT_TIMEOUT_MS = 500


@pytest.fixture(scope="session")
def impatient_keystead(make_session_installation):
    """The server of the tests in which a proxy does not answer in time; its circuits try again soon."""
    installation = make_session_installation(request_timeout_ms=SHORT_TIMEOUT_MS, circuit_breaker_pause_ms=500).start()
    yield installation
    assert installation.stop() == 0, installation.server.stderr


@pytest.fixture
def impatient_kms(impatient_keystead):
    """An SDK client of that server, in an account of its own."""
    return impatient_keystead.create_tenant().client


@pytest.fixture
def tenant(keystead):
    """A new account for one test."""
    return keystead.create_tenant()


@pytest.fixture(scope="module")
def module_tenant(keystead):
    """A new account for a module's tests."""
    return keystead.create_tenant()


@pytest.fixture
def kms(tenant):
    """An SDK client in an account of its own."""
    return tenant.client


@pytest.fixture
def realm(fault_proxy):
    """A path prefix of the faultless proxy, with a credential of its own."""
    return fault_proxy.realm()


@pytest.fixture(scope="session")
def hsm_servers(make_session_installation):
    """The server whose clusters are of soft tokens of a module; started when it is first asked for."""
    started = {}

    def server(module):
        if module not in started:
            started[module] = make_session_installation(module_settings(module)).start()
        return started[module]

    yield server
    for module, installation in started.items():
        assert installation.stop() == 0, f"{module}: {installation.server.stderr}"
        assert "panicked" not in installation.server.stderr, f"{module}: {installation.server.stderr}"


@pytest.fixture(scope="module", params=HSM_MODULES)
def hsm_module(request):
    """Each module that the whole behaviour is tested on."""
    return request.param


@pytest.fixture(scope="module")
def hsm_server(hsm_servers, hsm_module):
    """The server of the module at hand."""
    return hsm_servers(hsm_module)


@pytest.fixture(scope="module")
def hsm_realm(hsm_server):
    """An account with clusters on that server, shared by the tests of a file."""
    return HsmRealm(hsm_server)


@pytest.fixture
def own_hsm_realm(hsm_server):
    """An account with clusters on that server, for one test."""
    return HsmRealm(hsm_server)


@pytest.fixture(scope="session")
def kryoptic_server(hsm_servers):
    """The server of the tests to which the module makes no difference."""
    return hsm_servers("kryoptic")


@pytest.fixture
def cloud(kryoptic_server):
    """An account there, for one test."""
    return HsmRealm(kryoptic_server)


@pytest.fixture(scope="module")
def shared_cloud(kryoptic_server):
    """An account there, shared by the tests of a file."""
    return HsmRealm(kryoptic_server)


@pytest.fixture(scope="session")
def development_server(tmp_path_factory):
    """`keystead dev`, shared by the tests that leave it as they found it."""
    server = DevelopmentServer(
        tmp_path_factory.mktemp("development"), "--connection-transition-ms", "300"
    ).start()
    yield server
    assert server.stop() == 0, server.server.stderr

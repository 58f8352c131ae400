"""A private certificate authority, and the good and bad server certificates that the tests show to Keystead."""

import datetime
import ipaddress
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def _now():
    return datetime.datetime.now(datetime.timezone.utc)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _private_key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True)
class CertificateFiles:
    """The files that a TLS server, or a client that must show a certificate, needs."""

    certificate: Path
    private_key: Path

    def server_context(self):
        """A TLS server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.private_key)
        return context


    def client_context(self, authority):
        """A TLS client that shows this certificate and trusts the authority."""
        context = ssl.create_default_context(cafile=authority.certificate)
        context.load_cert_chain(self.certificate, self.private_key)
        return context


class CertificateAuthority:
    """Issues certificates into a folder; `ca.pem` there is the trust root."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name("Keystead test authority")
        self._issued = 0
        self.certificate = self.folder / "ca.pem"
        self.certificate.write_bytes(self._root().public_bytes(serialization.Encoding.PEM))

    def _root(self):
        return (
            x509.CertificateBuilder()
            .subject_name(self._subject)
            .issuer_name(self._subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - 400 * DAY)
            .not_valid_after(_now() + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_authority_key_usage(), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, host, not_before_days=-1, not_after_days=90):
        """A certificate for `host`, valid between two days counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._leaf(host, key.public_key(), not_before_days, not_after_days)
        return self._write(certificate.sign(self._key, hashes.SHA256()), key)

    def issue_client(self, common_name):
        """A client certificate with this subject CN."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = self._leaf(common_name, key.public_key(), -1, 90, usage=usage)
        return self._write(certificate.sign(self._key, hashes.SHA256()), key)

    def expired(self, host):
        """Ran out yesterday."""
        return self.issue(host, not_before_days=-30, not_after_days=-1)

    def not_yet_valid(self, host):
        """Starts in ten days."""
        return self.issue(host, not_before_days=10, not_after_days=90)

    def self_signed(self, host):
        """Vouches for itself: chains to no trust root."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._leaf(host, key.public_key(), -1, 90, issuer=_name(host))
        return self._write(certificate.sign(key, hashes.SHA256()), key)

    def _leaf(
        self, host, public_key, not_before_days, not_after_days, issuer=None, usage=ExtendedKeyUsageOID.SERVER_AUTH
    ):
        return (
            x509.CertificateBuilder()
            .subject_name(_name(host))
            .issuer_name(issuer or self._subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() + not_before_days * DAY)
            .not_valid_after(_now() + not_after_days * DAY)
            .add_extension(x509.SubjectAlternativeName(_alternative_names(host)), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )

    def _write(self, certificate, key):
        self._issued += 1
        written = CertificateFiles(
            self.folder / f"server-{self._issued}.pem", self.folder / f"server-{self._issued}.key"
        )
        written.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        written.private_key.write_bytes(_private_key_pem(key))
        return written


def _alternative_names(host):
    if host == "localhost":
        return [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return [x509.DNSName(host)]


def _authority_key_usage():
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def old_tls_context(certificate):
    """A TLS server that speaks nothing newer than TLS 1.1."""
    context = certificate.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context

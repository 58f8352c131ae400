"""The owner's certificate authority: it signs clusters, and its certificate is a key store's trust anchor.

Source: CloudHSM User Guide, "Initialize the cluster"; digest cloudhsm-key-stores.md, 5.2 and 5.3.
"""

import datetime
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@functools.cache
def _key(name):
    """Making an RSA key is slow, and the tests need few different ones."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(subject, public_key, issuer, issuer_key, is_ca, first_day=-1, last_day=3652):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first_day * DAY)
        .not_valid_after(now + last_day * DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(certificate):
    """As text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def der(certificate_pem):
    """The bytes of a certificate in PEM."""
    return x509.load_pem_x509_certificate(certificate_pem.encode()).public_bytes(serialization.Encoding.DER)


class ClusterAuthority:
    """A self-signed root with an RSA 2048 key."""

    def __init__(self, name="customer", first_day=-1, last_day=3652):
        self._key = _key(name)
        self._subject = _name(f"{name} root")
        self._root = _certificate(
            self._subject, self._key.public_key(), self._subject, self._key, True, first_day, last_day
        )
        self.trust_anchor = pem(self._root)

    def sign(self, csr_pem):
        """The certificate for a cluster's signing request."""
        request = x509.load_pem_x509_csr(csr_pem.encode())
        return pem(_certificate(request.subject, request.public_key(), self._subject, self._key, False))

    def issue(self, common_name):
        """The certificate of a cluster whose key is somewhere else: each time another one, as each has its own serial number."""
        return pem(_certificate(_name(common_name), _key("cluster").public_key(), self._subject, self._key, False))

    def sign_another_key(self, csr_pem):
        """A certificate with the subject of the request and the public key of somebody else."""
        request = x509.load_pem_x509_csr(csr_pem.encode())
        other = _key("somebody else").public_key()
        return pem(_certificate(request.subject, other, self._subject, self._key, False))

    def intermediate(self):
        """A certificate authority below the root: its certificate."""
        subject = _name("intermediate")
        return pem(_certificate(subject, _key("intermediate").public_key(), self._subject, self._key, True))

    def twin(self):
        """The same name and another key: the certificates look alike."""
        other = _key("twin")
        return pem(_certificate(self._subject, other.public_key(), self._subject, other, True))

    def renewed(self):
        """The same name and the same key in another certificate."""
        return pem(_certificate(self._subject, self._key.public_key(), self._subject, self._key, True))

    def expired(self):
        """The same name and the same key in a certificate that ran out yesterday."""
        return pem(_certificate(self._subject, self._key.public_key(), self._subject, self._key, True, -30, -1))

    def in_der(self):
        """The root's bytes, for people who export the wrong format."""
        return self._root.public_bytes(serialization.Encoding.DER)

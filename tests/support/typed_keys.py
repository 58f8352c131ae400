"""KMS keys of every type, each made once for an account, and the documented table of what they are.

Source: digest kms-core.md, 3.1 (specs, usages, algorithms), 3.3 (which operation on which key).
"""

from support import second_implementation as second

ENCRYPT, SIGN, MAC, AGREE = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"

# The algorithms of a key, by its spec and usage.
ALGORITHMS = {
    ("SYMMETRIC_DEFAULT", ENCRYPT): ["SYMMETRIC_DEFAULT"],
    **{(spec, ENCRYPT): list(second.OAEP) for spec in second.RSA_SPECS},
    **{(spec, SIGN): algorithms for spec, algorithms in second.SIGNING_ALGORITHMS.items()},
    **{(spec, MAC): [spec.replace("HMAC_", "HMAC_SHA_")] for spec in second.HMAC_SPECS},
    **{(spec, AGREE): ["ECDH"] for spec in second.AGREEMENT_SPECS},
}
KEY_PAIRS = [(spec, usage) for spec, usage in ALGORITHMS if usage != MAC and spec != "SYMMETRIC_DEFAULT"]


class TypedKeys:
    """The keys of an account: each is made when it is first asked for."""

    def __init__(self, client):
        self.client = client
        self._made = {}

    def of(self, spec, usage):
        """The ARN of a key."""
        if (spec, usage) not in self._made:
            self._made[spec, usage] = self.new(spec, usage)
        return self._made[spec, usage]

    def new(self, spec, usage, **members):
        """The ARN of a key of its own."""
        return self.client.create_key(KeySpec=spec, KeyUsage=usage, **members)["KeyMetadata"]["Arn"]

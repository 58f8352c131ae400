"""The failures of an external key store proxy, and what each KMS operation answers.

Source: digest external-key-stores.md, 5.1 (texts; form B where there are two), 5.2, 5.3, 3.7 and 5.4. Where the digest gives a
suggestion instead of a fact, the row follows it.
"""

from dataclasses import dataclass, replace

MALFORMED = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, "
    "consult your external key store proxy administrator."
)
NOT_ENABLED = (
    "The external key store proxy rejected the request because the external key is not enabled in the external key manager."
)
BAD_CIPHERTEXT = (
    "The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is "
    "corrupted, missing, or otherwise invalid."
)
BAD_INNER = (
    "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, "
    "missing, or otherwise invalid."
)
KEY_USAGE = (
    "The external key store proxy rejected the request because the external key does not support the requested operation."
)
AUTH = (
    "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the credentials "
    "for your external key store and update if necessary."
)
DENIED = (
    "The external key store proxy denied access to the operation. Verify that the user and the external key are both "
    "authorized for this operation, and try the request again."
)
KEY_NOT_FOUND = "The external key store proxy rejected the request because it could not find the external key."
URI_PATH = (
    "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your "
    "external key store and update if necessary."
)
UNSUPPORTED = (
    "The external key store proxy rejected the request because it does not support the requested cryptographic operation."
)
DEP_TIMEOUT = (
    "The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this "
    "error repeatedly, report it to your external key store proxy administrator."
)
THROTTLED = (
    "The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls "
    "using KMS keys in this external key store."
)
INTERNAL = (
    "The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify "
    "that the external key store proxy configuration is correct and that the external key manager is available."
)
TCP = (
    "AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this "
    "error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its "
    "endpoint URI is correct in your external key store."
)
TLS = (
    "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its "
    "certificate."
)
TIMEOUT = (
    "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you "
    "see this error repeatedly, report it to your external key store proxy administrator."
)
UNHEALTHY = (
    "The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key "
    "store proxy administrator."
)
NOT_CONNECTED = (
    "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key "
    "store and try the request again."
)
THROTTLING = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
INCORRECT_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
HIDDEN_KEY = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
    "allowed to access."
)
DRY_RUN = "The request would have succeeded, but the DryRun option is set."


@dataclass(frozen=True)
class ProxyError:
    """What KMS makes of one `errorName`."""

    name: str
    message: str
    cause: str
    store_exception: str
    create_key_exception: str
    connection_error_code: str


BAD_RESPONSE = "XksProxyInvalidResponseException"
BAD_CONFIGURATION = "XksProxyInvalidConfigurationException"
UNREACHABLE = "XksProxyUriUnreachableException"
BAD_CREDENTIAL = "XksProxyIncorrectAuthenticationCredentialException"
STORE_STATE = "CustomKeyStoreInvalidStateException"
KEY_CONFIGURATION = "XksKeyInvalidConfigurationException"

# name, message, cause, CreateCustomKeyStore and UpdateCustomKeyStore (5.3), CreateKey (5.3), ConnectionErrorCode (3.7)
PROXY_ERRORS = [
    ProxyError(*row)
    for row in [
        ("ValidationException", MALFORMED, "XKS_PROXY_VALIDATION_FAILED", BAD_RESPONSE, STORE_STATE, "XKS_PROXY_INVALID_RESPONSE"),
        ("InvalidStateException", NOT_ENABLED, "EXTERNAL_KEY_DISABLED", BAD_CONFIGURATION, KEY_CONFIGURATION, "XKS_PROXY_INVALID_RESPONSE"),
        ("InvalidKeyUsageException", KEY_USAGE, "EXTERNAL_KEY_USAGE_NOT_ALLOWED", BAD_RESPONSE, KEY_CONFIGURATION, "XKS_PROXY_INVALID_RESPONSE"),
        ("AuthenticationFailedException", AUTH, "XKS_PROXY_AUTHENTICATION_FAILED", BAD_CREDENTIAL, STORE_STATE, "INVALID_CREDENTIALS"),
        ("AccessDeniedException", DENIED, "XKS_PROXY_ACCESS_DENIED", BAD_CONFIGURATION, STORE_STATE, "XKS_PROXY_ACCESS_DENIED"),
        ("KeyNotFoundException", KEY_NOT_FOUND, "EXTERNAL_KEY_NOT_FOUND", BAD_RESPONSE, "XksKeyNotFoundException", "XKS_PROXY_INVALID_RESPONSE"),
        ("InvalidUriPathException", URI_PATH, "XKS_PROXY_INVALID_URI_PATH", BAD_CONFIGURATION, STORE_STATE, "XKS_PROXY_INVALID_CONFIGURATION"),
        ("ThrottlingException", THROTTLED, "XKS_PROXY_THROTTLED", UNREACHABLE, STORE_STATE, "XKS_PROXY_TIMED_OUT"),
        ("UnsupportedOperationException", UNSUPPORTED, "XKS_PROXY_UNSUPPORTED_OPERATION", BAD_RESPONSE, STORE_STATE, "XKS_PROXY_INVALID_RESPONSE"),
        ("DependencyTimeoutException", DEP_TIMEOUT, "EXTERNAL_KEY_MANAGER_TIMED_OUT", UNREACHABLE, STORE_STATE, "XKS_PROXY_TIMED_OUT"),
        ("InternalException", INTERNAL, "XKS_PROXY_INTERNAL_ERROR", BAD_RESPONSE, STORE_STATE, "XKS_PROXY_INVALID_RESPONSE"),
    ]
]

# 1.9: what these APIs may not answer, and none of 5.3's rows gives a meaning to. KMS cannot interpret it.
NOT_AN_ANSWER_TO = {
    "health": {"InvalidKeyUsageException", "KeyNotFoundException"},
    # Table 1.9 does not give it InvalidKeyUsageException, and table 5.3 has a row for it at CreateKey: the row counts.
    "metadata": set(),
}


def proxy_errors_from(api):
    """`PROXY_ERRORS` as KMS reads them when `health` or `metadata` answers them."""

    def read(row):
        if row.name not in NOT_AN_ANSWER_TO[api]:
            return row
        return replace(
            row,
            message=MALFORMED,
            cause="XKS_PROXY_INVALID_RESPONSE",
            store_exception=BAD_RESPONSE,
            create_key_exception=STORE_STATE,
            connection_error_code="XKS_PROXY_INVALID_RESPONSE",
        )

    return [read(row) for row in PROXY_ERRORS]

"""The KMS API model as botocore ships it."""

import functools

import botocore.session


@functools.cache
def service_model():
    return botocore.session.Session().get_service_model("kms")

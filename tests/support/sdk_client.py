"""AWS SDK clients that show each answer as it came: no retries, and limits on waiting."""

import functools

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
# The servers of the tests serve it, too.
OTHER_REGION = "eu-west-1"


@functools.cache
def _session():
    return boto3.session.Session(botocore_session=botocore.session.Session())


def kms_client(endpoint, credentials, **options):
    """A KMS client; `options` as of `service_client`."""
    return service_client("kms", endpoint, credentials, **options)


def service_client(service, endpoint, credentials, region=REGION, verify=None, checked=True):
    """A client of one service, such as `cloudhsmv2` or `ec2`. `checked=False` sends parameters that the SDK itself would refuse."""
    return _session().client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        verify=verify,
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
            parameter_validation=checked,
            max_pool_connections=64,
        ),
    )


class Refusal:
    """A documented error as the SDK saw it."""

    def __init__(self, client_error):
        response = client_error.response
        self.code = response["Error"]["Code"]
        self.message = response["Error"].get("Message", "")
        self.status = response["ResponseMetadata"]["HTTPStatusCode"]
        self.headers = response["ResponseMetadata"]["HTTPHeaders"]

    @property
    def cause(self):
        """The machine-readable cause beside the documented error."""
        return self.headers.get("x-keystead-error-cause")

    @property
    def request_id(self):
        return self.headers["x-amzn-requestid"]

    def __repr__(self):
        return f"{self.code} ({self.status}): {self.message} [{self.cause}]"


def refusal(call, **parameters):
    """Calls, fails if the call succeeds, and returns the refusal."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return Refusal(caught.value)


def request_id(response):
    """The request ID of a successful answer."""
    return response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]

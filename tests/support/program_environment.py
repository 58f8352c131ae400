"""How a program that knows nothing of Keystead is led to it: by the variables that every AWS SDK reads."""


def aws_variables(installation, tenant, region=None):
    """The variables for one account of a server."""
    region = region or installation.settings["region"]
    return {
        "AWS_ACCESS_KEY_ID": tenant.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": tenant.credentials.secret_access_key,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL_KMS": installation.endpoint,
    }

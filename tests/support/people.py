"""Users and roles that tests make with the IAM API, and clients that sign for them."""

import json
from dataclasses import dataclass

from support.credentials import Credentials


def statement(effect, actions, resource="*", **more):
    """One statement of an identity policy."""
    return {"Effect": effect, "Action": actions, "Resource": resource, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Person:
    """A user or a session of a role, and a KMS client that signs for it."""

    arn: str
    client: object


class People:
    """Makes users and roles in the account of a tenant, in its administrator's name."""

    def __init__(self, installation, tenant):
        self.installation = installation
        self.account = tenant.account
        self.iam = installation.client(tenant.credentials, "iam")
        self.sts = installation.client(tenant.credentials, "sts")

    def user(self, name, *statements):
        """A new user; with an inline policy if there are statements."""
        arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Person(arn, self.installation.client(Credentials(key["AccessKeyId"], key["SecretAccessKey"])))

    def delete_user(self, name):
        for key in self.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            self.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in self.iam.list_user_policies(UserName=name)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=name, PolicyName=policy)
        self.iam.delete_user(UserName=name)

    def role(self, name, *statements, path="/"):
        """A new role that everybody of the account may assume, if their own policies let them; its ARN."""
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}, "Action": "sts:AssumeRole"}
        arn = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(*statements))
        return arn

    def session(self, role_arn, name, **parameters):
        """A session of a role, assumed by the administrator."""
        assumed = self.sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **parameters)
        key = assumed["Credentials"]
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
        return Person(assumed["AssumedRoleUser"]["Arn"], self.installation.client(credentials))

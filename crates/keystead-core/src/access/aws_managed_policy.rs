//! Managed policies that every account has: those of AWS that are about what is served here.
//!
//! Names, paths, IDs, descriptions and dates are AWS's. So are the documents, but that those marked *shortened* leave out the services that
//! are not served here; their version is 1. Source: AWS Managed Policy Reference; policy IDs as IAM shows them.

/// A managed policy that belongs to nobody and cannot be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AwsManagedPolicy {
    /// Such as `AdministratorAccess`.
    pub name: &'static str,
    /// `/`, or such as `/job-function/`.
    pub path: &'static str,
    /// `ANPA` and 17 characters.
    pub policy_id: &'static str,
    /// For people.
    pub description: &'static str,
    /// When AWS made it: `2015-02-06T18:39:00Z`.
    pub created: &'static str,
    /// When AWS last changed it, written the same.
    pub updated: &'static str,
    /// The number of its version: there is one.
    pub version: u32,
    /// The document.
    pub document: &'static str,
}

/// The path of policies for roles that services make for themselves. Nobody else can be given them.
const SERVICE_ROLE_PATH: &str = "/aws-service-role/";

impl AwsManagedPolicy {
    /// `arn:aws:iam::aws:policy/PATH/NAME`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }

    /// The one of that ARN.
    pub fn of_arn(arn: &str) -> Option<&'static Self> {
        let resource = arn.strip_prefix("arn:aws:iam::aws:policy")?;
        AWS_MANAGED_POLICIES.iter().find(|policy| resource.strip_prefix(policy.path) == Some(policy.name))
    }

    /// Whether it can be attached to users, groups and roles of an account.
    pub fn is_attachable(&self) -> bool {
        self.path != SERVICE_ROLE_PATH
    }
}

/// All there are, by name.
pub const AWS_MANAGED_POLICIES: &[AwsManagedPolicy] = &[
    AwsManagedPolicy {
        name: "AWSCloudHSMFullAccess",
        path: "/",
        policy_id: "ANPAIMBQYQZM7F63DA2UU",
        description: "Provides full access to all CloudHSM resources.",
        created: "2015-02-06T18:39:51Z",
        updated: "2015-02-06T18:39:51Z",
        version: 1,
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudhsm:*","Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "AWSCloudHSMReadOnlyAccess",
        path: "/",
        policy_id: "ANPAISVCBSY7YDBOT67KE",
        description: "Provides read only access to all CloudHSM resources.",
        created: "2015-02-06T18:39:52Z",
        updated: "2015-02-06T18:39:52Z",
        version: 1,
        document: r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["cloudhsm:Get*", "cloudhsm:List*", "cloudhsm:Describe*"],
      "Resource": "*"
    }
  ]
}"#,
    },
    AwsManagedPolicy {
        name: "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
        path: SERVICE_ROLE_PATH,
        // Unverified: AWS does not document the ID.
        policy_id: "ANPACUSTOMKEYSTORES2A",
        description: "Enables access to AWS services and resources required for AWS KMS custom key stores",
        created: "2018-11-14T20:10:00Z",
        updated: "2023-11-10T19:03:00Z",
        version: 2,
        document: r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cloudhsm:Describe*",
        "ec2:CreateNetworkInterface",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateSecurityGroup",
        "ec2:DescribeSecurityGroups",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:DeleteSecurityGroup",
        "ec2:DescribeVpcs",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
    AwsManagedPolicy {
        name: "AWSKeyManagementServicePowerUser",
        path: "/",
        policy_id: "ANPAJNPP7PPPPMJRV2SA4",
        description: "Provides access to AWS Key Management Service (KMS).",
        created: "2015-02-06T18:40:40Z",
        updated: "2017-03-07T00:55:00Z",
        version: 2,
        document: r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "kms:CreateAlias",
        "kms:CreateKey",
        "kms:DeleteAlias",
        "kms:Describe*",
        "kms:GenerateRandom",
        "kms:Get*",
        "kms:List*",
        "kms:TagResource",
        "kms:UntagResource",
        "iam:ListGroups",
        "iam:ListRoles",
        "iam:ListUsers"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
    AwsManagedPolicy {
        name: "AdministratorAccess",
        path: "/",
        policy_id: "ANPAIWMBCKSKIEE64ZLYK",
        description: "Provides full access to AWS services and resources.",
        created: "2015-02-06T18:39:46Z",
        updated: "2015-02-06T18:39:46Z",
        version: 1,
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "IAMFullAccess",
        path: "/",
        policy_id: "ANPAI7XKCFMBPM3QQRRVQ",
        description: "Provides full access to IAM via the AWS Management Console.",
        created: "2015-02-06T18:40:38Z",
        updated: "2019-06-21T19:40:00Z",
        version: 1,
        // Shortened.
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "IAMReadOnlyAccess",
        path: "/",
        policy_id: "ANPAJKSO7NDY4T57MWDSQ",
        description: "Provides read only access to IAM via the AWS Management Console.",
        created: "2015-02-06T18:40:39Z",
        updated: "2018-01-25T19:11:00Z",
        version: 4,
        document: r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "iam:GenerateCredentialReport",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:Get*",
        "iam:List*",
        "iam:SimulateCustomPolicy",
        "iam:SimulatePrincipalPolicy"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
    AwsManagedPolicy {
        name: "ReadOnlyAccess",
        path: "/",
        policy_id: "ANPAILL3HVNFSB6DCOWYQ",
        description: "Provides read-only access to AWS services and resources.",
        created: "2015-02-06T18:39:48Z",
        updated: "2015-02-06T18:39:48Z",
        version: 1,
        // Shortened.
        document: r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cloudhsm:Describe*",
        "cloudhsm:Get*",
        "cloudhsm:List*",
        "ec2:Describe*",
        "ec2:Get*",
        "ec2:List*",
        "iam:Generate*",
        "iam:Get*",
        "iam:List*",
        "iam:Simulate*",
        "kms:Describe*",
        "kms:Get*",
        "kms:List*",
        "sts:GetAccessKeyInfo",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken"
      ],
      "Resource": "*"
    }
  ]
}"#,
    },
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_policy::{PolicyDocument, PolicyKind};

    use super::*;

    #[test]
    fn every_document_is_one() {
        for policy in AWS_MANAGED_POLICIES {
            let read = PolicyDocument::parse(policy.document, PolicyKind::Identity);
            assert!(!read.unwrap().statements().is_empty(), "{}", policy.name);
        }
    }

    #[test]
    fn each_is_found_by_its_arn_and_nothing_else_is() {
        for policy in AWS_MANAGED_POLICIES {
            assert_eq!(AwsManagedPolicy::of_arn(&policy.arn()), Some(policy));
            assert!(policy.policy_id.len() == 21 && policy.policy_id.starts_with("ANPA"), "{}", policy.name);
        }
        for arn in [
            "arn:aws:iam::aws:policy/AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
            "arn:aws:iam::aws:policy/administratoraccess",
            "arn:aws:iam::aws:policy//AdministratorAccess",
            "arn:aws:iam::111122223333:policy/AdministratorAccess",
        ] {
            assert_eq!(AwsManagedPolicy::of_arn(arn), None, "{arn}");
        }
    }

    #[test]
    fn they_stand_in_the_order_of_their_names() {
        assert!(AWS_MANAGED_POLICIES.is_sorted_by_key(|policy| policy.name));
    }
}

//! Managed policies that every account has: those of AWS that are about what is served here (AWS Managed Policy Reference).

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
    /// The document.
    pub document: &'static str,
}

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
}

/// All there are, by name.
pub const AWS_MANAGED_POLICIES: &[AwsManagedPolicy] = &[AwsManagedPolicy {
    name: "AdministratorAccess",
    path: "/",
    policy_id: "ANPAADMINISTRATORACCE",
    description: "Provides full access to AWS services and resources.",
    document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
}];

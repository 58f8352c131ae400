//! Encrypt of a user under policies of a usual size, against Encrypt of the account's root user under the default key policy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::interleaved::{Party, compared, run};
use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::data_folder::{DataFolder, signer_of};
use crate::keystead::{DEFAULT_MODE, Keystead, Mode};
use crate::kms_call::{KmsServer, text};
use crate::load::Load;
use crate::process::Server;
use crate::report::{Figure, Goal, Measurement, Unit};

/// The sample account of `keystead dev`.
const ACCOUNT: &str = "111122223333";
const USER: &str = "policies";
const CONNECTIONS: usize = 16;
/// The audit log is not synced: the wait for the disk would hide what the policies cost.
const MODE: Mode = Mode { fsync: false, ..DEFAULT_MODE };
const RATIO: Goal = Goal::AtLeast(0.95);

/// Measures who is allowed by an identity policy, by a key policy, and by a grant.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let folder = keystead.new_data_folder("policies", MODE)?;
    let server = keystead.serve(&folder, MODE)?;
    let people = People::new(keystead, &folder, &server)?;
    let mut parties = people.parties(&server).map_err(|error| server.explain(&error.to_string()))?;
    run(&mut parties, extent.round, extent.rounds)?;

    let [root, by_identity_policy, by_key_policy, by_grant] = &parties;
    let ratio = |party| compared(party, root, |one, other| one.requests_per_second / other.requests_per_second);
    add(Measurement {
        id: "policies".to_owned(),
        title: format!(
            "Encrypt of 1 KiB: identity policy of 10 statements, key policy of 5, 3 grants, {CONNECTIONS} connections"
        ),
        series: parties.iter().map(Party::series).collect(),
        figures: vec![
            Figure::new(
                "allowed by an identity policy, ratio to root",
                ratio(by_identity_policy),
                Unit::Ratio,
                Some(RATIO),
            ),
            Figure::new("allowed by the key policy, ratio to root", ratio(by_key_policy), Unit::Ratio, Some(RATIO)),
            Figure::new("allowed by a grant, ratio to root", ratio(by_grant), Unit::Ratio, None),
        ],
    })?;
    Ok(())
}

/// The root user and a user of one account, at one server.
struct People {
    administrator: KmsServer,
    root: KmsServer,
    user: KmsServer,
}

impl People {
    fn new(keystead: &Keystead, folder: &DataFolder, server: &Server) -> Result<Self, Failure> {
        let administrator = folder.kms(server, MODE.tls)?;
        let signed_by = |arguments: &[&str]| -> Result<KmsServer, Failure> {
            let create = [&["access-keys", "create", "--account", ACCOUNT], arguments].concat();
            Ok(KmsServer { signer: signer_of(&keystead.admin(folder, &create)?)?, ..administrator.clone() })
        };
        administrator.call_iam("CreateUser", &[("UserName", USER)])?;
        let document = identity_policy().to_string();
        let policy = [("UserName", USER), ("PolicyName", "use"), ("PolicyDocument", document.as_str())];
        administrator.call_iam("PutUserPolicy", &policy)?;
        let (root, user) = (signed_by(&[])?, signed_by(&["--user", USER])?);
        Ok(Self { administrator, root, user })
    }

    fn parties(&self, server: &Server) -> Result<[Party; 4], Failure> {
        let party = |name: &str, caller: &KmsServer, key_id: &str| {
            let input = json!({
                "KeyId": key_id, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES)),
                "EncryptionContext": {"department": "finance"},
            });
            let mut load = Load::for_closed_loop(&caller.target("Encrypt", &input)?, CONNECTIONS)?;
            Ok::<_, Failure>(Party::new(name, [server.pid()], move |duration| load.closed_loop(duration)))
        };
        Ok([
            party("root user, default key policy", &self.root, &self.administrator.create_key(&json!({}))?)?,
            party("user, identity policy", &self.user, &self.key(&root_arn(), "kms:*", false)?)?,
            party("user, key policy", &self.user, &self.key(&user_arn(), "kms:Encrypt", false)?)?,
            party("user, grant", &self.user, &self.key(&user_arn(), "kms:Decrypt", true)?)?,
        ])
    }

    /// A key with a policy of five statements, the last of which is for `principal` and `action`, and three grants, one of them for the
    /// user's Encrypt if it is `granted`.
    fn key(&self, principal: &str, action: &str, granted: bool) -> Result<String, Failure> {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": root_arn()}, "Resource": "*", "Action": ["kms:Put*", "kms:Get*", "kms:List*", "kms:CreateGrant"]},
            {"Effect": "Allow", "Principal": {"AWS": root_arn()}, "Resource": "*", "Action": ["kms:Describe*", "kms:Enable*", "kms:Disable*"]},
            {"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8", "::1/128"]}}},
            {"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": ["kms:Encrypt", "kms:Decrypt"],
                "Condition": {"Null": {"kms:EncryptionContext:department": "true"}, "StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/service/*"}}},
            {"Effect": "Allow", "Principal": {"AWS": principal}, "Resource": "*", "Action": [action],
                "Condition": {"StringEqualsIfExists": {"kms:EncryptionContext:department": ["finance", "sales"]}}},
        ]});
        let key_id = self.administrator.create_key(&json!({"Policy": policy.to_string()}))?;
        let users_department = if granted { "finance" } else { "nobody" };
        for (grantee, department) in [(root_arn(), "a"), (user_arn(), "b"), (user_arn(), users_department)] {
            let grant = self.administrator.call(
                "CreateGrant",
                &json!({
                    "KeyId": key_id, "GranteePrincipal": grantee, "Operations": ["Encrypt", "Decrypt"],
                    "Constraints": {"EncryptionContextSubset": {"department": department}},
                }),
            )?;
            text(&grant, "/GrantId")?;
        }
        Ok(key_id)
    }
}

/// Ten statements; the last one allows.
fn identity_policy() -> Value {
    let other = |index: usize| {
        json!({
            "Sid": format!("Other{index}"), "Effect": "Allow", "Action": [format!("service{index}:Get*"), format!("service{index}:List*")],
            "Resource": format!("arn:aws:service{index}:us-east-1:{ACCOUNT}:thing/*"),
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
        })
    };
    let mut statements: Vec<Value> = (0..7).map(other).collect();
    statements.extend([
        json!({"Effect": "Allow", "Action": ["kms:List*", "kms:Describe*"], "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}),
        json!({
            "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/*"),
            "Condition": {"StringEquals": {"kms:EncryptionContext:department": "finance"}},
        }),
    ]);
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn root_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:root")
}

fn user_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{USER}")
}

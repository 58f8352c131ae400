//! Tags that something is made with: whoever gives them must be allowed to tag it as well.

use keystead_core::access::Principal;
use serde_json::{Value, json};

use crate::support::Iam;

const TRUST: &str = r#"{"Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}}"#;
const DOCUMENT: &str = r#"{"Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}}"#;

/// Something that is made with tags.
struct Kind {
    create: &'static str,
    tagging: &'static str,
    /// What it is made of, but for its tags.
    members: &'static [(&'static str, &'static str)],
    /// The member that names it to other operations, and its ARN.
    named_by: &'static str,
    arn: &'static str,
    get: &'static str,
    list_tags: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        create: "CreateUser",
        tagging: "TagUser",
        members: &[("UserName", "new"), ("Path", "/x/")],
        named_by: "UserName",
        arn: "arn:aws:iam::111122223333:user/x/new",
        get: "GetUser",
        list_tags: "ListUserTags",
    },
    Kind {
        create: "CreateRole",
        tagging: "TagRole",
        members: &[("RoleName", "new"), ("Path", "/x/"), ("AssumeRolePolicyDocument", TRUST)],
        named_by: "RoleName",
        arn: "arn:aws:iam::111122223333:role/x/new",
        get: "GetRole",
        list_tags: "ListRoleTags",
    },
    Kind {
        create: "CreatePolicy",
        tagging: "TagPolicy",
        members: &[("PolicyName", "new"), ("Path", "/x/"), ("PolicyDocument", DOCUMENT)],
        named_by: "PolicyArn",
        arn: "arn:aws:iam::111122223333:policy/x/new",
        get: "GetPolicy",
        list_tags: "ListPolicyTags",
    },
    Kind {
        create: "CreateOpenIDConnectProvider",
        tagging: "TagOpenIDConnectProvider",
        members: &[("Url", "https://issuer.example.com/new")],
        named_by: "OpenIDConnectProviderArn",
        arn: "arn:aws:iam::111122223333:oidc-provider/issuer.example.com/new",
        get: "GetOpenIDConnectProvider",
        list_tags: "ListOpenIDConnectProviderTags",
    },
];

impl Kind {
    /// Makes one, with a tag `team` of that value if there is one.
    async fn make(&self, iam: &Iam, who: &Principal, team: Option<&'static str>) -> Result<Value, String> {
        let mut members = self.members.to_vec();
        if let Some(team) = team {
            members.extend([("Tags.member.1.Key", "team"), ("Tags.member.1.Value", team)]);
        }
        let made = iam.call_as(who.clone(), self.create, &members).await;
        made.map_err(|refused| {
            assert_eq!((refused.status, refused.code.as_str()), (403, "AccessDenied"));
            refused.message
        })
    }

    /// How other operations name it.
    fn named(&self) -> [(&'static str, &'static str); 1] {
        let name = if self.named_by.ends_with("Arn") { self.arn } else { "new" };
        [(self.named_by, name)]
    }

    async fn tags(&self, iam: &Iam) -> Value {
        iam.call(self.list_tags, &self.named()).await.unwrap()["Tags"].clone()
    }

    async fn assert_not_there(&self, iam: &Iam) {
        assert_eq!(iam.refused(self.get, &self.named()).await.0, "NoSuchEntity", "{}", self.get);
    }

    fn may_not(&self, who: &Principal, operation: &str, why: &str) -> String {
        format!("User: {} is not authorized to perform: iam:{operation} on resource: {} {why}", who.arn, self.arn)
    }
}

fn allow(operations: &[&str]) -> Value {
    let actions: Vec<_> = operations.iter().map(|operation| format!("iam:{operation}")).collect();
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn allow_if(operation: &str, condition: Value) -> Value {
    let mut statement = allow(&[operation]);
    statement["Condition"] = condition;
    statement
}

#[tokio::test]
async fn who_may_not_tag_makes_nothing_that_has_tags() {
    for kind in KINDS {
        let iam = Iam::new().await;
        let maker = iam.user_who_may("maker", allow(&[kind.create])).await;
        let why = format!("because no identity-based policy allows the iam:{} action", kind.tagging);
        let refused = kind.make(&iam, &maker, Some("finance")).await.unwrap_err();
        assert_eq!(refused, kind.may_not(&maker, kind.tagging, &why));
        kind.assert_not_there(&iam).await;
        // Not even where everything else is allowed.
        let deny = json!({"Effect": "Deny", "Action": format!("iam:{}", kind.tagging), "Resource": "*"});
        let denied = iam.user_who_may("denied", json!([allow(&["*"]), deny])).await;
        let refused = kind.make(&iam, &denied, Some("finance")).await.unwrap_err();
        let why = "with an explicit deny in an identity-based policy";
        assert!(refused.starts_with(&kind.may_not(&denied, kind.tagging, why)), "{refused}");
        kind.assert_not_there(&iam).await;
        // Who may tag alone makes nothing either.
        let tagger = iam.user_who_may("tagger", allow(&[kind.tagging])).await;
        let refused = kind.make(&iam, &tagger, Some("finance")).await.unwrap_err();
        assert!(refused.starts_with(&kind.may_not(&tagger, kind.create, "because")), "{refused}");
        kind.assert_not_there(&iam).await;
        kind.make(&iam, &denied, None).await.unwrap();
        assert_eq!(kind.tags(&iam).await, "");
    }
}

#[tokio::test]
async fn conditions_of_both_actions_see_the_tags() {
    let team = |team: &str| json!({"StringEquals": {"aws:RequestTag/team": team}});
    let keys =
        |key: &str| json!({"ForAllValues:StringEquals": {"aws:TagKeys": [key]}, "Null": {"aws:TagKeys": "false"}});
    for kind in KINDS {
        let iam = Iam::new().await;
        for (number, (create, tagging, refused)) in [
            (team("blue"), team("red"), Some(kind.tagging)),
            (team("red"), team("blue"), Some(kind.create)),
            (keys("team"), keys("cost"), Some(kind.tagging)),
            (keys("cost"), keys("team"), Some(kind.create)),
            (team("blue"), keys("team"), None),
        ]
        .into_iter()
        .enumerate()
        {
            let statements = json!([allow_if(kind.create, create), allow_if(kind.tagging, tagging)]);
            let maker = iam.user_who_may(&format!("maker{number}"), statements).await;
            let made = kind.make(&iam, &maker, Some("blue")).await;
            match refused {
                Some(operation) => {
                    let message = made.unwrap_err();
                    assert!(message.starts_with(&kind.may_not(&maker, operation, "because")), "{number}: {message}");
                    kind.assert_not_there(&iam).await;
                }
                None => assert!(made.is_ok(), "{number}: {made:?}"),
            }
        }
        assert_eq!(kind.tags(&iam).await, json!([{"Key": "team", "Value": "blue"}]));
    }
}

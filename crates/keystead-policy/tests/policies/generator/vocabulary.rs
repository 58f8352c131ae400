//! The words of generated documents and requests. They are few, and near one another, so that statements often just match or just do not.

/// Who asks: account, ARN, ARN of the role, identity provider.
pub(super) const IDENTITIES: &[(&str, &str, Option<&str>, Option<&str>)] = &[
    ("111122223333", "arn:aws:iam::111122223333:root", None, None),
    ("111122223333", "arn:aws:iam::111122223333:user/alice", None, None),
    ("111122223333", "arn:aws:iam::111122223333:user/Alice", None, None),
    (
        "111122223333",
        "arn:aws:sts::111122223333:assumed-role/operator/one",
        Some("arn:aws:iam::111122223333:role/operator"),
        None,
    ),
    (
        "111122223333",
        "arn:aws:sts::111122223333:assumed-role/operator/two",
        Some("arn:aws:iam::111122223333:role/operator"),
        None,
    ),
    (
        "111122223333",
        "arn:aws:sts::111122223333:assumed-role/auditor/one",
        Some("arn:aws:iam::111122223333:role/office/auditor"),
        None,
    ),
    ("111122223333", "arn:aws:sts::111122223333:federated-user/alice", None, None),
    ("444455556666", "arn:aws:iam::444455556666:root", None, None),
    ("444455556666", "arn:aws:iam::444455556666:user/alice", None, None),
    (
        "444455556666",
        "arn:aws:sts::444455556666:assumed-role/operator/one",
        Some("arn:aws:iam::444455556666:role/operator"),
        None,
    ),
    ("111122223333", "idp.example.com:alice", None, Some("arn:aws:iam::111122223333:oidc-provider/idp.example.com")),
    ("111122223333", "accounts.google.com:alice", None, Some("accounts.google.com")),
];

/// The accounts there are.
pub(super) const ACCOUNTS: &[&str] = &["111122223333", "444455556666"];

/// What an `AWS` principal can be.
pub(super) const AWS_PRINCIPALS: &[&str] = &[
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "444455556666",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/Alice",
    "arn:aws:iam::444455556666:user/alice",
    "arn:aws:iam::111122223333:role/operator",
    "arn:aws:iam::111122223333:role/office/auditor",
    "arn:aws:iam::444455556666:role/operator",
    "arn:aws:sts::111122223333:assumed-role/operator/one",
    "arn:aws:sts::111122223333:assumed-role/operator/two",
    "arn:aws:sts::111122223333:assumed-role/auditor/one",
    "arn:aws:sts::444455556666:assumed-role/operator/one",
    "arn:aws:sts::111122223333:federated-user/alice",
];

pub(super) const PROVIDERS: &[&str] =
    &["arn:aws:iam::111122223333:oidc-provider/idp.example.com", "accounts.google.com", "www.amazon.com"];

pub(super) const SERVICES: &[&str] = &["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"];

pub(super) const ACTIONS: &[&str] =
    &["kms:Encrypt", "kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:encrypt", "sts:AssumeRole"];

pub(super) const ACTION_PATTERNS: &[&str] = &[
    "*",
    "*",
    "kms:*",
    "kms:*",
    "kms:Encrypt",
    "KMS:encrypt",
    "kms:E*",
    "kms:*crypt",
    "kms:?*crypt",
    "kms:Encryp?",
    "kms:Encrypt?",
    "kms:Encryp",
    "kms:**t",
    "kms:De*",
    "kms:DESCRIBE*",
    "k?s:*",
    "*:*",
    "*:?ecrypt",
    "sts:*",
    "sts:AssumeRole*",
];

pub(super) const TRUST_ACTIONS: &[&str] =
    &["sts:AssumeRole", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:GetCallerIdentity"];

pub(super) const TRUST_ACTION_PATTERNS: &[&str] = &[
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:assumerole",
    "STS:*",
    "sts:AssumeRole*",
    "sts:AssumeRole?*",
    "sts:*Session",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
];

pub(super) const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:eu-west-1:444455556666:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:alias/alice",
    "arn:aws:kms:us-east-1:111122223333:alias/red/a:b",
    "arn:aws:iam::111122223333:role/operator",
];

/// Keys, and the accounts that own them.
pub(super) const KEY_ARNS: &[(&str, &str)] = &[
    ("111122223333", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("111122223333", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("444455556666", "arn:aws:kms:eu-west-1:444455556666:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
];

pub(super) const ROLE_ARN: &str = "arn:aws:iam::111122223333:role/operator";

/// Whom grants are given to.
pub(super) const GRANTEES: &[&str] = &[
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:role/operator",
    "arn:aws:sts::111122223333:assumed-role/operator/one",
    "arn:aws:sts::111122223333:federated-user/alice",
    "arn:aws:iam::444455556666:role/operator",
];

pub(super) const OPERATIONS: &[&str] = &["Encrypt", "Encrypt", "Decrypt", "DescribeKey", "GenerateDataKey"];

/// Of encryption contexts and of grants' constraints.
pub(super) const CONTEXT_PAIRS: &[(&str, &str)] =
    &[("App", "Books"), ("App", "Books"), ("App", "books"), ("app", "Books"), ("Stage", "Test")];

pub(super) const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "*",
    "*",
    "arn:*",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:KEY/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:kms:us-*:111122223333:*",
    "arn:aws:kms:us-*-1:111122223333:key/*",
    "arn:aws:kms:us-*1:*:alias/*",
    "arn:aws:kms:us-east-?:*:*",
    "arn:aws:kms:us-east-1:?11122223333:key/????abcd-*",
    "arn:aws:kms:*:key/*",
    "arn:aws:kms:*alias/*",
    "arn:aws:kms:us-east-1?111122223333:*",
    "arn:aws:kms*",
    "arn:aws:kms:*",
    "arn:aws:k*s:*:*:*",
    "arn:aws:iam::*:role/*",
    "arn:*:us-*-1:1*:key/*",
    "arn:*:*-*-?:*2*:*a*",
    "arn:a*s:k*s:u*-*-1:1*2*3:a*:*b",
    "arn:a*s:*:e*t*:*key/*",
    "arn:*:*s:*",
    "arn:aws:kms:us-east-1:111122223333:alias/${aws:username}",
    "arn:aws:kms:us-east-1:111122223333:alias/${AWS:UserName, 'alice'}",
    "arn:aws:kms:*:*:alias/${aws:PrincipalTag/team}/*",
    "arn:aws:kms:*:*:alias/${aws:PrincipalTag/team, 'red'}/a?b",
    "arn:aws:kms:*:*:${kms:EncryptionContextKeys}*",
    "arn:aws:kms:us-east-1:111122223333:alias/red/${*}",
    "arn:aws:kms:us-east-1:111122223333:alias/red/a${?}b",
    "arn:aws:kms:us-east-1:111122223333:alias/red/a*b",
    "arn:aws:kms:us-east-1:111122223333:a*b",
    "arn:aws:kms:us-east-1:111122223333:alias/red/a?b",
];

/// Condition keys, and what a request may have for them: what cannot be compared is among it.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    ("aws:username", &["alice", "alice", "Alice", "bob", "red", ""]),
    ("aws:PrincipalTag/team", &["red", "blue", "Red", "r?d", "*", ""]),
    ("kms:EncryptionContext:App", &["Books", "books", "B*", "Bo?ks", "Bücher", "BÜCHER", "a$b", "${aws:username}"]),
    ("kms:EncryptionContextKeys", &["App", "Stage", "app", "App:Stage", ""]),
    (
        "kms:RotationPeriodInDays",
        &[
            "90", "90.0", "090", "365", "89.99", "-90", "-0", "0", "0.30", "ninety", "", "NaN", "inf", "9e1", "0x5a",
            "90 ",
        ],
    ),
    (
        "aws:CurrentTime",
        &[
            "2026-11-26T12:00:00Z",
            "2026-11-26T13:00:00+01:00",
            "2026-11-26T12:00Z",
            "2026-11-26T12:00:00.5Z",
            "2026-11-26",
            "2026-11",
            "2026",
            "1795694400",
            "1795694400.5",
            "-1",
            "7258118401",
            "2024-02-29",
            "2026-02-29",
            "2026-13-01",
            "2026-11-26T25:00:00Z",
            "2026-11-26T12:00:00",
            "soon",
            "",
        ],
    ),
    ("aws:SecureTransport", &["true", "false", "TRUE", "yes", "1", ""]),
    (
        "aws:SourceIp",
        &[
            "203.0.113.7",
            "203.0.113.8",
            "203.0.114.7",
            "2001:db8::7",
            "2001:DB8:0:0:0:0:0:7",
            "2001:db8:1::7",
            "203.0.113",
            "here",
            "",
        ],
    ),
    (
        "aws:PrincipalArn",
        &[
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::111122223333:user/Alice",
            "arn:aws:iam::444455556666:user/alice",
            "arn:aws:iam::111122223333:role/operator",
            "arn:aws:kms:us-east-1:111122223333:alias/red/a:b",
            "arn:aws:iam",
            "alice",
            "",
        ],
    ),
    ("aws:Blob", &["AQI=", "AQIDBA==", "AQID", "%%%%", "AQI", ""]),
];

/// Kinds of comparison: the operators, and the values that a policy may have for them.
pub(super) struct Family {
    pub(super) operators: &'static [&'static str],
    pub(super) values: &'static [&'static str],
    /// The keys that are meant for it, by their place in [`KEYS`].
    pub(super) keys: &'static [usize],
}

pub(super) const STRINGS: Family = Family {
    operators: &[
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ],
    values: &[
        "alice",
        "Alice",
        "a*",
        "?lice",
        "red",
        "r?d",
        "r*",
        "r${?}d",
        "Books",
        "B*",
        "B${*}",
        "B??ks",
        "bücher",
        "B?cher",
        "a${$}b",
        "a$b",
        "App",
        "Stage",
        "A*",
        "App:*",
        "*",
        "",
        "${aws:username}",
        "${AWS:UserName}",
        "${aws:username}*",
        "x${aws:username}",
        "${aws:username, 'alice'}",
        "${aws:PrincipalTag/team}",
        "${aws:PrincipalTag/team, 'red'}",
        "${kms:EncryptionContextKeys, 'App'}",
        "${aws:PrincipalTag/team}${aws:username}",
        "${aws:none}",
        "${aws:none, ''}",
        "$${aws:username}",
        "{aws:username}",
    ],
    keys: &[0, 1, 2, 3],
};

pub(super) const NUMBERS: Family = Family {
    operators: &[
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ],
    values: &["90", "90.00", "89.99", "90.01", "365", "-90", "0", "0.3", "0.1e2"],
    keys: &[4],
};

pub(super) const DATES: Family = Family {
    operators: &[
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ],
    values: &[
        "2026-11-26T12:00:00Z",
        "2026-11-26T06:30:00-05:30",
        "2026-11-26T12:00Z",
        "2026-11-26T12:00:00.5Z",
        "2026-11-26T12:00:00.50Z",
        "2026-11-26",
        "2026-11",
        "2026",
        "1795694400",
        "2200-01-01T00:00:01Z",
        "7258118401",
        "2024-03-01",
    ],
    keys: &[5],
};

pub(super) const TRUTHS: Family = Family { operators: &["Bool"], values: &["true", "false"], keys: &[6] };

pub(super) const ADDRESSES: Family = Family {
    operators: &["IpAddress", "NotIpAddress"],
    values: &[
        "203.0.113.0/24",
        "203.0.113.7",
        "203.0.113.7/32",
        "203.0.113.9/31",
        "203.0.112.0/23",
        "0.0.0.0/0",
        "2001:db8::/32",
        "2001:DB8::/48",
        "2001:db8::7",
        "::/0",
    ],
    keys: &[7],
};

pub(super) const ARNS: Family = Family {
    operators: &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
    values: &[
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::*:user/alice",
        "arn:aws:iam::1111????3333:user/*",
        "arn:aws:iam::*:*",
        "arn:aws:*:*:111122223333:*",
        "arn:aws:*:111122223333:*:*",
        "arn:*:*:*:*:role/*",
        "arn:aws:kms:*:*:alias/red/a?b",
        "arn:aws:iam::111122223333:user/${aws:username}",
        "arn:aws:iam::111122223333:user/${aws:username, 'alice'}",
        "arn:aws:iam::111122223333:user/${*}",
    ],
    keys: &[8],
};

pub(super) const BYTES: Family =
    Family { operators: &["BinaryEquals"], values: &["AQI=", "AQIDBA==", "AQID"], keys: &[9] };

pub(super) const NULLS: Family =
    Family { operators: &["Null"], values: &["true", "false"], keys: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] };

/// Strings are there more often, as they are in life.
pub(super) const FAMILIES: &[Family] =
    &[STRINGS, STRINGS, STRINGS, STRINGS, NUMBERS, DATES, TRUTHS, ADDRESSES, ARNS, ARNS, BYTES, NULLS];

//! What the server tells of HSMs, for people.

use keystead_cloudhsm::{HsmKey, HsmKeyList, HsmOutcome, HsmUser, HsmUserList};
use keystead_pkcs11::LoginHolder;

/// Columns as wide as their widest cell.
struct Table<const COLUMNS: usize>(Vec<[String; COLUMNS]>);

/// A table, a row for each user of each HSM.
pub(super) fn users(lists: &[HsmUserList]) -> String {
    let mut table = Table::new(["HSM", "ZONE", "USER", "ROLE", "STATE", "FAILED LOGINS"]);
    for list in lists {
        for user in &list.users {
            let (role, state) = (user.role.to_string(), state(user));
            let strikes = user.strikes.to_string();
            table.row([&list.hsm_id, &list.availability_zone, &user.user, &role, &state, &strikes]);
        }
    }
    table.text()
}

pub(super) fn user_problems(lists: &[HsmUserList]) -> Vec<String> {
    problems(lists.iter().map(|list| (list.hsm_id.as_str(), list.problem.as_deref())))
}

/// A table, a row for each key of each HSM.
pub(super) fn keys(lists: &[HsmKeyList]) -> String {
    let mut table = Table::new(["HSM", "KEY ID", "CHECK VALUE", "EXTRACTABLE", "LABEL"]);
    for list in lists {
        for HsmKey { id, check_value, attributes, label, .. } in &list.keys {
            let extractable = match (attributes.extractable, attributes.never_extractable) {
                (true, _) => "yes",
                (false, true) => "never",
                (false, false) => "no",
            };
            table.row([&list.hsm_id, id, check_value, extractable, label]);
        }
    }
    table.text()
}

pub(super) fn key_problems(lists: &[HsmKeyList]) -> Vec<String> {
    problems(lists.iter().map(|list| (list.hsm_id.as_str(), list.problem.as_deref())))
}

/// A line for each HSM at which it was done.
pub(super) fn outcomes(outcomes: &[HsmOutcome], done: &str) -> String {
    let lines = outcomes.iter().filter(|outcome| outcome.problem.is_none());
    lines.map(|outcome| format!("{}: {done}", outcome.hsm_id)).collect::<Vec<_>>().join("\n")
}

pub(super) fn outcome_problems(outcomes: &[HsmOutcome]) -> Vec<String> {
    problems(outcomes.iter().map(|outcome| (outcome.hsm_id.as_str(), outcome.problem.as_deref())))
}

fn problems<'a>(of_hsms: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Vec<String> {
    of_hsms.filter_map(|(hsm_id, problem)| Some(format!("{hsm_id}: {}", problem?))).collect()
}

fn state(user: &HsmUser) -> String {
    let locked = user.locked.then_some("locked");
    let logged_in = user.logged_in.map(holder).map(|holder| format!("logged in: {holder}"));
    let words: Vec<String> = locked.map(str::to_owned).into_iter().chain(logged_in).collect();
    match (user.exists, words.is_empty()) {
        (false, _) => "does not exist".to_owned(),
        (true, true) => "ok".to_owned(),
        (true, false) => words.join(", "),
    }
}

fn holder(holder: LoginHolder) -> &'static str {
    match holder {
        LoginHolder::Kms => "kms",
        LoginHolder::Auditor => "auditor",
    }
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    fn new(head: [&str; COLUMNS]) -> Self {
        Self(vec![head.map(str::to_owned)])
    }

    /// A label is the owner's text: what would move the cursor of a terminal is not shown.
    fn row(&mut self, cells: [&str; COLUMNS]) {
        self.0.push(cells.map(|cell| cell.replace(char::is_control, "?")));
    }

    fn text(&self) -> String {
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let line = |row: &[String; COLUMNS]| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use keystead_cloudhsm::HsmUserRole;
    use keystead_pkcs11::KeyAttributes;

    use super::*;

    fn user(name: &str, role: HsmUserRole) -> HsmUser {
        HsmUser { user: name.to_owned(), role, exists: true, locked: false, strikes: 0, logged_in: None }
    }

    fn lists() -> Vec<HsmUserList> {
        let kmsuser = HsmUser {
            locked: true,
            strikes: 5,
            logged_in: Some(LoginHolder::Auditor),
            ..user("kmsuser", HsmUserRole::Cu)
        };
        vec![
            HsmUserList {
                hsm_id: "hsm-aaaaaaaaaaa".to_owned(),
                availability_zone: "us-east-1a".to_owned(),
                users: vec![user("admin", HsmUserRole::Co), kmsuser],
                problem: None,
            },
            HsmUserList {
                hsm_id: "hsm-bbbbbbbbbbb".to_owned(),
                availability_zone: "us-east-1b".to_owned(),
                users: Vec::new(),
                problem: Some("the HSM is lost".to_owned()),
            },
        ]
    }

    #[test]
    fn users_are_a_table_for_people() {
        let expected = "HSM              ZONE        USER     ROLE  STATE                       FAILED LOGINS\n\
                        hsm-aaaaaaaaaaa  us-east-1a  admin    CO    ok                          0\n\
                        hsm-aaaaaaaaaaa  us-east-1a  kmsuser  CU    locked, logged in: auditor  5";
        assert_eq!(users(&lists()), expected);
        assert_eq!(user_problems(&lists()), ["hsm-bbbbbbbbbbb: the HSM is lost"]);
    }

    #[test]
    fn a_label_cannot_play_with_the_terminal() {
        let attributes = KeyAttributes {
            token: true,
            private: true,
            sensitive: true,
            always_sensitive: true,
            extractable: false,
            never_extractable: true,
            local: true,
            encrypt: true,
            decrypt: true,
            wrap: false,
            unwrap: false,
        };
        let key = HsmKey {
            label: "\u{1b}[31mred\nnext".to_owned(),
            id: "00ff".to_owned(),
            handle: 7,
            check_value: "a1b2c3".to_owned(),
            attributes,
        };
        let list = HsmKeyList { hsm_id: "hsm-a".to_owned(), keys: vec![key], problem: None };
        let expected =
            "HSM    KEY ID  CHECK VALUE  EXTRACTABLE  LABEL\nhsm-a  00ff    a1b2c3       never        ?[31mred?next";
        assert_eq!(keys(std::slice::from_ref(&list)), expected);
    }

    #[test]
    fn changes_tell_each_hsm() {
        let of = |hsm_id: &str, problem: Option<&str>| HsmOutcome {
            hsm_id: hsm_id.to_owned(),
            problem: problem.map(str::to_owned),
        };
        let both = [of("hsm-a", None), of("hsm-b", Some("The password is wrong."))];
        assert_eq!(outcomes(&both, "changed"), "hsm-a: changed");
        assert_eq!(outcome_problems(&both), ["hsm-b: The password is wrong."]);
    }
}

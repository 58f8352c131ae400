//! The smallest case like one that failed, for people to read.

use serde_json::Value;

use crate::generator::Case;

impl Case {
    /// The case with everything taken away that `fails` does not need. What a document lacks afterwards may make it invalid: `fails` says
    /// no then.
    pub(crate) fn smallest(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        while let Some(smaller) = self.one_thing_less().into_iter().find(&fails) {
            self = smaller;
        }
        self
    }

    fn one_thing_less(&self) -> Vec<Self> {
        let documents = one_thing_less(&self.document);
        let documents = documents.into_iter().map(|document| Self { document, ..self.clone() });
        let contexts = (0..self.context.len()).map(|index| {
            let mut case = self.clone();
            case.context.remove(index);
            case
        });
        documents.chain(contexts).collect()
    }
}

/// The value without one member or item of it, or of what is in it.
fn one_thing_less(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let without = (0..items.len()).map(|index| {
                let mut items = items.clone();
                items.remove(index);
                Value::Array(items)
            });
            let smaller = items.iter().enumerate().flat_map(|(index, item)| {
                one_thing_less(item).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[index] = item;
                    Value::Array(items)
                })
            });
            without.chain(smaller).collect()
        }
        Value::Object(members) => {
            let without = members.keys().map(|name| {
                let mut members = members.clone();
                members.remove(name);
                Value::Object(members)
            });
            let smaller = members.iter().flat_map(|(name, member)| {
                one_thing_less(member).into_iter().map(move |member| {
                    let mut members = members.clone();
                    members.insert(name.clone(), member);
                    Value::Object(members)
                })
            });
            without.chain(smaller).collect()
        }
        _ => Vec::new(),
    }
}

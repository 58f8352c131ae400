//! The smallest case like one that failed, for people to read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::generator::Case;
use crate::generator::whole::WholeCase;

/// A case that can lack something.
pub(crate) trait Smaller: Sized {
    /// Every case that is this one but for one thing.
    fn one_thing_less(&self) -> Vec<Self>;

    /// The case with everything taken away that `fails` does not need. What a document lacks afterwards may make it invalid: `fails` says
    /// no then.
    fn smallest(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        while let Some(smaller) = self.one_thing_less().into_iter().find(&fails) {
            self = smaller;
        }
        self
    }
}

impl Smaller for Case {
    fn one_thing_less(&self) -> Vec<Self> {
        let documents = one_thing_less(&self.document);
        let documents = documents.into_iter().map(|document| Self { document, ..self.clone() });
        let contexts = without_one(&self.context).into_iter().map(|context| Self { context, ..self.clone() });
        let unbound = (!self.ids.is_empty()).then(|| Self { ids: BTreeMap::new(), ..self.clone() });
        documents.chain(contexts).chain(unbound).collect()
    }
}

impl Smaller for WholeCase {
    fn one_thing_less(&self) -> Vec<Self> {
        let all = || self.clone();
        let mut smaller = Vec::new();
        smaller.extend(without_one(&self.policies).into_iter().map(|policies| Self { policies, ..all() }));
        smaller.extend(without_one(&self.grants).into_iter().map(|grants| Self { grants, ..all() }));
        smaller.extend((!self.ids.is_empty()).then(|| Self { ids: BTreeMap::new(), ..all() }));
        smaller.extend(self.boundary.iter().map(|_| Self { boundary: None, ..all() }));
        if let Some(session) = &self.session {
            let fewer = without_one(session).into_iter().map(Some).chain([None]);
            smaller.extend(fewer.map(|session| Self { session, ..all() }));
        }
        for (place, count) in [self.policies.len(), 1, self.session.iter().flatten().count(), 1].into_iter().enumerate()
        {
            for index in 0..count {
                smaller.extend(self.with_less_of(place, index));
            }
        }
        smaller.extend(without_one(&self.context).into_iter().map(|context| Self { context, ..all() }));
        let contexts = without_one(&self.resource_context).into_iter();
        smaller.extend(contexts.map(|resource_context| Self { resource_context, ..all() }));
        smaller
    }
}

impl WholeCase {
    /// Every case that lacks one thing of one document.
    fn with_less_of(&self, place: usize, index: usize) -> Vec<Self> {
        let mut whole = self.clone();
        let Some(document) = whole.document_at(place, index).cloned() else { return Vec::new() };
        let smaller = one_thing_less(&document).into_iter().filter_map(|document| {
            let mut case = self.clone();
            *case.document_at(place, index)? = document;
            Some(case)
        });
        smaller.collect()
    }

    fn document_at(&mut self, place: usize, index: usize) -> Option<&mut Value> {
        let found = match place {
            0 => self.policies.get_mut(index),
            1 => self.boundary.as_mut(),
            2 => self.session.as_mut().and_then(|session| session.get_mut(index)),
            _ => self.policy.as_mut(),
        };
        found.map(|(_, document)| document)
    }
}

/// The lists that lack one item.
fn without_one<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let without = |index| {
        let mut fewer = items.to_vec();
        fewer.remove(index);
        fewer
    };
    (0..items.len()).map(without).collect()
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

//! Everything that an instance is made of, at one moment.

use std::collections::BTreeMap;

use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::story::{Life, Served};

const KINDS: [(&str, &str, &str); 8] = [
    ("", "v1", "Secret"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "Service"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
];

/// One object at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What distinguishes it from another one of the same name.
    pub uid: String,
    /// Changes when somebody writes to it; a status counts only where the kind has no generation.
    pub version: String,
    /// Hash of its values, of a Secret or `ConfigMap`.
    pub data: String,
}

/// What an instance is made of at one moment, by `Kind name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects(pub BTreeMap<String, Seen>);

impl<K: Served> Life<K> {
    /// All objects with the instance's label.
    pub async fn objects(&self) -> Objects {
        let mut found = BTreeMap::new();
        for (_, _, kind) in KINDS {
            let chosen = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", self.name));
            for object in
                self.kind(kind).list(&chosen).await.unwrap_or_else(|error| panic!("{kind}: {error}"))
            {
                found.insert(format!("{kind} {}", object.name_any()), seen(&object));
            }
        }
        Objects(found)
    }

    /// An object by `Kind name`, as [`Objects`] names it.
    pub async fn object(&self, title: &str) -> Option<DynamicObject> {
        let (kind, name) = title.split_once(' ').expect("a kind and a name");
        self.kind(kind).get_opt(name).await.unwrap_or_else(|error| panic!("{title}: {error}"))
    }

    /// The API of a kind that instances are made of.
    pub fn kind(&self, kind: &str) -> Api<DynamicObject> {
        let known = KINDS.iter().find(|(_, _, known)| *known == kind);
        let (group, version, kind) = known.unwrap_or_else(|| panic!("no kind of ours: {kind}"));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }
}

fn seen(object: &DynamicObject) -> Seen {
    let version = object.metadata.generation.map(|generation| generation.to_string());
    let data = match &object.data["data"] {
        Value::Null => String::new(),
        data => format!("{:x}", Sha256::digest(data.to_string())),
    };
    Seen {
        uid: object.uid().unwrap_or_default(),
        version: version.or_else(|| object.resource_version()).unwrap_or_default(),
        data,
    }
}

impl Objects {
    /// Those of one kind.
    #[must_use]
    pub fn of(&self, kind: &str) -> Self {
        let of_kind = |title: &String| title.split_once(' ').is_some_and(|(found, _)| found == kind);
        self.only(of_kind)
    }

    /// Those whose title is chosen.
    #[must_use]
    pub fn only(&self, chosen: impl Fn(&String) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(title, _)| chosen(title))
                .map(|(title, seen)| (title.clone(), seen.clone()))
                .collect(),
        )
    }

    /// Their titles, `Kind name`.
    pub fn titles(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Titles of those that are new, gone, written to or another one since.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let mut titles: Vec<_> = self.0.keys().chain(before.0.keys()).cloned().collect();
        titles.sort();
        titles.dedup();
        titles.retain(|title| self.0.get(title) != before.0.get(title));
        titles
    }
}

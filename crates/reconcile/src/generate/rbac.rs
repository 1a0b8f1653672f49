//! Permissions, derived from the list of kinds that the operator watches and applies: what is not in the list is not granted.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::Entry;
use crate::kind::Scope;

/// What an operator may do, by where it has to hold.
pub struct Rules {
    /// Wherever custom resources may be: to see them, to report on them.
    pub everywhere: Vec<PolicyRule>,
    /// In each namespace in which it works: what an instance is made of. Secrets are here and nowhere else.
    pub namespace: Vec<PolicyRule>,
    /// In its own namespace: the Lease.
    pub home: Vec<PolicyRule>,
}

/// The permissions of an operator.
pub fn rules(entry: &Entry) -> Rules {
    let mut everywhere = Grants::default();
    let mut namespace = Grants::default();
    for served in &entry.serves {
        let (group, plural) = (&served.crd.spec.group, &served.crd.spec.names.plural);
        everywhere.add(group, plural, READ);
        if served.held {
            // Its finalizer is a field of the custom resource itself.
            everywhere.add(group, plural, &["patch"]);
        }
        everywhere.add(group, &format!("{plural}/status"), &["patch"]);
    }
    everywhere.add("events.k8s.io", "events", &["create"]);
    for kind in &entry.uses {
        let verbs = match kind.scope {
            Scope::Owned | Scope::Referred => KEEP,
            Scope::Optional => READ,
        };
        namespace.add(&kind.api.group, &kind.api.plural, verbs);
    }
    if entry.serves.iter().any(|served| served.crd.spec.scope == "Namespaced") {
        namespace.add("", "pods", WATCH);
        namespace.add("", "events", WATCH);
    }
    let more = &entry.grants;
    Rules {
        everywhere: [everywhere.rules(), more.everywhere.clone()].concat(),
        namespace: [namespace.rules(), more.namespace.clone()].concat(),
        home: [lease(entry.about.operator), more.home.clone()].concat(),
    }
}

/// What people need who only look.
pub const READ: &[&str] = &["get", "list", "watch"];
/// What people need who change custom resources, besides.
pub const EDIT: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const WATCH: &[&str] = &["list", "watch"];
const KEEP: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// What people may do with the custom resources in their namespaces; status is the operator's.
pub fn people(entry: &Entry, verbs: &[&str]) -> Vec<PolicyRule> {
    let kinds = entry.serves.iter().map(|served| &served.crd.spec);
    kinds.map(|spec| rule(&spec.group, vec![spec.names.plural.clone()], verbs)).collect()
}

/// A name cannot restrict `create`: the API server does not know it yet.
fn lease(name: &str) -> Vec<PolicyRule> {
    let rule = |verbs: &[&str], names: Option<Vec<String>>| PolicyRule {
        resource_names: names,
        ..rule("coordination.k8s.io", vec!["leases".into()], verbs)
    };
    vec![rule(&["create"], None), rule(&["get", "update"], Some(vec![name.into()]))]
}

pub fn rule(group: &str, resources: Vec<String>, verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.into()]),
        resources: Some(resources),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

/// Verbs by group and resource, so that a kind that is named twice is granted once.
#[derive(Default)]
struct Grants(BTreeMap<(String, String), Vec<&'static str>>);

impl Grants {
    fn add(&mut self, group: &str, resource: &str, verbs: &'static [&'static str]) {
        let granted = self.0.entry((group.into(), resource.into())).or_default();
        granted.extend(verbs.iter().filter(|verb| !granted.contains(verb)).collect::<Vec<_>>());
        granted.sort_by_key(|verb| KEEP.iter().position(|known| known == verb));
    }

    /// One rule for all resources of a group that have the same verbs.
    fn rules(self) -> Vec<PolicyRule> {
        let mut rules: BTreeMap<(String, Vec<&str>), Vec<String>> = BTreeMap::new();
        for ((group, resource), verbs) in self.0 {
            rules.entry((group, verbs)).or_default().push(resource);
        }
        rules.into_iter().map(|((group, verbs), resources)| rule(&group, resources, &verbs)).collect()
    }
}

/// Rules as people write them, in one line each of groups, resources and verbs.
pub fn text(rules: &[PolicyRule]) -> String {
    let list = |values: &[String]| {
        let quoted = values.iter().map(|value| if value.is_empty() { "\"\"".into() } else { value.clone() });
        format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
    };
    let mut text = String::new();
    for rule in rules {
        let parts = [
            ("apiGroups", rule.api_groups.as_deref()),
            ("resources", rule.resources.as_deref()),
            ("resourceNames", rule.resource_names.as_deref()),
            ("verbs", Some(rule.verbs.as_slice())),
        ];
        let parts = parts.iter().filter_map(|(key, values)| Some(format!("{key}: {}", list((*values)?))));
        text += &format!("  - {}\n", parts.collect::<Vec<_>>().join("\n    "));
    }
    text.trim_end().to_owned()
}

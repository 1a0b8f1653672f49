//! Writes what is derived from an operator's own lists: CRDs, permissions, charts, OLM bundle and catalog, reference, examples.
//!
//! All of it is committed. A test of each operator calls [`check`], so that a change of a type or of a list of kinds shows in
//! the same diff as what follows from it. With `GENERATE` set the files are written instead (`make generate`).

// Text is what is made here, and nobody waits for it: the plain form reads best.
#![allow(clippy::format_push_string, clippy::format_collect)]

mod bundle;
mod catalog;
mod chart;
mod crd;
mod files;
mod rbac;
mod reference;
mod values;

use k8s_openapi::{
    api::rbac::v1::PolicyRule,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::CustomResourceExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    kind::{About, Kind},
    managed::Managed,
};

pub use files::check;

/// An operator, as packages describe it. One of these gives it its charts, bundle, catalog, reference and examples.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name and version.
    pub about: About,
    /// What it is called in lists of packages, for example `Foreman`.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it does and how to begin, in Markdown.
    pub description: &'static str,
    /// What people look for when they need it.
    pub keywords: &'static [&'static str],
    /// Of the categories that OLM knows, with commas between them.
    pub categories: &'static str,
    /// When this version was made, as RFC 3339: a fixed time, so that the same sources give the same files.
    pub created: &'static str,
    /// Colour of its icon, as `#rrggbb`.
    pub colour: &'static str,
    /// What it runs: part and image. Each can be replaced by `RELATED_IMAGE_<PART>`.
    pub images: Vec<(&'static str, String)>,
    /// Whom it asks itself: the operator that runs them, the part, and the port of the pod. A policy of the network must let that pass.
    pub asks: Vec<(&'static str, &'static str, u16)>,
    /// What pods of instances ask it, if they ask anything.
    pub listens: Option<Listens>,
    /// What it may do besides what follows from its kinds.
    pub grants: Grants,
    /// The kinds that it serves.
    pub serves: Vec<Served>,
    /// The kinds that it watches and applies.
    pub uses: Vec<Kind>,
}

/// An operator that pods of instances ask: over HTTPS, with tokens for an audience of its own.
#[derive(Clone, Copy, Debug)]
pub struct Listens {
    /// Its port.
    pub port: u16,
    /// Audience of the tokens; it has one itself, as a file under `/var/run/backup`.
    pub audience: &'static str,
}

/// Permissions that do not follow from kinds that an operator serves or applies.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Everywhere.
    pub everywhere: Vec<PolicyRule>,
    /// In each namespace in which it works.
    pub namespace: Vec<PolicyRule>,
    /// In its own namespace.
    pub home: Vec<PolicyRule>,
}

/// A rule: group, resources and verbs.
pub fn grant(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    rbac::rule(group, resources.iter().map(ToString::to_string).collect(), verbs)
}

/// A kind that an operator serves.
#[derive(Clone, Debug)]
pub struct Served {
    /// Its definition.
    pub crd: CustomResourceDefinition,
    /// Manifests that work, the smallest first; every one is written to the reference, the first to the bundle.
    pub examples: Vec<Example>,
    /// The operator holds one that is being deleted until nothing outside knows of it.
    pub held: bool,
}

/// A manifest that works.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its file name, without the kind in front: `minimal` gives `foreman-minimal.yaml`.
    pub name: &'static str,
    /// What it shows, in one sentence.
    pub about: &'static str,
    /// The manifest, without status.
    pub manifest: Value,
}

impl Example {
    /// An example: a manifest as a user would write it, proven to be one of the kind `K`.
    ///
    /// # Panics
    /// If it is none, or has a field that `K` does not know.
    pub fn of<K: Serialize + DeserializeOwned>(name: &'static str, about: &'static str, yaml: &str) -> Self {
        let manifest: Value = serde_yaml_ng::from_str(yaml).expect("the example is YAML");
        let object: K = serde_json::from_value(manifest.clone()).expect("the example is of its kind");
        let known = serde_json::to_value(object).expect("custom resources serialise");
        let unknown = crd::difference(&manifest, &known, "");
        assert!(unknown.is_empty(), "example {name}: not in the API: {}", unknown.join(", "));
        Self { name, about, manifest }
    }
}

impl Entry {
    /// Adds a kind: its definition, and the kinds that it is made of.
    #[must_use]
    pub fn serving<K: Managed + CustomResourceExt>(self, examples: Vec<Example>) -> Self {
        let mut entry = self.serving_kind(K::crd(), K::kinds(), examples);
        if let Some(served) = entry.serves.last_mut() {
            served.held = K::FINALIZER.is_some();
        }
        entry
    }

    /// Adds a kind by its parts.
    #[must_use]
    pub fn serving_kind(
        mut self,
        crd: CustomResourceDefinition,
        kinds: Vec<Kind>,
        examples: Vec<Example>,
    ) -> Self {
        self.serves.push(Served { crd: crd::cleaned(crd), examples, held: false });
        self.uses.extend(kinds);
        self
    }

    /// Whether its kinds are of the whole cluster: then it cannot work in one namespace alone.
    fn clusterwide(&self) -> bool {
        self.serves.iter().any(|served| served.crd.spec.scope == "Cluster")
    }

    /// Limit of its memory. What pods upload goes through it.
    fn memory(&self) -> &'static str {
        if self.listens.is_some() { "512Mi" } else { "128Mi" }
    }

    /// `stable-v0`: no upgrade inside a channel breaks a manifest.
    fn channel(&self) -> String {
        format!("stable-v{}", self.about.version.split('.').next().unwrap_or("0"))
    }

    /// Every generated file of this operator, as path in the repository and text, but for the catalog, which looks back.
    fn files(&self) -> Vec<(String, String)> {
        let mut files = chart::files(self);
        files.extend(bundle::files(self));
        files.extend(reference::files(self));
        files
    }

    /// The operator's own image, without tag.
    fn image(&self) -> String {
        format!("{REGISTRY}/{}", self.about.operator)
    }
}

const REGISTRY: &str = "quay.io/theforeman";
const HOME: &str = "https://github.com/theforeman/foreman-operators";
const PROVIDER: &str = "Foreman operators";
/// Reserved by RFC 2606: nobody else's mail box, until the project has one.
const MAIL: &str = "maintainers@foreman-operators.example";
/// The CRDs' rules use the CEL library for quantities, the chart the eviction policy of disruption budgets.
const KUBERNETES: &str = "1.31.0";

/// YAML with keys in a fixed order.
fn yaml(value: &impl Serialize) -> String {
    serde_yaml_ng::to_string(value).expect("JSON values are YAML")
}

#[cfg(test)]
mod tests;

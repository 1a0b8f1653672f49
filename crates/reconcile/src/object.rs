//! An object that a plan asks for: its body, its endpoint, and how it may be written.

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Resource, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    certificate::Certificate,
    data::{DATA, Data},
    generated::Generate,
    hash,
    owner::Owner,
};

/// Hash of what was last applied; an object whose hash is as wanted and whose fields are as stated is left alone.
pub const APPLIED: &str = "reconcile.theforeman.org/applied";
/// Hash of what makes a release or a configuration; a stage behind an open gate may not change it.
pub const REVISION: &str = "reconcile.theforeman.org/revision";
/// In a pod template: hash of every `ConfigMap` and Secret that the pod refers to.
pub const CONFIG: &str = "reconcile.theforeman.org/config";
/// In a pod template: hash of the certificates. Not part of the revision, so that renewal never waits.
pub const CERTIFICATES: &str = "reconcile.theforeman.org/certificates";
/// On a Job: what it was started for; its name carries a hash besides.
pub const RUN: &str = "reconcile.theforeman.org/run";
/// On a volume claim: what the Job whose name follows has achieved on it.
pub const ACHIEVED: &str = "reconcile.theforeman.org/achieved-";

/// How an object may be written.
#[derive(Clone, Debug)]
pub enum Write {
    /// Server-side apply, whenever it differs.
    Apply,
    /// A Secret whose values are drawn once and never again.
    Generate(Vec<(&'static str, Generate)>),
    /// A TLS Secret, issued anew before it expires or when its names change.
    Issue(Box<Certificate>),
    /// A Job that runs until it has achieved this once.
    Run {
        /// What a success means, for example the release that the database was migrated to.
        achieves: String,
        /// Name of the claim whose volume the result lies on; it remembers what was achieved. `None`: the status does.
        volume: Option<String>,
        /// Its last words are its answer, and without them it has achieved nothing.
        answers: bool,
        /// The data that its result lies in.
        data: Data,
    },
}

/// An object that a plan asks for.
#[derive(Clone, Debug)]
pub struct Object {
    /// Endpoint of its kind.
    pub api: ApiResource,
    /// The fields that we state; all others stay as they are.
    pub body: DynamicObject,
    /// How it may be written.
    pub write: Write,
    /// Stays when the custom resource goes: it holds data or keys.
    pub keep: bool,
    /// Of a workload whose number of pods follows its load: so many are enough for it to have come up.
    pub least: Option<i32>,
    /// Of a drawn Secret: values that it lacks are drawn, because nothing has lived yet that depends on them.
    pub complete: bool,
}

impl<K: Resource<DynamicType = ()> + Serialize> From<K> for Object {
    fn from(typed: K) -> Self {
        let body = serde_json::to_value(&typed).and_then(serde_json::from_value);
        Self {
            api: ApiResource::erase::<K>(&()),
            body: body.expect("Kubernetes types are JSON objects"),
            write: Write::Apply,
            keep: false,
            least: None,
            complete: false,
        }
    }
}

impl Object {
    /// A Secret with drawn values, kept for ever unless `keep` is false.
    pub fn generated(name: &str, keep: bool, values: Vec<(&'static str, Generate)>) -> Self {
        let write = Write::Generate(values);
        Self { write, keep, ..Self::from(secret(name, "Opaque")) }
    }

    /// A TLS Secret (`tls.crt`, `tls.key`, `ca.crt`).
    pub fn issued(name: &str, certificate: Certificate) -> Self {
        let write = Write::Issue(Box::new(certificate));
        Self { write, ..Self::from(secret(name, "kubernetes.io/tls")) }
    }

    /// An object of a kind that not every cluster has.
    pub fn foreign((group, version, kind): (&str, &str, &str), metadata: ObjectMeta, spec: Value) -> Self {
        let api = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let mut body = DynamicObject::new("", &api);
        body.metadata = metadata;
        body.data = json!({ "spec": spec });
        Self { api, body, write: Write::Apply, keep: false, least: None, complete: false }
    }

    /// A Job that runs until it has succeeded once for `achieves`; `name` of the body is the beginning of the Job's name.
    pub fn run(job: k8s_openapi::api::batch::v1::Job, achieves: impl Into<String>) -> Self {
        Self {
            write: Write::Run {
                achieves: achieves.into(),
                volume: None,
                answers: false,
                data: Data::default(),
            },
            ..Self::from(job)
        }
    }

    /// The same Job, whose result lies on the volume of this claim, one of an earlier stage: what it achieved is remembered there,
    /// outlives the custom resource with it, and is lost with it.
    #[must_use]
    pub fn on_volume(mut self, claim: impl Into<String>) -> Self {
        if let Write::Run { volume, .. } = &mut self.write {
            *volume = Some(claim.into());
        }
        self
    }

    /// The same object, whose pods depend on the instance's data: where that is replaced from outside, there are to be others, and a Job
    /// has to achieve what it does anew.
    #[must_use]
    pub fn on_data(mut self, other: &Data) -> Self {
        let Some(id) = other.id() else { return self };
        if let Write::Run { data, .. } = &mut self.write {
            data.clone_from(other);
        }
        // For a Job it is another name as well: one that has ended on the data before is not taken for it.
        if let Some(template) = self.pod_template_mut() {
            template["metadata"]["annotations"][DATA] = id.into();
        }
        self
    }

    /// The same Job, of which the termination message of its pod is wanted too.
    #[must_use]
    pub fn answering(mut self) -> Self {
        if let Write::Run { answers, .. } = &mut self.write {
            *answers = true;
        }
        self
    }

    /// The same workload, whose number of pods follows its load and which has come up with so many.
    #[must_use]
    pub fn at_least(self, pods: i32) -> Self {
        Self { least: Some(pods), ..self }
    }

    /// The same object, kept when the custom resource goes.
    #[must_use]
    pub fn kept(self, keep: bool) -> Self {
        Self { keep, ..self }
    }

    /// The same drawn Secret; `complete`: if somebody has made it beforehand, values that it lacks are drawn.
    #[must_use]
    pub fn completed(self, complete: bool) -> Self {
        Self { complete, ..self }
    }

    /// `Kind name`, as people write it.
    pub fn title(&self) -> String {
        format!("{} {}", self.api.kind, self.body.name_any())
    }

    /// The pod template in it, if it is a kind that has one.
    pub fn pod_template(&self) -> Option<&Value> {
        self.body.data.pointer(template_path(&self.api.kind)?)
    }

    /// The same, to change it.
    pub fn pod_template_mut(&mut self) -> Option<&mut Value> {
        self.body.data.pointer_mut(template_path(&self.api.kind)?)
    }

    /// Everything an object gets without its service file saying so: labels, owner, safe pods, the hash of its configuration.
    #[must_use]
    pub fn belonging_to(mut self, owner: &Owner, config: &str, certificates: &str) -> Self {
        let labels = self.body.metadata.labels.get_or_insert_default();
        labels.extend(owner.labels());
        let labels = labels.clone();
        self.body.metadata.namespace = Some(owner.namespace.clone());
        if !self.keep {
            self.body.metadata.owner_references = Some(vec![owner.reference.clone()]);
        }
        if let Some(path) = template_path(&self.api.kind)
            && let Some(template) = self.body.data.pointer_mut(path)
        {
            fill(template, &json!({ "metadata": { "labels": labels } }));
            if self.api.kind != "CronJob" {
                for (key, hash) in [(CONFIG, config), (CERTIFICATES, certificates)] {
                    if !hash.is_empty() {
                        fill(template, &json!({ "metadata": { "annotations": { key: hash } } }));
                    }
                }
            }
            restrict(&mut template["spec"]);
        }
        let revision = self.revision();
        let applied =
            hash(&(&self.body.metadata.labels, &self.body.metadata.owner_references, &self.body.data));
        let annotations = self.body.metadata.annotations.get_or_insert_default();
        annotations.insert(REVISION.into(), revision);
        annotations.insert(APPLIED.into(), applied);
        self
    }

    /// Hash of what makes a release or a configuration: of the pod template, or of all where there is none.
    fn revision(&self) -> String {
        match self.pod_template() {
            Some(template) => {
                let mut template = template.clone();
                if let Some(Value::Object(annotations)) = template.pointer_mut("/metadata/annotations") {
                    annotations.remove(CERTIFICATES);
                }
                hash(&template)
            }
            None => hash(&self.body.data),
        }
    }

    /// The part that it belongs to, empty if it is the instance's as a whole.
    pub fn component(&self) -> &str {
        self.body.labels().get("app.kubernetes.io/component").map_or("", String::as_str)
    }

    /// An annotation of the body, empty if it is not there.
    pub fn annotation(&self, key: &str) -> &str {
        self.body.annotations().get(key).map_or("", String::as_str)
    }

    /// Names of the `ConfigMaps` and Secrets that its pods refer to.
    pub fn configuration(&self) -> Vec<(&'static str, String)> {
        let mut found = vec![];
        if let Some(template) = self.pod_template() {
            references(template, &mut found);
        }
        found.sort();
        found.dedup();
        found
    }
}

/// A Secret without values, for those that the library fills.
fn secret(name: &str, type_: &str) -> Secret {
    let metadata = ObjectMeta { name: Some(name.into()), ..Default::default() };
    Secret { metadata, type_: Some(type_.into()), ..Default::default() }
}

/// Where a kind keeps its pod template.
fn template_path(kind: &str) -> Option<&'static str> {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// Puts `defaults` where `value` says nothing.
fn fill(value: &mut Value, defaults: &Value) {
    match (value, defaults) {
        (Value::Object(value), Value::Object(defaults)) => {
            for (key, default) in defaults {
                fill(value.entry(key).or_insert(Value::Null), default);
            }
        }
        (value @ Value::Null, default) => *value = default.clone(),
        _ => {}
    }
}

/// What the restricted Pod Security Standard asks for, unless a service says otherwise itself.
fn restrict(pod: &mut Value) {
    fill(
        pod,
        &json!({
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        }),
    );
    for list in ["initContainers", "containers"] {
        for container in pod[list].as_array_mut().into_iter().flatten() {
            fill(
                container,
                // The last lines of a failed container's log become its termination message: we can say why without reading logs.
                &json!({
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                }),
            );
        }
    }
}

/// Finds `secretName`, `configMap.name`, `secretRef.name` and their like, wherever a pod template may have them.
fn references(value: &Value, found: &mut Vec<(&'static str, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let (kind, name) = match key.as_str() {
                    "secret" if !value["secretName"].is_null() => ("Secret", &value["secretName"]),
                    // The last one as a source of a projected volume.
                    "secretKeyRef" | "secretRef" | "secret" => ("Secret", &value["name"]),
                    "configMapKeyRef" | "configMapRef" | "configMap" => ("ConfigMap", &value["name"]),
                    _ => {
                        references(value, found);
                        continue;
                    }
                };
                found.extend(name.as_str().map(|name| (kind, name.to_owned())));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::apis::meta::v1::OwnerReference};

    use super::*;

    fn owner() -> Owner {
        Owner {
            namespace: "web".into(),
            name: "blog".into(),
            reference: OwnerReference { uid: "1".into(), ..Default::default() },
            manager: "test-operator",
        }
    }

    fn deployment() -> Object {
        let typed: Deployment = serde_json::from_value(json!({
            "metadata": { "name": "blog-web" },
            "spec": { "selector": {}, "template": { "spec": { "containers": [{
                "name": "web", "env": [{ "name": "P", "valueFrom": { "secretKeyRef": { "name": "password", "key": "p" } } }],
            }], "volumes": [
                { "name": "a", "configMap": { "name": "settings" } },
                { "name": "b", "projected": { "sources": [{ "secret": { "name": "token" } }] } },
                { "name": "c", "secret": { "secretName": "tls" } },
            ] } } },
        }))
        .unwrap();
        typed.into()
    }

    #[test]
    fn configuration_is_found_wherever_a_pod_refers_to_it() {
        let found = deployment().configuration();
        let names: Vec<_> = found.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        assert_eq!(names, ["ConfigMap settings", "Secret password", "Secret tls", "Secret token"]);
    }

    #[test]
    fn a_renewed_certificate_is_no_new_revision_but_configuration_is() {
        let at = |config, certificates| {
            let object = deployment().belonging_to(&owner(), config, certificates);
            (object.annotation(REVISION).to_owned(), object.annotation(APPLIED).to_owned())
        };
        let (revision, applied) = at("1", "1");
        assert_eq!(at("1", "2").0, revision);
        assert_ne!(at("1", "2").1, applied);
        assert_ne!(at("2", "1").0, revision);
    }

    #[test]
    fn pods_are_restricted_and_keep_what_they_say_themselves() {
        let object = deployment().belonging_to(&owner(), "", "");
        let pod = object.body.data.pointer("/spec/template/spec").unwrap();
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["containers"][0]["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        let mut own = json!({ "securityContext": { "runAsNonRoot": false } });
        restrict(&mut own);
        assert_eq!(own["securityContext"]["runAsNonRoot"], false);
    }

    #[test]
    fn what_is_kept_has_no_owner() {
        let kept = Object::generated("key", true, vec![]).belonging_to(&owner(), "", "");
        assert_eq!(kept.body.metadata.owner_references, None);
        assert!(deployment().belonging_to(&owner(), "", "").body.metadata.owner_references.is_some());
    }
}

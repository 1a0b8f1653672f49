//! A service's custom resource, as it is kept in a set and as it comes back.

use kube::ResourceExt;
use reconcile::AWAITS;
use serde_json::{Value, json};

use super::services::Service;
use crate::crd::{Mapping, Reference};

/// The file with the custom resource.
pub const FILE: &str = "custom-resource.json";
/// Annotations that are about the cluster that it was in.
const LOCAL: [&str; 3] = ["hold.theforeman.org/", "restore.theforeman.org/", "kubectl.kubernetes.io/"];

/// What the operator adds to a set that no volume can show a mover.
pub fn kept(service: &Service) -> Vec<(String, String)> {
    let object = &service.object;
    let mut annotations = object.annotations().clone();
    annotations.retain(|key, _| !LOCAL.iter().any(|prefix| key.starts_with(prefix)));
    let types = object.types.clone().unwrap_or_default();
    let value = json!({
        "apiVersion": types.api_version,
        "kind": types.kind,
        "metadata": {
            "name": service.of.name,
            "namespace": service.of.namespace,
            "labels": object.labels(),
            "annotations": annotations,
        },
        "spec": object.data["spec"],
        "status": object.data["status"],
    });
    vec![(FILE.into(), serde_json::to_string_pretty(&value).unwrap_or_default())]
}

/// The custom resource as it comes back: under its new name, without status, and where it `awaits` its data with the word for it from its first
/// moment, so that nothing uses databases before they are filled.
pub fn restored(kept: &Value, to: &Reference, mapping: &Mapping, awaits: Option<String>) -> Value {
    let mut object = kept.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    object["metadata"]["namespace"] = to.namespace.clone().into();
    object["metadata"]["name"] = to.name.clone().into();
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    if let Some(holder) = awaits {
        object["metadata"]["annotations"][AWAITS] = holder.into();
    }
    mapped(&mut object["spec"], ["", ""], mapping);
    object
}

/// What a Secret or `ConfigMap` of an instance is called when the instance has another name: what it has for itself is called after it; what its
/// user has made has the name that the spec says.
pub fn called(name: &str, (from, to): (&str, &str), spec: &Value) -> String {
    match name.strip_prefix(from).filter(|rest| rest.starts_with('-')) {
        Some(rest) if from != to && !says(spec, name) => format!("{to}{rest}"),
        _ => name.to_owned(),
    }
}

/// Whether some field has this value.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(values) => values.iter().any(|value| says(value, text)),
        Value::Object(fields) => fields.values().any(|value| says(value, text)),
        _ => false,
    }
}

/// Fields that name a bucket, in every service's spec.
const BUCKET: [&str; 2] = ["bucket", "container"];

/// The buckets that a spec names.
pub fn buckets(spec: &Value) -> Vec<String> {
    match spec {
        Value::Array(values) => values.iter().flat_map(buckets).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(name) if BUCKET.contains(&key.as_str()) => vec![name.clone()],
                value => buckets(value),
            })
            .collect(),
        _ => vec![],
    }
}

/// Fields by which one service names another.
const SERVICE: [[&str; 2]; 2] = [["foreman", "name"], ["pulp", "name"]];

/// Replaces names of services, host names, alone or in URLs, buckets, and storage classes. A value is known by its key and that of the object
/// that it is in.
fn mapped(value: &mut Value, [parent, key]: [&str; 2], mapping: &Mapping) {
    match value {
        Value::String(text) => {
            if SERVICE.contains(&[parent, key]) {
                if let Some(to) = mapping.names.get(text) {
                    to.clone_into(text);
                }
                return;
            }
            if key.to_lowercase().ends_with("storageclass") || key == "storageClassName" || key == "class" {
                if let Some(to) = mapping.storage_classes.get(text) {
                    to.clone_into(text);
                }
                return;
            }
            if BUCKET.contains(&key) {
                if let Some(to) = mapping.buckets.get(text) {
                    to.clone_into(text);
                }
                return;
            }
            for (from, to) in &mapping.hosts {
                let Some(start) = text.find(from.as_str()) else { continue };
                let end = start + from.len();
                let part = |byte: Option<&u8>| {
                    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte))
                };
                let bytes = text.as_bytes();
                // Not where it is only a part of another name.
                if !part(start.checked_sub(1).and_then(|before| bytes.get(before))) && !part(bytes.get(end)) {
                    text.replace_range(start..end, to);
                    return;
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mapped(value, [parent, key], mapping)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(field, value)| mapped(value, [key, field], mapping));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_has_its_new_names_and_is_held() {
        let kept = json!({
            "apiVersion": "app.theforeman.org/v1alpha1", "kind": "Pulp",
            "metadata": { "name": "pulp", "namespace": "old", "annotations": { "a": "b" } },
            "spec": {
                "ingress": { "host": "pulp.example.com", "tls": ["https://pulp.example.com/x", "mypulp.example.com"] },
                "storage": { "file": { "storageClass": "slow", "size": "slow" }, "s3": { "bucket": "old", "region": "old" } },
            },
            "status": { "x": 1 },
        });
        let mapping = Mapping {
            hosts: [("pulp.example.com".to_owned(), "drill.test".to_owned())].into(),
            buckets: [("old".to_owned(), "new".to_owned())].into(),
            storage_classes: [("slow".to_owned(), "fast".to_owned())].into(),
            ..Mapping::default()
        };
        let to = Reference { kind: "Pulp".into(), namespace: "new".into(), name: "pulp".into() };
        let object = restored(&kept, &to, &mapping, Some("x".into()));
        assert_eq!(object["metadata"]["namespace"], "new");
        assert_eq!(
            object["metadata"]["annotations"],
            json!({ "a": "b", "restore.theforeman.org/awaits": "x" })
        );
        assert_eq!(object["spec"]["ingress"]["host"], "drill.test");
        assert_eq!(object["spec"]["ingress"]["tls"], json!(["https://drill.test/x", "mypulp.example.com"]));
        assert_eq!(object["spec"]["storage"]["file"], json!({ "storageClass": "fast", "size": "slow" }));
        assert_eq!(object["spec"]["storage"]["s3"], json!({ "bucket": "new", "region": "old" }));
        assert_eq!(buckets(&object["spec"]), ["new"]);
        assert!(object.get("status").is_none());
    }

    #[test]
    fn what_is_called_after_an_instance_follows_its_name_and_what_its_user_has_made_does_not() {
        let spec = json!({
            "foreman": { "name": "one", "oauth": { "name": "one-given" } },
            "content": { "pulp": { "name": "other" } },
        });
        let name = |name: &str| called(name, ("one", "two"), &spec);
        assert_eq!(
            ["one-key", "one-given", "onerous-key", "one"].map(name),
            ["two-key", "one-given", "onerous-key", "one"]
        );
        let names = [("one".to_owned(), "two".to_owned())].into();
        let to = Reference { kind: "SmartProxy".into(), namespace: "n".into(), name: "p".into() };
        let mapping = Mapping { names, ..Mapping::default() };
        let object = restored(&json!({ "metadata": {}, "spec": spec }), &to, &mapping, None);
        assert_eq!(object["spec"]["foreman"], json!({ "name": "two", "oauth": { "name": "one-given" } }));
        assert_eq!(object["spec"]["content"]["pulp"]["name"], "other");
    }
}

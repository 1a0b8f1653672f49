use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret},
};
use kube::{CustomResource, KubeSchema};
use serde::Deserialize;

use super::*;

/// A kettle.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[kube(group = "kitchen.example", version = "v1", kind = "Kettle", namespaced)]
struct KettleSpec {
    /// How hot.
    #[schemars(range(min = 1, max = 100))]
    degrees: u32,
}

fn kitchen() -> Entry {
    let entry = Entry {
        about: About { operator: "kettle-operator", version: "1.10.0" },
        title: "Kettle",
        summary: "Boils water",
        description: "Boils water.",
        keywords: &["tea"],
        categories: "Storage",
        created: "2026-01-01T00:00:00Z",
        colour: "#123456",
        images: vec![("heating-coil", "registry.example/coil:1".into())],
        asks: vec![("kettle-operator", "spout", 8080)],
        listens: None,
        grants: Grants::default(),
        serves: vec![],
        uses: vec![],
    };
    let kinds = vec![
        Kind::referred::<Secret>(),
        Kind::owned::<Deployment>(),
        Kind::owned::<ConfigMap>(),
        Kind::optional("kitchen.example", "v1", "Socket"),
    ];
    let yaml = "{apiVersion: kitchen.example/v1, kind: Kettle, metadata: {name: mine, namespace: home}, spec: {degrees: 90}}";
    entry.serving_kind(Kettle::crd(), kinds, vec![Example::of::<Kettle>("minimal", "Tea.", yaml)])
}

#[test]
fn permissions_are_those_of_the_listed_kinds_and_no_more() {
    let rules = rbac::rules(&kitchen());
    assert_eq!(
        rbac::text(&rules.everywhere),
        "  - apiGroups: [events.k8s.io]\n    resources: [events]\n    verbs: [create]\n  - apiGroups: [kitchen.example]\n    resources: [kettles]\n    verbs: [get, list, watch]\n  - apiGroups: [kitchen.example]\n    resources: [kettles/status]\n    verbs: [patch]"
    );
    assert_eq!(
        rbac::text(&rules.namespace),
        "  - apiGroups: [\"\"]\n    resources: [configmaps, secrets]\n    verbs: [get, list, watch, create, patch, delete]\n  - apiGroups: [\"\"]\n    resources: [events, pods]\n    verbs: [list, watch]\n  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: [get, list, watch, create, patch, delete]\n  - apiGroups: [kitchen.example]\n    resources: [sockets]\n    verbs: [get, list, watch]"
    );
}

#[test]
fn no_file_has_a_wildcard_or_a_way_to_more_permissions() {
    for (path, text) in kitchen().files() {
        for word in ["[\"*\"]", "['*']", "escalate", "impersonate", "[bind"] {
            assert!(!text.contains(word), "{path} contains {word}");
        }
    }
}

#[test]
fn every_marker_is_filled_in() {
    for (path, text) in kitchen().files() {
        let left = text.split('@').skip(1).step_by(2).find(|word| {
            !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        });
        assert_eq!(left, None, "{path}");
    }
}

#[test]
fn a_colon_in_the_summary_is_no_end_of_the_chart() {
    let entry = Entry { summary: "Boils: water, and \"tea\" # hot", ..kitchen() };
    let files = entry.files();
    let (_, chart) = files.iter().find(|(path, _)| path.ends_with("kettle-operator/Chart.yaml")).unwrap();
    let chart: serde_json::Value = serde_yaml_ng::from_str(chart).unwrap();
    assert_eq!(chart["description"], entry.summary);
}

#[test]
fn formats_that_kubernetes_does_not_know_are_gone() {
    let served = &kitchen().serves[0];
    assert!(!crd::text(&served.crd, &[]).contains("uint32"));
}

#[test]
#[should_panic(expected = "not in the API: .spec.degree")]
fn an_example_with_a_field_that_nobody_knows_is_refused() {
    let yaml = "{apiVersion: kitchen.example/v1, kind: Kettle, metadata: {name: mine}, spec: {degrees: 90, degree: 9}}";
    Example::of::<Kettle>("wrong", "", yaml);
}

#[test]
fn the_catalog_orders_versions_as_numbers() {
    let root = std::env::temp_dir().join(format!("catalog-{}", std::process::id()));
    for version in ["1.9.0", "1.2.0"] {
        std::fs::create_dir_all(root.join("bundles/kettle-operator").join(version)).unwrap();
    }
    let files = catalog::files(&kitchen(), &root, &std::collections::BTreeMap::new());
    std::fs::remove_dir_all(&root).unwrap();
    let text = &files[0].1;
    assert!(text.contains("- name: kettle-operator.v1.10.0\n  replaces: kettle-operator.v1.9.0\n"), "{text}");
    assert!(text.contains("- name: kettle-operator.v1.9.0\n  replaces: kettle-operator.v1.2.0\n"), "{text}");
}

/// What a template says plainly; what Helm fills in is `HELM`, what it only adds under a condition is left out.
fn plain(template: &str) -> Value {
    let mut text = String::new();
    for line in template.lines().filter(|line| !line.trim_start().starts_with("{{")) {
        let filled = line.split("{{").enumerate().map(|(place, part)| match part.split_once("}}") {
            Some((_, rest)) if place > 0 => format!("HELM{rest}"),
            _ => part.to_owned(),
        });
        text += &format!("{}\n", filled.collect::<String>());
    }
    serde_yaml_ng::from_str(&text).unwrap()
}

/// Every value with its path; what has a name is found by it.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{path}.{key}"), found));
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                let name = value["name"].as_str().map_or_else(|| place.to_string(), str::to_owned);
                leaves(value, &format!("{path}.{name}"), found);
            }
        }
        Value::Null => {}
        value => found.push(format!("{path} = {value}")),
    }
}

#[test]
fn chart_and_bundle_differ_only_where_they_mean_to() {
    let entry = kitchen();
    let files: std::collections::BTreeMap<String, String> = entry.files().into_iter().collect();
    let service: Value = serde_yaml_ng::from_str(&files[&bundle::path("kettle-operator", "1.10.0")]).unwrap();
    let chart = plain(&files["charts/kettle-operator/templates/deployment.yaml"]);
    let values: Value = serde_yaml_ng::from_str(&files["charts/kettle-operator/values.yaml"]).unwrap();
    let of_bundle = &service["spec"]["install"]["spec"]["deployments"][0]["spec"];
    let container = &of_bundle["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"], values["resources"]);

    let (mut in_chart, mut in_bundle) = (vec![], vec![]);
    leaves(&chart["spec"], "", &mut in_chart);
    leaves(of_bundle, "", &mut in_bundle);
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|leaf| !those.contains(leaf) && !leaf.contains("HELM")).cloned().collect()
    };
    // Only where a collector is named; with a bundle it is a variable of the Subscription.
    let traces = ".template.spec.containers.operator.env.OTEL_EXPORTER_OTLP_ENDPOINT.name = \"OTEL_EXPORTER_OTLP_ENDPOINT\"";
    assert_eq!(only(&in_chart, &in_bundle), [traces]);
    let mut more = only(&in_bundle, &in_chart);
    more.retain(|leaf| !leaf.contains(".labels.") && !leaf.contains(".matchLabels."));
    let container = ".template.spec.containers.operator";
    assert_eq!(
        more,
        [
            ".replicas = 1".into(),
            format!(
                "{container}.env.WATCH_NAMESPACE.valueFrom.fieldRef.fieldPath = \"metadata.annotations['olm.targetNamespaces']\""
            ),
            format!("{container}.env.RUST_LOG.value = \"info\""),
            format!("{container}.env.RELATED_IMAGE_HEATING_COIL.name = \"RELATED_IMAGE_HEATING_COIL\""),
            format!("{container}.env.RELATED_IMAGE_HEATING_COIL.value = \"registry.example/coil:1\""),
            format!("{container}.image = \"quay.io/theforeman/kettle-operator:1.10.0\""),
            format!("{container}.imagePullPolicy = \"IfNotPresent\""),
            format!("{container}.resources.limits.memory = \"128Mi\""),
            format!("{container}.resources.requests.cpu = \"10m\""),
            format!("{container}.resources.requests.memory = \"32Mi\""),
            ".template.spec.serviceAccountName = \"kettle-operator\"".into(),
        ]
    );
}

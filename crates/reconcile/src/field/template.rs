//! What users say of pods: where they run, what they may use, what else they carry.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Toleration, TopologySpreadConstraint};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Amounts;
use crate::object::Object;

/// Pods of one part, where they are to differ from what the operator makes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Requests and limits of each pod, in place of the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Amounts>,
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which nodes and which neighbours are sought or shunned; as in a pod, see `kubectl explain pod.spec.affinity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "affinity")]
    pub affinity: Option<Value>,
    /// Taints of nodes that are no obstacle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub tolerations: Vec<Toleration>,
    /// How pods are spread over zones and nodes; without a selector, the part's own pods are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// Importance among all pods of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// Further labels of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Further annotations of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Object {
    /// The same object, its pods as a user wants them. What the part needs for itself stays.
    #[must_use]
    pub fn templated(mut self, wanted: &Template) -> Self {
        let Some(template) = self.pod_template_mut() else { return self };
        let selector = template["metadata"]["labels"].clone();
        for (key, values) in [("labels", &wanted.labels), ("annotations", &wanted.annotations)] {
            for (name, value) in values {
                let own = &mut template["metadata"][key][name];
                if own.is_null() {
                    *own = value.clone().into();
                }
            }
        }
        let pod = &mut template["spec"];
        if let Some(resources) = &wanted.resources {
            pod["containers"][0]["resources"] = json!(resources.requirements());
        }
        if !wanted.node_selector.is_empty() {
            pod["nodeSelector"] = json!(wanted.node_selector);
        }
        if let Some(affinity) = &wanted.affinity {
            pod["affinity"] = affinity.clone();
        }
        if !wanted.tolerations.is_empty() {
            pod["tolerations"] = json!(wanted.tolerations);
        }
        if !wanted.topology_spread_constraints.is_empty() {
            let mut spread = json!(wanted.topology_spread_constraints);
            for constraint in spread.as_array_mut().into_iter().flatten() {
                if constraint["labelSelector"].is_null() {
                    constraint["labelSelector"] = json!({ "matchLabels": selector });
                }
            }
            pod["topologySpreadConstraints"] = spread;
        }
        if let Some(class) = &wanted.priority_class_name {
            pod["priorityClassName"] = class.clone().into();
        }
        self
    }
}

/// Whole, it would make up most of a CRD, once for each part; the API server checks it where it is used.
fn affinity(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "nullable": true, "x-kubernetes-preserve-unknown-fields": true,
        "description": "Which nodes and which neighbours are sought or shunned; as in a pod, see `kubectl explain pod.spec.affinity`.",
    })
}

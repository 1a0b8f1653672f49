//! Requests and limits.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::ResourceRequirements,
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Requests and limits, by resource name (`cpu`, `memory`, ...).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.requests.all(key, isQuantity(string(self.requests[key]))) && self.limits.all(key, isQuantity(string(self.limits[key])))").message("requests and limits must be amounts such as 500m or 2Gi"))]
pub struct Amounts {
    /// What a pod is given at least.
    #[serde(default)]
    #[schemars(schema_with = "amounts")]
    pub requests: BTreeMap<String, IntOrString>,
    /// What a pod is given at most.
    #[serde(default)]
    #[schemars(schema_with = "amounts")]
    pub limits: BTreeMap<String, IntOrString>,
}

impl Amounts {
    /// As a container has them.
    pub fn requirements(&self) -> ResourceRequirements {
        let text = |amount: &IntOrString| match amount {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::String(text) => text.clone(),
        };
        let quantities = |amounts: &BTreeMap<String, IntOrString>| {
            amounts.iter().map(|(key, amount)| (key.clone(), Quantity(text(amount)))).collect()
        };
        ResourceRequirements {
            requests: Some(quantities(&self.requests)),
            limits: Some(quantities(&self.limits)),
            ..Default::default()
        }
    }

    /// What is asked for, or what the service is known to need: `cpu, memory` requested, and the limits.
    pub fn or(asked: Option<&Self>, requests: [&str; 2], limits: [&str; 2]) -> ResourceRequirements {
        let amounts = |values: [&str; 2]| {
            ["cpu", "memory"]
                .into_iter()
                .zip(values)
                .map(|(k, v)| (k.into(), IntOrString::String(v.into())))
                .collect()
        };
        let default = || Self { requests: amounts(requests), limits: amounts(limits) };
        asked.cloned().unwrap_or_else(default).requirements()
    }
}

fn amounts(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "maxProperties": 10, "default": {},
        "description": "Amounts by resource name.",
        "additionalProperties": { "x-kubernetes-int-or-string": true, "maxLength": 32 },
    })
}

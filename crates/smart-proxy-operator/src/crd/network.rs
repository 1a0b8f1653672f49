//! How a proxy is reached, and by whom.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ServiceType;

/// The Service in front of a proxy. TLS is passed through.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSettings {
    /// Its type. TFTP comes over it too: one port, by UDP.
    #[serde(default, rename = "type")]
    pub type_: ServiceType,
    /// Annotations, for example of a load balancer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What leads clients from outside to the Service, by the name in `host`; it passes TLS through.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.type == 'Gateway') == has(self.gateway)").message("spec.ingress.gateway: name the Gateway that the TLSRoute is attached to with type Gateway, and only then"))]
#[x_kube(validation = Rule::new("self.type != 'None' || !has(self.port)").message("spec.ingress.port: only with type Gateway or Route"))]
pub struct Ingress {
    /// What stands in front of the Service.
    #[serde(default, rename = "type")]
    pub type_: IngressType,
    /// The Gateway that the `TLSRoute` is attached to, with a listener that passes TLS through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Port that clients use from outside, which the URL in Foreman has: that of the Gateway's listener; 443 if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Annotations of the `TLSRoute` or Route.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels of the `TLSRoute` or Route.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What stands in front of the Service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IngressType {
    /// Nothing, or something of your own.
    #[default]
    None,
    /// A `TLSRoute` of the Gateway API.
    Gateway,
    /// A Route of `OpenShift`.
    Route,
}

/// A Gateway.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace; this one if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Its listener; all if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

/// Who may reach a proxy. Stray connections can stall it: 120 idle ones do for half a minute.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySettings {
    /// Whoever may use HTTPS: Foreman, the operator, and hosts that register or ask for jobs.
    #[schemars(length(min = 1, max = 50))]
    pub https_from: Vec<NetworkPolicyPeer>,
}

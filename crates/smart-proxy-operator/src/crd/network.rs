//! How a proxy is reached, and by whom.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use kube::KubeSchema;
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

/// Who may reach a proxy. Stray connections can stall it: 120 idle ones do for half a minute.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySettings {
    /// Whoever may use HTTPS: Foreman, the operator, and hosts that register or ask for jobs.
    #[schemars(length(min = 1, max = 50))]
    pub https_from: Vec<NetworkPolicyPeer>,
}

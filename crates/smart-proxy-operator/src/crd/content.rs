//! Content of a Pulp beside the proxy, for the hosts of a Katello.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Content of a Pulp beside the proxy. Foreman knows both, as two proxies with one host name: Katello finds the one by the other.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The Pulp; its image has the plugin `smart_proxy`.
    pub pulp: PulpName,
    /// Port on which hosts fetch content, and Foreman asks the Pulp.
    #[serde(default = "content_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

/// A `Pulp` of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PulpName {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

fn content_port() -> i32 {
    443
}

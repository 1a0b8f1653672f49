//! Certificate authorities that Pulp is to trust besides those of its image.

use kube::KubeSchema;
use reconcile::field::Source;
use serde::{Deserialize, Serialize};

/// Certificate authorities in a `ConfigMap` or Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.secret)").message("spec.trustedCertificates: give each entry either configMap or secret"))]
pub struct TrustedCertificates {
    /// Which object.
    #[serde(flatten)]
    pub from: Source,
    /// Key whose value is certificates as PEM, one or many.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn ca_key() -> String {
    "ca.crt".into()
}

//! Where users put what they give: in a `ConfigMap` or in a Secret.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A `ConfigMap` or a Secret of the same namespace. A rule of whoever has such a field sees that it is one of both, and names the field.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Name of a `ConfigMap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub config_map: Option<String>,
    /// Name of a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret: Option<String>,
}

impl Source {
    /// Kind and name of the object.
    pub fn object(&self) -> (&'static str, &str) {
        match (&self.config_map, &self.secret) {
            (Some(name), _) => ("ConfigMap", name),
            (None, name) => ("Secret", name.as_deref().unwrap_or_default()),
        }
    }
}

//! Sizes and classes of volumes.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A volume of one pod.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its size; it can grow where its `StorageClass` can, and never shrink.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("size must be an amount such as 10Gi"))]
    #[x_kube(validation = Rule::new("!isQuantity(self) || !isQuantity(oldSelf) || !quantity(self).isLessThan(quantity(oldSelf))").message("size cannot become smaller: a volume cannot shrink; restore a backup into a smaller one"))]
    pub size: String,
    /// Its `StorageClass`; the cluster's default if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

impl Volume {
    /// Of this size, in the cluster's default class.
    pub fn of(size: &str) -> Self {
        Self { size: size.into(), storage_class_name: None }
    }
}

/// A volume of many pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SharedVolume {
    /// Its size and class.
    #[serde(flatten)]
    pub volume: Volume,
    /// Whether pods on several nodes may have it at once.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf").message("accessMode of a volume cannot be changed"))]
    pub access_mode: AccessMode,
}

/// Who may have a volume at once.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// Pods on many nodes.
    #[default]
    ReadWriteMany,
    /// Pods on one node: all-in-one installations.
    ReadWriteOnce,
}

impl AccessMode {
    /// As claims have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadWriteMany => "ReadWriteMany",
            Self::ReadWriteOnce => "ReadWriteOnce",
        }
    }
}

//! Settings of Pulp that users give.

use std::collections::BTreeMap;

use kube::KubeSchema;
use reconcile::field::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings by name.
pub type Settings = BTreeMap<String, Value>;

/// Settings from a `ConfigMap` or Secret: each key is the name of a setting.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.secret)").message("spec.settingsFrom: give each entry either configMap or secret"))]
pub struct SettingsSource {
    /// Which object.
    #[serde(flatten)]
    pub from: Source,
    /// What the values are.
    #[serde(default)]
    pub format: SettingsFormat,
}

/// What the values in a `ConfigMap` or Secret are.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SettingsFormat {
    /// Text, taken as it is.
    #[default]
    Text,
    /// JSON: `true`, `5`, `["a"]`, `"text"`.
    #[serde(rename = "JSON")]
    Json,
}

pub(super) fn settings_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "maxProperties": 200,
        "description": "Further settings of Pulp, by name; each value arrives unchanged.",
        "additionalProperties": { "x-kubernetes-preserve-unknown-fields": true },
    })
}

//! The cache of the content server.

use kube::KubeSchema;
use reconcile::field::{SecretKey, Template};
use serde::{Deserialize, Serialize};

/// The cache of the content server: a Valkey that the operator runs, or a Redis of somebody else's.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Cache {
    /// Whether there is one. Without it every download asks the database.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// A Valkey or Redis of somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalCache>,
    /// Pod of the operator's own.
    #[serde(default)]
    pub template: Template,
}

impl Default for Cache {
    fn default() -> Self {
        Self { enabled: true, external: None, template: Template::default() }
    }
}

/// A Valkey or Redis of somebody else's.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExternalCache {
    /// Host name or address of the server.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9:._-]+$')").message("spec.cache.external.host must be a host name or an address, without port or scheme"))]
    pub host: String,
    /// Its port.
    #[serde(default = "redis_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Number of the database.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub database: i32,
    /// Whether it is spoken to by TLS.
    #[serde(default)]
    pub tls: bool,
    /// Certificate authority of the server; the system's if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
    /// User name, where the server knows several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub username: Option<String>,
    /// Where the password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordKey>,
}

/// A password in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "password")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn yes() -> bool {
    true
}

fn redis_port() -> i32 {
    6379
}

fn password() -> String {
    "password".into()
}

//! The Foreman that a proxy works for, and how it is made known to it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Credentials, SecretKey, SecretName};

/// The Foreman that a proxy works for: one of this namespace by name, or any by URL.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.name) != has(self.url)").message("spec.foreman: give either the name of a Foreman in this namespace or the url of another"))]
#[x_kube(validation = Rule::new("!(has(self.oauth) && has(self.login))").message("spec.foreman: oauth and login exclude each other; remove one"))]
pub struct ForemanReference {
    /// Name of a `Foreman` in this namespace: its URL, authority and OAuth key are taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// URL of a Foreman somewhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?/?$')").message("spec.foreman.url must be https:// and a host name in lower case, for example https://foreman.example.com"))]
    pub url: Option<String>,
    /// Authority of that Foreman's certificate; that of `certificates.bundle` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
    /// Secret with the OAuth key and secret of that Foreman, under the keys `key` and `secret`; those of `certificates.bundle` if nothing
    /// is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<SecretName>,
    /// User and password, or personal access token, with the permissions to view, create, edit and destroy smart proxies: less than OAuth,
    /// which may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Credentials>,
    /// Common name of that Foreman's client certificate; the host of its URL if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub common_name: Option<String>,
}

/// How a proxy is made known to its Foreman.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Registering {
    /// Whether the operator does it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its name in Foreman; its host name if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = Rule::new("!self.contains('\"')").message("spec.registration.name must not have quotes in it: Foreman is asked for it by name"))]
    pub name: Option<String>,
    /// Takes over a proxy of that name that has another URL. Without this it is left alone, and a condition says so.
    #[serde(default)]
    pub take_over: bool,
    /// Whether it is taken out of Foreman when this object is deleted. While this is true, deletion waits for Foreman; to let go of one that
    /// is away or in use, set it to false.
    #[serde(default = "yes")]
    pub deregister: bool,
    /// Numbers of the organizations that it belongs to, given at its first registration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub organizations: Vec<i64>,
    /// Numbers of the locations that it belongs to, given at its first registration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub locations: Vec<i64>,
}

impl Default for Registering {
    fn default() -> Self {
        Self {
            enabled: true,
            name: None,
            take_over: false,
            deregister: true,
            organizations: vec![],
            locations: vec![],
        }
    }
}

fn yes() -> bool {
    true
}

//! Modules that come from plugins: jobs on hosts, Ansible, containers, reports of scans, machines that were found.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretKey, SecretName};

/// Jobs on hosts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.mode == 'PullMqtt' || !has(self.mqtt)").message("spec.modules.remoteExecution.mqtt: only with mode PullMqtt; remove it, or choose that mode"))]
pub struct RemoteExecution {
    /// How jobs reach hosts.
    #[serde(default)]
    pub mode: Mode,
    /// Secret with the key pair that hosts let in, under the keys `ssh-privatekey` and `ssh-publickey`; one that is drawn once, in the Secret
    /// `<name>-ssh`, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretName>,
    /// User on the hosts, unless Foreman says otherwise.
    #[serde(default = "root")]
    #[schemars(length(min = 1, max = 64))]
    pub user: String,
    /// The broker that tells hosts of their jobs, with mode `PullMqtt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mqtt: Option<Mqtt>,
}

/// How jobs reach hosts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By SSH.
    #[default]
    Ssh,
    /// Hosts ask for them.
    Pull,
    /// Hosts ask for them when a broker tells them to.
    PullMqtt,
}

impl Mode {
    /// As `:mode:` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Pull => "pull",
            Self::PullMqtt => "pull-mqtt",
        }
    }
}

/// The broker that tells hosts of their jobs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Mqtt {
    /// Its host name. If nothing is said, a mosquitto in the pod of this proxy, which needs `images.mosquitto`: hosts reach it by `host`, and
    /// show the certificate that they have from Foreman.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub broker: Option<String>,
    /// Its port.
    #[serde(default = "mqtt_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self { broker: None, port: mqtt_port() }
    }
}

/// Ansible roles on hosts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ansible {}

/// Container images of a Pulp, for hosts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContainerGateway {
    /// URL of the Pulp, as this proxy reaches it.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https://[^ ]+$')").message("spec.modules.containerGateway.pulp must be a URL such as https://proxy.example.com"))]
    pub pulp: String,
    /// URL of its database (`postgresql://user:password@host/name`), in a Secret.
    pub database: SecretKey,
}

/// Reports of security scans: hosts hand them in with their certificate, whose authority must be among those of `certificates.trust`. What
/// Foreman does not take at once is sent to it again every half hour. Needs an image with the plugin `openscap`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Openscap {
    /// How long Foreman has for its answer to a report (s).
    #[serde(default = "report_timeout")]
    #[schemars(range(min = 1))]
    pub timeout: i32,
}

/// Machines that were found and have no system yet: they announce themselves here, and are told to reboot by this proxy. Needs an image with
/// the plugin `discovery`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// How the proxy on such a machine is spoken to.
    #[serde(default)]
    pub node_scheme: Scheme,
    /// Its port.
    #[serde(default = "node_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: i32,
}

/// How the proxy on a machine that was found is spoken to.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// With TLS.
    #[default]
    Https,
    /// Without.
    Http,
}

impl Scheme {
    /// As the setting has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

fn root() -> String {
    "root".into()
}

fn mqtt_port() -> i32 {
    1883
}

fn report_timeout() -> i32 {
    60
}

fn node_port() -> i32 {
    8443
}

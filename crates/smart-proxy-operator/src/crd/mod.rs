//! The `SmartProxy` API: what a user may write, and what the API server refuses with the field and the mend in the message.

mod certificates;
mod content;
mod foreman;
mod jobs;
mod modules;
mod network;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use reconcile::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use certificates::*;
pub use content::*;
pub use foreman::*;
pub use jobs::*;
pub use modules::*;
pub use network::*;
// Who writes a spec writes these as well.
pub use reconcile::field::{
    AccessMode, Credentials, DeletionPolicy, SecretKey, ServiceType, SharedVolume, Template, Volume,
};

/// A Foreman Smart Proxy with the features asked for, registered in a Foreman.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "app.theforeman.org",
    version = "v1alpha1",
    kind = "SmartProxy",
    plural = "smartproxies",
    shortname = "sp",
    category = "theforeman",
    namespaced,
    status = "Status",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Foreman Smart Proxy with the features asked for, registered in a Foreman.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')").message("metadata.name must start with a letter, have only lower-case letters, digits and dashes, and be at most 40 characters long: names of Services are made from it"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Registered", type_ = "string", json_path = ".status.conditions[?(@.type==\"Registered\")].status"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.endpoints[?(@.name==\"proxy\")].url"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.versions[?(@.part==\"smart-proxy\")].running", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.certificates) || has(self.foreman.name)").message("spec.certificates: only a Foreman of this namespace (spec.foreman.name) can issue certificates; for another one name the Secrets that hold them, or the issuer of cert-manager"))]
#[x_kube(validation = Rule::new("!has(self.foreman.url) || has(self.foreman.ca) || (has(self.certificates) && has(self.certificates.bundle))").message("spec.foreman.ca: name the Secret with the authority of that Foreman's certificate"))]
#[x_kube(validation = Rule::new("!has(self.certificates) || !has(self.certificates.bundle) || has(self.host)").message("spec.host: a bundle is for one host; say which"))]
#[x_kube(validation = Rule::new("!has(self.modules.registration) || has(self.modules.templates)").message("spec.modules.registration needs templates; add `templates: {}`"))]
#[x_kube(validation = Rule::new("!has(self.modules.ansible) || has(self.modules.remoteExecution)").message("spec.modules.ansible needs remoteExecution, which runs its jobs; add it"))]
#[x_kube(validation = Rule::new("self.ingress.type == 'None' || has(self.host)").message("spec.host: a TLSRoute or Route needs the host name that clients use"))]
#[x_kube(validation = Rule::new("!has(self.content) || self.ingress.type == 'None'").message("spec.ingress: with content, hosts need two ports of one host; remove it, and give the Service the type LoadBalancer"))]
#[x_kube(validation = Rule::new("!has(self.content) || (self.content.port != self.port && self.content.port != self.httpPort)").message("spec.content.port: content, HTTP and HTTPS need a port each"))]
#[x_kube(validation = Rule::new("self.port != self.httpPort").message("spec.httpPort: HTTP and HTTPS need a port each"))]
pub struct SmartProxySpec {
    /// The Foreman that this proxy works for.
    pub foreman: ForemanReference,

    /// Fully qualified host name by which Foreman and hosts reach this proxy; the Service's name in the cluster
    /// (`<name>.<namespace>.svc`) if nothing is said. Whatever routes it here must pass TLS through: Foreman shows a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$') && !self.matches('^[0-9.]+$')").message("spec.host must be a fully qualified host name in lower case with at least one dot, for example proxy.example.com"))]
    pub host: Option<String>,

    /// Port for HTTPS.
    #[serde(default = "https_port")]
    #[schemars(range(min = 1024, max = 65535))]
    pub port: i32,

    /// Port for HTTP; open only if a module that is for machines without certificates listens there.
    #[serde(default = "http_port")]
    #[schemars(range(min = 1024, max = 65535))]
    pub http_port: i32,

    /// What this proxy does. `logs` is always on.
    #[serde(default)]
    pub modules: Modules,

    /// Content of a Pulp, for the hosts of a Katello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,

    /// Further settings by module (`settings` for the proxy as a whole) and key, without colons; each value arrives unchanged. What a
    /// field of this manifest already says cannot be said here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "extra_settings")]
    pub extra_settings: BTreeMap<String, BTreeMap<String, Value>>,

    /// Plugins of the image to load, by name of their gem without `smart_proxy_`; those that the modules need if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 63), regex(pattern = "^[a-z0-9_]+$")))]
    pub plugins: Option<Vec<String>>,

    /// How this proxy is made known to its Foreman.
    #[serde(default)]
    pub registration: Registering,

    /// Common names of certificates that may use this proxy, besides those of its Foreman and its own; for example other Foremans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 253)))]
    pub trusted_hosts: Vec<String>,

    /// Certificates of your own, or of cert-manager; issued by the Foreman's authority if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,

    /// The Service in front of it.
    #[serde(default)]
    pub service: ServiceSettings,

    /// What leads clients from outside to that Service.
    #[serde(default)]
    pub ingress: Ingress,

    /// Whether the pod has the network of its node, for DHCP and TFTP servers that must be reached without address translation. The namespace
    /// must allow privileged pods, and the ports must be free on the node.
    #[serde(default)]
    pub host_network: bool,

    /// Who may reach it; everybody if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_policy: Option<NetworkPolicySettings>,

    /// Sizes and classes of the volumes.
    #[serde(default)]
    pub storage: Storage,

    /// Container images, where they are not to be the operator's defaults.
    #[serde(default)]
    pub images: Images,

    /// How much is written to the log.
    #[serde(default)]
    pub log_level: LogLevel,

    /// The pod, where it is to differ from what the operator makes.
    #[serde(default)]
    pub template: Template,

    /// Nothing is changed while this is true; what runs goes on running.
    #[serde(default)]
    pub paused: bool,

    /// What becomes of volumes when this proxy is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// Sizes and classes of the volumes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// What machines boot from; made with the modules `tftp` and `httpboot`.
    #[serde(default = "boot_volume")]
    pub boot: Volume,
    /// Jobs, known hosts and tokens that must survive a restart; made with the modules `remoteExecution` and `puppetCa`.
    #[serde(default = "state_volume")]
    pub state: Volume,
}

impl Default for Storage {
    fn default() -> Self {
        Self { boot: boot_volume(), state: state_volume() }
    }
}

/// Container images, where they are not to be the operator's defaults.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// The Smart Proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub smart_proxy: Option<String>,
    /// dnsmasq, with `dnsmasq` in its path; runs where `modules.tftp.daemon` is `Dnsmasq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub dnsmasq: Option<String>,
    /// Apache httpd, as upstream's image of `OpenShift` lays it out; runs with `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub httpd: Option<String>,
    /// mosquitto, with `mosquitto` in its path; runs where `modules.remoteExecution` has mode `PullMqtt` and names no broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub mosquitto: Option<String>,
}

/// How much is written to the log.
#[derive(schemars::JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// All of it, settings included.
    Debug,
    /// Every request.
    #[default]
    Info,
    /// What is odd.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    /// As `:log_level:` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

fn https_port() -> i32 {
    8443
}

fn http_port() -> i32 {
    8000
}

fn boot_volume() -> Volume {
    Volume::of("5Gi")
}

fn state_volume() -> Volume {
    Volume::of("1Gi")
}

/// Keys are names of files and of Ruby symbols: anything else would be read as something else.
fn extra_settings(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object", "maxProperties": 50,
        "description": "Further settings by module (`settings` for the proxy as a whole) and key, without colons; each value arrives unchanged. What a field of this manifest already says cannot be said here.",
        "x-kubernetes-validations": [{
            "rule": "self.all(module, module.matches('^[a-z][a-z0-9_]*$'))",
            "message": "modules are written in lower case with digits and underscores, without colons, for example `dns: {dns_ttl: 3600}`",
        }],
        // Values may be of any type; the keys among them are looked at by the operator.
        "additionalProperties": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
    })
}

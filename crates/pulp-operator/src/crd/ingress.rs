//! How clients reach a Pulp.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How clients reach a Pulp.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(self.type in ['Ingress', 'Gateway', 'Route']) || has(self.host)").message("spec.ingress.host: an Ingress, HTTPRoute or Route needs the host name that clients use"))]
#[x_kube(validation = Rule::new("self.type != 'Gateway' || has(self.gateway)").message("spec.ingress.gateway: name the Gateway that the HTTPRoute is attached to"))]
#[x_kube(validation = Rule::new("!has(self.nodePort) || self.type == 'NodePort'").message("spec.ingress.nodePort: only with type NodePort"))]
#[x_kube(validation = Rule::new("!has(self.className) || self.type == 'Ingress'").message("spec.ingress.className: only with type Ingress"))]
pub struct Ingress {
    /// What stands in front of API and content.
    #[serde(default, rename = "type")]
    pub type_: IngressType,
    /// Host name that clients use; the Service's name in the cluster (`<name>.<namespace>.svc`) if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$')").message("spec.ingress.host must be a fully qualified host name in lower case with at least one dot, for example pulp.example.com"))]
    pub host: Option<String>,
    /// TLS towards clients.
    #[serde(default)]
    pub tls: Tls,
    /// Class of the Ingress; the cluster's default if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// The Gateway that the `HTTPRoute` is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Port of the nodes; one that is free if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
    /// Annotations of the Ingress, `HTTPRoute`, Route or Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels of the Ingress, `HTTPRoute`, Route or Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What stands in front of API and content.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IngressType {
    /// A web server of the operator's, reached from inside the cluster.
    #[default]
    ClusterIP,
    /// The same, on a port of every node.
    NodePort,
    /// The same, behind a load balancer of the cloud.
    LoadBalancer,
    /// An Ingress.
    Ingress,
    /// An `HTTPRoute` of the Gateway API.
    Gateway,
    /// Routes of `OpenShift`.
    Route,
    /// Nothing: something else stands in front, for example the reverse proxy of a Foreman.
    None,
}

/// TLS towards clients.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Whether clients come by TLS. With type `Gateway` it is the Gateway's listener that decides; say here what it does.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Secret with `tls.crt` and `tls.key`; a certificate of this Pulp's own authority if nothing is said (the controller's with type
    /// `Ingress` or `Route`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { enabled: true, secret_name: None }
    }
}

/// A Gateway.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace; this one if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Its listener; all if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

fn yes() -> bool {
    true
}

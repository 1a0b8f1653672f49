//! Who may reach a proxy. Machines that boot or install have no address that anybody knows before: HTTP and TFTP stay open where they are on.

use k8s_openapi::{
    api::networking::v1::{NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort, NetworkPolicySpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use reconcile::Object;

use super::mqtt;
use crate::{checked::Checked, names};

/// Nothing if everybody may.
pub fn objects(proxy: &Checked) -> Vec<Object> {
    let Some(policy) = &proxy.spec.network_policy else { return vec![] };
    let part = proxy.part(names::PROXY);
    let door = |name: &str, protocol: &str| NetworkPolicyPort {
        port: Some(IntOrString::String(name.into())),
        protocol: Some(protocol.into()),
        ..Default::default()
    };
    let mut ingress = vec![NetworkPolicyIngressRule {
        ports: Some(vec![door("https", "TCP")]),
        from: Some(policy.https_from.clone()),
    }];
    let mut open = vec![];
    if proxy.listens_on_http() {
        open.push(door("http", "TCP"));
    }
    // Hosts are many, and have certificates there.
    if proxy.content.is_some() {
        open.push(door("content", "TCP"));
    }
    if mqtt::broker(proxy).is_some() {
        open.push(door("mqtt", "TCP"));
    }
    if proxy.images.dnsmasq.is_some() {
        open.push(door("tftp", "UDP"));
    }
    if !open.is_empty() {
        ingress.push(NetworkPolicyIngressRule { ports: Some(open), from: None });
    }
    let policy = NetworkPolicy {
        metadata: part.metadata(part.name()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector { match_labels: Some(part.selector()), ..Default::default() }),
            policy_types: Some(vec!["Ingress".into()]),
            ingress: Some(ingress),
            ..Default::default()
        }),
    };
    vec![policy.into()]
}

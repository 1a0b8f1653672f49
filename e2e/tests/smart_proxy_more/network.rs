//! The network of a node.

use e2e::{LONG, ProxyStory, cluster::image, wait};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;

/// What the namespace lets pods do.
async fn enforce(proxy: &ProxyStory, level: &str) {
    let labels = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
    let api: Api<Namespace> = Api::all(proxy.client.clone());
    let done = api.patch(&proxy.namespace, &PatchParams::default(), &Patch::Merge(labels)).await;
    done.expect("the namespace is labelled");
}

#[tokio::test]
async fn the_network_of_a_node_needs_a_namespace_that_allows_it_and_says_so() {
    let (_foreman, proxy) = ProxyStory::shared("wire").await;
    let images = format!(", hostNetwork: true, images: {{dnsmasq: '{}'}}", image("dnsmasq"));
    proxy.with("{tftp: {serverName: 192.0.2.10, daemon: Dnsmasq}}", &images).await;
    let mend = format!(
        "kubectl label --overwrite namespace {} pod-security.kubernetes.io/enforce=privileged",
        proxy.namespace
    );
    proxy.told("Proxy", &["violates PodSecurity", "hostNetwork", &mend]).await;
    enforce(&proxy, "privileged").await;
    // Kubernetes tries again after a pause that grows; any change of the pod is tried at once.
    proxy.edit(|spec| spec.log_level = smart_proxy_operator::crd::LogLevel::Warn).await;
    proxy.ready().await;
    let chosen = ListParams::default().labels("app.kubernetes.io/instance=wire");
    let pods = proxy.api::<Pod>().list(&chosen).await.expect("pods").items;
    let status = pods[0].status.clone().unwrap_or_default();
    assert_eq!(status.pod_ip, status.host_ip, "it has the address of its node");
    proxy.delete().await;
    wait(LONG, "its pod is gone", async || {
        let left = proxy.api::<Pod>().list(&chosen).await.map_err(|error| error.to_string())?.items;
        if left.is_empty() { Ok(()) } else { Err("it is still there".to_owned()) }
    })
    .await;
    enforce(&proxy, "restricted").await;
}

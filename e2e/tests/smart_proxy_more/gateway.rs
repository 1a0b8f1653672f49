//! A proxy behind a Gateway that passes TLS through.

use std::net::{IpAddr, SocketAddr};

use e2e::{LONG, ProxyStory, Visitor, cluster::command, wait};
use k8s_openapi::api::core::v1::Service;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::json;

/// The Gateway's own address as the proxy's name: Foreman has to find it, and there are no other names from outside here.
const HOST: &str = "traefik.traefik.svc";

#[tokio::test]
async fn foreman_reaches_a_proxy_through_a_gateway_and_is_known_by_its_certificate() {
    command("traefik", &[]).await;
    let (foreman, proxy) = ProxyStory::shared("gated").await;
    let admin = foreman.admin().await;
    let fields = format!(
        ", host: {HOST}, ingress: {{type: Gateway, gateway: {{name: gate, sectionName: tls}}, port: 8443}}"
    );
    proxy.with("{bmc: {}}", &fields).await;
    // Without the Gateway Foreman could not call back: it is not asked to.
    proxy.told("Proxy", &["TLSRoute gated", "Gateway gate", "see that it exists"]).await;

    let gate = json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": { "name": "gate" },
        "spec": { "gatewayClassName": "traefik", "listeners": [{ "name": "tls", "port": 8443, "protocol": "TLS", "hostname": HOST,
            "tls": { "mode": "Passthrough" } }] } });
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "Gateway"));
    let gateways: Api<DynamicObject> = Api::namespaced_with(proxy.client.clone(), &proxy.namespace, &kind);
    let params = PatchParams::apply("e2e").force();
    gateways.patch("gate", &params, &Patch::Apply(&gate)).await.expect("a Gateway");
    proxy.ready().await;
    let search = format!("/api/v2/smart_proxies?search=name=\"{HOST}\"");
    let known = admin.json(&search).await["results"][0].clone();
    assert_eq!(known["url"], format!("https://{HOST}:8443"));
    let known = admin.json(&format!("/api/v2/smart_proxies/{}?include_status=true", known["id"])).await;
    assert_eq!(known["status"], "ok", "Foreman reaches it: {known}");

    // Whoever shows no certificate gets through the Gateway, and no further.
    let services: Api<Service> = Api::namespaced(proxy.client.clone(), "traefik");
    let address = services.get("traefik").await.expect("Traefik").spec.and_then(|spec| spec.cluster_ip);
    let address: IpAddr = address.unwrap_or_default().parse().expect("an address");
    let authority = proxy.secret("server-tls", "ca.crt").await;
    let visitor = Visitor::trusting(&authority, HOST, SocketAddr::new(address, 8443), 8443);
    assert_eq!(visitor.get("/version").await.0, 200);
    assert_eq!(visitor.get("/v2/features").await.0, 403);

    proxy.delete().await;
    wait(LONG, "Foreman has forgotten it", async || {
        let found = admin.json(&search).await;
        if found["results"] == json!([]) { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    command("traefik", &["remove"]).await;
}

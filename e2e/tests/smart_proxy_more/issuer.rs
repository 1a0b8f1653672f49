//! Certificates that cert-manager issues and renews, from the authority that Foreman trusts.

use e2e::{ProxyStory, cluster::command};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::json;

#[tokio::test]
async fn cert_manager_issues_what_the_proxy_shows_and_what_it_renews_is_taken_up() {
    let (foreman, proxy) = ProxyStory::shared("issued").await;
    let admin = foreman.admin().await;
    proxy.with("{bmc: {}}", ", certificates: {certManager: {issuer: {name: authority}}}").await;
    proxy.told("CertManagerMissing", &["spec.certificates.certManager", "install it"]).await;
    command("cert-manager", &[]).await;
    // Whoever issues is not there yet; the operator looks for kinds that are new every five minutes.
    proxy.told("Certificates", &["Certificate issued-tls"]).await;
    let (certificate, key) = (foreman.secret("ca", "ca.crt").await, foreman.secret("ca", "ca.key").await);
    proxy.keeps("authority", &[("tls.crt", &certificate), ("tls.key", &key)]).await;
    let issuer = json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "authority" },
        "spec": { "ca": { "secretName": "authority" } } });
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", "Issuer"));
    let issuers: Api<DynamicObject> = Api::namespaced_with(proxy.client.clone(), &proxy.namespace, &kind);
    let params = PatchParams::apply("e2e").force();
    issuers.patch("authority", &params, &Patch::Apply(&issuer)).await.expect("an Issuer");
    proxy.ready().await;
    let known = proxy.known(&admin).await.expect("Foreman knows it");
    let status = async || {
        let path = format!("/api/v2/smart_proxies/{}?include_status=true", known["id"]);
        admin.json(&path).await["status"].clone()
    };
    assert_eq!(status().await, "ok", "Foreman reaches it");

    proxy.reissued("tls").await;
    assert_eq!(status().await, "ok", "Foreman reaches it still");
    proxy.delete().await;
    command("cert-manager", &["remove"]).await;
}

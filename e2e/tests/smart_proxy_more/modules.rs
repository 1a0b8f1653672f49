//! What modules leave behind: words of a process that ended, reports that were not sent.

use e2e::{LONG, ProxyStory, smart_proxy::features, wait};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, LogParams};
use reqwest::Method;

/// What only a further setting switches on is looked at as well, one that ends the whole process too.
#[tokio::test]
async fn a_module_that_ends_the_process_is_told_with_its_last_line() {
    let (_foreman, proxy) = ProxyStory::shared("aborts").await;
    // Files that it can read, so that it fails only behind its checks.
    let file = "/etc/foreman-proxy/settings.yml";
    let isc = format!(
        "dhcp: {{enabled: https, use_provider: dhcp_isc}}, dhcp_isc: {{config: {file}, leases: {file}}}"
    );
    proxy.with("{}", &format!(", extraSettings: {{{isc}}}")).await;
    proxy.told("Proxy", &["rb-inotify"]).await;
    proxy.edit(|spec| spec.extra_settings.clear()).await;
    proxy.ready().await;

    // Malformed values of one module are its own trouble.
    proxy
        .edit(|spec| {
            let broken = [("subnets".to_owned(), "not a net".into()), ("enabled".to_owned(), "https".into())];
            spec.extra_settings.insert("dhcp".into(), broken.into());
        })
        .await;
    let said = proxy.says(LONG, "FeaturesReady", "dhcp fails", |it| it.status == "False").await;
    assert!(said.contains("dhcp (spec.extraSettings) is failed"), "{said}");
    proxy.delete().await;
}

/// A report that Foreman has not taken outlives its pod, and is sent by the container that is there for that.
#[tokio::test]
async fn reports_of_scans_outlive_their_pod_and_are_sent_later() {
    let (foreman, proxy) = ProxyStory::shared("scans").await;
    let admin = foreman.admin().await;
    proxy.keeps("netbox", &[("token", "t")]).await;
    let ipam =
        "externalIpam: {netbox: {url: 'https://netbox.example.com', token: {name: netbox, key: token}}}";
    proxy.with(&format!("{{openscap: {{}}, discovery: {{}}, {ipam}}}"), "").await;
    proxy.ready().await;
    // This Foreman has none of their plugins, but for the one that is its own.
    let known = proxy.known(&admin).await.expect("Foreman knows it");
    assert_eq!(features(&known), ["External IPAM", "Logs"]);
    let said = proxy.condition(LONG, "Registered", "True", "Registered").await;
    assert!(said.contains("does not know") && said.contains("openscap"), "{said}");

    let before = proxy.settled().await;
    let identity = foreman.identity().await;
    let as_host = proxy.visitor_of("", 8443, |builder| builder.identity(identity)).await;
    let handed = as_host.request(Method::POST, "/compliance/arf/1").body("a report").send().await;
    assert!(handed.is_ok_and(|handed| handed.status().is_success()), "it is taken");
    let old = &before.of("proxy")[0].name;
    proxy.api::<Pod>().delete(old, &DeleteParams::default()).await.expect("it is deleted");
    wait(LONG, "it is sent", async || {
        let now = proxy.pods().await;
        let new = now.of("proxy").into_iter().find(|pod| pod.name != *old).ok_or("there is no new pod")?;
        let logs = LogParams { container: Some("openscap".into()), ..LogParams::default() };
        let log = proxy.api::<Pod>().logs(&new.name, &logs).await.map_err(|error| error.to_string())?;
        if log.contains("1 reports sent") { Ok(()) } else { Err(log) }
    })
    .await;
    proxy.delete().await;
}

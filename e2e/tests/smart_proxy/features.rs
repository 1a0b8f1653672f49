//! What a proxy does changes, and Foreman knows.

use std::time::Instant;

use e2e::{LONG, ProxyStory, smart_proxy::features, wait};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, LogParams};
use reqwest::Method;

#[tokio::test]
async fn a_feature_that_is_added_or_removed_is_known_to_foreman_seconds_after_the_pod_was_replaced() {
    let (foreman, proxy) = ProxyStory::shared("changing").await;
    let admin = foreman.admin().await;
    proxy.with("{bmc: {}}", "").await;
    proxy.ready().await;
    for on in [true, false] {
        let before = proxy.settled().await;
        proxy.edit(|spec| spec.modules.templates = on.then(Default::default)).await;
        let (edited, mut replaced) = (Instant::now(), None);
        wait(LONG, "Foreman knows what has changed", async || {
            if replaced.is_none() && !proxy.pods().await.gone_or_restarted_since(&before).is_empty() {
                replaced = Some(edited.elapsed());
            }
            let known = features(&proxy.known(&admin).await.ok_or("Foreman does not know it")?);
            if known.iter().any(|name| name == "Templates") == on { Ok(()) } else { Err(known.join(", ")) }
        })
        .await;
        println!(
            "templates {on}: the old pod went {replaced:.1?} after the edit, Foreman knew after {:.1?}",
            edited.elapsed()
        );
        // Whoever waits for Ready may rely on Foreman.
        proxy.ready().await;
    }
    proxy.delete().await;
}

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

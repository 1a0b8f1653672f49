//! Certificates are renewed while somebody uses the proxy.

use std::time::Duration;

use e2e::{
    ProxyStory, Story, Traffic,
    certificates::{Authority, Wanted},
};
use reqwest::{ClientBuilder, Identity};

#[tokio::test]
async fn a_renewal_under_load_costs_nothing_where_two_pods_may_overlap() {
    let (foreman, proxy) = ProxyStory::shared("renewed").await;
    // A volume can have two pods on one node.
    proxy.with("{templates: {}, tftp: {serverName: 192.0.2.10}}", "").await;
    let silence = renewed(&foreman, &proxy).await;
    assert!(silence < Duration::from_secs(2), "{silence:?}");
    proxy.delete().await;
}

/// One that keeps jobs: the old pod has ended before the new one starts, which the process itself takes two seconds for.
#[tokio::test]
async fn a_renewal_under_load_costs_the_change_of_one_pod_where_they_may_not() {
    let (foreman, proxy) = ProxyStory::shared("alone").await;
    proxy.with("{remoteExecution: {mode: Pull}}", "").await;
    let silence = renewed(&foreman, &proxy).await;
    assert!(silence < Duration::from_secs(15), "{silence:?}");
    proxy.delete().await;
}

/// Has the server's certificate issued anew while some ask all the while; gives the longest time without an answer.
async fn renewed(foreman: &Story, proxy: &ProxyStory) -> Duration {
    let admin = foreman.admin().await;
    proxy.ready().await;
    let id = proxy.known(&admin).await.expect("Foreman knows it")["id"].clone();
    let (authority, host) = (Authority::of(foreman).await, proxy.registered_name());
    let (certificate, key) = authority.issue(&Wanted::of("foreman.example.com"));
    let stranger = Identity::from_pem((certificate + &key).as_bytes()).expect("a certificate with its key");
    let identity = foreman.identity().await;
    // Whoever begins a connection while the network of the old pod goes away asks a dead address for up to a minute, unless he gives up and
    // begins another.
    let hurried = |builder: ClientBuilder| builder.connect_timeout(Duration::from_secs(1));
    let everybody = proxy.visitor_of("", 8443, hurried).await;
    let as_foreman = proxy.visitor_of("", 8443, |builder| hurried(builder).identity(identity)).await;
    let as_other = proxy.visitor_of("", 8443, |builder| builder.identity(stranger)).await;
    // A certificate of the same authority is not enough: it is the common name that counts.
    assert_eq!(as_other.get("/v2/features").await.0, 403);
    assert_eq!(everybody.get("/v2/features").await.0, 403);

    let traffic = Traffic::default().reads(everybody, "/version").reads(as_foreman, "/v2/features");
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.reissued("server-tls").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let silence = traffic.end().await.iter().map(|record| record.silence).max().unwrap_or_default();
    // Foreman still reaches it, and it is still the same to Foreman.
    let known = admin.json(&format!("/api/v2/smart_proxies/{id}?include_status=true")).await;
    assert_eq!((known["status"].as_str(), known["name"].as_str()), (Some("ok"), Some(host.as_str())));
    silence
}

//! A content proxy with a real Pulp, whose plugin `smart_proxy` answers Foreman, and a Foreman with Katello.

use std::net::SocketAddr;

use e2e::{
    LONG, ProxyStory, PulpStory, Story, Visitor,
    certificates::{Authority, Wanted},
    cluster::image,
    content::{arrive, file},
    smart_proxy::features,
    wait,
};
use k8s_openapi::api::core::v1::Service;
use reqwest::{Identity, Method, StatusCode};
use serde_json::json;

/// One that would have a Pulp of its own: the only one there is it would take for that.
const FOREMAN: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata: {name: myforeman}
spec: {plugins: {katello: true}, katello: {pulp: {name: katellos}}}
";

#[tokio::test]
async fn hosts_fetch_from_a_real_pulp_by_the_proxys_routes_what_foreman_has_put_there() {
    let foreman = Story::new("mirror").await;
    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    let (pulp, proxy) = (PulpStory::of(&foreman, "mirrored").await, ProxyStory::of(&foreman, "mirror").await);
    let (host, url) = (proxy.registered_name(), format!("https://{}", proxy.registered_name()));
    // As the manual has it.
    let settings = json!({ "SMART_PROXY_PULP_URL": url, "SMART_PROXY_RHSM_URL": format!("{url}/rhsm"), "SMART_PROXY_MIRROR": true });
    pulp.create(&format!(
        "{{apiVersion: app.theforeman.org/v1alpha1, kind: Pulp, metadata: {{name: mirrored}}, spec: {{
            ingress: {{type: None}}, images: {{pulp: '{}'}}, plugins: [pulp_smart_proxy], settings: {settings},
            api: {{processes: 1}}, content: {{processes: 1}}, worker: {{replicas: 1}}, storage: {{file: {{size: 1Gi}}}}}}}}",
        image("pulp-smart-proxy")
    ))
    .await
    .expect("the API server takes the manifest");
    proxy.with("{templates: {}}", ", content: {pulp: {name: mirrored}}").await;
    foreman.ready().await;
    proxy.ready().await;
    // It has learnt from the proxy by which URL its clients come.
    pulp.ready().await;
    pulp.settled().await;

    let admin = foreman.admin().await;
    let known = admin.json(&format!("/api/v2/smart_proxies/{host}-pulp")).await;
    assert_eq!(features(&known), ["Pulpcore"]);
    assert_eq!(known["url"], format!("{url}/pulp/api/v3/smart_proxy"));
    let abilities = &known["features"][0]["capabilities"];
    assert!(abilities.as_array().is_some_and(|all| all.contains(&"file".into())), "{known}");

    // Katello fills it with nothing but Foreman's certificate.
    let identity = foreman.identity().await;
    let as_foreman = proxy.visitor_of("", 443, |builder| builder.identity(identity)).await;
    let artifacts = file(&as_foreman).await;
    assert!(artifacts[0].path.starts_with(&format!("{url}/pulp/content/")), "{artifacts:?}");
    let anybody = proxy.visitor_of("", 443, |builder| builder).await;
    arrive(&anybody, &artifacts).await;
    let body = json!({ "name": "nobody's" });
    let refused =
        anybody.request(Method::POST, "/pulp/api/v3/repositories/file/file/").json(&body).send().await;
    let refused = refused.expect("an answer").status();
    assert!([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&refused), "{refused}");

    // Pulp's own guard reads in the header what certificate a host has shown to the proxy.
    let authority = Authority::of(&foreman).await;
    let guard = json!({ "name": "hosts", "ca_certificate": authority.certificate });
    let guard = as_foreman.make("/pulp/api/v3/contentguards/certguard/x509/", &guard).await;
    let distributions = as_foreman.json("/pulp/api/v3/distributions/file/file/").await;
    let distribution = distributions["results"][0]["pulp_href"].as_str().expect("a distribution");
    as_foreman.change(Method::PATCH, distribution, &json!({ "content_guard": guard })).await;
    let path = artifacts[0].path.clone();
    wait(LONG, "the content is guarded", async || match anybody.try_get(&path).await?.0 {
        StatusCode::FORBIDDEN => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    let (certificate, key) = authority.issue(&Wanted::of("host.example.com"));
    let claim = certificate.replace('\n', "%0A");
    let identity = Identity::from_pem((certificate + &key).as_bytes()).expect("a certificate with its key");
    let as_host = proxy.visitor_of("", 443, |builder| builder.identity(identity)).await;
    arrive(&as_host, &artifacts).await;
    // Whoever reached the Pulp itself could claim to be a host; through the proxy nobody can.
    let service: Service = pulp.api().get("mirrored-content").await.expect("the Service");
    let address = service.spec.and_then(|spec| spec.cluster_ip).expect("an address").parse().expect("one");
    let inside = Visitor::plain(&pulp.host("mirrored-content"), SocketAddr::new(address, 24816));
    let inner = path.strip_prefix(&url).expect("a URL of the proxy");
    for (who, path, wanted) in [(&inside, inner, StatusCode::OK), (&anybody, &path, StatusCode::FORBIDDEN)] {
        let answer = who.request(Method::GET, path).header("X-CLIENT-CERT", &claim).send().await;
        assert_eq!(answer.expect("an answer").status(), wanted, "{path}");
    }

    proxy.delete().await;
    let found = admin.json(&format!("/api/v2/smart_proxies?search=name=\"{host}-pulp\"")).await;
    assert_eq!(found["results"], json!([]), "Foreman knows neither of the two");
    assert!(proxy.known(&admin).await.is_none());
}

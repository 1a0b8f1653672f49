//! A content proxy: a proxy and a Pulp under one host name. The Pulp here only shows what reaches it; a real one is in `mirror`.

use e2e::{
    LONG, ProxyStory, Visitor,
    certificates::{Authority, Wanted},
    cluster::image,
    wait,
};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use reqwest::{Identity, Method};
use serde_json::json;

/// The header in which the Pulp is told who the user is.
const HEADER: &str = "X-Drawn-1234";

/// Answers as the plugin `smart_proxy` does, and to all else with what it was asked.
const NGINX: &str = r#"
pid /tmp/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  large_client_header_buffers 4 32k;
  server {
    listen 8080;
    default_type text/plain;
    location = /pulp/api/v3/smart_proxy/v2/features {
      if ($http_x_drawn_1234 != "admin") { return 403; }
      return 200 '{"pulpcore": {"state": "running", "capabilities": [], "settings": {}}, "logs": {"state": "running", "capabilities": [], "settings": {}}}';
    }
    location / { return 200 "$request_uri host=$host user=$http_x_drawn_1234 certificate=$http_x_client_cert\n"; }
  }
}"#;

/// A Pulp of another operator's, as its status says where it is reached; nobody runs it.
async fn pulp(proxy: &ProxyStory) {
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "shows" }, "data": { "nginx.conf": NGINX } });
    proxy.apply::<ConfigMap>("shows", &map).await;
    let nginx = json!({ "image": image("nginx"), "command": ["nginx", "-c", "/conf/nginx.conf", "-g", "daemon off;"],
        "readinessProbe": { "tcpSocket": { "port": 8080 }, "periodSeconds": 1 } });
    let volumes =
        [("/tmp", json!({ "emptyDir": {} })), ("/conf", json!({ "configMap": { "name": "shows" } }))];
    proxy.bystander("shows", 101, 8080, nginx, &volumes).await;
    proxy.keeps("shown-user", &[("header", HEADER)]).await;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("app.theforeman.org", "v1alpha1", "Pulp"));
    let api: Api<DynamicObject> = Api::namespaced_with(proxy.client.clone(), &proxy.namespace, &resource);
    let at = format!("http://{}:8080", proxy.host("shows"));
    let mut body = json!({ "apiVersion": "app.theforeman.org/v1alpha1", "kind": "Pulp", "metadata": { "name": "shown" }, "spec": { "paused": true, "storage": { "file": { "size": "1Gi" } } } });
    let manager = PatchParams::apply("e2e").force();
    api.patch("shown", &manager, &Patch::Apply(&body)).await.expect("a Pulp");
    body["status"] = json!({ "endpoints": [
        { "name": "api", "url": at, "remoteUserSecret": "shown-user" }, { "name": "content", "url": at }] });
    api.patch_status("shown", &manager, &Patch::Apply(&body)).await.expect("its status");
}

#[tokio::test]
async fn a_proxy_and_a_pulp_under_one_host_name_are_two_to_foreman() {
    let (foreman, proxy) = ProxyStory::shared("content").await;
    let admin = foreman.admin().await;
    proxy.with("{}", ", content: {pulp: {name: shown}}").await;
    proxy.told("PulpMissing", &["spec.content.pulp: there is no Pulp \"shown\""]).await;
    pulp(&proxy).await;
    proxy.ready().await;
    let host = proxy.registered_name();
    for (name, url) in [
        (host.clone(), format!("https://{host}:8443")),
        (format!("{host}-pulp"), format!("https://{host}/pulp/api/v3/smart_proxy")),
    ] {
        assert_eq!(admin.json(&format!("/api/v2/smart_proxies/{name}")).await["url"], url);
    }

    let identity = foreman.identity().await;
    let (certificate, key) = Authority::of(&foreman).await.issue(&Wanted::of("host.example.com"));
    let of_host = Identity::from_pem((certificate + &key).as_bytes()).expect("a certificate with its key");
    let anybody = proxy.visitor_of("", 443, |builder| builder).await;
    let as_host = proxy.visitor_of("", 443, |builder| builder.identity(of_host)).await;
    let as_foreman = proxy.visitor_of("", 443, |builder| builder.identity(identity)).await;
    let shown = async |who: &Visitor, path: &str| {
        // What somebody claims to be is dropped.
        let request = who.request(Method::GET, path).header(HEADER, "admin").header("X-CLIENT-CERT", "mine");
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text").trim_end().to_owned())
    };
    // Foreman is the Pulp's administrator, on its API alone; others are nobody in particular.
    let (code, text) = shown(&as_foreman, "/pulp/api/v3/status/").await;
    assert_eq!(code, 200);
    assert!(text.starts_with(&format!("/pulp/api/v3/status/ host={host} user=admin certificate=")), "{text}");
    assert!(shown(&as_host, "/pulp/api/v3/status/").await.1.contains("user= "));
    assert!(shown(&anybody, "/pulp/api/v3/status/").await.1.contains("user= "));
    assert_eq!(shown(&anybody, "/pulp/api/v3/smart_proxy/v2/features").await.0, 403);
    assert!(
        shown(&as_foreman, "/pulp/content/a")
            .await
            .1
            .starts_with(&format!("/pulp/content/a host={host} user= "))
    );
    // Guards of content see the host's own certificate, and nobody else's.
    assert!(shown(&as_host, "/pulp/content/a").await.1.contains("BEGIN CERTIFICATE"));
    assert!(!shown(&anybody, "/pulp/isos/a").await.1.contains("mine"));
    assert!(shown(&anybody, "/pulp/isos/a").await.1.starts_with("/pulp/content/a "));
    // What is Foreman's comes from Foreman, to which the proxy shows its own certificate; a small one knows nothing of subscriptions.
    let answer = as_host.request(Method::GET, "/rhsm/status").send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
    assert!(answer.headers().contains_key("x-request-id"), "{:?}", answer.headers());
    assert_eq!(anybody.get("/somewhere").await.0, 404);
    let (code, authority) = anybody.get("/pub/katello-server-ca.crt").await;
    assert!(code == 200 && authority.contains("BEGIN CERTIFICATE"), "{authority}");
    let front: ConfigMap = proxy.api().get("shown-front").await.expect("the Pulp is told where it is");
    assert_eq!(front.data.expect("a URL")["url"], format!("https://{host}"));

    // Without content one of them goes, and the other stays.
    let id = proxy.known(&admin).await.expect("Foreman knows it")["id"].clone();
    proxy.edit(|spec| spec.content = None).await;
    wait(LONG, "Foreman knows of one only", async || {
        let found = admin.try_get(&format!("/api/v2/smart_proxies/{host}-pulp")).await?;
        if found.0 == 404 { Ok(()) } else { Err(found.1) }
    })
    .await;
    proxy.ready().await;
    assert_eq!(proxy.known(&admin).await.expect("Foreman knows it")["id"], id);
    let service: Service = proxy.api().get("content").await.expect("the Service");
    assert_eq!(service.spec.and_then(|spec| spec.ports).map(|ports| ports.len()), Some(1));
    proxy.delete().await;
}

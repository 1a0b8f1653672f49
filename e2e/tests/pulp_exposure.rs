//! From one way in to another: whichever it is, what was uploaded there arrives there, and until the new one is taken the old one stays.

use std::net::{IpAddr, SocketAddr};

use e2e::{
    LONG, PulpStory, SHORT, Visitor,
    bystander::certificates,
    cluster::command,
    content::{arrive, file},
    pulp::light,
    wait,
};
use k8s_openapi::api::{
    core::v1::{Node, Secret, Service},
    networking::v1::Ingress,
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use pulp_operator::crd::{self, IngressType};
use reconcile::Managed;
use reqwest::StatusCode;
use serde_json::json;

const HOST: &str = "pulp.example.com";
const PORT: u16 = 31443;

fn gateway_api(pulp: &PulpStory, kind: &str) -> Api<DynamicObject> {
    let api = ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", kind));
    Api::namespaced_with(pulp.client.clone(), &pulp.namespace, &api)
}

async fn expose(pulp: &PulpStory, change: impl Fn(&mut crd::Ingress)) {
    pulp.edit(|spec| change(&mut spec.ingress)).await;
}

/// Everything that clients do works there, and the status says where that is.
async fn served(pulp: &PulpStory, visitor: &Visitor, port: &str) {
    wait(SHORT, "whoever hands it on has heard of it", async || {
        let (status, text) = visitor.try_get("/pulp/api/v3/status/").await?;
        if status == StatusCode::OK { Ok(()) } else { Err(format!("{status}: {text}")) }
    })
    .await;
    let admin = visitor.clone().with_password(&pulp.secret("admin-password", "password").await);
    let files = file(&admin).await;
    for made in &files {
        assert!(made.path.starts_with(&format!("https://{HOST}{port}/pulp/content/")), "{files:?}");
    }
    arrive(visitor, &files).await;
    let status = pulp.now().await.expect("it is there").status().cloned().unwrap_or_default();
    let url = status.endpoints.iter().find(|endpoint| endpoint.name == "web").map(|it| it.url.clone());
    assert_eq!(url, Some(format!("https://{HOST}{port}")));
}

#[tokio::test]
async fn each_way_in_is_served_and_the_old_one_stays_until_the_new_one_is_taken() {
    command("traefik", &[]).await;
    let pulp = PulpStory::new("exposure").await;
    let (authority, certificate, key) = certificates(&[HOST.to_owned()]);
    let tls = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tls" }, "type": "kubernetes.io/tls",
        "stringData": { "tls.crt": certificate, "tls.key": key } });
    pulp.apply::<Secret>("tls", &tls).await;
    let controller: Api<Service> = Api::namespaced(pulp.client.clone(), "traefik");
    let controller = controller.get("traefik").await.expect("Traefik").spec.and_then(|spec| spec.cluster_ip);
    let controller: IpAddr = controller.unwrap_or_default().parse().expect("an address");
    let visitor = Visitor::trusting(&authority, HOST, SocketAddr::new(controller, 8443), 443);

    let ingress = format!("{{type: Ingress, host: {HOST}, className: traefik, tls: {{secretName: tls}}}}");
    pulp.state(&light(&format!("storage: {{file: {{size: 1Gi}}}}, ingress: {ingress}"))).await;
    pulp.ready().await;
    let said = pulp.condition(SHORT, "Addressed", "True", "Address").await;
    assert!(said.contains("traefik.example.com"), "{said}");
    served(&pulp, &visitor, "").await;

    // A Gateway that is not there yet: told, and the Ingress goes on serving.
    expose(&pulp, |ingress| {
        ingress.type_ = IngressType::Gateway;
        ingress.class_name = None;
        ingress.gateway = Some(crd::Gateway { name: "gate".into(), ..Default::default() });
    })
    .await;
    pulp.told("Exposure", &["HTTPRoute mypulp"]).await;
    served(&pulp, &visitor, "").await;
    let gate = json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": { "name": "gate" },
        "spec": { "gatewayClassName": "traefik", "listeners": [{ "name": "https", "port": 8443, "protocol": "HTTPS", "hostname": HOST,
            "tls": { "certificateRefs": [{ "name": "tls" }] } }] } });
    let patch = Patch::Apply(&gate);
    let made = gateway_api(&pulp, "Gateway").patch("gate", &PatchParams::apply("e2e").force(), &patch).await;
    made.expect("a Gateway");
    pulp.ready().await;
    wait(LONG, "the Ingress is gone", async || {
        let left = pulp.api::<Ingress>().get_opt("mypulp").await.map_err(|error| error.to_string())?;
        left.map_or(Ok(()), |_| Err("it is still there".into()))
    })
    .await;
    served(&pulp, &visitor, "").await;

    // Straight to the nodes, where a web server of ours has the certificate.
    expose(&pulp, |ingress| {
        ingress.type_ = IngressType::NodePort;
        ingress.gateway = None;
        ingress.node_port = Some(PORT.into());
    })
    .await;
    pulp.ready().await;
    assert!(gateway_api(&pulp, "HTTPRoute").get_opt("mypulp").await.expect("an answer").is_none());
    let nodes: Api<Node> = Api::all(pulp.client.clone());
    let node = nodes.list(&Default::default()).await.expect("nodes").items.into_iter();
    let addresses = node.filter_map(|node| node.status?.addresses).flatten();
    let node = addresses.into_iter().find(|at| at.type_ == "InternalIP").expect("an address").address;
    let node: IpAddr = node.parse().expect("an address");
    let visitor = Visitor::trusting(&authority, HOST, SocketAddr::new(node, PORT), PORT);
    served(&pulp, &visitor, &format!(":{PORT}")).await;
    command("traefik", &["remove"]).await;
}

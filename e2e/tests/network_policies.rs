//! Policies of the network under a firewall that enforces them: those of the operators themselves, a Smart Proxy's, and that of a namespace for drills.

use e2e::{
    LONG, ProxyStory, PulpStory, SHORT,
    backup::{condition, delete, ended, scratch, state, storage},
    cluster::image,
    content::file,
    pulp::light,
    store::{Kind, Store},
    story::{Life, Served},
    wait,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::Api;
use serde_json::json;

const REACHES: &str = "
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print('reached')
except OSError as error:
    print(type(error).__name__, error)
";
const LISTENS: &str = "
import socket
door = socket.create_server(('', 7070))
while True:
    door.accept()[0].close()
";

/// A pod that looks around and can be looked at.
async fn someone<K: Served>(story: &Life<K>) {
    let container = json!({ "image": image("pulp"), "command": ["python3", "-c", LISTENS],
        "resources": { "requests": { "cpu": "10m", "memory": "32Mi" } }, "readinessProbe": { "tcpSocket": { "port": 7070 } } });
    story.bystander("someone", 700, 7070, container, &[]).await;
}

/// Waits until a pod reaches that, or does not: the firewall learns of pods and policies a moment after the API server.
async fn reaches<K: Served>(story: &Life<K>, pod: &str, (host, port): (&str, u16), wanted: bool) {
    let words = if wanted { "reaches" } else { "does not reach" };
    wait(SHORT, &format!("{}/{pod} {words} {host}:{port}", story.namespace), async || {
        let said = story.exec(pod, &["python3", "-c", REACHES, host, &port.to_string()]).await;
        if said.trim().starts_with("reached") == wanted { Ok(()) } else { Err(said) }
    })
    .await;
}

/// What this story shows counts only where the operators are closed.
async fn closed(story: &ProxyStory) {
    for operator in ["foreman-operator", "pulp-operator", "smart-proxy-operator", "backup-operator"] {
        let policies: Api<NetworkPolicy> = Api::namespaced(story.client.clone(), operator);
        policies.get(operator).await.expect("the operator is installed with networkPolicy.enabled");
    }
}

#[tokio::test]
async fn whoever_is_not_named_reaches_no_proxy_and_it_is_registered_all_the_same() {
    let (foreman, proxy) = ProxyStory::shared("closed").await;
    closed(&proxy).await;
    let stranger = PulpStory::new("stranger").await;
    someone(&stranger).await;
    someone(&foreman).await;
    let from = ", networkPolicy: {httpsFrom: [{podSelector: {}}, {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: smart-proxy-operator}}}]}";
    proxy.with("{bmc: {}, templates: {}}", from).await;
    proxy.ready().await;
    let id = proxy.known(&foreman.admin().await).await.expect("Foreman knows it")["id"].clone();
    let known = foreman.admin().await.json(&format!("/api/v2/smart_proxies/{id}?include_status=true")).await;
    assert_eq!(known["status"], "ok", "Foreman reaches it: {known}");
    let host = proxy.host("closed");
    reaches(&foreman, "someone", (&host, 8443), true).await;
    reaches(&stranger, "someone", (&host, 8443), false).await;
    // Machines that boot ask by plain HTTP, from anywhere.
    reaches(&stranger, "someone", (&host, 8000), true).await;
    proxy.edit(|spec| spec.network_policy = None).await;
    reaches(&stranger, "someone", (&host, 8443), true).await;
    proxy.delete().await;
}

#[tokio::test]
async fn what_a_drill_restores_reaches_nobody_outside_and_is_proven_all_the_same() {
    let bank = PulpStory::new("bank").await;
    let store = Store::start(&bank, Kind::S3).await;
    let (client, name) = (bank.client.clone(), bank.namespace.clone());
    storage(&store, &client, &name).await;
    let pulp = PulpStory::new("real").await;
    pulp.grant_backups().await;
    pulp.state(&light("storage: {file: {size: 1Gi}}")).await;
    pulp.serves().await;
    file(&pulp.admin().await).await;
    let instances = json!({ "names": [pulp.reference()] });
    state(&client, "Backup", &name, json!({ "storage": { "name": name }, "instances": instances })).await;
    ended(&client, "Backup", &name, "Completed").await;

    let scratch = scratch().await;
    someone(&scratch).await;
    someone(&pulp).await;
    let (real, bucket, gateway) =
        (pulp.host("mypulp"), bank.host("s3"), "backup-operator.backup-operator.svc");
    for place in [(real.as_str(), 443), (&bucket, 7070)] {
        reaches(&pulp, "someone", place, true).await;
        reaches(&scratch, "someone", place, false).await;
    }
    reaches(&scratch, "someone", (gateway, 8443), true).await;
    reaches(&scratch, "someone", (&scratch.host("someone"), 7070), true).await;

    let mapping = json!({ "namespaces": { pulp.namespace.clone(): scratch.namespace } });
    let spec = json!({ "storage": { "name": name }, "mapping": mapping });
    state(&client, "RestoreDrill", &name, spec).await;
    let status = condition(&client, "RestoreDrill", &name, "Proven", "True", LONG).await;
    println!("proven behind the policy: ready after {} s", status["last"]["seconds"]);
    for (kind, name) in [("RestoreDrill", &name), ("Backup", &name), ("BackupStorage", &name)] {
        delete(&client, kind, name).await;
    }
}

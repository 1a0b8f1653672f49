//! A node is lost as by a power loss: its processes end at one instant, its network is gone, and nobody tells Kubernetes.

use std::time::Instant;

use e2e::{
    PulpStory, Traffic,
    cluster::command,
    content::{arrive, file},
    node::{NODE, Second},
    pulp::{ALERT, light},
};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use reqwest::Method;
use serde_json::json;

/// The node takes only what tolerates this: nobody else's pods shall be lost with it.
const TAINT: &str = "e2e.theforeman.org/lost";

/// A Pulp of which these parts go to the second node as long as there is one, with further fields.
async fn placed(pulp: &PulpStory, parts: &[&str], fields: &str) {
    let there = json!({ "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": [NODE] }] });
    let wish = json!({ "weight": 100, "preference": there });
    let template = json!({
        "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [wish] } },
        "tolerations": [{ "key": TAINT, "operator": "Exists" }],
    });
    let mut spec: serde_json::Value =
        serde_yaml_ng::from_str(&light(&format!("storage: {{file: {{size: 1Gi}}}}, {fields}")))
            .expect("YAML");
    for part in parts {
        let part = if *part == "database" { &mut spec["database"]["embedded"] } else { &mut spec[*part] };
        part["template"] = template.clone();
    }
    pulp.state(&spec.to_string()).await;
}

/// Parts of which a pod is on the second node.
async fn there(pulp: &PulpStory) -> Vec<String> {
    let pods: Api<Pod> = pulp.api();
    let mut parts = vec![];
    for pod in pulp.settled().await.0 {
        let spec = pods.get(&pod.name).await.expect("the pod").spec.unwrap_or_default();
        if spec.node_name.as_deref() == Some(NODE) {
            parts.push(pod.component);
        }
    }
    parts.sort();
    parts
}

/// Says what a cloud's own controller says when a machine is off, and what people say where there is no cloud.
async fn off(pulp: &PulpStory) {
    let nodes: Api<Node> = Api::all(pulp.client.clone());
    let taint =
        json!({ "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute" });
    let mut node = nodes.get(NODE).await.expect("the node");
    let taints = node.spec.get_or_insert_default().taints.get_or_insert_default();
    taints.push(serde_json::from_value(taint).expect("a taint"));
    let patch = json!({ "spec": { "taints": taints } });
    nodes.patch(NODE, &PatchParams::default(), &Patch::Merge(patch)).await.expect("it is off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_lost_and_all_that_was_on_it_comes_up_on_another() {
    const SERVES: [&str; 5] = ["api", "cache", "content", "web", "worker"];
    let _node = Second::add(Some(TAINT)).await;
    let one = PulpStory::new("node").await;
    let two = one.beside("other");
    placed(&one, &SERVES, ALERT).await;
    placed(&two, &[SERVES.as_slice(), &["database"]].concat(), ALERT).await;
    one.ready().await;
    two.ready().await;
    assert_eq!(there(&one).await, SERVES);
    assert_eq!(there(&two).await, ["api", "cache", "content", "database", "web", "worker"]);
    let (before, others) = (one.settled().await, two.settled().await);
    let (admin, kept) = (one.admin().await, file(&two.admin().await).await);
    let files = file(&admin).await;
    let repositories = "/pulp/api/v3/repositories/file/file/";
    let [first, second] = ["first", "second"].map(|name| json!({ "name": name }));
    let first = admin.make(repositories, &first).await;
    let second = admin.make(repositories, &second).await;
    let unit =
        admin.json("/pulp/api/v3/content/file/files/?limit=1").await["results"][0]["pulp_href"].clone();
    let change = json!({ "add_content_units": [unit] });

    let traffic = Traffic::default().downloads(one.visitor().await, &files[0]);
    // The only worker is at one task, and another one waits.
    let (lost, waits) = one
        .held("core_repositoryversion", async {
            let lost = admin.order(Method::POST, &format!("{first}modify/"), &change).await;
            one.at_work(1).await;
            let waits = admin.order(Method::POST, &format!("{second}modify/"), &change).await;
            command("cluster/node-kill", &[NODE]).await;
            (lost, waits)
        })
        .await;
    let start = Instant::now();
    one.whole(1).await;
    println!("all but the database was on the node: whole again {:.0?} after its loss", start.elapsed());
    assert_eq!(one.pods().await.of("database"), before.of("database"), "on the other node, and not touched");
    assert_eq!(admin.ended(&lost).await["state"], "failed");
    assert_eq!(admin.ended(&waits).await["state"], "completed");
    admin.change(Method::POST, &format!("{first}modify/"), &change).await;
    arrive(&one.visitor().await, &files).await;
    for record in traffic.end().await {
        assert!(record.answers > 20, "{record}");
    }

    // A database is not started twice on one volume: only somebody who knows can tell a node that is off from one that is cut off.
    two.told("Database", &["other-database-0: its node node2 does not answer", "kubectl taint node node2"])
        .await;
    off(&two).await;
    // Its parts are started anew less and less often while their database is away, for as long as the first Pulp took.
    two.recovers(&others, 8).await;
    arrive(&two.visitor().await, &kept).await;
    one.recovers(&before, 2).await;
    assert_eq!([there(&one).await, there(&two).await], [[""; 0]; 2]);
}

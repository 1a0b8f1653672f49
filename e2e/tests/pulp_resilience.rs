//! What a Pulp lives on goes away and comes back, and nobody helps.

use std::time::Duration;

use e2e::{
    LONG, Operator, PulpStory, SHORT, Traffic, cluster, content,
    processes::{Standstill, processes, signal},
    pulp, wait,
};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};
use pulp_operator::Pulp;
use reqwest::Method;
use serde_json::json;

/// How long it is away.
const AWAY: Duration = Duration::from_mins(1);
/// How much longer nobody may be served: Pulp's processes end without their database and are started anew, on few cores.
const RETURN: Duration = Duration::from_mins(5);

/// The Pulp of all these stories.
async fn shared() -> PulpStory {
    let spec = pulp::light(&format!("storage: {{file: {{size: 1Gi}}}}, {}", pulp::ALERT));
    let spec = spec.replace("worker: {replicas: 1}", "worker: {replicas: 2}");
    PulpStory::shared_as(&e2e::PULP.replace("{storage: {file: {size: 2Gi}}}", &spec)).await
}

/// Lets a pod die at once, and none take its place for a while: there is no node for it.
async fn away(pulp: &PulpStory, part: &str, time: Duration) {
    let (pods, nodes): (Api<Pod>, Api<Node>) = (pulp.api(), Api::all(pulp.client.clone()));
    let nodes_now = nodes.list(&ListParams::default()).await.expect("the nodes");
    for node in &nodes_now {
        nodes.cordon(&node.name_any()).await.expect("the node takes no more pods");
    }
    for pod in pulp.pods().await.of(part) {
        signal("KILL", &processes(&pod.uid, "")).await;
        pods.delete(&pod.name, &DeleteParams::default().grace_period(0)).await.expect("the pod is gone");
    }
    tokio::time::sleep(time).await;
    for node in &nodes_now {
        nodes.uncordon(&node.name_any()).await.expect("the node takes pods again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_away_for_a_minute() {
    let pulp = shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    away(&pulp, "database", AWAY).await;
    pulp.recovers(&before, 6).await;
    content::arrive(&pulp.visitor().await, &files).await;
    for record in traffic.end().await {
        assert!(record.silence < AWAY + RETURN, "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_hangs_for_a_minute() {
    let pulp = shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    let database = processes(&before.of("database")[0].uid, "postgres");
    assert!(!database.is_empty());
    let hangs = Standstill::of(database).await;
    tokio::time::sleep(AWAY).await;
    drop(hangs);
    pulp.recovers(&before, 6).await;
    for record in traffic.end().await {
        assert!(record.silence < AWAY + RETURN, "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_cache_downloads_go_on() {
    let pulp = shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    away(&pulp, "cache", AWAY / 2).await;
    pulp.recovers(&before, 1).await;
    for record in traffic.end().await {
        // Less than it was away: it was done without.
        assert!(record.silence < AWAY / 2, "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_worker_is_killed_is_told_to_have_failed_and_the_next_one_runs() {
    let pulp = shared().await;
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let name = format!("killed-{}", pulp.psql("pulp", "SELECT count(*) FROM core_repository").await);
    let repository = admin.make("/pulp/api/v3/repositories/file/file/", &json!({ "name": name })).await;
    let file = content::file(&admin).await;
    let unit =
        admin.json("/pulp/api/v3/content/file/files/?limit=1").await["results"][0]["pulp_href"].clone();
    let (path, change) = (format!("{repository}modify/"), json!({ "add_content_units": [unit] }));
    pulp.held("core_repositoryversion", async {
        let lost = admin.order(Method::POST, &path, &change).await;
        pulp.at_work(1).await;
        // The one that is at work has a child, which does it.
        let busy = wait(LONG, "a worker with a task", async || {
            let workers = before.of("worker").into_iter().map(|pod| processes(&pod.uid, "pulpcore-worker"));
            let busy = workers.max_by_key(Vec::len).unwrap_or_default();
            if busy.len() > 1 { Ok(busy) } else { Err(format!("{busy:?}")) }
        })
        .await;
        signal("KILL", &busy).await;
        assert_eq!(admin.ended(&lost).await["state"], "failed");
    })
    .await;
    admin.change(Method::POST, &path, &change).await;
    pulp.recovers(&before, 1).await;
    content::arrive(&pulp.visitor().await, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_api_server_of_the_cluster_nobody_misses_anything() {
    let pulp = shared().await;
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let files = content::file(&admin).await;
    let visitor = pulp.visitor().await;
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    let hangs = Standstill::of(vec![cluster::process("apiserver")]).await;
    let made = content::file(&admin).await;
    content::arrive(&visitor, &made).await;
    tokio::time::sleep(AWAY).await;
    drop(hangs);
    pulp.recovers(&before, 0).await;
    for record in traffic.end().await {
        assert!(record.failures.is_empty(), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_operator_nobody_misses_anything() {
    let (pulp, operator) = (shared().await, Operator::of::<Pulp>().await);
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    for _ in 0..3 {
        let leader = operator.leader().await;
        operator.kill_process(&leader).await;
        operator.leads_again(SHORT, &leader).await;
    }
    pulp.edit(|spec| spec.web.replicas = 2).await;
    pulp.ready().await;
    pulp.edit(|spec| spec.web.replicas = 1).await;
    pulp.recovers(&before, 0).await;
    for record in traffic.end().await {
        assert!(record.failures.is_empty(), "{record}");
    }
}

//! What a Pulp lives on goes away and comes back, and nobody helps.

use std::time::{Duration, Instant};

use e2e::{
    LONG, Operator, PulpStory, SHORT, Traffic, cluster, content,
    pods::Pods,
    processes::{processes, signal},
    wait,
};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};
use pulp_operator::Pulp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// How long it is away.
const AWAY: Duration = Duration::from_mins(1);

/// Lets a pod die at once, and none take its place for a while: there is no node for it.
async fn away(pulp: &PulpStory, part: &str) {
    let (pods, nodes): (Api<Pod>, Api<Node>) = (pulp.api(), Api::all(pulp.client.clone()));
    let nodes_now = nodes.list(&ListParams::default()).await.expect("the nodes");
    for node in &nodes_now {
        nodes.cordon(&node.name_any()).await.expect("the node takes no more pods");
    }
    for pod in pulp.pods().await.of(part) {
        signal("KILL", &processes(&pod.uid, "")).await;
        pods.delete(&pod.name, &DeleteParams::default().grace_period(0)).await.expect("the pod is gone");
    }
    tokio::time::sleep(AWAY).await;
    for node in &nodes_now {
        nodes.uncordon(&node.name_any()).await.expect("the node takes pods again");
    }
}

/// Waits until all is as before, says how long that took and how often containers were started anew, which must not be more often
/// than `most`, and lets Pulp work.
async fn recovered(pulp: &PulpStory, before: &Pods, most: i32) {
    let start = Instant::now();
    let visitor = pulp.visitor().await;
    let workers = before.of("worker").len();
    wait(LONG, "Pulp has all it needs", async || {
        let (status, text) = visitor.try_get("/pulp/api/v3/status/").await?;
        let told: Value = serde_json::from_str(&text).map_err(|_| format!("{status}: {text}"))?;
        let online = |what: &str| told[what].as_array().map_or(0, Vec::len);
        let whole = told["database_connection"]["connected"] == true
            && told["redis_connection"]["connected"] == true
            && online("online_workers") >= workers
            && online("online_content_apps") > 0;
        if status == StatusCode::OK && whole { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
    pulp.ready().await;
    let now = pulp.settled().await;
    println!("whole again after {:.0?}", start.elapsed());
    for pod in &now.0 {
        let earlier = before.0.iter().find(|old| old.uid == pod.uid).map_or(0, |old| old.restarts);
        println!("    {}: started anew {} times", pod.name, pod.restarts - earlier);
        assert!(pod.restarts - earlier <= most, "{pod:?}");
    }
    let made = content::file(&pulp.admin().await).await;
    content::arrive(&visitor, &made).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_away_for_a_minute() {
    let pulp = PulpStory::shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    away(&pulp, "database").await;
    recovered(&pulp, &before, 6).await;
    content::arrive(&pulp.visitor().await, &files).await;
    for record in traffic.end().await {
        assert!(record.silence < AWAY + Duration::from_mins(2), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_hangs_for_a_minute() {
    let pulp = PulpStory::shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    let database = processes(&before.of("database")[0].uid, "postgres");
    assert!(!database.is_empty());
    signal("STOP", &database).await;
    tokio::time::sleep(AWAY).await;
    signal("CONT", &database).await;
    recovered(&pulp, &before, 6).await;
    for record in traffic.end().await {
        assert!(record.silence < AWAY + Duration::from_mins(2), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_cache_downloads_go_on() {
    let pulp = PulpStory::shared().await;
    let (files, before) = (content::file(&pulp.admin().await).await, pulp.settled().await);
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    away(&pulp, "cache").await;
    recovered(&pulp, &before, 1).await;
    for record in traffic.end().await {
        assert!(record.silence < Duration::from_secs(20), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_worker_is_killed_is_told_to_have_failed_and_the_next_one_runs() {
    const TABLE: &str = "core_repositoryversion";
    let pulp = PulpStory::shared().await;
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let name = format!("killed-{}", pulp.psql("pulp", "SELECT count(*) FROM core_repository").await);
    let repository = admin.make("/pulp/api/v3/repositories/file/file/", &json!({ "name": name })).await;
    let file = content::file(&admin).await;
    let unit =
        admin.json("/pulp/api/v3/content/file/files/?limit=1").await["results"][0]["pulp_href"].clone();
    let change = json!({ "add_content_units": [unit] });
    let kill = async {
        pulp.held(TABLE).await;
        let request = admin.request(Method::POST, &format!("{repository}modify/")).json(&change);
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        let task = answer["task"].as_str().unwrap_or_else(|| panic!("a task: {answer}")).to_owned();
        pulp.counted("core_task WHERE state = 'running'", "1").await;
        let workers = before.of("worker").into_iter().map(|pod| processes(&pod.uid, "pulpcore-worker"));
        // The one with a task has a child that runs it.
        let busy = workers.max_by_key(Vec::len).expect("a worker");
        assert!(busy.len() > 1, "{busy:?}");
        signal("KILL", &busy).await;
        wait(LONG, "the task has ended", async || {
            let told = admin.json(&task).await;
            if told["state"] == "failed" { Ok(()) } else { Err(told["state"].to_string()) }
        })
        .await;
    };
    tokio::join!(pulp.hold(TABLE, AWAY), kill);
    admin.change(Method::POST, &format!("{repository}modify/"), &change).await;
    recovered(&pulp, &before, 1).await;
    content::arrive(&pulp.visitor().await, &file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_api_server_of_the_cluster_nobody_misses_anything() {
    let pulp = PulpStory::shared().await;
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let files = content::file(&admin).await;
    let visitor = pulp.visitor().await;
    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    let server = [cluster::process("apiserver")];
    signal("STOP", &server).await;
    let made = content::file(&admin).await;
    content::arrive(&visitor, &made).await;
    tokio::time::sleep(AWAY).await;
    signal("CONT", &server).await;
    recovered(&pulp, &before, 0).await;
    for record in traffic.end().await {
        assert!(record.failures.is_empty(), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_operator_nobody_misses_anything() {
    let (pulp, operator) = (PulpStory::shared().await, Operator::of::<Pulp>().await);
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
    recovered(&pulp, &before, 0).await;
    for record in traffic.end().await {
        assert!(record.failures.is_empty(), "{record}");
    }
}

//! Workers come and go with the tasks that are there for them, and what happens is known outside.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use e2e::{Audit, LONG, PulpStory, SHORT, content, wait};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Node, Service},
};
use kube::Api;
use tokio::net::{TcpListener, UdpSocket};

/// Every upload of a file writes into it.
const TABLE: &str = "file_filecontent";
/// How long workers stay after the last moment that needed them.
const STAY: Duration = Duration::from_secs(20);

/// The pages that a collector was sent.
type Received = Arc<Mutex<Vec<u8>>>;

/// A collector on this machine, and its address as pods reach it.
async fn collector(pulp: &PulpStory) -> (SocketAddr, Received) {
    let nodes: Api<Node> = Api::all(pulp.client.clone());
    let nodes = nodes.list(&Default::default()).await.expect("nodes");
    let addresses = nodes.items.into_iter().filter_map(|node| node.status?.addresses);
    let node = addresses.flatten().find(|address| address.type_ == "InternalIP").expect("a node's address");
    // Nothing is sent: it only tells which of this machine's addresses nodes see.
    let towards = UdpSocket::bind("0.0.0.0:0").await.expect("a socket");
    towards.connect((node.address.as_str(), 9)).await.expect("a way to the node");
    let here = towards.local_addr().expect("an address").ip();
    let listener = TcpListener::bind((here, 0)).await.expect("a port");
    let place = listener.local_addr().expect("an address");
    let received = Received::default();
    let keep = received.clone();
    let take = async move |body: Bytes| keep.lock().expect("whole").extend_from_slice(&body);
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/metrics", post(take))).await });
    (place, received)
}

/// How many workers there are to be.
async fn wanted(pulp: &PulpStory) -> i32 {
    let deployment: Deployment = pulp.api().get("mypulp-worker").await.expect("a Deployment");
    deployment.spec.and_then(|spec| spec.replicas).expect("a number")
}

/// What Prometheus would read of one series.
async fn metric(pulp: &PulpStory, series: &str) -> Option<f64> {
    let service: Service = pulp.api().get("mypulp-metrics").await.expect("a Service");
    let address = service.spec.and_then(|spec| spec.cluster_ip).expect("an address");
    let (_, page) = pulp.visitor().await.get(&format!("http://{address}:24818/metrics")).await;
    let values = page.lines().filter_map(|line| line.split_once(' ')).filter(|(name, _)| *name == series);
    values.map(|(_, value)| value.parse().expect("a number")).next()
}

async fn upload(pulp: &PulpStory) -> Vec<content::Artifact> {
    pulp.locked(TABLE).await;
    content::file(&pulp.admin().await).await
}

/// What is seen while the tasks are held.
async fn grow(pulp: &PulpStory) {
    pulp.at_work(3).await;
    assert_eq!(wanted(pulp).await, 3);
    wait(SHORT, "Prometheus would read of three running tasks", async || {
        match metric(pulp, "pulp_tasks{state=\"running\"}").await {
            Some(3.0) => Ok(()),
            other => Err(format!("it would read {other:?}")),
        }
    })
    .await;
    pulp.condition(SHORT, "WorkersFollow", "True", "FollowsTasks").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_follow_the_tasks_and_no_task_is_lost_on_their_way_out() {
    let pulp = PulpStory::new("scaling").await;
    let (collector, received) = collector(&pulp).await;
    let scaling = format!("{{minReplicas: 0, maxReplicas: 3, scaleDownAfterSeconds: {}}}", STAY.as_secs());
    pulp.state(&format!(
        "{{storage: {{file: {{size: 1Gi}}}}, plugins: [pulp_certguard], api: {{processes: 1}}, content: {{processes: 1}},
           worker: {{autoscaling: {scaling}}}, telemetry: {{endpoint: 'http://{collector}', intervalSeconds: 5}}}}"
    ))
    .await;
    pulp.ready().await;
    pulp.condition(LONG, "WorkersFollow", "True", "FollowsTasks").await;
    assert_eq!(wanted(&pulp).await, 0);
    assert!(metric(&pulp, "pulp_storage_free_bytes").await.is_some_and(|free| free > 0.0));

    let ((), first, second, third) =
        tokio::join!(pulp.held(TABLE, grow(&pulp)), upload(&pulp), upload(&pulp), upload(&pulp));
    for artifacts in [first, second, third] {
        content::arrive(&pulp.visitor().await, &artifacts).await;
    }
    wait(LONG, "no worker is needed any more", async || match wanted(&pulp).await {
        0 => Ok(()),
        more => Err(format!("{more} are wanted")),
    })
    .await;
    assert_eq!(pulp.settled().await.of("worker").len(), 0);
    let ended = "core_task WHERE state NOT IN ('completed', 'skipped')";
    pulp.counted(ended, "0").await;
    assert!(metric(&pulp, "pulp_tasks_finished_total{state=\"completed\"}").await >= Some(3.0));

    let (audit, before) = (Audit::begin(), pulp.objects().await);
    tokio::time::sleep(STAY).await;
    let asked = audit.requests(&PulpStory::user()).into_iter();
    let here: Vec<_> =
        asked.filter(|request| request.namespace == pulp.namespace && request.verb != "watch").collect();
    assert!(here.is_empty(), "the tasks are looked at without the API server: {here:?}");
    assert_eq!(pulp.objects().await.changed_since(&before), [""; 0]);

    let received = received.lock().expect("whole").clone();
    for process in ["pulp-api", "pulp-content", "pulp-worker"] {
        assert!(received.windows(process.len()).any(|at| at == process.as_bytes()), "nothing of {process}");
    }
}

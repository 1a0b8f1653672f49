//! A worker that is to go first ends its task.

use std::time::Duration;

use e2e::{PulpStory, cluster::image, content, pods::Pods};

use crate::running;

/// Every upload of a file writes into it.
const TABLE: &str = "file_filecontent";
/// How long nobody may.
const HELD: Duration = Duration::from_mins(1);

async fn upload(pulp: &PulpStory) -> Vec<content::Artifact> {
    pulp.held(TABLE).await;
    content::file(&pulp.admin().await).await
}

/// Once both workers have a task: one of them shall go, and the other one be replaced.
async fn roll(pulp: &PulpStory, before: &Pods) {
    pulp.counted("core_task WHERE state = 'running'", "2").await;
    pulp.edit(|spec| {
        spec.worker.replicas = 1;
        spec.worker.template.annotations.insert("story".into(), "rolled".into());
    })
    .await;
    pulp.ready().await;
    let now = pulp.pods().await;
    assert_eq!(now.of("worker").len(), 1, "{now:?}");
    for old in before.of("worker") {
        let still = now.0.iter().find(|pod| pod.uid == old.uid);
        assert!(still.is_some_and(|pod| pod.ending && pod.restarts == 0), "{}: {now:?}", old.name);
    }
    pulp.counted("core_task WHERE state = 'running'", "2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_end_well_when_their_workers_are_replaced_and_taken_away() {
    let pulp = running("tasks", &image("pulp")).await;
    pulp.edit(|spec| spec.worker.replicas = 2).await;
    pulp.ready().await;
    let before = pulp.settled().await;
    let ((), (), first, second) =
        tokio::join!(pulp.hold(TABLE, HELD), roll(&pulp, &before), upload(&pulp), upload(&pulp));
    content::arrive(&pulp.visitor().await, &first).await;
    content::arrive(&pulp.visitor().await, &second).await;
    assert_eq!(pulp.settled().await.of("worker").len(), 1);
}

//! More and fewer workers, and nothing else.

use e2e::Story;

#[tokio::test]
async fn workers_scale_and_nothing_else_changes() {
    let foreman = Story::shared().await;
    let (pods, objects) = (foreman.pods().await, foreman.objects().await);

    foreman.edit(|spec| spec.dynflow_workers = 4).await;
    foreman.ready().await;
    let more = foreman.pods().await;
    assert_eq!(more.of("worker").len(), 4);
    assert_eq!(more.gone_or_restarted_since(&pods), [""; 0]);

    foreman.edit(|spec| spec.dynflow_workers = 1).await;
    foreman.ready().await;
    let fewer = foreman.settled().await;
    assert_eq!(fewer.of("worker").len(), 1);
    assert_eq!(fewer.gone_or_restarted_since(&pods.without("worker")), [""; 0]);

    // A job still finds a worker.
    assert_eq!(foreman.admin().await.job("after scaling").await["result"], "success");
    assert_eq!(foreman.objects().await.changed_since(&objects), ["Deployment myforeman-worker"]);
}

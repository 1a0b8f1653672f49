//! With no gate in between nobody notices: not the upgrade, not that its migration fails at first, not the way back that is none,
//! and not that workers are replaced and taken away.

use std::time::Instant;

use e2e::{PulpStory, SHORT, Traffic, cluster::image, content, pods::Pods};
use tokio::sync::watch;

use crate::{core, outages, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gate_no_download_no_read_and_no_task_fails() {
    let pulp = running("rolling", &image("pulp-3.105"), 2).await;
    assert_eq!(core(&pulp).await, "3.105.25");
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let files = content::file(&admin).await;
    let mut traffic = Traffic::default().reads(admin.clone(), "/pulp/api/v3/repositories/file/file/?limit=1");
    for _ in 0..2 {
        traffic = traffic.downloads(pulp.visitor().await, &files[0]);
    }
    traffic = traffic.reads(pulp.visitor().await, "/pulp/api/v3/status/");
    let (stop, stopped) = watch::channel(false);
    let use_it = async {
        a_migration_fails(&pulp, &before).await;
        let after = a_retry_ends_it(&pulp, &before).await;
        an_older_release_is_refused(&pulp, &after).await;
        tasks_end_before_their_workers(&pulp, &after).await;
        stop.send_replace(true);
    };
    let (outages, ()) = tokio::join!(outages(&pulp, stopped), use_it);
    let records = traffic.end().await;
    assert_eq!(outages, []);
    for record in records {
        assert!(record.failures.is_empty(), "{record}");
        assert!(record.answers > 20, "{record}");
    }
    content::arrive(&pulp.visitor().await, &files).await;
}

/// The old release serves, and all that it can do it still does.
async fn a_migration_fails(pulp: &PulpStory, before: &Pods) {
    // In the way of an early migration: after core 0154 Pulp 3.105 cannot take orders any more, it leaves a column empty that has to
    // be filled.
    pulp.psql("pulp", "CREATE TABLE core_distributedpublication ()").await;
    pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
    let words = ["failed 3 times", "relation \"core_distributedpublication\" already exists"];
    pulp.told("Migrate", &words).await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    assert_eq!(core(pulp).await, "3.105.25");
    assert_eq!(pulp.pods().await.gone_or_restarted_since(before), [""; 0]);
    content::arrive(&pulp.visitor().await, &content::file(&pulp.admin().await).await).await;
}

/// All of the old release is replaced, and nothing else.
async fn a_retry_ends_it(pulp: &PulpStory, before: &Pods) -> Pods {
    pulp.psql("pulp", "DROP TABLE core_distributedpublication").await;
    let start = Instant::now();
    pulp.edit(|spec| spec.migration.retry = "the table is gone".into()).await;
    pulp.ready().await;
    println!("Ready {:.0?} after the retry was asked for", start.elapsed());
    assert_eq!(core(pulp).await, "3.123.1");
    let after = pulp.settled().await;
    let gone = after.gone_or_restarted_since(before);
    for pod in &before.0 {
        let old = ["api", "content", "metrics", "worker"].contains(&pod.component.as_str());
        assert_eq!(gone.contains(&pod.name), old, "{}: {gone:?}", pod.name);
    }
    after
}

/// The database is too new for it: nothing is changed, and going back heals.
async fn an_older_release_is_refused(pulp: &PulpStory, before: &Pods) {
    let migrations = "SELECT count(*) FROM django_migrations";
    let migrated = pulp.psql("pulp", migrations).await;
    pulp.edit(|spec| spec.images.pulp = Some(image("pulp-3.105"))).await;
    let words = ["the database was migrated by a newer Pulp", "set spec.images.pulp back to the newer one"];
    pulp.told("Preflight", &words).await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
    pulp.ready().await;
    assert_eq!(pulp.settled().await.gone_or_restarted_since(before), [""; 0]);
    assert_eq!(pulp.psql("pulp", migrations).await, migrated);
}

/// Both workers have a task; one of them shall go, and the other one be replaced: each first ends what it is at.
async fn tasks_end_before_their_workers(pulp: &PulpStory, before: &Pods) {
    // Every upload of a file writes into it.
    const TABLE: &str = "file_filecontent";
    let admin = pulp.admin().await;
    let upload = async || {
        pulp.locked(TABLE).await;
        content::file(&admin).await
    };
    let roll = async {
        pulp.at_work(2).await;
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
            let ends = still.is_some_and(|pod| pod.ending && pod.restarts == old.restarts);
            assert!(ends, "{}: {now:?}", old.name);
        }
        pulp.at_work(2).await;
    };
    let ((), first, second) = tokio::join!(pulp.held(TABLE, roll), upload(), upload());
    for files in [first, second] {
        content::arrive(&pulp.visitor().await, &files).await;
    }
    assert_eq!(pulp.settled().await.of("worker").len(), 1);
}

//! A migration that fails, and goes on when what it failed of is gone.

use std::time::Instant;

use e2e::{SHORT, Traffic, cluster::image, content};

use crate::{core, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_migration_fails_the_old_release_serves_and_a_retry_ends_it() {
    let pulp = running("failed", &image("pulp-3.105")).await;
    let admin = pulp.admin().await;
    let (files, before) = (content::file(&admin).await, pulp.settled().await);
    // In the way of an early migration: after core 0154 Pulp 3.105 cannot take orders any more, it leaves a column empty that has to be filled.
    pulp.psql("pulp", "CREATE TABLE core_distributedpublication ()").await;

    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
    pulp.told("Migrate", &["failed 3 times", "relation \"core_distributedpublication\" already exists"])
        .await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    assert_eq!(core(&pulp).await, "3.105.25");
    assert_eq!(pulp.pods().await.gone_or_restarted_since(&before), [""; 0]);
    content::arrive(&pulp.visitor().await, &content::file(&admin).await).await;

    pulp.psql("pulp", "DROP TABLE core_distributedpublication").await;
    let start = Instant::now();
    pulp.edit(|spec| spec.migration.retry = "the table is gone".into()).await;
    pulp.ready().await;
    println!("Ready {:.0?} after the retry was asked for", start.elapsed());
    assert_eq!(core(&pulp).await, "3.123.1");
    content::arrive(&pulp.visitor().await, &files).await;
    for record in traffic.end().await {
        assert!(record.failures.is_empty(), "{record}");
    }
}

//! A release that the database is too new for.

use e2e::{PulpStory, SHORT, cluster::image, pulp::light};

#[tokio::test]
async fn an_older_release_than_the_databases_changes_nothing_and_going_back_heals() {
    let pulp = PulpStory::new("bad-release").await;
    pulp.state(&light("storage: {file: {size: 1Gi}}")).await;
    pulp.ready().await;
    let (before, admin) = (pulp.settled().await, pulp.admin().await);
    let migrations = "SELECT count(*) FROM django_migrations";
    let migrated = pulp.psql("pulp", migrations).await;

    let old = image("pulp-3.105");
    pulp.edit(|spec| spec.images.pulp = Some(old.clone())).await;
    pulp.told(
        "Preflight",
        &["the database was migrated by a newer Pulp", "set spec.images.pulp back to the newer one"],
    )
    .await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    admin.json("/pulp/api/v3/users/").await;
    assert_eq!(pulp.pods().await.gone_or_restarted_since(&before), [""; 0]);

    pulp.edit(|spec| spec.images.pulp = None).await;
    pulp.ready().await;
    admin.json("/pulp/api/v3/users/").await;
    assert_eq!(pulp.settled().await.gone_or_restarted_since(&before), [""; 0]);
    assert_eq!(pulp.psql("pulp", migrations).await, migrated);
}

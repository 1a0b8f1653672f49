//! Two Pulps in one namespace know nothing of each other.

use e2e::{
    LONG, Objects, PulpStory,
    content::{arrive, file},
    pulp::light,
    wait,
};
use reqwest::StatusCode;

/// Volumes, and what was drawn once.
async fn data(pulp: &PulpStory) -> Objects {
    let keys = [
        "secret-key",
        "db-fields-encryption",
        "admin-password",
        "container-auth",
        "remote-user",
        "ca",
        "cache",
        "database",
    ];
    let keys = keys.map(|part| format!("Secret {}-{part}", pulp.name));
    pulp.objects().await.only(|title| title.starts_with("PersistentVolumeClaim ") || keys.contains(title))
}

#[tokio::test]
async fn of_two_pulps_in_a_namespace_one_goes_and_comes_again_and_the_other_does_not_notice() {
    let one = PulpStory::new("pair").await;
    let two = one.beside("other");
    for pulp in [&one, &two] {
        pulp.state(&light("storage: {file: {size: 1Gi}}")).await;
    }
    one.ready().await;
    two.ready().await;
    let (first, second) = (file(&one.admin().await).await, file(&two.admin().await).await);
    arrive(&one.visitor().await, &first).await;
    arrive(&two.visitor().await, &second).await;
    let path = |url: &str| url.find("/pulp/content/").map(|at| url[at..].to_owned()).expect("a path");
    assert_eq!(two.visitor().await.get(&path(&first[0].path)).await.0, StatusCode::NOT_FOUND);
    let password = one.secret("admin-password", "password").await;
    assert_ne!(two.secret("admin-password", "password").await, password);
    let users = "/pulp/api/v3/users/";
    let guest = two.visitor().await.with_password(&password);
    assert_eq!(guest.get(users).await.0, StatusCode::UNAUTHORIZED);

    let (kept, pods, objects) = (data(&one).await, two.settled().await, two.objects().await);
    assert_eq!(kept.of("PersistentVolumeClaim").0.len(), 2, "{:?}", kept.titles());
    one.delete().await;
    wait(LONG, "what the first one owned is gone", async || {
        let (left, pods) = (one.objects().await, one.pods().await.0.len());
        if left == kept && pods == 0 {
            return Ok(());
        }
        Err(format!("{pods} pods, {:?}", left.changed_since(&kept)))
    })
    .await;
    arrive(&two.visitor().await, &second).await;
    assert_eq!(two.pods().await.gone_or_restarted_since(&pods), [""; 0]);
    assert_eq!(two.objects().await.changed_since(&objects), [""; 0]);

    one.state(&light("storage: {file: {size: 1Gi}}")).await;
    one.ready().await;
    assert_eq!(data(&one).await.changed_since(&kept), [""; 0]);
    assert_eq!(one.visitor().await.with_password(&password).get(users).await.0, StatusCode::OK);
    arrive(&one.visitor().await, &first).await;
    assert_eq!(two.pods().await.gone_or_restarted_since(&pods), [""; 0]);
    assert_eq!(two.objects().await.changed_since(&objects), [""; 0]);
}

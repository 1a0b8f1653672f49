//! Two Pulps in one namespace know nothing of each other.

use e2e::{
    LONG, Objects, PulpStory,
    content::{arrive, file},
    pulp::light,
    wait,
};
use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::Secret,
};
use reqwest::StatusCode;
use serde_json::json;

const FIELDS: &str = "storage: {file: {size: 1Gi}}, settingsFrom: [{secret: shared}], \
    maintenance: {orphanCleanup: {schedule: '30 2 * * 6'}, repair: {schedule: '30 2 1 * *'}}";

/// Does now what a schedule has for later; it must end well.
async fn maintained(pulp: &PulpStory, what: &str) {
    let schedule: CronJob = pulp.api().get(&format!("{}-{what}", pulp.name)).await.expect("a schedule");
    let job = schedule.spec.expect("a spec").job_template.spec;
    let name = format!("{what}-now");
    let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name }, "spec": job });
    pulp.apply::<Job>(&name, &job).await;
    wait(LONG, &format!("{name} has ended well"), async || {
        let job: Job = pulp.api().get(&name).await.map_err(|error| error.to_string())?;
        let status = job.status.unwrap_or_default();
        assert_eq!(status.failed.unwrap_or_default(), 0, "{name} has failed");
        if status.succeeded == Some(1) { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
}

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
        pulp.state(&light(FIELDS)).await;
    }
    // Both refer to one Secret, and both hear of it.
    for pulp in [&one, &two] {
        pulp.told("SecretMissing", &["spec.settingsFrom: Secret \"shared\" does not exist"]).await;
    }
    let shared = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "shared" },
        "stringData": { "STORY": "shared" } });
    one.apply::<Secret>("shared", &shared).await;
    one.ready().await;
    two.ready().await;
    for what in ["orphans", "repair"] {
        maintained(&two, what).await;
    }
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

    one.state(&light(FIELDS)).await;
    one.ready().await;
    assert_eq!(data(&one).await.changed_since(&kept), [""; 0]);
    assert_eq!(one.visitor().await.with_password(&password).get(users).await.0, StatusCode::OK);
    arrive(&one.visitor().await, &first).await;
    assert_eq!(two.pods().await.gone_or_restarted_since(&pods), [""; 0]);
    assert_eq!(two.objects().await.changed_since(&objects), [""; 0]);
}

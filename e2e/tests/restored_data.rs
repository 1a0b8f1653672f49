//! Other data is put into a Foreman and a Pulp from outside, by nothing but the contract: a hold, what `status.backup` names, an id.

use e2e::{
    LONG, PulpStory, Story,
    content::{arrive, file},
    pulp::light,
    story::{Life, Served},
    wait,
};
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use reconcile::HoldState;
use serde_json::{Value, json};

const HOLD: &str = "hold.theforeman.org/story";
const DATA: &str = "restore.theforeman.org/data";

async fn annotate<K: Served>(story: &Life<K>, annotations: Value) {
    let patch = json!({ "metadata": { "annotations": annotations } });
    let patched = story.api::<K>().patch(&story.name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.expect("the API server takes an annotation");
}

/// Has nothing written, and waits until that is so; renews it on the way.
async fn held<K: Served>(story: &Life<K>) {
    wait(LONG, "writes are held", async || {
        let until = Timestamp::now() + SignedDuration::from_mins(5);
        let value = json!({ "what": ["writes"], "until": until.to_string() }).to_string();
        annotate(story, json!({ HOLD: value })).await;
        let now = story.now().await;
        let holds = now.as_ref().and_then(|now| now.status()).map(|status| status.holds.clone());
        let held = holds.iter().flatten().any(|hold| hold.state == HoldState::Held);
        if held { Ok(()) } else { Err(format!("{holds:?}")) }
    })
    .await;
    story.condition(LONG, "Ready", "False", "Held").await;
}

/// Says that there is other data, lets go, and waits until it was taken in.
async fn released<K: Served>(story: &Life<K>, id: &str) {
    annotate(story, json!({ DATA: id })).await;
    annotate(story, json!({ HOLD: null })).await;
    wait(LONG, "the data was taken in", async || {
        let now = story.now().await;
        let data = now.as_ref().and_then(|now| now.status()).and_then(|status| status.data.clone());
        if data.as_deref() == Some(id) { Ok(()) } else { Err(format!("{data:?}")) }
    })
    .await;
    story.ready().await;
}

/// Runs a script in the pod of the database.
async fn sql<K: Served>(story: &Life<K>, script: &str) {
    let pod = format!("{}-database-0", story.name);
    let script =
        format!("set -eo pipefail; export PGHOST=/var/run/postgresql PGUSER=postgres; {script}; echo done");
    assert_eq!(story.exec(&pod, &["bash", "-c", &script]).await.lines().last(), Some("done"));
}

async fn dump<K: Served>(story: &Life<K>, database: &str) {
    sql(story, &format!("pg_dump -Fc {database} > /var/lib/pgsql/data/{database}.dump")).await;
}

/// Nobody else may have it open.
async fn restore<K: Served>(story: &Life<K>, database: &str) {
    let dump = format!("/var/lib/pgsql/data/{database}.dump");
    let script = format!(
        "dropdb {database}; createdb --owner={database} {database}; pg_restore --exit-on-error --dbname={database} {dump}"
    );
    sql(story, &script).await;
}

#[tokio::test]
async fn a_pulp_takes_in_what_its_database_was_filled_with() {
    let pulp = PulpStory::new("restored-pulp").await;
    pulp.state(&light("storage: {file: {size: 1Gi}}")).await;
    pulp.ready().await;
    let kept = file(&pulp.admin().await).await;
    dump(&pulp, "pulp").await;
    let migrated = jobs(&pulp).await;
    let remote = json!({ "name": "after", "url": "https://example.com/" });
    pulp.admin().await.make("/pulp/api/v3/remotes/file/file/", &remote).await;

    held(&pulp).await;
    let (status, _) = pulp.visitor().await.get("/pulp/api/v3/status/").await;
    assert_eq!(status, 503);
    restore(&pulp, "pulp").await;
    released(&pulp, "first").await;
    arrive(&pulp.visitor().await, &kept).await;
    let found = pulp.admin().await.json("/pulp/api/v3/remotes/file/file/?name=after").await;
    assert_eq!(found["count"], 0, "that came after the dump");
    let after = jobs(&pulp).await;
    assert!(after.iter().all(|job| !migrated.contains(job)), "{migrated:?} {after:?}");
}

#[tokio::test]
async fn a_foreman_takes_in_what_its_databases_were_filled_with() {
    let foreman = Story::new("restored-foreman").await;
    foreman.state("{dynflow_workers: 1, plugins: {katello: true, remote_execution: true}}").await;
    foreman.ready().await;
    let before = foreman.migrations().await;
    for database in ["foreman", "candlepin"] {
        dump(&foreman, database).await;
    }
    held(&foreman).await;
    for database in ["foreman", "candlepin"] {
        restore(&foreman, database).await;
    }
    released(&foreman, "first").await;
    assert_ne!(foreman.migrations().await, before, "it was migrated once more");
    let password = foreman.secret("admin", "password").await;
    assert_eq!(
        foreman.visitor().await.login("admin", &password).await,
        302,
        "whoever logged in before still can"
    );
}

/// Names of the Jobs that lie in the data.
async fn jobs(pulp: &PulpStory) -> Vec<String> {
    use k8s_openapi::api::batch::v1::Job;
    let jobs = pulp.api::<Job>().list(&Default::default()).await.expect("Jobs");
    let names = jobs.items.into_iter().map(|job| job.name_any());
    names.filter(|name| name.contains("-migrate-") || name.contains("-admin-")).collect()
}

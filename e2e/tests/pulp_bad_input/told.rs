//! What only the cluster knows: a condition says it in words that a person can act on, and the operator waits at little cost.

use e2e::{Audit, Operator, PulpStory, pulp::light, told::QUIET};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use pulp_operator::Pulp;
use serde_json::{Value, json};

const FILE: &str = "storage: {file: {size: 1Gi}}";

async fn login(story: &PulpStory, values: Value) {
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pg" }, "stringData": values });
    story.apply::<Secret>("pg", &secret).await;
}

async fn settings(story: &PulpStory, values: Value) {
    let map =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "more" }, "data": values });
    story.apply::<ConfigMap>("more", &map).await;
}

#[tokio::test]
async fn what_is_wrong_in_the_cluster_is_told_costs_little_and_is_taken_up_when_it_is_mended() {
    let operator = Operator::of::<Pulp>().await;
    let before = operator.process().await;
    let (image, sources) = (PulpStory::new("bad-pulp").await, PulpStory::new("bad-settings").await);
    let (guest, permission) =
        (image.beside("guest"), PulpStory::ungranted(&image.namespace.replace("pulp", "permission")).await);

    image.state(&light(&format!("{FILE}, images: {{pulp: 'registry.invalid/pulp:none'}}"))).await;
    let database = "database: {external: {host: mypulp-database, name: guest, sslMode: prefer, credentials: {name: pg}}}";
    guest.state(&light(&format!("{FILE}, {database}"))).await;
    sources
        .state(&light(&format!("{FILE}, settings: {{lower: 1}}, settingsFrom: [{{configMap: more}}]")))
        .await;
    permission.state(&light(FILE)).await;

    guest.told("SecretMissing", &["spec.database.external.credentials", "Secret \"pg\"", "create it"]).await;
    let lower = "spec.settings: lower is no name of a setting: they are upper-case";
    sources.told("Invalid", &[lower, "ConfigMap \"more\" does not exist; create it, or remove it"]).await;
    permission.told("PermissionMissing", &["kubectl create rolebinding pulp-operator"]).await;
    image.told("Migrate", &["container migrate: ", "registry.invalid/pulp:none"]).await;

    image.psql("postgres", "CREATE ROLE guest LOGIN PASSWORD 'secret'").await;
    image.psql("postgres", "CREATE DATABASE guest OWNER guest").await;
    login(&guest, json!({ "username": "guest", "password": "guessed" })).await;
    guest.told("Migrate", &["password authentication failed for user \"guest\""]).await;
    sources.edit(|spec| spec.settings.clear()).await;
    sources.told("ConfigMapMissing", &["spec.settingsFrom: ConfigMap \"more\" does not exist"]).await;
    settings(&sources, json!({ "SECRET_KEY": "mine" })).await;
    sources.told("Invalid", &["SECRET_KEY", "is a setting that the operator makes from other fields"]).await;

    // No wait for something to happen: what is counted is a time in which nothing does.
    let audit = Audit::begin();
    tokio::time::sleep(QUIET).await;
    for (story, most) in [(&image, 30), (&sources, 2), (&permission, 30)] {
        let asked = story.asked(&audit);
        println!("{}: {asked} requests in {QUIET:?}", story.namespace);
        assert!(asked <= most, "{} asks {asked} times in {QUIET:?}", story.namespace);
    }
    assert_eq!(operator.process().await, before, "the operator was not restarted");

    image.edit(|spec| spec.images.pulp = None).await;
    login(&guest, json!({ "username": "guest", "password": "secret" })).await;
    settings(&sources, json!({ "TASK_GRACE_INTERVAL": "60" })).await;
    permission.grant().await;
    permission.beyond("Secrets").await;
    sources.beyond("Settings").await;
    image.beyond("Migrate").await;
    guest.beyond("Migrate").await;
    assert_eq!(operator.process().await, before, "the operator was not restarted");
}

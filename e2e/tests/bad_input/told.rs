//! What only the cluster knows: a condition says it in words that a person can act on, and the operator waits at little cost.

use e2e::{Audit, Operator, Story, told::QUIET};
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::DeleteParams;
use serde_json::json;

pub async fn quota(story: &Story, resource: &str) {
    let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "small" },
        "spec": { "hard": { resource: "0" } } });
    story.apply::<ResourceQuota>("small", &quota).await;
}

pub async fn unlimited(story: &Story) {
    let quotas = story.api::<ResourceQuota>();
    quotas.delete("small", &DeleteParams::default()).await.expect("the quota can be deleted");
}

#[tokio::test]
async fn what_is_wrong_in_the_cluster_is_told_costs_little_and_is_taken_up_when_it_is_mended() {
    let operator = Operator::installed().await;
    let before = operator.process().await;
    let (secret, image, database, class, claims) = (
        Story::new("bad-secret").await,
        Story::new("bad-image").await,
        Story::new("bad-database").await,
        Story::new("bad-class").await,
        Story::new("bad-claims").await,
    );
    let permission = Story::ungranted(&secret.namespace.replace("secret", "permission")).await;
    quota(&claims, "persistentvolumeclaims").await;

    secret.state("{database: {external: {host: pg, sslMode: require, credentials: {name: pg}}}}").await;
    image.state("{images: {foreman: registry.invalid/foreman:none}}").await;
    database.state("{images: {postgresql: registry.invalid/postgresql:none}}").await;
    class.state("{storage: {database: {size: 1Gi, storageClassName: gold}}}").await;
    claims.state("{}").await;
    permission.state("{}").await;

    secret.told("SecretMissing", &["spec.database.external.credentials", "Secret \"pg\"", "create it"]).await;
    image.told("Migrate", &["container migrate: ", "registry.invalid/foreman:none"]).await;
    database.told("Database", &["container postgresql: ", "registry.invalid/postgresql:none"]).await;
    class.told("Database", &["PersistentVolumeClaim myforeman-database: ", "\"gold\" not found"]).await;
    claims.told("Database", &["PersistentVolumeClaim myforeman-database: ", "exceeded quota: small"]).await;
    permission.told("PermissionMissing", &["kubectl create rolebinding foreman-operator"]).await;

    // No wait for something to happen: what is counted is a time in which nothing does.
    let audit = Audit::begin();
    tokio::time::sleep(QUIET).await;
    for (story, most) in
        [(&secret, 2), (&image, 15), (&database, 15), (&class, 15), (&claims, 15), (&permission, 30)]
    {
        let asked = story.asked(&audit);
        println!("{}: {asked} requests in {QUIET:?}", story.namespace);
        assert!(asked <= most, "{} asks {asked} times in {QUIET:?}", story.namespace);
    }
    assert_eq!(operator.process().await, before, "the operator was not restarted");

    image.edit(|spec| spec.images.foreman = None).await;
    database.edit(|spec| spec.images.postgresql = None).await;
    class.edit(|spec| spec.storage.database.storage_class_name = None).await;
    unlimited(&claims).await;
    permission.grant().await;
    let login = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pg" },
        "stringData": { "username": "foreman", "password": "secret" } });
    secret.apply::<Secret>("pg", &login).await;
    permission.beyond("Secrets").await;
    secret.beyond("Secrets").await;
    claims.beyond("Database").await;
    database.beyond("Database").await;
    class.beyond("Database").await;
    image.beyond("Migrate").await;
    assert_eq!(operator.process().await, before, "the operator was not restarted");
}

//! A Pulp on a database of `CloudNativePG`: what that operator writes is all that ours has to be told.

use std::time::Instant;

use e2e::{
    LONG, PulpStory,
    cluster::command,
    content::{arrive, file},
    pulp::light,
    told::image,
    wait,
};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};

/// States an object of `CloudNativePG`'s; its own operator may still be about to answer for it.
async fn state(pulp: &PulpStory, kind: &str, name: &str, spec: Value) {
    let api = ApiResource::from_gvk(&GroupVersionKind::gvk("postgresql.cnpg.io", "v1", kind));
    let objects: Api<DynamicObject> = Api::namespaced_with(pulp.client.clone(), &pulp.namespace, &api);
    let object = json!({ "apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    wait(LONG, &format!("{kind} {name} is taken"), async || {
        let patch = objects.patch(name, &PatchParams::apply("e2e").force(), &Patch::Apply(&object)).await;
        patch.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

/// What the server answers to its owner.
async fn psql(pulp: &PulpStory, query: &str) -> String {
    pulp.exec("pg-1", &["psql", "--no-psqlrc", "-AtX", "-d", "pulp", "-c", query]).await
}

#[tokio::test]
async fn a_cluster_of_cloudnativepg_is_all_a_pulp_needs_to_be_told_of_and_another_password_is_taken_up() {
    command("cloudnative-pg", &[]).await;
    let pulp = PulpStory::new("cloudnativepg").await;
    pulp.state(&light("storage: {file: {size: 1Gi}}, database: {cloudNativePG: {name: pg}}")).await;
    pulp.told("SecretMissing", &["spec.database.cloudNativePG: Secret \"pg-app\" does not exist"]).await;

    // Our image's tag does not say which PostgreSQL it holds; a catalog does.
    let postgresql = image(&pulp, "POSTGRESQL").await;
    state(&pulp, "ImageCatalog", "postgresql", json!({ "images": [{ "major": 15, "image": postgresql }] }))
        .await;
    let catalog = json!({ "apiGroup": "postgresql.cnpg.io", "kind": "ImageCatalog", "name": "postgresql", "major": 15 });
    // Pulp lets go of no session by itself: three minutes would be waited for it.
    let cluster = json!({ "instances": 1, "imageCatalogRef": catalog, "storage": { "size": "1Gi" }, "smartShutdownTimeout": 1,
        "bootstrap": { "initdb": { "database": "pulp", "owner": "pulp" } } });
    state(&pulp, "Cluster", "pg", cluster).await;
    pulp.ready().await;
    let files = file(&pulp.admin().await).await;
    arrive(&pulp.visitor().await, &files).await;
    let encrypted = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'pulp'";
    assert_eq!(psql(&pulp, encrypted).await, "t", "all of Pulp's sessions are encrypted");
    let objects = pulp.objects().await;
    assert!(objects.only(|title| title.ends_with(" mypulp-database")).0.is_empty(), "{:?}", objects.titles());

    // Another password in the Secret: CloudNativePG gives it to the user, and Pulp goes on with it.
    let (before, start) = (pulp.settled().await, Instant::now());
    let changed = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pg-app" },
        "stringData": { "password": "p\"a\\ss'w$HOME%41é" } });
    pulp.apply::<Secret>("pg-app", &changed).await;
    wait(LONG, "whatever uses the password is another one", async || {
        let gone = pulp.pods().await.gone_or_restarted_since(&before);
        let users = ["api", "content", "worker"].into_iter().flat_map(|part| before.of(part));
        let left: Vec<_> = users.filter(|pod| !gone.contains(&pod.name)).map(|pod| &pod.name).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?} are still the same")) }
    })
    .await;
    pulp.ready().await;
    let after = pulp.settled().await;
    println!("works with another password after {:.0?}", start.elapsed());
    arrive(&pulp.visitor().await, &files).await;
    arrive(&pulp.visitor().await, &file(&pulp.admin().await).await).await;

    // The server goes and comes back.
    let pods: Api<Pod> = pulp.api();
    pods.delete("pg-1", &Default::default()).await.expect("it goes");
    pulp.recovers(&after, 6).await;
    arrive(&pulp.visitor().await, &files).await;
    command("cloudnative-pg", &["remove"]).await;
}

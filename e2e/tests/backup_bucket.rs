//! A Pulp whose artifacts are in a bucket: what was deleted comes back in place, what was lost comes back into another bucket, and the bucket
//! of an instance is never anybody else's.

use e2e::{
    LONG, PulpStory, Visitor,
    backup::{condition, delete, ended, kind, said, state, storage},
    content::{Artifact, anywhere, arrive, file},
    pulp::light,
    store::{Kind, Store},
    wait,
};
use reqwest::Method;
use serde_json::{Value, json};

/// What a bucket must have of artifacts: their names by which Pulp keeps them, and their hashes.
fn kept(artifacts: &[Artifact]) -> Vec<String> {
    let name = |sha256: &str| format!("artifact/{}/{} {sha256}", &sha256[..2], &sha256[2..]);
    artifacts.iter().map(|one| name(&one.sha256)).collect()
}

/// What ends up as nobody's is removed, at once.
async fn forgotten(admin: &Visitor) {
    let all = admin.json("/pulp/api/v3/repositories/file/file/").await;
    for repository in all["results"].as_array().expect("repositories") {
        admin
            .change(Method::DELETE, repository["pulp_href"].as_str().expect("an address"), &Value::Null)
            .await;
    }
    let now = json!({ "orphan_protection_time": 0 });
    // For most of a minute after a backup Pulp still deletes nothing.
    wait(LONG, "Pulp deletes again", async || {
        let task = admin.order(Method::POST, "/pulp/api/v3/orphans/cleanup/", &now).await;
        let told = admin.ended(&task).await;
        if told["state"] == "completed" { Ok(()) } else { Err(told["error"].to_string()) }
    })
    .await;
}

/// Backs it up into a storage.
async fn backed_up(pulp: &PulpStory, storage: &str, backup: &str) {
    let instances = json!({ "names": [pulp.reference()] });
    let spec = json!({ "storage": { "name": storage }, "instances": instances });
    state(&pulp.client, "Backup", backup, spec).await;
    let status = ended(&pulp.client, "Backup", backup, "Completed").await;
    println!("{:#}", status["instances"]);
}

/// How a run has failed.
async fn failed(client: &kube::Client, name: &str, spec: &Value) -> String {
    state(client, "Restore", name, spec.clone()).await;
    let status = ended(client, "Restore", name, "Failed").await;
    delete(client, "Restore", name).await;
    let said = said(&status);
    println!("failed: {said}");
    said
}

#[tokio::test]
async fn artifacts_come_back_into_their_bucket_or_into_an_empty_one_and_into_nobody_elses() {
    let bank = PulpStory::new("bank").await;
    let store = Store::start(&bank, Kind::S3).await;
    let client = bank.client.clone();
    let name = bank.namespace.clone();
    storage(&store, &client, &name).await;
    for bucket in ["artifacts", "recovered", "drilled"] {
        store.make(bucket).await;
    }

    let pulp = PulpStory::new("production").await;
    pulp.grant_backups().await;
    store.opens(&pulp).await;
    pulp.state(&light(&format!("storage: {}, cache: {{enabled: false}}", store.bucket(false)))).await;
    pulp.ready().await;
    let admin = pulp.admin().await;
    let artifacts = [file(&admin).await, file(&admin).await].concat();
    let whole = store.objects("artifacts").await;
    assert!(kept(&artifacts).iter().all(|one| whole.contains(one)), "{artifacts:?} in {whole:?}");

    backed_up(&pulp, &name, &name).await;

    // In place: what somebody has deleted is in its own bucket again.
    forgotten(&admin).await;
    let less = store.objects("artifacts").await;
    assert!(kept(&artifacts).iter().all(|one| !less.contains(one)), "{less:?}");
    let from = json!({ "storage": { "name": name }, "backup": { "name": name } });
    let with = |more: Value| {
        let mut spec = from.clone();
        spec.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        spec
    };
    state(&client, "Restore", &name, with(json!({ "inPlace": true }))).await;
    let status = ended(&client, "Restore", &name, "Completed").await;
    println!("in place again after {} s", status["seconds"]);
    delete(&client, "Restore", &name).await;
    pulp.ready().await;
    arrive(&pulp.visitor().await, &artifacts).await;
    let whole = store.objects("artifacts").await;
    assert!(kept(&artifacts).iter().all(|one| whole.contains(one)), "{artifacts:?} in {whole:?}");

    // Elsewhere: never into the bucket of one that lives, nor into one that has something in it.
    let recovered = PulpStory::new("recovered").await;
    recovered.grant_backups().await;
    let to = |buckets: Value| {
        with(
            json!({ "mapping": { "namespaces": { pulp.namespace.clone(): recovered.namespace }, "buckets": buckets } }),
        )
    };
    let said = failed(&client, &name, &to(json!({}))).await;
    assert!(
        said.starts_with("spec.mapping.buckets: Pulp ") && said.contains("buckets: {artifacts: NAME}"),
        "{said}"
    );
    assert!(recovered.now().await.is_none(), "nothing was made");
    let said = failed(&client, &name, &to(json!({ "artifacts": "backups" }))).await;
    assert!(said.contains("spec.mapping.buckets: bucket \"backups\" is not empty"), "{said}");
    recovered.lose().await;

    // All of it is lost but the bucket; what is in that is not needed, and not touched.
    pulp.lose().await;
    let recovered = PulpStory::new("recovered").await;
    recovered.grant_backups().await;
    let mapping = json!({ "namespaces": { pulp.namespace.clone(): recovered.namespace }, "buckets": { "artifacts": "recovered" } });
    state(&client, "Restore", &name, with(json!({ "mapping": mapping }))).await;
    let status = ended(&client, "Restore", &name, "Completed").await;
    println!("back after {} s", status["seconds"]);
    recovered.ready().await;
    arrive(&recovered.visitor().await, &anywhere(&artifacts)).await;
    let found = store.objects("recovered").await;
    assert!(kept(&artifacts).iter().all(|one| found.contains(one)), "{artifacts:?} in {found:?}");
    assert!(found.iter().all(|one| one.starts_with("artifact/")), "{found:?}");
    let more = file(&recovered.admin().await).await;
    arrive(&recovered.visitor().await, &more).await;
    assert_eq!(store.objects("artifacts").await, whole);

    // The proof of the newest set, which is of the one that came back, has a bucket of its own.
    let again = format!("{name}-again");
    backed_up(&recovered, &name, &again).await;
    let scratch = PulpStory::new("scratch").await;
    scratch.grant_backups().await;
    let mapping = json!({ "namespaces": { recovered.namespace.clone(): scratch.namespace }, "buckets": { "recovered": "drilled" } });
    state(&client, "RestoreDrill", &name, json!({ "storage": { "name": name }, "mapping": mapping })).await;
    let status = condition(&client, "RestoreDrill", &name, "Proven", "True", LONG).await;
    println!("proven: ready {} s after the drill began", status["last"]["seconds"]);
    let (drilled, all) = (store.objects("drilled").await, [artifacts, more].concat());
    assert!(kept(&all).iter().all(|one| drilled.contains(one)), "{all:?} in {drilled:?}");
    assert_eq!(store.objects("artifacts").await, whole);
    wait(LONG, "what was drilled is gone", async || {
        let drill = kind(&client, "RestoreDrill").get(&name).await.map_err(|error| error.to_string())?;
        let going = &drill.data["status"]["restore"];
        if going.is_null() { Ok(()) } else { Err(going.to_string()) }
    })
    .await;

    delete(&client, "RestoreDrill", &name).await;
    delete(&client, "Restore", &name).await;
    for backup in [&format!("{name}-before"), &again, &name] {
        delete(&client, "Backup", backup).await;
    }
    delete(&client, "BackupStorage", &name).await;
}

#[tokio::test]
async fn artifacts_of_azures_and_of_googles_are_backed_up_and_azures_come_back() {
    let bank = PulpStory::new("bank").await;
    let backups = Store::start(&bank, Kind::S3).await;
    let client = bank.client.clone();
    let name = bank.namespace.clone();
    storage(&backups, &client, &name).await;
    for kind in [Kind::Azure, Kind::Google] {
        let cloud = PulpStory::new(kind.name()).await;
        let store = Store::start(&cloud, kind).await;
        store.make("artifacts").await;
        store.make("recovered").await;
        let pulp = PulpStory::new("production").await;
        pulp.grant_backups().await;
        store.opens(&pulp).await;
        pulp.state(&light(&format!("storage: {}, cache: {{enabled: false}}", store.bucket(false)))).await;
        pulp.ready().await;
        let artifacts = file(&pulp.admin().await).await;
        let run = format!("{name}-{}", kind.name());
        backed_up(&pulp, &name, &run).await;
        if kind == Kind::Google {
            // What stands for it takes no object by the API that the mover speaks (XML); Google's own does.
            delete(&client, "Backup", &run).await;
            continue;
        }

        let recovered = PulpStory::new("recovered").await;
        recovered.grant_backups().await;
        let mapping = json!({ "namespaces": { pulp.namespace.clone(): recovered.namespace }, "buckets": { "artifacts": "recovered" } });
        let spec = json!({ "storage": { "name": name }, "backup": { "name": run }, "mapping": mapping });
        state(&client, "Restore", &run, spec).await;
        ended(&client, "Restore", &run, "Completed").await;
        recovered.ready().await;
        arrive(&recovered.visitor().await, &anywhere(&artifacts)).await;
        let found = store.objects("recovered").await;
        assert!(kept(&artifacts).iter().all(|one| found.contains(one)), "{artifacts:?} in {found:?}");
        assert!(found.iter().all(|one| one.starts_with("artifact/")), "{found:?}");
        delete(&client, "Restore", &run).await;
        delete(&client, "Backup", &run).await;
    }
    delete(&client, "BackupStorage", &name).await;
}

//! A backup of an older release comes back into a newer one: its data are migrated once more.

use e2e::{
    LONG, PulpStory,
    backup::{delete, ended, kind, state, storage},
    cluster::image,
    content::{anywhere, arrive, file},
    pulp::light,
    store::{Kind, Store},
    wait,
};
use reconcile::Managed;
use serde_json::json;

/// What the status says that runs of Pulp itself.
async fn core(pulp: &PulpStory) -> String {
    let instance = pulp.now().await.expect("it is there");
    let versions = instance.status().expect("a status").versions.clone();
    let core = versions.into_iter().find(|version| version.part == "core");
    core.and_then(|version| version.running).unwrap_or_default()
}

#[tokio::test]
async fn a_backup_of_an_older_pulp_is_restored_into_the_newer_one_that_it_has_become() {
    let bank = PulpStory::new("archive").await;
    let store = Store::start(&bank, Kind::S3).await;
    let (client, name) = (bank.client.clone(), bank.namespace.clone());
    storage(&store, &client, &name).await;
    let pulp = PulpStory::new("aged").await;
    pulp.grant_backups().await;
    pulp.state(&light(&format!(
        "storage: {{file: {{size: 1Gi}}}}, images: {{pulp: '{}'}}",
        image("pulp-3.73")
    )))
    .await;
    pulp.serves().await;
    assert_eq!(core(&pulp).await, "3.73.47");
    let old = file(&pulp.admin().await).await;
    let instances = json!({ "names": [pulp.reference()] });
    state(&client, "Backup", &name, json!({ "storage": { "name": name }, "instances": instances })).await;
    ended(&client, "Backup", &name, "Completed").await;

    pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
    pulp.serves().await;
    assert_eq!(core(&pulp).await, "3.123.1");
    let remote = json!({ "name": "later", "url": "https://example.com/" });
    pulp.admin().await.make("/pulp/api/v3/remotes/file/file/", &remote).await;

    let spec = json!({ "storage": { "name": name }, "backup": { "name": name }, "inPlace": true });
    state(&client, "Restore", &name, spec).await;
    let status = ended(&client, "Restore", &name, "Completed").await;
    println!("the older data serve in the newer release after {} s", status["seconds"]);
    pulp.serves().await;
    assert_eq!(core(&pulp).await, "3.123.1");
    arrive(&pulp.visitor().await, &anywhere(&old)).await;
    let later = pulp.admin().await.json("/pulp/api/v3/remotes/file/file/?name=later").await;
    assert_eq!(later["count"], 0, "that came after the backup");
    let more = file(&pulp.admin().await).await;
    arrive(&pulp.visitor().await, &more).await;

    // What it replaced was saved first, and is in the newer release: it comes back, too.
    let saved = format!("{name}-before");
    wait(LONG, "it was saved", async || {
        let saved = kind(&client, "Backup").get(&saved).await.map_err(|error| error.to_string())?;
        if saved.data["status"]["phase"] == "Completed" {
            Ok(())
        } else {
            Err(saved.data["status"].to_string())
        }
    })
    .await;
    let spec = json!({ "storage": { "name": name }, "backup": { "name": saved }, "inPlace": true });
    let again = format!("{name}-2");
    state(&client, "Restore", &again, spec).await;
    ended(&client, "Restore", &again, "Completed").await;
    pulp.serves().await;
    let later = pulp.admin().await.json("/pulp/api/v3/remotes/file/file/?name=later").await;
    assert_eq!(later["count"], 1, "as it was before the restore");

    // First, so that no set is found in it again.
    delete(&client, "BackupStorage", &name).await;
    for restore in [&name, &again] {
        delete(&client, "Restore", restore).await;
    }
    for backup in [name.clone(), saved, format!("{again}-before")] {
        delete(&client, "Backup", &backup).await;
    }
}

//! What is damaged is found, before somebody needs it.

use e2e::{
    LONG, PulpStory,
    backup::{condition, delete, ended, kind, said, state},
    wait,
};
use serde_json::{Value, json};

use crate::Trouble;

#[tokio::test]
async fn an_artifact_that_the_database_names_and_the_volume_lacks_fails_the_backup_by_its_name() {
    let trouble = Trouble::new("lacking").await;
    let sha256 = &trouble.artifacts[0].sha256;
    let path = format!("/var/lib/pulp/media/artifact/{}/{}", &sha256[..2], &sha256[2..]);
    let content = trouble.pulp.pods().await.of("content")[0].name.clone();
    trouble.pulp.exec(&content, &["mv", &path, "/var/lib/pulp/media/aside"]).await;
    trouble.begin("lacking-1").await;
    let status = ended(&trouble.client, "Backup", "lacking-1", "Failed").await;
    assert!(said(&status).contains(&sha256[2..]), "{}", said(&status));
    assert_eq!(trouble.sets().await, 0);
    trouble.let_go().await;
    trouble.pulp.exec(&content, &["mv", "/var/lib/pulp/media/aside", &path]).await;
    trouble.works_again("lacking-2").await;
    for backup in ["lacking-1", "lacking-2"] {
        delete(&trouble.client, "Backup", backup).await;
    }
    delete(&trouble.client, "BackupStorage", "lacking").await;
}

/// A namespace that a drill restores into.
async fn scratch() -> PulpStory {
    let scratch = PulpStory::new("scratch").await;
    scratch.grant_backups().await;
    scratch
}

impl Trouble {
    /// Has one drill done: its status at the end, and the operator's metrics then.
    async fn drilled(&self, scratch: &PulpStory) -> (Value, String) {
        let (client, name) = (&self.client, &self.name);
        let mapping = json!({ "namespaces": { self.pulp.namespace.clone(): scratch.namespace } });
        state(client, "RestoreDrill", name, json!({ "storage": { "name": name }, "mapping": mapping })).await;
        let api = kind(client, "RestoreDrill");
        let status = wait(LONG, "the drill has ended", async || {
            let drill = api.get(name).await.map_err(|error| error.to_string())?;
            let status = drill.data["status"].clone();
            let over = !status["last"].is_null() && status["restore"].is_null();
            if over { Ok(status) } else { Err(status.to_string()) }
        })
        .await;
        let metrics = self.operator.metrics().await;
        delete(client, "RestoreDrill", name).await;
        (status, metrics)
    }
}

#[tokio::test]
async fn whatever_is_missing_is_found_by_the_drill_each_time() {
    let trouble = Trouble::new("missing").await;
    trouble.works_again("missing").await;
    let (store, scratch) = (trouble.store().await, scratch().await);
    let ours = format!("missing/{}/", trouble.pulp.namespace);
    let all = store.objects("backups").await;
    let of = |folder: &str| {
        let names = all.iter().filter_map(|line| line.split(' ').next());
        names
            .filter(|name| name.starts_with(&format!("{ours}{folder}/")))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // A pack of what was copied, what says where its parts are, and the snapshot of each: the dump, the artifacts, the keys.
    let snapshots = of("snapshots");
    assert_eq!(snapshots.len(), 3, "{all:?}");
    let lost = [of("data").swap_remove(0), of("index").swap_remove(0)].into_iter().chain(snapshots);
    let aside = |object: &str| object.replace("missing/", "aside/");
    for object in lost {
        store.rename("backups", &object, &aside(&object)).await;
        let (status, metrics) = trouble.drilled(&scratch).await;
        println!("without {object}: {}", status["last"]["message"]);
        assert_eq!(status["last"]["worked"], false, "{object}: {status}");
        assert!(metrics.contains("backup_operator_drill_proven{drill=\"missing\"} 0"), "{metrics}");
        store.rename("backups", &aside(&object), &object).await;
    }
    // What is kept for plain restic only is nothing that a restore needs: its key follows from the storage's.
    for object in of("keys") {
        store.rename("backups", &object, &aside(&object)).await;
    }
    let (status, metrics) = trouble.drilled(&scratch).await;
    assert_eq!(status["last"]["worked"], true, "{status}");
    assert!(metrics.contains("backup_operator_drill_proven{drill=\"missing\"} 1"), "{metrics}");
    delete(&trouble.client, "Backup", "missing").await;
    delete(&trouble.client, "BackupStorage", "missing").await;
}

#[tokio::test]
async fn a_flipped_bit_is_found_by_the_check_and_by_the_drill_and_is_named() {
    let trouble = Trouble::new("flipped").await;
    let client = &trouble.client;
    trouble.works_again("flipped").await;
    let store = trouble.store().await;
    let all = store.objects("backups").await;
    let packs = all.iter().filter_map(|line| line.split(' ').next());
    let packs: Vec<_> =
        packs.filter(|name| name.starts_with(&format!("flipped/{}/data/", trouble.pulp.namespace))).collect();
    store.flip("backups", packs[0]).await;
    let pack = &packs[0].rsplit('/').next().expect("a name")[..8];

    // Each day a thirtieth is read; here all of it, and now.
    let now = json!({ "maintenance": { "schedule": "* * * * *", "readAllInDays": 1 } });
    trouble.storage_is(&store.url(), "backups", now.clone()).await;
    let status = condition(client, "BackupStorage", "flipped", "Healthy", "False", LONG).await;
    println!("{:#}", status["conditions"]);
    assert!(status["conditions"].to_string().contains(pack), "{pack} is not in {status}");

    let scratch = scratch().await;
    let drilled = async || trouble.drilled(&scratch).await;
    let (status, metrics) = drilled().await;
    println!("{:#}", status["last"]);
    assert_eq!(status["last"]["worked"], false, "{status}");
    assert!(metrics.contains("backup_operator_drill_proven{drill=\"flipped\"} 0"), "{metrics}");
    assert!(metrics.contains("backup_operator_storage_healthy{storage=\"flipped\"} 0"), "{metrics}");

    // As it was: found to be well again, and proven.
    store.flip("backups", packs[0]).await;
    condition(client, "BackupStorage", "flipped", "Healthy", "True", LONG).await;
    let (status, metrics) = drilled().await;
    assert_eq!(status["last"]["worked"], true, "{status}");
    assert!(metrics.contains("backup_operator_drill_proven{drill=\"flipped\"} 1"), "{metrics}");
    condition(client, "Backup", "flipped", "Verified", "True", LONG).await;
    delete(client, "Backup", "flipped").await;
    delete(client, "BackupStorage", "flipped").await;
}

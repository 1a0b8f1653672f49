//! Several things at the same time.

use e2e::{
    LONG,
    backup::{condition, delete, kind, state},
    wait,
};
use kube::{ResourceExt, api::ListParams};
use serde_json::json;

use crate::Trouble;

#[tokio::test]
async fn two_schedules_of_the_same_minute_and_maintenance_beside_them_leave_whole_sets_and_only_the_last() {
    let trouble = Trouble::new("timed").await;
    let client = &trouble.client;
    let store = trouble.store().await;
    trouble
        .storage_is(
            &store.url(),
            "backups",
            json!({ "maintenance": { "schedule": "* * * * *", "readAllInDays": 1 } }),
        )
        .await;
    let schedules = ["timed-one", "timed-two"];
    for name in schedules {
        let spec = json!({ "schedule": "* * * * *", "template": trouble.spec(),
            "retention": { "daily": 1, "weekly": 0, "monthly": 0 } });
        state(client, "BackupSchedule", name, spec).await;
    }
    let api = kind(client, "Backup");
    wait(LONG, "each schedule has had three backups, of which one is left", async || {
        let all = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let failed: Vec<_> = all
            .items
            .iter()
            .filter(|one| one.name_any().starts_with("timed-") && one.data["status"]["phase"] == "Failed")
            .collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let schedule =
            kind(client, "BackupSchedule").get("timed-two").await.map_err(|error| error.to_string())?;
        let (last, kept) = (&schedule.data["status"]["lastCompletedAt"], &schedule.data["status"]["kept"]);
        let created = schedule.creation_timestamp().map(|time| time.0).unwrap_or_default();
        let later = last
            .as_str()
            .and_then(|last| last.parse::<jiff::Timestamp>().ok())
            .is_some_and(|last| last.duration_since(created).as_secs() > 150);
        if later && *kept == 1 { Ok(()) } else { Err(format!("last {last}, {kept} kept")) }
    })
    .await;
    for name in schedules {
        delete(client, "BackupSchedule", name).await;
    }
    condition(client, "BackupStorage", "timed", "Healthy", "True", LONG).await;
    // What the schedules had begun, to its end; what they had deleted, until it is gone.
    let ours = wait(LONG, "their last backups are complete", async || {
        let all = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let ours: Vec<_> = all.items.iter().filter(|one| one.name_any().starts_with("timed-")).collect();
        let settled = |one: &kube::api::DynamicObject| {
            one.metadata.deletion_timestamp.is_none() && one.data["status"]["phase"] == "Completed"
        };
        match ours.iter().find(|one| !settled(one)) {
            None => Ok(ours.iter().map(|one| one.name_any()).collect::<Vec<_>>()),
            Some(one) => Err(format!("{}: {}", one.name_any(), one.data["status"])),
        }
    })
    .await;
    // What maintenance has left can be read to the last byte: the check above has read all of it.
    println!("left of the schedules: {ours:?}");
    trouble.let_go().await;
    for name in &ours {
        delete(client, "Backup", name).await;
    }
    wait(LONG, "their sets go with them", async || match trouble.sets().await {
        0 => Ok(()),
        left => Err(format!("{left} sets")),
    })
    .await;
    delete(client, "BackupStorage", "timed").await;
}

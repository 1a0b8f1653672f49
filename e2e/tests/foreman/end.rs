//! A Foreman is deleted: what holds data stays, unless the user has said otherwise.

use e2e::{FOREMAN, LONG, Objects, Operator, SHORT, Story, wait};
use foreman_operator::crd::DeletionPolicy;
use reqwest::StatusCode;
use serde_json::json;

/// What the instance has drawn once.
const KEYS: [&str; 8] =
    ["admin", "ca", "candlepin", "database", "database-candlepin", "encryption", "oauth", "queue"];

/// Whether an object holds data or the key to it.
fn holds_data(title: &str) -> bool {
    title.starts_with("PersistentVolumeClaim ")
        || KEYS.iter().any(|part| title == format!("Secret myforeman-{part}"))
}

/// Deletes the Foreman and waits until neither pods nor objects go any more but these.
async fn deleted(foreman: &Story, stays: &Objects) {
    foreman.delete().await;
    wait(LONG, "what the Foreman owned is gone", async || {
        let (objects, pods) = (foreman.objects().await, foreman.pods().await.0.len());
        let left = objects.only(|title| !stays.0.contains_key(title));
        if left.0.is_empty() && pods == 0 { Ok(()) } else { Err(format!("{pods} pods, {:?}", left.titles())) }
    })
    .await;
}

#[tokio::test]
async fn a_foreman_that_is_created_again_has_its_data_its_keys_and_its_password_and_is_not_migrated_again() {
    let foreman = Story::shared().await;
    let admin = foreman.admin().await;
    let name = format!("Kept {}", foreman.objects().await.0.len());
    admin.post("/api/v2/organizations", &json!({ "organization": { "name": name } })).await;
    let (password, migrations) = (foreman.secret("admin", "password").await, foreman.migrations().await);
    let kept = foreman.objects().await.only(|title| holds_data(title));
    assert_eq!(kept.0.len(), 3 + KEYS.len(), "{:?}", kept.titles());

    deleted(&foreman, &kept).await;
    let left = foreman.objects().await;
    assert_eq!(left.titles(), kept.titles());
    for (title, seen) in &left.0 {
        assert_eq!((&seen.uid, &seen.data), (&kept.0[title].uid, &kept.0[title].data), "{title}");
    }

    // What an operator remembers must not matter.
    let operator = Operator::installed().await;
    let leader = operator.leader().await;
    operator.kill_process(&leader).await;
    operator.leads_again(SHORT, &leader).await;

    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    foreman.ready().await;
    let jobs = foreman.objects().await.only(|title| title.starts_with("Job myforeman-migrate"));
    assert_eq!(jobs.titles(), [""; 0], "its database is migrated already");
    assert_eq!(foreman.migrations().await, migrations);
    assert_eq!(foreman.visitor().await.login("admin", &password).await, StatusCode::FOUND);
    let organizations = foreman.admin().await.json("/api/v2/organizations").await;
    let names = organizations["results"].as_array().expect("organizations");
    assert!(names.iter().any(|organization| organization["name"] == name.as_str()), "{organizations}");
    for (title, seen) in foreman.objects().await.only(|title| holds_data(title)).0 {
        assert_eq!((&seen.uid, &seen.data), (&kept.0[&title].uid, &kept.0[&title].data), "{title}");
    }
    assert_eq!(foreman.admin().await.job("again").await["result"], "success");
}

#[tokio::test]
async fn with_the_policy_delete_everything_goes_and_the_next_one_of_that_name_is_new() {
    let foreman = Story::new("end").await;
    foreman
        .create(&FOREMAN.replace("katello: true", "katello: false"))
        .await
        .expect("the API server takes it");
    foreman.ready().await;
    foreman.edit(|spec| spec.deletion_policy = DeletionPolicy::Delete).await;
    foreman.ready().await;
    deleted(&foreman, &Objects::default()).await;
}

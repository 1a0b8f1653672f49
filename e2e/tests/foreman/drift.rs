//! What somebody edits or deletes is put back, and said; what cannot be made again is missed loudly.

use e2e::{Audit, LONG, SHORT, Story, operator::USER, wait};
use kube::{
    ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

/// What holds the instance's data or lets it be read: made once, never again.
const KEYS: [&str; 8] =
    ["admin", "ca", "candlepin", "database", "database-candlepin", "encryption", "oauth", "queue"];

/// An edit that hurts, and is not what the operator wants.
fn edit(object: &DynamicObject) -> Value {
    match object.types.as_ref().expect("a kind").kind.as_str() {
        "Deployment" => json!({ "spec": { "replicas": 3 } }),
        // A second database on the volume of the first would be no test but a loss.
        "StatefulSet" => {
            json!({ "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 7 } } } })
        }
        "Service" => json!({ "spec": { "selector": { "app.kubernetes.io/component": "elsewhere" } } }),
        _ => {
            let keys = object.data["data"].as_object().expect("values").keys();
            let wrong: serde_json::Map<_, _> = keys.map(|key| (key.clone(), json!("d3Jvbmc="))).collect();
            json!({ "data": wrong })
        }
    }
}

/// All of the instance but volumes, Jobs, key Secrets and certificates.
async fn owned(foreman: &Story) -> Vec<String> {
    let objects = foreman.objects().await;
    let titles = objects.titles().into_iter().filter(|title| {
        let (kind, name) = title.split_once(' ').expect("a kind and a name");
        match kind {
            "Secret" => {
                ["settings", "queue-config", "candlepin-config"].iter().any(|part| name.ends_with(part))
            }
            kind => ["Deployment", "StatefulSet", "Service", "ConfigMap", "CronJob"].contains(&kind),
        }
    });
    titles.map(str::to_owned).collect()
}

async fn change(foreman: &Story, title: &str, patch: &Value) {
    let (kind, name) = title.split_once(' ').expect("a kind and a name");
    let parameters = PatchParams { field_manager: Some("somebody".into()), ..Default::default() };
    let done = foreman.kind(kind).patch(name, &parameters, &Patch::Merge(patch)).await;
    assert!(done.is_ok(), "{title}: {done:?}");
}

async fn delete(foreman: &Story, title: &str) {
    let (kind, name) = title.split_once(' ').expect("a kind and a name");
    let done = foreman.kind(kind).delete(name, &DeleteParams::background()).await;
    assert!(done.is_ok(), "{title}: {done:?}");
}

/// Whether an object still differs from what it was before in something that the patch touched.
fn touched(before: &DynamicObject, now: &DynamicObject, patch: &Value) -> Option<String> {
    fn differs(path: String, before: &Value, now: &Value, edit: &Value) -> Option<String> {
        match edit {
            Value::Object(fields) => fields
                .iter()
                .find_map(|(key, edit)| differs(format!("{path}.{key}"), &before[key], &now[key], edit)),
            _ => (before != now).then(|| format!("{path}: {now}")),
        }
    }
    differs(String::new(), &before.data, &now.data, patch)
}

#[tokio::test]
async fn what_is_edited_is_put_back_and_an_event_says_what_it_was() {
    let foreman = Story::shared().await;
    let titles: Vec<_> =
        owned(&foreman).await.into_iter().filter(|title| !title.starts_with("CronJob")).collect();
    assert!(titles.len() >= 18, "{titles:?}");
    let mut before = vec![];
    for title in &titles {
        before.push(foreman.object(title).await.expect("it is there"));
    }
    for (title, object) in titles.iter().zip(&before) {
        change(&foreman, title, &edit(object)).await;
    }
    for (title, before) in titles.iter().zip(&before) {
        wait(SHORT, &format!("{title} is put back"), async || {
            let now = foreman.object(title).await.ok_or("it is gone")?;
            touched(before, &now, &edit(before)).map_or(Ok(()), Err)
        })
        .await;
    }
    foreman.ready().await;
    // Somebody will want to know of each one, not of the first.
    wait(SHORT, "an Event for each", async || {
        let told = foreman.events("DriftRepaired").await;
        let untold = |title: &&String| !told.iter().any(|note| note.starts_with(&format!("{title}: ")));
        let missing: Vec<_> = titles.iter().filter(untold).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("nothing of {missing:?} in {told:?}")) }
    })
    .await;
    let told = foreman.events("DriftRepaired").await;
    assert!(told.contains(&"Deployment myforeman-web: spec.replicas: 3 -> 1".to_owned()), "{told:?}");
}

#[tokio::test]
async fn what_is_deleted_comes_again_with_the_same_keys_and_no_second_migration() {
    let foreman = Story::shared().await;
    let (before, migrations) = (foreman.objects().await, foreman.migrations().await);
    let titles = owned(&foreman).await;
    let jobs = before.of("Job");
    for title in titles.iter().map(String::as_str).chain(jobs.titles()) {
        delete(&foreman, title).await;
    }
    for title in &titles {
        wait(LONG, &format!("{title} is there again"), async || {
            let now = foreman.object(title).await.ok_or("it is gone")?;
            let another = now.uid().is_some_and(|uid| uid != before.0[title].uid);
            if another { Ok(()) } else { Err("it has not gone yet".into()) }
        })
        .await;
    }
    foreman.ready().await;
    let after = foreman.objects().await;
    assert_eq!(after.of("Job").titles(), [""; 0], "what was migrated is not migrated again");
    assert_eq!(foreman.migrations().await, migrations);
    assert_eq!(after.of("PersistentVolumeClaim"), before.of("PersistentVolumeClaim"));
    for part in KEYS {
        let title = format!("Secret myforeman-{part}");
        assert_eq!(after.0[&title], before.0[&title], "{title}");
    }
    for title in ["Secret myforeman-settings", "ConfigMap myforeman-proxy", "ConfigMap myforeman-database"] {
        assert_eq!(after.0[title].data, before.0[title].data, "{title}");
    }
    assert_eq!(foreman.admin().await.job("after the flood").await["result"], "success");
}

#[tokio::test]
async fn a_lost_key_is_missed_by_name_never_drawn_anew_and_heals() {
    let foreman = Story::shared().await;
    let (pods, objects) = (foreman.pods().await, foreman.objects().await);
    let audit = Audit::begin();
    for part in KEYS {
        let title = format!("Secret myforeman-{part}");
        let mut secret = foreman.object(&title).await.unwrap_or_else(|| panic!("there is no {title}"));
        delete(&foreman, &title).await;
        let message = foreman.condition(SHORT, "Ready", "False", "KeyLost").await;
        assert!(message.contains(&format!("\"myforeman-{part}\"")), "{message}");
        // Something else to do, so that the operator has looked at everything once more.
        change(
            &foreman,
            "Deployment myforeman-proxy",
            &json!({ "metadata": { "labels": { "looked": part } } }),
        )
        .await;
        foreman.condition(SHORT, "Stalled", "True", "KeyLost").await;
        assert!(foreman.object(&title).await.is_none(), "{title}: a new key was made");

        secret.metadata.resource_version = None;
        secret.metadata.uid = None;
        foreman.kind("Secret").create(&Default::default(), &secret).await.expect("the Secret of the backup");
        foreman.ready().await;
    }
    assert_eq!(audit.count(USER, "create", "secrets", &foreman.namespace), 0);
    assert_eq!(foreman.pods().await.gone_or_restarted_since(&pods), [""; 0]);
    for (title, seen) in foreman.objects().await.of("Secret").0 {
        assert_eq!(seen.data, objects.0[&title].data, "{title}");
    }
}

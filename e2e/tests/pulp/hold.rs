//! Somebody copies a Pulp while it is in use: what the database knows stays, and nobody else notices.

use std::time::Duration;

use e2e::{LONG, PulpStory, Visitor, http::sent, wait};
use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use pulp_operator::Pulp;
use reconcile::HoldState;
use reqwest::Method;
use serde_json::{Value, json};

const ARTIFACTS: &str = "/pulp/api/v3/artifacts/";

/// Asks for deletion to be held for so long; `None`: no longer.
async fn ask(pulp: &PulpStory, minutes: Option<i64>) {
    let until = minutes.map(|minutes| Timestamp::now() + SignedDuration::from_mins(minutes));
    let value = until.map(|until| json!({ "what": ["deletion"], "until": until.to_string() }).to_string());
    let patch = json!({ "metadata": { "annotations": { "hold.theforeman.org/story": value } } });
    let patched = pulp.api::<Pulp>().patch(&pulp.name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.expect("the API server takes an annotation");
}

async fn held(pulp: &PulpStory, state: Option<HoldState>) {
    wait(LONG, &format!("the hold is {state:?}"), async || {
        let status = pulp.now().await.and_then(|pulp| pulp.status).unwrap_or_default();
        let found = status.holds.first();
        if found.map(|hold| hold.state) == state { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

/// How an orphan cleanup ends.
async fn clean(admin: &Visitor) -> (String, String) {
    let now = json!({ "orphan_protection_time": 0 });
    let asked = sent(admin.request(Method::POST, "/pulp/api/v3/orphans/cleanup/").json(&now)).await;
    let asked: Value = asked.json().await.expect("JSON");
    let task = asked["task"].as_str().expect("a task").to_owned();
    wait(LONG, "the orphan cleanup has ended", async || {
        let now = admin.json(&task).await;
        let (state, error) = (now["state"].as_str().unwrap_or_default().to_owned(), now["error"].to_string());
        if ["completed", "failed"].contains(&state.as_str()) { Ok((state, error)) } else { Err(state) }
    })
    .await
}

async fn upload(admin: &Visitor, text: &str) -> Value {
    admin.upload(ARTIFACTS, "story", text.as_bytes().to_vec(), &[]).await
}

/// Whether an artifact's file is there.
async fn there(pulp: &PulpStory, artifact: &Value) -> bool {
    let file = format!("/var/lib/pulp/media/{}", artifact["file"].as_str().expect("a file"));
    let pods = pulp.pods().await;
    let pod = &pods.of("api").first().expect("a pod").name;
    let look = format!("test -s {file} && echo yes || echo no");
    pulp.exec(pod, &["sh", "-c", &look]).await == "yes"
}

#[tokio::test]
async fn while_somebody_holds_deletion_artifacts_stay_and_uploads_go_on() {
    let pulp = PulpStory::shared().await;
    let (admin, pods) = (pulp.admin().await, pulp.pods().await);
    let orphan = upload(&admin, &format!("before {}", Timestamp::now())).await;
    ask(&pulp, Some(4)).await;
    held(&pulp, Some(HoldState::Held)).await;
    let (state, error) = clean(&admin).await;
    assert_eq!(state, "failed");
    assert!(error.contains("somebody holds them"), "{error}");
    let other = upload(&admin, &format!("meanwhile {}", Timestamp::now())).await;
    assert!(there(&pulp, &orphan).await && there(&pulp, &other).await);

    ask(&pulp, None).await;
    held(&pulp, None).await;
    wait(Duration::from_secs(90), "Pulp deletes again", async || {
        let (state, error) = clean(&admin).await;
        if state == "completed" { Ok(()) } else { Err(error) }
    })
    .await;
    assert!(!there(&pulp, &orphan).await && !there(&pulp, &other).await);
    assert_eq!(pulp.settled().await.gone_or_restarted_since(&pods), [""; 0]);
}

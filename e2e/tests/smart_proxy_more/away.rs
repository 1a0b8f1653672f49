//! Foreman is away: before it knows a proxy, and after.

use std::time::Duration;

use e2e::{LONG, ProxyStory, Story, wait};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use serde_json::json;

/// Takes Foreman's web server away, or gives it back.
async fn away(foreman: &Story, away: bool) {
    foreman.edit(|spec| spec.paused = away).await;
    let scale = json!({ "spec": { "replicas": i32::from(!away) } });
    let web = format!("{}-web", foreman.name);
    let done = foreman.api::<Deployment>().patch(&web, &PatchParams::default(), &Patch::Merge(scale)).await;
    done.expect("the Deployment takes it");
    if !away {
        return foreman.ready().await;
    }
    let visitor = foreman.visitor().await;
    wait(LONG, "Foreman is away", async || match visitor.try_get("/api/v2/ping").await {
        Ok((status, _)) if status.is_success() => Err("it answers".into()),
        _ => Ok(()),
    })
    .await;
}

#[tokio::test]
async fn a_foreman_that_is_away_is_waited_for_and_harms_nobody_whom_it_knows() {
    let (foreman, early) = ProxyStory::shared("early").await;
    let admin = foreman.admin().await;
    early.with("{bmc: {}}", "").await;
    early.ready().await;
    let (before, pods) = (early.known(&admin).await.expect("Foreman knows it"), early.settled().await);

    away(&foreman, true).await;
    let late = early.beside("late");
    late.with("{}", "").await;
    let said = late.condition(LONG, "Registered", "False", "ForemanAway").await;
    println!("not yet registered: {said}");
    late.told("Registration", &["Foreman is away"]).await;

    // Whoever is known stays what he is; that Foreman is away is said.
    early.edit(|spec| spec.log_level = smart_proxy_operator::crd::LogLevel::Warn).await;
    let said = early.condition(LONG, "Registered", "True", "ForemanAway").await;
    println!("registered: {said}");
    early.ready().await;

    away(&foreman, false).await;
    late.ready().await;
    early.condition(LONG, "Registered", "True", "Registered").await;
    assert_eq!(early.known(&admin).await.expect("Foreman knows it")["id"], before["id"]);
    assert_eq!(early.settled().await.gone_or_restarted_since(&pods).len(), 1, "only the edit has a new pod");
    late.delete().await;
    early.delete().await;
}

/// One that nobody could take out of Foreman any more is not held for ever, if its owner says so.
#[tokio::test]
async fn a_proxy_that_is_deleted_while_foreman_is_away_waits_until_it_is_let_go() {
    let (foreman, proxy) = ProxyStory::shared("gone").await;
    proxy.with("{}", "").await;
    proxy.ready().await;
    away(&foreman, true).await;
    let api = proxy.api::<smart_proxy_operator::SmartProxy>();
    api.delete(&proxy.name, &Default::default()).await.expect("it is being deleted");
    let blocked = |it: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| it.reason == "ForemanAway";
    let said = proxy.says(LONG, "DeregistrationBlocked", "Foreman is away", blocked).await;
    assert!(said.contains("spec.registration.deregister"), "{said}");
    proxy.edit(|spec| spec.registration.deregister = false).await;
    let gone = async || proxy.now().await.map_or(Ok(()), |_| Err("it is still there".to_owned()));
    wait(Duration::from_secs(30), "it is let go", gone).await;
    away(&foreman, false).await;
}

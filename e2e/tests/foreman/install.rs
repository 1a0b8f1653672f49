//! From the manifest to a service that people can use.

use e2e::{Pods, Story, http::stranger};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{Namespace, PodSpec},
};
use kube::{Api, ResourceExt, api::ListParams};
use reqwest::StatusCode;

#[tokio::test]
async fn a_manifest_becomes_a_foreman_that_one_can_log_in_to() {
    let foreman = Story::shared().await;
    let password = foreman.secret("admin", "password").await;

    let somebody = foreman.visitor().await;
    assert_eq!(somebody.login("admin", "guessed").await, StatusCode::UNAUTHORIZED);
    assert_eq!(somebody.get("/api/v2/organizations").await.0, StatusCode::UNAUTHORIZED);

    assert_eq!(somebody.login("admin", &password).await, StatusCode::FOUND);
    let organizations = somebody.json("/api/v2/organizations").await;
    assert_eq!(organizations["results"][0]["name"], "Default Organization");
    let unfinished = "SELECT count(*) FROM migration_runs WHERE finished_at IS NULL";
    assert_eq!(foreman.psql("foreman", unfinished).await, "0");
}

#[tokio::test]
async fn a_job_goes_from_the_web_through_the_queue_to_a_worker_and_into_the_database() {
    let foreman = Story::shared().await;
    let task = foreman.admin().await.job("hello").await;
    assert_eq!(task["result"], "success");
    let worker = task["hostname"].as_str().expect("a host").to_owned();
    let workers: Pods = foreman.pods().await;
    assert!(
        workers.of("worker").iter().any(|pod| pod.name == worker),
        "{worker} is no worker of ours: {workers:?}"
    );

    let id = task["id"].as_str().expect("an id");
    let row = format!("SELECT state, result, output->>'sha256' FROM foreman_tasks_tasks WHERE id = '{id}'");
    // SHA-256 of `hello`: the worker has really done it.
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(foreman.psql("foreman", &row).await, format!("stopped|success|{digest}"));
}

#[tokio::test]
async fn candlepin_and_the_proxy_know_our_certificates_and_no_strangers() {
    let foreman = Story::shared().await;
    let ours = foreman.identity().await;

    let candlepin = foreman.visitor_of("candlepin", 23443, |http| http.identity(ours.clone())).await;
    assert_eq!(candlepin.json("/candlepin/status").await["mode"], "NORMAL");
    let refused = foreman.visitor_of("candlepin", 23443, |http| http.identity(stranger())).await;
    let error = refused.try_get("/candlepin/status").await.expect_err("a stranger's certificate is refused");
    assert!(error.contains("alert") || error.contains("reset") || error.contains("closed"), "{error}");

    let host = foreman.visitor_of("", 443, |http| http.identity(ours)).await;
    assert_eq!(host.json("/rhsm/status").await["result"], true);
    assert_eq!(foreman.visitor().await.get("/rhsm/status").await.0, StatusCode::UNAUTHORIZED);
    let refused = foreman.visitor_of("", 443, |http| http.identity(stranger())).await;
    refused.try_get("/rhsm/status").await.expect_err("a stranger's certificate is refused");

    // Foreman itself reaches Candlepin with its own certificates and keys.
    let ping = foreman.visitor().await.json("/api/v2/ping").await;
    assert_eq!(ping["results"]["katello"]["services"]["candlepin"]["status"], "ok", "{ping}");
}

#[tokio::test]
async fn every_pod_is_restricted_probed_and_limited() {
    let foreman = Story::shared().await;
    let namespaces: Api<Namespace> = Api::all(foreman.client.clone());
    let namespace = namespaces.get(&foreman.namespace).await.expect("the namespace");
    assert_eq!(namespace.labels()["pod-security.kubernetes.io/enforce"], "restricted");

    let all = ListParams::default();
    let mut pods: Vec<(String, PodSpec)> = vec![];
    for workload in foreman.api::<Deployment>().list(&all).await.expect("Deployments") {
        pods.push((workload.name_any(), workload.spec.and_then(|spec| spec.template.spec).expect("pods")));
    }
    for workload in foreman.api::<StatefulSet>().list(&all).await.expect("StatefulSets") {
        pods.push((workload.name_any(), workload.spec.and_then(|spec| spec.template.spec).expect("pods")));
    }
    assert!(pods.len() >= 8, "{} workloads", pods.len());
    for (name, pod) in pods {
        assert!(pod.termination_grace_period_seconds.is_some(), "{name}: time to end");
        for container in pod.containers {
            let what = format!("{name}, container {}", container.name);
            assert!(container.readiness_probe.is_some(), "{what}: readiness probe");
            assert!(container.liveness_probe.is_some(), "{what}: liveness probe");
            let resources = container.resources.unwrap_or_default();
            for amounts in [resources.requests, resources.limits] {
                let amounts = amounts.unwrap_or_default();
                assert!(
                    ["cpu", "memory"].iter().all(|key| amounts.contains_key(*key)),
                    "{what}: {amounts:?}"
                );
            }
        }
    }
}

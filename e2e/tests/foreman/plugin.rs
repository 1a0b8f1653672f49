//! A plugin is added to a Foreman in use.

use std::{collections::BTreeMap, time::Duration};

use e2e::{Story, Visitor};
use tokio::{sync::watch, task::JoinSet};

/// Asks again and again until told to stop; how often which answer came.
async fn ask(visitor: Visitor, path: &'static str, stop: watch::Receiver<bool>) -> BTreeMap<String, u32> {
    let mut answers = BTreeMap::new();
    while !*stop.borrow() {
        let answer = match visitor.try_get(path).await {
            Ok((status, _)) => format!("{path} {}", status.as_u16()),
            Err(error) => format!("{path} {error}"),
        };
        *answers.entry(answer).or_default() += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_added_and_no_request_fails() {
    let foreman = Story::shared().await;
    foreman.edit(|spec| spec.web.replicas = 2).await;
    foreman.ready().await;
    let (before, migrations) = (foreman.pods().await, foreman.migrations().await);
    assert_eq!((before.of("web").len(), before.of("web-events").len(), before.of("proxy").len()), (2, 1, 2));

    let (stop, stopped) = watch::channel(false);
    let mut visitors = JoinSet::new();
    for path in ["/users/login", "/api/v2/organizations", "/api/v2/ping"] {
        visitors.spawn(ask(foreman.admin().await, path, stopped.clone()));
    }
    foreman.edit(|spec| _ = spec.plugins.insert("webhooks".into(), true)).await;
    foreman.ready().await;
    // Pods of before may still be ending.
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.send(true).expect("somebody listens");
    let answers: BTreeMap<String, u32> = visitors.join_all().await.into_iter().flatten().collect();
    println!("{answers:?}");
    assert!(answers.keys().all(|answer| answer.ends_with(" 200")), "{answers:?}");
    assert!(answers.values().all(|count| *count >= 20), "{answers:?}");

    let plugins =
        foreman.psql("foreman", "SELECT plugins FROM migration_runs ORDER BY id DESC LIMIT 1").await;
    assert!(plugins.contains("foreman_webhooks"), "{plugins}");
    assert_eq!(foreman.migrations().await, (migrations.parse::<u32>().expect("a number") + 1).to_string());
    let gone = foreman.pods().await.gone_or_restarted_since(&before);
    for part in ["web", "web-events", "worker", "worker-hosts-queue", "orchestrator"] {
        for pod in before.of(part) {
            assert!(gone.contains(&pod.name), "{} has not been replaced", pod.name);
        }
    }
    for part in ["proxy", "database", "queue", "candlepin"] {
        for pod in before.of(part) {
            assert!(!gone.contains(&pod.name), "{} needed not be replaced", pod.name);
        }
    }
    assert!(foreman.visitor().await.get("/api/v2/ping").await.0.is_success());
}

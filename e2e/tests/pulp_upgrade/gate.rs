//! Over a migration that refuses to run beside the old release.

use std::time::Duration;

use e2e::{LONG, PulpStory, Traffic, cluster::image, content, processes::processes};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{core, running, state};

/// When a process of one of these pods was last seen.
async fn last_seen(pods: Vec<String>, stop: watch::Receiver<bool>) -> Timestamp {
    let mut last = Timestamp::UNIX_EPOCH;
    while !*stop.borrow() {
        if pods.iter().any(|uid| !processes(uid, "pulpcore-").is_empty()) {
            last = Timestamp::now();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_is_passed_with_nothing_of_the_old_release_running() {
    let pulp = running("gate", &image("pulp-3.73")).await;
    assert_eq!(core(&pulp).await, "3.73.47");
    let admin = pulp.admin().await;
    let files = content::file(&admin).await;
    let task = admin.json("/pulp/api/v3/tasks/?limit=1").await["results"][0]["pulp_href"].clone();
    let task = task.as_str().expect("a task");
    let applied: u32 = migrations(&pulp, "max(id)").await.parse().expect("a number");

    let traffic = Traffic::default().downloads(pulp.visitor().await, &files[0]);
    let pods = pulp.settled().await;
    let old = ["api", "content", "worker"].into_iter().flat_map(|part| pods.of(part));
    let old: Vec<_> = old.map(|pod| pod.uid.clone()).collect();
    assert!(old.len() == 3 && old.iter().all(|uid| !processes(uid, "pulpcore-").is_empty()), "{old:?}");
    let (stop, stopped) = watch::channel(false);
    let old = tokio::spawn(last_seen(old, stopped));

    pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
    let said = pulp.condition(LONG, "Available", "False", "Upgrading").await;
    println!("Upgrading: {said}");
    assert!(said.contains("core >= 3.82.1"), "{said}");
    pulp.ready().await;
    pulp.condition(LONG, "Available", "True", "Serving").await;
    stop.send_replace(true);
    let records = traffic.end().await;

    let old = old.await.expect("it was looked at");
    let begun = migrations(
        &pulp,
        &format!("to_char(min(applied) FILTER (WHERE id > {applied}), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF')"),
    )
    .await;
    println!("the old release was last seen at {old}, the first migration was done at {begun}");
    let begun: Timestamp = begun.parse().expect("a time");
    assert!(old < begun, "the old release ran at {old}, the migration had begun at {begun}");

    assert_eq!(core(&pulp).await, "3.123.1");
    assert_eq!(state(&admin, task).await, "completed");
    content::arrive(&pulp.visitor().await, &files).await;
    content::arrive(&pulp.visitor().await, &content::file(&admin).await).await;
    for record in records {
        assert!(record.silence < Duration::from_mins(4), "{record}");
        assert!(record.answers > 20, "{record}");
    }
}

async fn migrations(pulp: &PulpStory, what: &str) -> String {
    pulp.psql("pulp", &format!("SELECT {what} FROM django_migrations")).await
}

//! Over a migration that refuses to run beside the old release.

use std::time::Duration;

use e2e::{PulpStory, Traffic, cluster::image, content, processes::processes};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{core, outages, running};

/// How much earlier or later than the condition a client may notice it: a pod that ends has to be told of, and looks are rare.
const LAG: SignedDuration = SignedDuration::from_secs(30);

/// When a process of one of these pods was last seen.
async fn last_seen(pods: Vec<String>, stop: watch::Receiver<bool>) -> Timestamp {
    let mut last = Timestamp::UNIX_EPOCH;
    while !*stop.borrow() {
        if pods.iter().any(|uid| !processes(uid, "pulpcore-").is_empty()) {
            last = Timestamp::now();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_is_passed_with_nothing_of_the_old_release_running_and_the_outage_is_announced() {
    let pulp = running("gate", &image("pulp-3.73"), 1).await;
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
    let old = tokio::spawn(last_seen(old, stopped.clone()));

    let upgrade = async {
        pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
        pulp.ready().await;
        stop.send_replace(true);
    };
    let (outages, ()) = tokio::join!(outages(&pulp, stopped), upgrade);

    // Announced once, with the reason, and as long as it was: who reads the condition knows all of it.
    assert_eq!(outages.len(), 1, "{outages:?}");
    let outage = &outages[0];
    println!("announced for {:#}: {}", outage.to.duration_since(outage.from), outage.said);
    assert!(
        outage.said.starts_with("Upgrading: ") && outage.said.contains("core >= 3.82.1"),
        "{}",
        outage.said
    );
    for record in traffic.end().await {
        let (first, last) = record.failing.expect("it cannot serve all the while");
        println!("clients noticed it for {:#}", last.duration_since(first));
        assert!(first >= outage.from - LAG && last <= outage.to + LAG, "{outage:?}: {first} to {last}");
        assert!(record.answers > 20, "{record}");
    }

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
    assert_eq!(admin.ended(task).await["state"], "completed");
    content::arrive(&pulp.visitor().await, &files).await;
    content::arrive(&pulp.visitor().await, &content::file(&admin).await).await;
}

async fn migrations(pulp: &PulpStory, what: &str) -> String {
    pulp.psql("pulp", &format!("SELECT {what} FROM django_migrations")).await
}

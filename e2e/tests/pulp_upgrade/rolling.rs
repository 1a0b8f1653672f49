//! With no gate in between, nobody notices.

use std::time::Duration;

use e2e::{Traffic, cluster::image, content, story::condition};
use tokio::sync::watch;

use crate::{core, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gate_no_download_and_no_read_fails() {
    let pulp = running("rolling", &image("pulp-3.105")).await;
    assert_eq!(core(&pulp).await, "3.105.25");
    pulp.edit(|spec| {
        (spec.api.replicas, spec.content.replicas, spec.web.replicas) = (2, 2, 2);
        spec.worker.replicas = 2;
    })
    .await;
    pulp.ready().await;
    let (admin, before) = (pulp.admin().await, pulp.settled().await);
    let files = content::file(&admin).await;

    let mut traffic = Traffic::default().reads(admin.clone(), "/pulp/api/v3/repositories/file/file/?limit=1");
    for _ in 0..3 {
        traffic = traffic.downloads(pulp.visitor().await, &files[0]);
    }
    traffic = traffic.reads(pulp.visitor().await, "/pulp/api/v3/status/");
    let (stop, stopped) = watch::channel(false);
    let unavailable = async {
        let mut seen = vec![];
        while !*stopped.borrow() {
            let instance = pulp.now().await.expect("it is there");
            let available = condition(&instance, "Available").expect("a condition");
            if available.status != "True" {
                seen.push(format!("{}: {}", available.reason, available.message));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        seen
    };
    let upgrade = async {
        pulp.edit(|spec| spec.images.pulp = Some(image("pulp"))).await;
        pulp.ready().await;
        let after = pulp.settled().await;
        stop.send_replace(true);
        after
    };
    let (unavailable, after) = tokio::join!(unavailable, upgrade);

    let records = traffic.end().await;
    assert_eq!(unavailable, [""; 0]);
    for record in records {
        assert!(record.failures.is_empty(), "{record}");
        assert!(record.answers > 20, "{record}");
    }
    assert_eq!(core(&pulp).await, "3.123.1");
    let gone = after.gone_or_restarted_since(&before);
    for part in ["api", "content", "worker"] {
        for pod in before.of(part) {
            assert!(gone.contains(&pod.name), "{} is of the old release", pod.name);
        }
    }
    for part in ["web", "database", "cache"] {
        for pod in before.of(part) {
            assert!(!gone.contains(&pod.name), "{} needed not be replaced", pod.name);
        }
    }
}

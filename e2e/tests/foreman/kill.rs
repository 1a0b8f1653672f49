//! The operator dies at the worst moments.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use e2e::{Audit, FOREMAN, Operator, SHORT, Story, operator::USER};
use foreman_operator::crd::DeletionPolicy;
use rand::Rng;

#[tokio::test]
async fn an_operator_that_is_killed_ten_times_during_an_install_ends_where_it_would_have() {
    let (foreman, operator) = (Story::new("kill").await, Operator::installed().await);
    let audit = Audit::begin();
    let mut leader = operator.leader().await;
    foreman.create(FOREMAN).await.expect("the API server takes the manifest");

    let mut uids = BTreeMap::new();
    for kill in 1..=10 {
        let moment = Duration::from_millis(rand::rng().random_range(20..2500));
        tokio::time::sleep(moment).await;
        // One time in two the pod is lost as well: another one has to wait for the Lease.
        if kill % 2 == 0 {
            operator.kill_pod(&leader).await;
        } else {
            operator.kill_process(&leader).await;
        }
        let (dead, stage) = (
            Instant::now(),
            foreman
                .foreman()
                .await
                .and_then(|it| e2e::story::condition(&it, "Ready").map(|it| it.reason.clone())),
        );
        for (title, seen) in foreman.objects().await.of("Secret").0 {
            let first = uids.entry(title.clone()).or_insert_with(|| seen.uid.clone());
            assert_eq!(*first, seen.uid, "{title} is another one after kill {kill}");
        }
        leader = operator.leads_again(SHORT, &leader).await;
        println!(
            "kill {kill}: {moment:?} after the operator led, in stage {stage:?}; {:?} without one",
            dead.elapsed()
        );
    }
    foreman.ready().await;

    assert_eq!(foreman.migrations().await, "1");
    let objects = foreman.objects().await;
    for (title, uid) in &uids {
        assert_eq!(*uid, objects.0[title].uid, "{title}");
    }
    let mut created: Vec<_> = audit
        .requests(USER)
        .into_iter()
        .filter(|request| {
            request.namespace == foreman.namespace && request.verb == "create" && request.code == 201
        })
        .filter(|request| request.resource == "secrets" || request.resource == "jobs")
        .map(|request| format!("{} {}", request.resource, request.name))
        .collect();
    created.sort();
    let all = created.len();
    created.dedup();
    assert_eq!(created.len(), all, "nothing is created twice: {created:?}");
    assert_eq!(objects.of("Job").0.len(), 1, "{:?}", objects.titles());
    assert_eq!(foreman.admin().await.job("after ten deaths").await["result"], "success");

    // The end is the one that an undisturbed installation has.
    let undisturbed = Story::shared().await.objects().await;
    let of_it = |objects: &e2e::Objects| {
        objects.only(|title| !title.starts_with("Job ")).0.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(of_it(&objects), of_it(&undisturbed));

    foreman.edit(|spec| spec.deletion_policy = DeletionPolicy::Delete).await;
    foreman.ready().await;
}

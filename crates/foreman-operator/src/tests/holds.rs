//! What others ask a Foreman to do without.

use reconcile::{HoldState, What, rehearsal::Rehearsal};
use serde_json::Value;

use super::{lives::installed, *};

fn replicas(rehearsal: &Rehearsal<Foreman>, name: &str) -> Value {
    let path = rehearsal.of("/apis/apps/v1", &format!("deployments/myforeman-{name}"));
    rehearsal.memory.object(&path).unwrap()["spec"]["replicas"].clone()
}

fn suspended(rehearsal: &Rehearsal<Foreman>) -> usize {
    let jobs = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/cronjobs/"));
    jobs.filter(|(_, job)| job["spec"]["suspend"] == true).count()
}

#[tokio::test]
async fn deletion_is_held_at_once_and_costs_nothing() {
    let rehearsal = installed().await;
    rehearsal.memory.writes();
    rehearsal.hold("night", &[What::Deletion], Some(280));
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.holds[0].state, HoldState::Held);
    assert_eq!(rehearsal.memory.writes().len(), 1);
}

#[tokio::test]
async fn without_workers_the_orchestrator_and_the_web_go_on() {
    let rehearsal = installed().await;
    rehearsal.hold("night", &[What::Workers], Some(280));
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.holds[0].state, HoldState::Pending);
    assert_eq!(
        status.holds[0].message,
        "pods still end what they are at: myforeman-worker, myforeman-worker-hosts-queue"
    );
    rehearsal.memory.settle();
    let now = |name: &str| replicas(&rehearsal, name);
    assert_eq!((now("worker"), now("worker-hosts-queue")), (0.into(), 0.into()));
    assert_eq!((now("orchestrator"), now("web")), (1.into(), 1.into()));
    assert_eq!(suspended(&rehearsal), 4);
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.holds[0].state, HoldState::Held);
    assert!(status.is("Ready"));

    rehearsal.hold("night", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!((now("worker"), now("worker-hosts-queue")), (2.into(), 1.into()));
    assert_eq!(suspended(&rehearsal), 0);
}

#[tokio::test]
async fn to_hold_writes_the_web_goes_as_well_and_the_proxy_stays() {
    let rehearsal = installed().await;
    rehearsal.hold("night", &[What::Writes], Some(280));
    rehearsal.settle().await.unwrap();
    let now = |name: &str| replicas(&rehearsal, name);
    assert_eq!((now("worker"), now("web"), now("proxy")), (0.into(), 0.into(), 1.into()));
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.holds[0].state, HoldState::Held);
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "Held"));
    assert!(ready.message.starts_with("writes are held by night: the web servers are stopped"));
    assert!(!status.is("Reconciling"));

    rehearsal.hold("night", &[], None);
    rehearsal.settle().await.unwrap();
    assert!(rehearsal.pass().await.unwrap().is("Ready"));
}

//! Losing the Lease and getting it again, in one process.

use std::{sync::Arc, time::Duration};

use kube::Api;
use tokio_util::sync::CancellationToken;

use super::note::{Note, PATH, WRITTEN, note};
use crate::{
    Managed,
    lease::Leader,
    places::Places,
    rehearsal::Memory,
    report::Reporter,
    term::{self, Face, Single},
};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/note-operator";

/// A process that stands for the Lease, and its end.
struct Process {
    face: Arc<Face<Single<Note>>>,
    stop: CancellationToken,
    life: tokio::task::JoinHandle<()>,
}

impl Process {
    fn start(memory: &Memory, name: &str) -> Self {
        let face = Arc::new(Face::<Single<Note>>::new(Reporter::new(&Note::ABOUT).into()));
        let stop = CancellationToken::new();
        let (client, stopping, seen) = (memory.client(), stop.clone(), face.clone());
        let mut leader =
            Leader::new(Api::default_namespaced(client.clone()), Note::ABOUT.operator, name.into());
        let life = tokio::spawn(async move {
            term::run(client, Places(vec!["n".into()]), &seen, &mut leader, &stopping).await;
        });
        Self { face, stop, life }
    }

    fn leads(&self) -> bool {
        self.face.reporter.metrics.leader.get() == 1
    }
}

/// How long it takes until something is so.
async fn until(what: impl Fn() -> bool) -> Duration {
    let begun = tokio::time::Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_mins(2), "it never came to be so");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

fn holder(memory: &Memory) -> Option<String> {
    memory.object(LEASE)?["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

/// Somebody else takes the Lease, and never renews it.
fn taken(memory: &Memory) {
    memory.edit(LEASE, |mut lease| {
        lease["spec"]["holderIdentity"] = "somebody else".into();
        Some(lease)
    });
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lease_writes_nothing_more_and_leads_again_when_it_is_free() {
    let memory = Memory::default();
    memory.add(PATH, note());
    memory.stall(true);
    let process = Process::start(&memory, "me");
    until(|| process.leads()).await;
    // Its first write hangs when the Lease goes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    taken(&memory);
    assert!(until(|| !process.leads()).await < Duration::from_secs(10));
    memory.stall(false);
    memory.writes();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(memory.writes(), [] as [&str; 0], "another one leads");
    assert_eq!(memory.object(WRITTEN), None);
    assert_eq!(process.face.ready(), Ok("standing by"));
    // The other one is dead: what this process knew before does not count.
    until(|| process.leads()).await;
    until(|| memory.object(WRITTEN).is_some()).await;
    assert_eq!(holder(&memory).as_deref(), Some("me"));
    until(|| process.face.ready() == Ok("leading")).await;
    process.stop.cancel();
    process.life.await.unwrap();
    assert_eq!(holder(&memory), None, "given back");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_before_another_one_may_lead() {
    let memory = Memory::default();
    memory.add(PATH, note());
    let process = Process::start(&memory, "me");
    until(|| memory.object(WRITTEN).is_some()).await;
    memory.refuse(true);
    let lost = until(|| !process.leads()).await;
    assert!(lost < Duration::from_secs(14), "{lost:?}");
    memory.refuse(false);
    // Nobody took it: the next term begins with nothing known and has nothing to do.
    until(|| process.leads()).await;
    until(|| process.face.ready() == Ok("leading")).await;
    memory.writes();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let leases = |write: &String| write.contains("/leases/");
    assert!(memory.writes().iter().all(leases));
    process.stop.cancel();
    process.life.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_of_two_leads_and_the_other_takes_over_when_it_ends() {
    let memory = Memory::default();
    memory.add(PATH, note());
    let one = Process::start(&memory, "one");
    until(|| one.leads()).await;
    let other = Process::start(&memory, "other");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(one.leads() && !other.leads());
    one.stop.cancel();
    one.life.await.unwrap();
    assert!(until(|| other.leads()).await < Duration::from_secs(4));
    other.stop.cancel();
    other.life.await.unwrap();
}

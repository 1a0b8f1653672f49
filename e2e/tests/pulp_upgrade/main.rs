//! A Pulp goes from release to release while people use it.

mod gate;
mod rolling;

use std::time::Duration;

use e2e::{PulpStory, story::condition};
use jiff::Timestamp;
use reconcile::Managed;
use tokio::sync::watch;

/// Ready, of this image, with the fewest plugins and so many pods of each part.
async fn running(title: &str, image: &str, pods: i32) -> PulpStory {
    let pulp = PulpStory::new(title).await;
    let server = format!("{{replicas: {pods}, processes: 1}}");
    pulp.state(&format!(
        "{{storage: {{file: {{size: 1Gi}}}}, plugins: [pulp_certguard], images: {{pulp: '{image}'}}, \
         api: {server}, content: {server}, worker: {{replicas: {pods}}}, web: {{replicas: {pods}}}}}"
    ))
    .await;
    pulp.ready().await;
    pulp
}

/// What the status says that runs of Pulp itself.
async fn core(pulp: &PulpStory) -> String {
    let instance = pulp.now().await.expect("it is there");
    let status = instance.status().expect("a status");
    let version = status.versions.iter().find(|version| version.part == "core");
    version.and_then(|version| version.running.clone()).unwrap_or_default()
}

/// A time in which the condition `Available` was not true.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outage {
    from: Timestamp,
    to: Timestamp,
    said: String,
}

/// All of them until it is told to stop.
async fn outages(pulp: &PulpStory, stop: watch::Receiver<bool>) -> Vec<Outage> {
    let (mut seen, mut last): (Vec<Outage>, _) = (vec![], false);
    while !*stop.borrow() {
        let instance = pulp.now().await.expect("it is there");
        let available = condition(&instance, "Available").expect("a condition");
        let (out, now) = (available.status != "True", Timestamp::now());
        match seen.last_mut().filter(|_| last) {
            Some(outage) => outage.to = now,
            None if out => {
                let said = format!("{}: {}", available.reason, available.message);
                seen.push(Outage { from: now, to: now, said });
            }
            None => {}
        }
        last = out;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    seen
}

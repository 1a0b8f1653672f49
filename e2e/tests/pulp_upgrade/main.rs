//! A Pulp goes from release to release while people use it.

mod failed;
mod gate;
mod rolling;
mod tasks;

use e2e::PulpStory;
use reconcile::Managed;

/// Ready, of this image, with one pod of each part and the fewest plugins.
async fn running(title: &str, image: &str) -> PulpStory {
    let pulp = PulpStory::new(title).await;
    pulp.state(&format!(
        "{{storage: {{file: {{size: 1Gi}}}}, plugins: [pulp_certguard], worker: {{replicas: 1}}, images: {{pulp: '{image}'}}}}"
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

/// Whether Pulp still knows a task; and how it ended.
async fn state(admin: &e2e::Visitor, task: &str) -> String {
    admin.json(task).await["state"].as_str().unwrap_or_default().to_owned()
}

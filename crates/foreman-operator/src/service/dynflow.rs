//! Dynflow: Sidekiq processes that plan (one orchestrator) and run (workers) Foreman's background tasks.
//!
//! SIGTSTP stops taking jobs; SIGTERM ends and puts unfinished jobs back. No HTTP: a process that takes jobs says so in its title.

use k8s_openapi::api::core::v1::{ExecAction, Lifecycle, LifecycleHandler};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{every, exec},
};

use super::{
    Instance,
    rails::{self, Process},
};

/// Time for running jobs to end (s); upstream's unit file gives as much.
const GRACE: i64 = 300;
/// Sidekiq writes `[2 of 5 busy]` into its title once it takes jobs.
const TAKES_JOBS: &str = "grep -qa ' of [0-9]* busy' /proc/1/cmdline";
/// Takes no more jobs, and waits until none is running; at SIGTERM Sidekiq waits 25 s more and puts the rest back into the queue.
const DRAIN: &str =
    "kill -TSTP 1; for i in $(seq 260); do sleep 1; grep -qa '\\[0 of' /proc/1/cmdline && break; done";

/// Nothing without background tasks. `still`: none may run, so there are no workers; the orchestrator keeps what waits.
pub fn objects(foreman: &Instance, still: bool) -> Vec<Object> {
    [orchestrator(foreman, false), workers(foreman, still)].concat()
}

/// `still`: nobody may write, so there is none.
pub fn orchestrator(foreman: &Instance, still: bool) -> Vec<Object> {
    if !foreman.tasks() {
        return vec![];
    }
    let (name, resources) = ("orchestrator", foreman.spec.resources.orchestrator.as_ref());
    // One at a time: a second one would only wait for the lock of the first.
    vec![process(foreman, name, name, i32::from(!still), Replace::OneAtATime, resources)]
}

/// What runs jobs.
pub fn workers(foreman: &Instance, still: bool) -> Vec<Object> {
    if !foreman.tasks() {
        return vec![];
    }
    let resources = &foreman.spec.resources;
    let mut objects = vec![];
    let workers = if still { 0 } else { foreman.spec.dynflow_workers };
    objects.push(process(foreman, "worker", "worker", workers, Replace::Rolling, resources.worker.as_ref()));
    if foreman.katello() {
        let name = "worker-hosts-queue";
        let replicas = i32::from(!still);
        objects.push(process(foreman, name, name, replicas, Replace::Rolling, resources.worker.as_ref()));
    }
    objects
}

fn process(
    foreman: &Instance,
    component: &str,
    configuration: &str,
    replicas: i32,
    replace: Replace,
    resources: Option<&Amounts>,
) -> Object {
    let command = [
        "/usr/libexec/foreman/sidekiq-selinux",
        "-e",
        "production",
        "-r",
        "./extras/dynflow-sidekiq.rb",
        "-C",
    ];
    let mut command: Vec<String> = command.map(Into::into).into();
    command.push(format!("/etc/foreman/dynflow/{configuration}.yml"));
    let process = Process {
        name: "dynflow",
        command,
        resources: Amounts::or(resources, ["50m", "512Mi"], ["2", "2Gi"]),
        events: false,
        env: vec![],
    };
    let mut pod = rails::pod(foreman, process);
    pod.termination_grace_period_seconds = Some(GRACE);
    let takes_jobs = || exec(["bash", "-c", TAKES_JOBS]);
    let container = &mut pod.containers[0];
    container.startup_probe = Some(every(takes_jobs(), 3, 5, 200));
    container.readiness_probe = Some(every(takes_jobs(), 15, 5, 3));
    container.liveness_probe = Some(every(takes_jobs(), 30, 10, 6));
    let drain = ExecAction { command: Some(["bash", "-c", DRAIN].map(Into::into).into()) };
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler { exec: Some(drain), ..Default::default() }),
        ..Default::default()
    });
    foreman.part(component).deployment(replicas, replace, pod)
}

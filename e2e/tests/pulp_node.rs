//! A node is lost as by a power loss: its processes end at one instant, and nobody tells Kubernetes.

use std::time::{Duration, Instant};

use e2e::{
    LONG, PulpStory, Traffic,
    cluster::command,
    content::{Artifact, arrive, file},
    pods::Pods,
    pulp::light,
    wait,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};
use reqwest::Method;
use serde_json::{Value, json};

/// The second node takes only what tolerates this: nobody else's pods shall be lost with it.
const TAINT: &str = "e2e.theforeman.org-lost";
const NODE: &str = "node2";

/// Is gone at the end, whatever happens before.
struct Node;

impl Node {
    async fn add() -> Self {
        // SAFETY: nothing else in this process reads or writes the environment meanwhile.
        command("cluster/node-add-tainted", &[NODE, TAINT]).await;
        Self
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let program = format!("{}/cluster/node-remove", env!("CARGO_MANIFEST_DIR"));
        let _ = std::process::Command::new(program).arg(NODE).status();
    }
}

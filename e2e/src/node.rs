//! A second node, which can be lost.

use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};

use crate::cluster::{command, connect, here};

/// The second one.
pub const NODE: &str = "node2";
/// The first one.
const FIRST: &str = "node1";

/// The second node; it is gone at the end, however that comes.
#[derive(Debug)]
pub struct Second;

impl Second {
    /// Adds it; with a taint, it takes only what tolerates that.
    pub async fn add(taint: Option<&str>) -> Self {
        let node = Self;
        // One that somebody has left would take everything.
        command("cluster/node-remove", &[NODE]).await;
        let taint: Vec<_> = std::iter::once(NODE).chain(taint).collect();
        command("cluster/node-add", &taint).await;
        node
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/cluster/node-remove");
        let _ = std::process::Command::new(program).arg(NODE).status();
    }
}

/// While this lives, nothing new is scheduled on the first node.
pub struct Cordon;

impl Cordon {
    /// Closes it.
    pub async fn close(client: &Client) -> Self {
        let cordon = Self;
        let nodes: Api<Node> = Api::all(client.clone());
        nodes.cordon(FIRST).await.expect("the node is cordoned");
        cordon
    }
}

impl Drop for Cordon {
    fn drop(&mut self) {
        // A thread of its own: the story's runtime may be ending.
        let end = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let nodes: Api<Node> = Api::all(connect(here().await));
                let _ = nodes.uncordon(FIRST).await;
            });
        });
        let _ = end.join();
    }
}

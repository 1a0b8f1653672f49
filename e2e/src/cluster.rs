//! The cluster that the stories run on, and how they wait for it.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::process::Command;

/// For what comes up: an installation takes one minute on two idle cores, and many where others work too.
pub const LONG: Duration = Duration::from_mins(15);
/// For what the operator does at once.
pub const SHORT: Duration = Duration::from_mins(2);

/// How the administrator reaches the cluster that `KUBECONFIG` names.
pub async fn here() -> Config {
    Config::infer().await.expect("KUBECONFIG names a cluster (. e2e/cluster/env)")
}

/// How he reaches another one of this machine, for example `cluster2`.
pub async fn elsewhere(name: &str) -> Config {
    let file = PathBuf::from(variable("CACHE")).join(name).join("admin.kubeconfig");
    let read = Kubeconfig::read_from(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    config.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A client with the rights of the administrator of the cluster that `KUBECONFIG` names.
pub async fn client() -> Client {
    connect(here().await)
}

/// A client with the rights of a cluster's administrator.
pub fn connect(config: Config) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::try_from(config).expect("a client for the API server")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: . e2e/cluster/env"))
}

/// Where the cluster keeps what it knows of itself.
fn state() -> PathBuf {
    PathBuf::from(variable("CACHE")).join(variable("CLUSTER"))
}

/// Where the cluster keeps its logs.
pub fn logs() -> PathBuf {
    state().join("log")
}

/// The process of a part of the cluster, for example `apiserver`.
pub fn process(part: &str) -> String {
    let file = state().join(format!("run/{part}.pid"));
    let id = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    id.trim().to_owned()
}

/// Runs one of the commands in `e2e`, for example `cluster/node-add`; it must succeed.
pub async fn command(path: &str, arguments: &[&str]) {
    let program = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let ended = Command::new(&program).args(arguments).status().await;
    assert!(ended.as_ref().is_ok_and(std::process::ExitStatus::success), "{path} {arguments:?}: {ended:?}");
}

/// Reference of an image that `e2e/run` has built, by its folder in `e2e/images`.
pub fn image(name: &str) -> String {
    let list = fs::read_to_string(state().join("images")).expect("the list of images that e2e/run writes");
    let mut lines = list.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let line = lines.find(|line| line[0] == name).unwrap_or_else(|| panic!("there is no image {name}"));
    line[1].to_owned()
}

/// Looks four times a second until `look` finds what it looks for; an `Err` says why it is not so yet.
pub async fn wait<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(why) if start.elapsed() > limit => panic!("{what}: not within {limit:?}: {why}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}

//! Where an operator works: in every namespace that lets it, or in its own alone.

use std::process::Stdio;

use e2e::{LONG, Operator, SMALL, Story, operator, wait};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret},
};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

/// Runs a command as somebody at a terminal would; it must succeed.
async fn run(line: &str, input: &str) -> String {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a command"));
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect(line);
    process.stdin.take().expect("input").write_all(input.as_bytes()).await.expect("input is taken");
    let output = process.wait_with_output().await.expect("output");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn one_operator_serves_two_namespaces_when_both_have_let_it_in() {
    let operator = Operator::installed().await;
    let before = operator.process().await;
    let open = Story::new("open").await;
    let closed = Story::ungranted(&open.namespace.replace("open-", "closed-")).await;
    for story in [&open, &closed] {
        story.create(SMALL).await.expect("the API server takes the manifest");
    }
    let said = closed.told("PermissionMissing", &["in namespace", "kubectl create rolebinding "]).await;
    assert!(closed.objects().await.0.is_empty(), "nothing is made without permission");
    run(&said[said.find("kubectl create rolebinding ").expect("a command")..], "").await;

    tokio::join!(open.ready(), closed.ready());
    for (part, key) in [("encryption", "ENCRYPTION_KEY"), ("admin", "password"), ("ca", "ca.key")] {
        assert_ne!(open.secret(part, key).await, closed.secret(part, key).await, "{part} is each one's own");
    }
    for story in [&open, &closed] {
        assert_eq!(story.visitor().await.get("/users/login").await.0, 200, "{}", story.namespace);
    }

    let (untouched, pods) = (closed.objects().await, closed.pods().await);
    open.delete().await;
    wait(LONG, "the pods of the one that was deleted are gone", async || {
        let left = open.pods().await.0.len();
        if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
    })
    .await;
    closed.ready().await;
    assert_eq!(closed.objects().await.changed_since(&untouched), Vec::<String>::new());
    assert_eq!(closed.pods().await.gone_or_restarted_since(&pods), Vec::<String>::new());
    assert_eq!(operator.process().await, before, "the operator was not restarted");
}

/// The operator of the other stories rests while this one lives: it would say of every namespace what it may not do there.
struct Rest;

impl Rest {
    async fn begin(client: kube::Client) -> Self {
        let rest = Self;
        Self::scale(client.clone(), 0).await;
        let pods: Api<Pod> = Api::namespaced(client, operator::NAMESPACE);
        wait(LONG, "the operator rests", async || {
            // One that the kubelet has evicted stays as a record, and does nothing.
            let alive = ListParams::default().fields("status.phase!=Succeeded,status.phase!=Failed");
            let left = pods.list(&alive).await.map_err(|error| error.to_string())?;
            if left.items.is_empty() { Ok(()) } else { Err("its pod ends".into()) }
        })
        .await;
        rest
    }

    async fn scale(client: kube::Client, replicas: i32) {
        let deployments: Api<Deployment> = Api::namespaced(client, operator::NAMESPACE);
        let scale = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        let done = deployments.patch_scale("foreman-operator", &PatchParams::default(), &scale).await;
        done.expect("the operator's Deployment can be scaled");
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let end = std::thread::spawn(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { Self::scale(e2e::cluster::client().await, 1).await });
        });
        let _ = end.join();
    }
}

#[tokio::test]
async fn an_operator_of_one_namespace_sees_no_other() {
    let beside = Story::new("beside").await;
    let mut home = Story::ungranted(&beside.namespace.replace("beside", "home")).await;
    home.name = "mine".into();
    let mut values: Value = serde_json::from_str(
        &run("helm get values foreman-operator --namespace foreman-operator --output json", "").await,
    )
    .expect("the values of the operator of the other stories");
    values["scope"] = "namespace".into();
    values.as_object_mut().expect("values").remove("namespaces");
    let rest = Rest::begin(home.client.clone()).await;
    let audit = e2e::Audit::begin();
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/foreman-operator");
    let install = format!(
        "helm install foreman-operator {chart} --namespace {} --skip-crds --wait --timeout 3m --values -",
        home.namespace
    );
    run(&install, &values.to_string()).await;

    beside.create(SMALL).await.expect("the API server takes the manifest");
    home.create(&SMALL.replace("myforeman", "mine")).await.expect("the API server takes the manifest");
    home.ready().await;
    assert_eq!(home.visitor().await.get("/users/login").await.0, 200);

    assert!(beside.foreman().await.is_some_and(|foreman| foreman.status.is_none()), "nobody looked at it");
    assert!(beside.objects().await.0.is_empty());
    let user = format!("system:serviceaccount:{}:foreman-operator", home.namespace);
    let requests = audit.requests(&user);
    assert!(requests.len() > 20, "{requests:?}");
    let elsewhere: Vec<_> = requests.iter().filter(|asked| asked.namespace != home.namespace).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    let refused: Vec<_> = requests.iter().filter(|asked| asked.code == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(home.api::<Secret>().get("mine-admin").await.is_ok());
    drop(rest);
    Operator::installed().await.leader().await;
}

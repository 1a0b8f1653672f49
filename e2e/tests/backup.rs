//! Backups of a Foreman with Katello and its Pulp: one instant while everything is written to, everything lost and back, and the proof of it.

use e2e::{
    FOREMAN, LONG, PulpStory, Story,
    backup::{condition, delete, ended, scratch, state, storage},
    cluster,
    content::{anywhere, arrive, file},
    store::{Kind, Store},
    wait,
    writers::Writers,
};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use reqwest::StatusCode;
use serde_json::json;

const PULP: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata: {name: mypulp}
spec:
  plugins: [pulp_certguard]
  api: {processes: 1}
  content: {processes: 1}
  worker: {replicas: 1}
  storage: {file: {size: 2Gi}}
";

/// What a stranger is told who asks the gateway with a token of his own namespace: as Python's client says it.
const ASK: &str = "
import ssl, sys, urllib.request, urllib.error
url, token, method = sys.argv[1:]
request = urllib.request.Request(url, method=method, headers={'Authorization': 'Bearer ' + token})
try:
    print(urllib.request.urlopen(request, context=ssl._create_unverified_context()).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
";

/// What a probe of a drill asks: whether Foreman and its Candlepin are well, over TLS that is checked.
const PING: &str = "
import json, ssl, sys, urllib.request
trusted = ssl.create_default_context(cafile='/secrets/myforeman-server-tls/ca.crt')
said = json.load(urllib.request.urlopen(sys.argv[1], context=trusted))
assert said['results']['katello']['services']['candlepin']['status'] == 'ok', said
";

/// Whoever administers another namespace can neither read nor delete what is backed up, nor delete what is his own.
async fn nobody_else_gets_at_it(bank: &PulpStory, storage: &str, namespace: &str) {
    let accounts: kube::Api<ServiceAccount> = bank.api();
    let spec = TokenRequestSpec { audiences: vec!["backup.theforeman.org".into()], ..Default::default() };
    let request = TokenRequest { spec, ..Default::default() };
    let token =
        accounts.create_token_request("default", &Default::default(), &request).await.expect("a token");
    let token = token.status.expect("a token").token;
    let ask = async |method: &str, repository: &str| {
        let url = format!("https://backup-operator.backup-operator.svc:8443/{storage}/{repository}/config");
        bank.exec("owner", &["python3", "-c", ASK, &url, &token, method]).await
    };
    for method in ["GET", "POST", "DELETE"] {
        let said = ask(method, namespace).await;
        assert!(said.starts_with("403 ") && said.contains("has nothing to do with"), "{method}: {said}");
    }
    let own = bank.namespace.clone();
    assert!(ask("GET", &own).await.starts_with("404"), "there is no backup of it");
    assert!(ask("DELETE", &own).await.starts_with("403"), "not even one's own");
    assert!(ask("GET", "sets.cluster").await.starts_with("403"));
}

#[tokio::test]
async fn one_instant_while_everything_is_written_to_all_of_it_lost_and_back() {
    let bank = PulpStory::new("bank").await;
    let store = Store::start(&bank, Kind::S3).await;
    let client = bank.client.clone();
    let name = bank.namespace.clone();
    storage(&store, &client, &name).await;

    let foreman = Story::new("production").await;
    let pulp = PulpStory::ungranted(&foreman.namespace).await;
    pulp.grant().await;
    foreman.grant_backups().await;
    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    pulp.create(PULP).await.expect("the API server takes the manifest");
    pulp.serves().await;
    foreman.ready().await;
    let artifacts = file(&pulp.admin().await).await;
    let (admin, password) = ("admin", foreman.secret("admin", "password").await);
    assert_eq!(foreman.visitor().await.login(admin, &password).await, StatusCode::FOUND);

    let writers = Writers::start(&foreman, &pulp).await;
    let before = writers.written().await;
    let instances = json!({ "names": [foreman.reference(), pulp.reference()] });
    state(&client, "Backup", &name, json!({ "storage": { "name": name }, "instances": instances })).await;
    let status = ended(&client, "Backup", &name, "Completed").await;
    println!("{status:#}");
    let after = writers.written().await;
    assert!(after > before, "the writers went on: {before} to {after}");
    assert_eq!(status["cut"]["workersPaused"], false, "{status}");
    let (tries, milliseconds) = (&status["cut"]["tries"], &status["cut"]["milliseconds"]);
    println!(
        "one instant in {milliseconds} ms and {tries} tries; {} commits while the backup ran",
        after - before
    );
    let held = pulp.now().await.expect("the Pulp").status.expect("a status").holds;
    assert!(held.iter().all(|hold| !hold.holder.starts_with("backup-")), "{held:?}");

    nobody_else_gets_at_it(&bank, &name, &foreman.namespace).await;

    // Everything is lost: the namespace with its instances, Secrets and volumes.
    foreman.lose().await;

    let recovered = Story::new("recovered").await;
    let pulp = PulpStory::ungranted(&recovered.namespace).await;
    pulp.grant().await;
    recovered.grant_backups().await;
    let mapping = json!({ "namespaces": { foreman.namespace.clone(): recovered.namespace } });
    let spec = json!({ "storage": { "name": name }, "backup": { "name": name }, "mapping": mapping });
    state(&client, "Restore", &name, spec).await;
    let status = ended(&client, "Restore", &name, "Completed").await;
    println!("back after {} s", status["seconds"]);
    recovered.ready().await;
    pulp.serves().await;
    assert_eq!(
        recovered.visitor().await.login(admin, &password).await,
        StatusCode::FOUND,
        "the password is the one from before"
    );
    arrive(&pulp.visitor().await, &anywhere(&artifacts)).await;
    Writers::unbroken(&recovered, &pulp).await;
    // What was restored works: it takes new content.
    let more = file(&pulp.admin().await).await;
    arrive(&pulp.visitor().await, &more).await;

    // The proof, in a namespace for that; nothing of it is left. A small cluster has no room for both.
    recovered.lose().await;
    let scratch = scratch().await;
    let beside = scratch.beside("myforeman");
    let mapping = json!({ "namespaces": { foreman.namespace.clone(): scratch.namespace } });
    let url = format!("https://{}/api/v2/ping", beside.host(&beside.name));
    let probes = json!([{ "name": "ping", "namespace": scratch.namespace, "image": cluster::image("pulp"),
        "command": ["python3", "-c", PING, url], "secrets": [format!("{}-server-tls", beside.name)] }]);
    let spec = json!({ "storage": { "name": name }, "mapping": mapping, "probes": probes });
    state(&client, "RestoreDrill", &name, spec).await;
    let status = condition(&client, "RestoreDrill", &name, "Proven", "True", LONG).await;
    assert_eq!(status["last"]["probes"], json!([{ "name": "ping", "worked": true }]));
    println!("proven: ready {} s after the drill began", status["last"]["seconds"]);
    condition(&client, "Backup", &name, "Verified", "True", LONG).await;
    wait(LONG, "the drill's instances are gone", async || {
        let left = scratch.objects().await;
        let left: Vec<_> =
            left.titles().into_iter().filter(|title| title.contains("my")).map(str::to_owned).collect();
        if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
    })
    .await;

    delete(&client, "RestoreDrill", &name).await;
    delete(&client, "Restore", &name).await;
    delete(&client, "Backup", &name).await;
    delete(&client, "BackupStorage", &name).await;
}

//! Everything is lost, its cluster too. What is left is a storage, its key, and another cluster that knows nothing.

use std::collections::BTreeMap;

use e2e::{
    FOREMAN, LONG, ProxyStory, PulpStory, Story,
    backup::{delete, ended, kind, state, storage, storage_at},
    cluster,
    content::{anywhere, arrive, file},
    pulp::light,
    smart_proxy::features,
    store::{Kind, Store},
    story::{Life, Served},
    wait,
};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use reqwest::StatusCode;
use serde_json::json;

/// A file that machines boot from, and a host that was met: of those that only the proxy has.
const KERNEL: &str = "/var/lib/tftpboot/boot/kernel";
const KNOWN_HOSTS: &str = "/usr/share/foreman-proxy/.ssh/known_hosts";

type Values = Option<BTreeMap<String, ByteString>>;

/// Values of all Secrets that belong to an instance by its own word.
async fn keys<K: Served>(life: &Life<K>) -> BTreeMap<String, Values> {
    let instance = life.now().await.expect("the instance");
    let named = instance.status().and_then(|status| status.backup.clone()).expect("what it consists of");
    let mut keys = BTreeMap::new();
    for name in named.secrets {
        let secret: Secret = life.api().get(&name).await.expect("a Secret that it says it has");
        keys.insert(name, secret.data);
    }
    keys
}

/// What a command prints in the proxy's pod.
async fn in_proxy(proxy: &ProxyStory, script: &str) -> String {
    let pod = proxy.settled().await.of("proxy")[0].name.clone();
    proxy.exec(&pod, &["sh", "-c", script]).await
}

#[tokio::test]
async fn an_empty_cluster_that_is_given_a_storage_and_its_key_has_everything_back_as_it_was() {
    // The storage is somebody else's, and stays.
    let bank = PulpStory::new("vault").await;
    let store = Store::start(&bank, Kind::S3).await;
    let (here, name) = (bank.client.clone(), bank.namespace.clone());
    storage(&store, &here, &name).await;

    let foreman = Story::new("lost").await;
    let pulp = PulpStory::ungranted(&foreman.namespace).await;
    pulp.grant().await;
    let proxy = ProxyStory::of(&foreman, "proxy").await;
    foreman.grant_backups().await;
    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    pulp.state(&light("storage: {file: {size: 2Gi}}")).await;
    proxy.with("{httpboot: {}, remoteExecution: {}}", "").await;
    pulp.serves().await;
    foreman.ready().await;
    proxy.ready().await;
    let artifacts = file(&pulp.admin().await).await;
    let password = foreman.secret("admin", "password").await;
    in_proxy(&proxy, &format!("echo a kernel > {KERNEL}; echo a host > {KNOWN_HOSTS}")).await;
    let (of_foreman, of_pulp, of_proxy) = (keys(&foreman).await, keys(&pulp).await, keys(&proxy).await);
    let known = proxy.known(&foreman.admin().await).await.expect("Foreman knows it");

    let names = [foreman.reference(), pulp.reference(), proxy.reference()];
    let spec = json!({ "storage": { "name": name }, "instances": { "names": names } });
    state(&here, "Backup", &name, spec).await;
    let status = ended(&here, "Backup", &name, "Completed").await;
    println!("{} in {} tries", status["set"], status["cut"]["tries"]);
    foreman.lose().await;

    let config = cluster::elsewhere("cluster2").await;
    let there = cluster::connect(config.clone());
    let foreman = Story::on(config.clone(), &foreman.namespace).await;
    let pulp = PulpStory::on(config, &foreman.namespace).await;
    let proxy = ProxyStory::of(&foreman, "proxy").await;
    foreman.grant().await;
    pulp.grant().await;
    foreman.grant_backups().await;
    // Names of one cluster mean nothing in the other.
    let (_, address) = store.address().await;
    storage_at(&format!("http://{address}"), &store, &there, &name).await;
    let found = wait(LONG, "the backup is found in the storage", async || {
        let found = kind(&there, "Backup").get_opt(&name).await.map_err(|error| error.to_string())?;
        let status = found.ok_or("there is none")?.data["status"].clone();
        if status["phase"] == "Completed" { Ok(status) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!((&found["set"], &found["cut"]["at"]), (&status["set"], &status["cut"]["at"]));

    state(&there, "Restore", &name, json!({ "storage": { "name": name }, "backup": { "name": name } })).await;
    let status = ended(&there, "Restore", &name, "Completed").await;
    println!("back in another cluster after {} s", status["seconds"]);
    foreman.ready().await;
    pulp.serves().await;
    proxy.ready().await;
    let login = foreman.visitor().await.login("admin", &password).await;
    assert_eq!(login, StatusCode::FOUND, "the password is the one from before");
    arrive(&pulp.visitor().await, &anywhere(&artifacts)).await;
    assert_eq!((keys(&foreman).await, keys(&pulp).await), (of_foreman, of_pulp));
    assert_eq!(keys(&proxy).await, of_proxy);
    let files = in_proxy(&proxy, &format!("cat {KERNEL} {KNOWN_HOSTS}")).await;
    assert_eq!(files.lines().collect::<Vec<_>>(), ["a kernel", "a host"]);
    // Foreman's own row of it came back with its database: it is the same proxy.
    let again = proxy.known(&foreman.admin().await).await.expect("Foreman knows it");
    assert_eq!((&again["id"], features(&again)), (&known["id"], features(&known)));
    // It works: it takes new content.
    let more = file(&pulp.admin().await).await;
    arrive(&pulp.visitor().await, &more).await;

    delete(&there, "Restore", &name).await;
    delete(&there, "BackupStorage", &name).await;
    delete(&here, "Backup", &name).await;
    delete(&here, "BackupStorage", &name).await;
}

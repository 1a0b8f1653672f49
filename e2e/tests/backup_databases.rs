//! Databases on servers of somebody else's: one instant over two of them; nothing is written into what is somebody's; and all of it back on a
//! third, under another host name.

use std::net::SocketAddr;

use e2e::{
    LONG, PulpStory, Story, Visitor,
    backup::{delete, ended, said, state, storage},
    content::{anywhere, arrive, file},
    postgres,
    processes::{processes, signal},
    pulp::light,
    store::{Kind, Store},
    story::{Life, Served},
    wait,
    writers::Writers,
};
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use kube::{Api, ResourceExt, api::ListParams};
use reqwest::StatusCode;
use serde_json::json;

const PASSWORD: &str = r#"p"a\ss'w$HOME$(id):@/?#%41"#;
const OLD: &str = "foreman.example.com";
const NEW: &str = "foreman.example.org";
/// Tables that a restore has left in a database that is somebody's.
const MARKS: &str = "SELECT count(*) FROM pg_class WHERE relname = 'theforeman_restore'";

/// Secrets by which an instance reaches its databases; they come back with it.
async fn credentials(foreman: &Story, authority: &str) {
    let secret = async |name: &str, values: serde_json::Value| {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
        foreman.apply::<Secret>(name, &secret).await;
    };
    secret("db-ca", json!({ "ca.crt": authority })).await;
    for user in ["foreman", "candlepin", "pulp"] {
        secret(&format!("db-{user}"), json!({ "username": user, "password": PASSWORD })).await;
    }
}

/// Somebody who knows a Foreman by its host name only.
async fn visitor(foreman: &Story, host: &str) -> Visitor {
    let service: Service = foreman.api().get(&foreman.name).await.expect("the Service");
    let address = service.spec.and_then(|spec| spec.cluster_ip).expect("an address");
    let address = SocketAddr::new(address.parse().expect("an address"), 443);
    Visitor::trusting(&foreman.secret("server-tls", "ca.crt").await, host, address, 443)
}

/// Kills the movers of a namespace as soon as one runs.
async fn kill_movers<K: Served>(life: &Life<K>) {
    let pods: Api<Pod> = life.api();
    let ours =
        ListParams::default().labels("app.kubernetes.io/name=backup-mover").fields("status.phase=Running");
    let found = wait(LONG, "a mover runs", async || {
        let found = pods.list(&ours).await.map_err(|error| error.to_string())?.items;
        if found.is_empty() { Err("there is none".to_owned()) } else { Ok(found) }
    })
    .await;
    for mover in found {
        signal("KILL", &processes(&mover.uid().expect("a uid"), "")).await;
    }
}

#[tokio::test]
async fn one_instant_over_two_servers_and_back_on_a_third_under_another_host_name() {
    let bank = PulpStory::new("servers").await;
    let store = Store::start(&bank, Kind::S3).await;
    let (client, name) = (bank.client.clone(), bank.namespace.clone());
    storage(&store, &client, &name).await;
    let authority = postgres::certified(&bank, &["one", "two", "three"]).await;
    for (server, databases) in [
        ("one", &["foreman", "pulp"][..]),
        ("two", &["candlepin"]),
        ("three", &["foreman", "candlepin", "pulp"]),
    ] {
        postgres::start(&bank, server, databases, PASSWORD).await;
    }

    let foreman = Story::new("production").await;
    let pulp = PulpStory::ungranted(&foreman.namespace).await;
    pulp.grant().await;
    foreman.grant_backups().await;
    credentials(&foreman, &authority).await;
    let at = |server: &str, user: &str| {
        format!("host: {}, ca: {{name: db-ca}}, credentials: {{name: db-{user}}}", bank.host(server))
    };
    let candlepin = format!("candlepin: {{host: {}, credentials: {{name: db-candlepin}}}}", bank.host("two"));
    foreman
        .state(&format!(
            "{{plugins: {{katello: true}}, ingress: {{host: {OLD}}}, database: {{external: {{{}, {candlepin}}}}}}}",
            at("one", "foreman")
        ))
        .await;
    let database = format!("database: {{external: {{{}}}}}", at("one", "pulp"));
    pulp.state(&light(&format!("storage: {{file: {{size: 1Gi}}}}, {database}"))).await;
    pulp.ready().await;
    foreman.ready().await;
    let artifacts = file(&pulp.admin().await).await;
    let password = foreman.secret("admin", "password").await;

    let writers = Writers::start(&foreman, &pulp).await;
    let instances = json!({ "names": [foreman.reference(), pulp.reference()] });
    state(&client, "Backup", &name, json!({ "storage": { "name": name }, "instances": instances })).await;
    let status = ended(&client, "Backup", &name, "Completed").await;
    println!("one instant over two servers: {}", status["cut"]);
    assert_eq!(status["cut"]["workersPaused"], false, "{status}");

    // Elsewhere, but into the databases that are in use: refused before anything is changed.
    let recovered = Story::new("recovered").await;
    let there = PulpStory::ungranted(&recovered.namespace).await;
    there.grant().await;
    recovered.grant_backups().await;
    let namespaces = json!({ foreman.namespace.clone(): recovered.namespace });
    let spec =
        |mapping| json!({ "storage": { "name": name }, "backup": { "name": name }, "mapping": mapping });
    let refused = format!("{name}-refused");
    state(&client, "Restore", &refused, spec(json!({ "namespaces": namespaces }))).await;
    let status = ended(&client, "Restore", &refused, "Failed").await;
    assert!(said(&status).contains("it is not empty"), "{}", said(&status));
    for (server, database) in [("one", "foreman"), ("one", "pulp"), ("two", "candlepin")] {
        assert_eq!(postgres::ask(&bank, server, database, MARKS).await, "0", "{database} is as it was");
    }
    wait(LONG, "what it made is gone", async || match (recovered.now().await, there.now().await) {
        (None, None) => Ok(()),
        (foreman, pulp) => Err(format!("{:?} {:?}", foreman.is_some(), pulp.is_some())),
    })
    .await;
    let before = writers.written().await;
    wait(LONG, "the writers go on", async || match writers.written().await {
        written if written > before => Ok(()),
        written => Err(format!("{written} rounds")),
    })
    .await;
    delete(&client, "Restore", &refused).await;

    foreman.lose().await;
    let (one, two, three) = (bank.host("one"), bank.host("two"), bank.host("three"));
    let hosts = json!({ one: three, two: three, OLD: NEW });
    let reborn = recovered.beside("reborn");
    let names = json!({ foreman.name.clone(): reborn.name });
    let mapping = json!({ "namespaces": namespaces, "hosts": hosts, "names": names });
    state(&client, "Restore", &name, spec(mapping)).await;
    // The one that follows knows what the first had begun.
    kill_movers(&recovered).await;
    let status = ended(&client, "Restore", &name, "Completed").await;
    println!("back after {} s: {}", status["seconds"], status["instances"]);
    reborn.ready().await;
    there.serves().await;
    assert_eq!(visitor(&reborn, NEW).await.login("admin", &password).await, StatusCode::FOUND);
    let other = visitor(&reborn, OLD).await.try_get("/users/login").await;
    assert!(other.is_err_and(|why| why.contains("certificate")), "its certificate is for its new name only");
    arrive(&there.visitor().await, &anywhere(&artifacts)).await;
    Writers::unbroken_in(async |database, query| postgres::ask(&bank, "three", database, query).await).await;
    for database in ["foreman", "candlepin", "pulp"] {
        assert_eq!(
            postgres::ask(&bank, "three", database, MARKS).await,
            "0",
            "nothing of the restore is left"
        );
    }

    for of in ["Restore", "Backup", "BackupStorage"] {
        delete(&client, of, &name).await;
    }
}

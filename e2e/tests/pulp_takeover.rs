//! What the Go pulp-operator has made is taken over: the same data, the same keys, nothing downloaded anew. The real operator is not to be had
//! here; e2e/standins/pulp-operator makes what it makes. What an administrator runs is what docs/takeover has.

use std::{net::SocketAddr, path::PathBuf, process::Stdio};

use e2e::{
    PulpStory, Visitor,
    cluster::image,
    content::{Artifact, arrive, file},
    pulp::light,
};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Service};
use reqwest::StatusCode;
use serde_json::json;
use tokio::process::Command;

const KEYS: [(&str, &str); 5] = [
    ("secret-key", "secret_key"),
    ("db-fields-encryption", "database_fields.symmetric.key"),
    ("admin-password", "password"),
    ("container-auth", "container_auth_private_key.pem"),
    ("container-auth", "container_auth_public_key.pem"),
];

/// Needs escaping in Python, YAML and SQL.
const PASSWORD: &str = "p\"a\\ss'w$é";

/// Decrypts what is encrypted in the database.
const DECRYPT: &str =
    "from pulpcore.app.models import Remote; print(Remote.objects.get(name='guarded').password)";

const STORAGE: &str = "storage: {file: {size: 2Gi}}";
const THEIRS: &str =
    "database: {fromSecret: {name: mypulp-postgres-configuration, nameKey: database, sslMode: prefer}}";

/// Runs a program of this repository, or one in the path; it must succeed.
async fn run(pulp: &PulpStory, program: &str, arguments: &[&str]) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let program = if program.contains('/') { root.join(program) } else { program.into() };
    let home = std::env::temp_dir().join(&pulp.namespace);
    std::fs::create_dir_all(&home).expect("a folder");
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(&home).stderr(Stdio::inherit());
    let done = command.output().await.expect("the script runs");
    let said = String::from_utf8_lossy(&done.stdout).trim_end().to_owned();
    assert!(done.status.success(), "{}: {said}", program.display());
    said
}

/// What a command prints in a pod of the API's, whoever has made it.
async fn in_api(pulp: &PulpStory, command: &[&str]) -> String {
    let to = ["--namespace", &pulp.namespace, "exec", "deployment/mypulp-api", "--"];
    run(pulp, "kubectl", &[&to, command].concat()).await
}

/// Every artifact on the volume: its name, which file it is, and when that was written.
async fn kept(pulp: &PulpStory) -> Vec<String> {
    let files = ["find", "/var/lib/pulp/media/artifact", "-type", "f", "-printf", "%P %i %T@\\n"];
    let mut files: Vec<_> = in_api(pulp, &files).await.lines().map(str::to_owned).collect();
    files.sort();
    files
}

async fn keys(pulp: &PulpStory) -> Vec<String> {
    let mut values = vec![];
    for (part, key) in KEYS {
        values.push(pulp.secret(part, key).await);
    }
    values
}

/// By path: the host is another one.
fn paths(artifacts: &[Artifact]) -> Vec<Artifact> {
    let path = |url: &str| url.find("/pulp/content/").map(|at| url[at..].to_owned()).expect("a path");
    artifacts.iter().map(|it| Artifact { path: path(&it.path), sha256: it.sha256.clone() }).collect()
}

/// Everything is as it was under the old operator.
async fn same(pulp: &PulpStory, artifacts: &[Artifact], before: &(Vec<String>, Vec<String>)) {
    assert_eq!(keys(pulp).await, before.0);
    arrive(&pulp.visitor().await, &paths(artifacts)).await;
    assert_eq!(kept(pulp).await, before.1, "no artifact was written anew");
    let said = in_api(pulp, &["pulpcore-manager", "shell", "-c", DECRYPT]).await;
    assert_eq!(said.lines().last(), Some(PASSWORD));
    let found = pulp.admin().await.json("/pulp/api/v3/content/file/files/").await;
    assert_eq!(found["count"], 1);
    let files: PersistentVolumeClaim = pulp.api().get("mypulp-file-storage").await.expect("the claim");
    assert_eq!(files.metadata.owner_references, None);
}

#[tokio::test]
async fn what_the_go_operator_has_made_is_taken_over_as_it_is_and_its_database_moves_when_one_wants() {
    let pulp = PulpStory::new("takeover").await;
    let images = [image("pulp"), image("postgres"), image("nginx")];
    let [image, postgres, nginx] = images.each_ref().map(String::as_str);
    let theirs = [&pulp.namespace, "mypulp", image, postgres, nginx];
    run(&pulp, "e2e/standins/pulp-operator/install", &theirs).await;

    let web: Service = pulp.api().get("mypulp-web-svc").await.expect("their Service");
    let address = web.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default().parse().expect("an address");
    let host = format!("mypulp-web-svc.{}.svc.cluster.local", pulp.namespace);
    let client = Visitor::plain(&host, SocketAddr::new(address, 24880));
    let admin = client.clone().with_password(&pulp.secret("admin-password", "password").await);
    let artifacts = file(&admin).await;
    let remote = json!({ "name": "guarded", "url": "http://example.com/PULP_MANIFEST", "username": "me", "password": PASSWORD });
    admin.make("/pulp/api/v3/remotes/file/file/", &remote).await;
    let before = (keys(&pulp).await, kept(&pulp).await);

    // Made too early: it waits, and the other goes on.
    pulp.state(&light(&format!("{STORAGE}, {THEIRS}"))).await;
    let early = [
        "PersistentVolumeClaim mypulp-file-storage",
        "belongs to somebody else",
        "hand it over with: kubectl",
    ];
    pulp.told("Settings", &early).await;
    arrive(&client, &artifacts).await;
    let jobs = pulp.objects().await.of("Job");
    assert_eq!(jobs.titles(), [""; 0], "nothing has touched the database");

    run(&pulp, "docs/takeover/detach", &[&pulp.namespace, "mypulp"]).await;
    pulp.ready().await;
    same(&pulp, &artifacts, &before).await;
    // A second time, as after one that was cut off.
    run(&pulp, "docs/takeover/detach", &[&pulp.namespace, "mypulp"]).await;
    let guest = pulp.visitor().await.with_password("guessed");
    assert_eq!(guest.get("/pulp/api/v3/users/").await.0, StatusCode::UNAUTHORIZED);

    pulp.delete().await;
    let database = e2e::told::image(&pulp, "POSTGRESQL").await;
    run(&pulp, "docs/takeover/move-database", &[&pulp.namespace, "mypulp", "1Gi", &database]).await;
    pulp.state(&light(&format!("{STORAGE}, database: {{embedded: {{volume: {{size: 1Gi}}}}}}"))).await;
    pulp.ready().await;
    same(&pulp, &artifacts, &before).await;
    assert_eq!(pulp.psql("pulp", "SELECT count(*) FROM file_filecontent").await, "1");
    let old = pulp.api::<PersistentVolumeClaim>().get("mypulp-postgres-mypulp-database-0").await;
    assert!(old.is_ok(), "the old database's volume stays");
}

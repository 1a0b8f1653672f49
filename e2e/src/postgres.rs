//! `PostgreSQL` servers of somebody else's, which take nobody without TLS.

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use crate::{
    bystander::certificates,
    cluster,
    story::{Life, Served},
};

/// Secret with the certificate of all of them.
const TLS: &str = "postgresql-tls";
/// Makes databases and users of these names, all with one password.
const START: &str = r#"
set -euo pipefail
data=/var/lib/pgsql/data/userdata
initdb --pgdata="$data" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=reject
echo 'hostssl all all all scram-sha-256' >> "$data/pg_hba.conf"
install -m 600 /tls/tls.key /tls/tls.crt "$data"
pg_ctl start --pgdata="$data" --wait --silent -o "-c listen_addresses= -c unix_socket_directories=/tmp"
for database in $DATABASES; do
  psql --host=/tmp --username=postgres --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=database="$database" <<'SQL'
\getenv password PASSWORD
CREATE ROLE :"database" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"database";
SQL
done
pg_ctl stop --pgdata="$data" --wait --mode=fast --silent
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp -c ssl=on -c ssl_cert_file=tls.crt -c ssl_key_file=tls.key
"#;

/// A certificate for servers of these names in the story's namespace; gives back the authority that it comes from.
pub async fn certified<K: Served>(story: &Life<K>, servers: &[&str]) -> String {
    let hosts: Vec<_> = servers.iter().map(|server| story.host(server)).collect();
    let (authority, certificate, key) = certificates(&hosts);
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": TLS },
        "stringData": { "tls.crt": certificate, "tls.key": key } });
    story.apply::<Secret>(TLS, &secret).await;
    authority
}

/// Starts a server with these databases, each with a user of its name.
pub async fn start<K: Served>(story: &Life<K>, name: &str, databases: &[&str], password: &str) {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { "password": password } });
    story.apply::<Secret>(name, &secret).await;
    let container = json!({
        "image": cluster::image("postgresql"), "command": ["bash", "-c", START],
        "env": [{ "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": name, "key": "password" } } },
            { "name": "DATABASES", "value": databases.join(" ") }],
        "readinessProbe": { "tcpSocket": { "port": 5432 }, "periodSeconds": 1 },
    });
    let volumes = [
        ("/var/lib/pgsql/data", json!({ "emptyDir": {} })),
        ("/var/run/postgresql", json!({ "emptyDir": {} })),
        ("/tls", json!({ "secret": { "secretName": TLS } })),
        ("/tmp", json!({ "emptyDir": {} })),
    ];
    story.bystander(name, 26, 5432, container, &volumes).await;
}

/// What one of its databases answers, as psql's unaligned rows.
pub async fn ask<K: Served>(story: &Life<K>, server: &str, database: &str, query: &str) -> String {
    let command =
        ["psql", "--host=/tmp", "--username=postgres", "--no-psqlrc", "-AtX", "-d", database, "-c", query];
    story.exec(server, &command).await
}

//! A `PostgreSQL` that somebody else runs, with TLS and a password that needs escaping wherever it is written: everything that can be wrong
//! with it is told, and mended without a hand on the operator.

use e2e::{Operator, Story, postgres};
use k8s_openapi::api::core::v1::{Secret, Service};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Ends a string or begins an expansion in YAML, SQL, a URL, the shell, ERB, a properties file; and is not ASCII.
const PASSWORD: &str = r#"p"a\ss'w$HOME$(id):@/?#%41 <%= 1 %> `é`ß"#;

const SPEC: &str = "
  plugins: {katello: true}
  database:
    external:
      host: pg.NAMESPACE.svc
      sslMode: verify-full
      ca: {name: pg-ca}
      credentials: {name: pg-foreman}
      candlepin: {credentials: {name: pg-candlepin}}";

async fn secret(story: &Story, name: &str, values: Value) {
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
    story.apply::<Secret>(name, &secret).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_database_outside_is_told_and_mended_without_a_restart() {
    let (foreman, operator) = (Story::new("outside").await, Operator::installed().await);
    let before = operator.process().await;
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "pg" },
        "spec": { "selector": { "app": "pg" }, "ports": [{ "port": 5432 }] } });
    foreman.apply::<Service>("pg", &service).await;
    let authority = postgres::certified(&foreman, &["pg"]).await;

    foreman.state(&SPEC.replace("NAMESPACE", &foreman.namespace)).await;
    let missing = "spec.database.external.credentials: Secret \"pg-foreman\" does not exist; create it with the key \"username\"";
    foreman.told("SecretMissing", &[missing, "Secret \"pg-ca\" does not exist"]).await;

    secret(&foreman, "pg-ca", json!({ "ca.crt": authority })).await;
    secret(&foreman, "pg-candlepin", json!({ "username": "candlepin", "password": PASSWORD })).await;
    secret(&foreman, "pg-foreman", json!({ "username": "foreman" })).await;
    let lacks =
        "spec.database.external.credentials: Secret \"pg-foreman\" has no key \"password\"; it has: username";
    assert_eq!(foreman.told("SecretMissing", &["has no key"]).await, lacks);

    secret(&foreman, "pg-foreman", json!({ "username": "foreman", "password": "guessed" })).await;
    foreman.told("Migrate", &["Job myforeman-migrate-", "failed", "Connection refused"]).await;

    postgres::start(&foreman, "pg", &["foreman", "candlepin"], PASSWORD).await;
    foreman.told("Migrate", &["password authentication failed for user \"foreman\""]).await;

    secret(&foreman, "pg-foreman", json!({ "username": "foreman", "password": PASSWORD })).await;
    foreman.ready().await;
    assert_eq!(operator.process().await, before, "the operator was not restarted");

    let password = foreman.secret("admin", "password").await;
    assert_eq!(foreman.visitor().await.login("admin", &password).await, StatusCode::FOUND);
    let ping = foreman.visitor().await.json("/api/v2/ping").await;
    assert_eq!(ping["results"]["katello"]["services"]["candlepin"]["status"], "ok", "{ping}");
    assert_eq!(postgres::ask(&foreman, "pg", "foreman", "SELECT count(*) FROM migration_runs").await, "1");
    let sessions =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'foreman'";
    assert_eq!(
        postgres::ask(&foreman, "pg", "postgres", sessions).await,
        "t",
        "all of Foreman's sessions are encrypted"
    );
    let objects = foreman.objects().await;
    let embedded = objects.only(|title| title.ends_with(" myforeman-database"));
    assert!(embedded.0.is_empty(), "no database of its own: {:?}", embedded.titles());
}

//! Users of a directory log in, and content comes from a server whose authority nobody else trusts.

use e2e::{
    LONG, PulpStory, Visitor,
    directory::{Directory, PASSWORD},
    http::sent,
    pulp::light,
    wait,
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use pulp_operator::crd::TrustedCertificates;
use reconcile::field::Source;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// What only an administrator may see.
const USERS: &str = "/pulp/api/v3/users/";

/// An administrator, the same with a wrong password, a user, and one who may not log in.
async fn log_in(visitor: &Visitor) {
    for (name, password, wanted) in [
        ("ann", "ann's secret", StatusCode::OK),
        ("ann", "bob's secret", StatusCode::UNAUTHORIZED),
        ("bob", "bob's secret", StatusCode::FORBIDDEN),
        ("eve", "eve's secret", StatusCode::UNAUTHORIZED),
    ] {
        let answer = sent(visitor.request(Method::GET, USERS).basic_auth(name, Some(password))).await;
        assert_eq!(answer.status(), wanted, "{name} with {password}");
    }
}

/// Syncs; the task, which has ended.
async fn sync(admin: &Visitor, repository: &str, remote: &str) -> Value {
    let request =
        admin.request(Method::POST, &format!("{repository}sync/")).json(&json!({ "remote": remote }));
    let answer: Value = sent(request).await.json().await.expect("JSON");
    let task = answer["task"].as_str().expect("a task");
    wait(LONG, "the sync has ended", async || {
        let task = admin.json(task).await;
        let ended = ["completed", "failed"].iter().any(|state| task["state"] == *state);
        if ended { Ok(task) } else { Err(task["state"].to_string()) }
    })
    .await
}

#[tokio::test]
async fn users_of_a_directory_log_in_and_an_authority_of_ones_own_is_trusted() {
    let pulp = PulpStory::new("directory").await;
    let outside = Directory::start(&pulp).await;
    let ldap = format!(
        "servers: ['{}'], ca: {{name: authority}}, bind: {{dn: 'cn=reader,dc=example,dc=com', password: {{name: reader}}}},
        users: {{search: [{{base: 'dc=example,dc=com'}}], attributes: {{email: mail}}}},
        groups: {{search: [{{base: 'dc=example,dc=com'}}], require: {{anyOf: ['cn=pulp,dc=example,dc=com']}},
                  flags: {{isSuperuser: ['cn=admins,dc=example,dc=com']}}}}",
        outside.people
    );
    pulp.state(&light(&format!("storage: {{file: {{size: 1Gi}}}}, authentication: {{ldap: {{{ldap}}}}}")))
        .await;
    let missing = "spec.authentication.ldap.bind.password: Secret \"reader\" does not exist";
    pulp.told("SecretMissing", &[missing, "spec.authentication.ldap.ca: Secret \"authority\""]).await;
    for (name, key, value) in [("reader", "password", PASSWORD), ("authority", "ca.crt", &outside.authority)]
    {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { key: value } });
        pulp.apply::<Secret>(name, &secret).await;
    }
    pulp.ready().await;

    log_in(&pulp.visitor().await).await;
    let admin = pulp.admin().await;
    let ann = &admin.json(&format!("{USERS}?username=ann")).await["results"][0];
    assert_eq!(ann["email"], "ann@example.com");
    let repository = admin.make("/pulp/api/v3/repositories/file/file/", &json!({ "name": "files" })).await;
    let remote = json!({ "name": "files", "url": outside.files });
    let remote = admin.make("/pulp/api/v3/remotes/file/file/", &remote).await;
    let failed = sync(&admin, &repository, &remote).await;
    assert!(failed["error"].to_string().contains("CERTIFICATE_VERIFY_FAILED"), "{failed}");

    // Now for whatever Pulp talks to, as the platform injects it.
    let bundle = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "bundle" },
        "data": { "ca-bundle.crt": outside.authority } });
    pulp.apply::<ConfigMap>("bundle", &bundle).await;
    let from = Source { config_map: Some("bundle".into()), secret: None };
    let trusted = TrustedCertificates { from, key: "ca-bundle.crt".into() };
    pulp.edit(|spec| {
        spec.trusted_certificates = vec![trusted.clone()];
        spec.authentication.ldap.as_mut().expect("a directory").ca = None;
    })
    .await;
    pulp.ready().await;
    log_in(&pulp.visitor().await).await;
    let done = sync(&admin, &repository, &remote).await;
    assert_eq!(done["state"], "completed", "{done}");

    // What serves goes on with the password that it has.
    let before = pulp.settled().await;
    let reader = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "reader" }, "stringData": { "password": "" } });
    pulp.apply::<Secret>("reader", &reader).await;
    pulp.told("SecretMissing", &["the key \"password\" of Secret \"reader\" is empty"]).await;
    log_in(&pulp.visitor().await).await;
    assert_eq!(pulp.settled().await.gone_or_restarted_since(&before), [""; 0]);
}

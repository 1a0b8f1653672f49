//! Foreman with Katello and a Pulp, two operators' instances in one namespace: they find each other and can do without.

use e2e::{
    FOREMAN, LONG, PulpStory, Story,
    content::{arrive, file, python},
    http::stranger,
};
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName},
};

/// Nothing of its own in front: Foreman's reverse proxy is.
const PULP: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata: {name: mypulp}
spec:
  plugins: [pulp_python]
  worker: {replicas: 1}
  storage: {file: {size: 2Gi}}
  ingress: {type: None}
";

const USERS: &str = "/pulp/api/v3/users/";

#[tokio::test]
async fn katello_finds_its_pulp_and_each_can_come_and_go() {
    let foreman = Story::new("katello").await;
    let pulp = PulpStory::ungranted(&foreman.namespace).await;
    pulp.grant().await;

    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    foreman.ready().await;
    foreman.condition(LONG, "ContentReady", "False", "PulpMissing").await;
    let alone = foreman.settled().await;

    pulp.create(PULP).await.expect("the API server takes the manifest");
    foreman.condition(LONG, "ContentReady", "True", "PulpReady").await;
    pulp.ready().await;
    foreman.ready().await;
    // Only the reverse proxy had to learn of it.
    let together = foreman.settled().await;
    assert_eq!(together.gone_or_restarted_since(&alone.without("proxy")), [""; 0]);

    who_is_trusted(&foreman, &pulp).await;

    let own = foreman.identity().await;
    let katello = foreman.visitor_of("", 443, |builder| builder.identity(own)).await;
    let client = foreman.visitor().await;
    let (files, wheels) = tokio::join!(file(&katello), python(&katello));
    arrive(&client, &files).await;
    arrive(&client, &wheels).await;

    // Without the other one each goes on.
    pulp.delete().await;
    foreman.condition(LONG, "ContentReady", "False", "PulpMissing").await;
    foreman.ready().await;
    assert_eq!(client.get("/api/v2/ping").await.0, StatusCode::OK);
    pulp.create(PULP).await.expect("the API server takes the manifest");
    foreman.condition(LONG, "ContentReady", "True", "PulpReady").await;
    pulp.ready().await;
    foreman.ready().await;
    arrive(&client, &files).await;
    foreman.delete().await;
    pulp.ready().await;
}

/// Foreman's own certificate makes an administrator; nothing that anybody else sends does.
async fn who_is_trusted(foreman: &Story, pulp: &PulpStory) {
    let own = foreman.identity().await;
    let katello = foreman.visitor_of("", 443, |builder| builder.identity(own)).await;
    assert_eq!(katello.json(USERS).await["results"][0]["username"], "admin");

    let guest = foreman.visitor().await;
    assert_eq!(guest.get(USERS).await.0, StatusCode::UNAUTHORIZED);
    for header in [pulp.secret("remote-user", "header").await, "REMOTE-USER".into(), "REMOTE_USER".into()] {
        let name: HeaderName = header.parse().expect("the name of a header");
        let claims = HeaderMap::from_iter([(name, "admin".parse().expect("a value"))]);
        let impostor = foreman.visitor_of("", 443, |builder| builder.default_headers(claims)).await;
        assert_eq!(impostor.get(USERS).await.0, StatusCode::UNAUTHORIZED, "{header}");
    }
    let unknown = foreman.visitor_of("", 443, |builder| builder.identity(stranger())).await;
    assert!(unknown.try_get(USERS).await.is_err(), "the proxy knows no such certificate");
}

//! Artifacts in object storage: there and nowhere else, handed on by Pulp or fetched by clients themselves.

use e2e::{
    PulpStory, SHORT,
    content::{Artifact, arrive, file},
    http::sent,
    pulp::light,
    s3::{KEY, Store},
};
use reqwest::{Method, StatusCode};

/// The name by which Pulp keeps an artifact, and its hash.
fn kept(artifact: &Artifact) -> String {
    let (first, rest) = artifact.sha256.split_at(2);
    format!("artifact/{first}/{rest} {}", artifact.sha256)
}

async fn redirect(pulp: &PulpStory, wanted: bool) {
    pulp.edit(|spec| spec.storage.s3.as_mut().expect("a bucket").redirect = wanted).await;
    pulp.ready().await;
    pulp.settled().await;
}

#[tokio::test]
async fn artifacts_are_in_the_bucket_and_nowhere_else_and_reach_clients_with_and_without_a_redirect() {
    let pulp = PulpStory::new("s3").await;
    let store = Store::start(&pulp).await;
    store.make("artifacts").await;
    store.keys(KEY).await;
    let bucket = format!("bucket: artifacts, endpoint: '{}', credentials: {{name: s3}}", store.url());
    // What Pulp has cached it answers for ten minutes more as it did before.
    let spec = format!("storage: {{s3: {{{bucket}, redirect: false}}}}, cache: {{enabled: false}}");
    pulp.state(&light(&spec)).await;
    pulp.ready().await;
    assert_eq!(store.objects("artifacts").await, [""; 0], "what it was tried with is gone");

    let (admin, client) = (pulp.admin().await, pulp.visitor().await);
    let artifacts = file(&admin).await;
    let answer = sent(client.request(Method::GET, &artifacts[0].path)).await;
    assert_eq!(answer.status(), StatusCode::OK, "Pulp hands it on itself");
    arrive(&client, &artifacts).await;
    let objects = store.objects("artifacts").await;
    assert!(objects.contains(&kept(&artifacts[0])), "{artifacts:?} in {objects:?}");
    let claims = pulp.objects().await.of("PersistentVolumeClaim");
    assert_eq!(claims.titles(), ["PersistentVolumeClaim mypulp-database"]);
    for pod in pulp
        .settled()
        .await
        .0
        .iter()
        .filter(|pod| ["api", "content", "worker"].contains(&pod.component.as_str()))
    {
        let files = pulp.exec(&pod.name, &["find", "/var/lib/pulp", "-type", "f", "-size", "+0"]).await;
        assert_eq!(files, "", "{}", pod.name);
    }

    redirect(&pulp, true).await;
    let answer = sent(client.request(Method::GET, &artifacts[0].path)).await;
    let location = answer.headers().get("location").and_then(|at| at.to_str().ok()).unwrap_or_default();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert!(location.starts_with(&format!("{}/artifacts/artifact/", store.url())), "{location}");
    let (host, address) = store.address().await;
    let follower = pulp.visitor_of("", 443, |http| http.resolve(&host, address)).await;
    arrive(&follower, &artifacts).await;
    let more = file(&follower.clone().with_password(&pulp.secret("admin-password", "password").await)).await;
    arrive(&follower, &more).await;
    assert!(store.objects("artifacts").await.contains(&kept(&more[0])));

    // Somebody changes the key in the Secret and not in the store: what serves goes on with the one that fits.
    let before = pulp.settled().await;
    store.keys("guessed").await;
    pulp.told("Storage", &["spec.storage.s3.credentials: ", "SignatureDoesNotMatch"]).await;
    arrive(&follower, &artifacts).await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    store.keys(KEY).await;
    pulp.ready().await;
    assert_eq!(pulp.settled().await.gone_or_restarted_since(&before), [""; 0]);
    arrive(&follower, &artifacts).await;
}

//! What is true of artifacts in object storage, whoever keeps them.

use reqwest::{Method, StatusCode};

use crate::{
    PulpStory, SHORT,
    content::{Artifact, arrive, file},
    http::sent,
    pulp::light,
    store::{Kind, Store},
};

/// The name by which Pulp keeps an artifact, and its hash.
fn kept(artifact: &Artifact) -> String {
    let (first, rest) = artifact.sha256.split_at(2);
    format!("artifact/{first}/{rest} {}", artifact.sha256)
}

async fn redirect(pulp: &PulpStory) {
    pulp.edit(|spec| {
        let storage = &mut spec.storage;
        storage.s3.iter_mut().for_each(|it| it.redirect = true);
        storage.azure.iter_mut().for_each(|it| it.redirect = true);
        storage.gcs.iter_mut().for_each(|it| it.redirect = true);
    })
    .await;
    pulp.ready().await;
    pulp.settled().await;
}

/// They are in the bucket and nowhere else, and clients get them from Pulp, with a redirect from the store, and while a wrong key is
/// told of.
pub async fn artifacts_are_kept_there(kind: Kind) {
    let pulp = PulpStory::new(kind.name()).await;
    let store = Store::start(&pulp, kind).await;
    let (wrong, words) = kind.wrong();
    let refused = &[&format!("spec.storage.{}.credentials: refused", kind.name()), words];
    store.make("artifacts").await;
    store.keys(wrong).await;
    // What Pulp has cached it answers for ten minutes more as it did before.
    pulp.state(&light(&format!("storage: {}, cache: {{enabled: false}}", store.bucket(false)))).await;
    pulp.told("Storage", refused).await;
    store.keys(&store.key).await;
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
    for pod in pulp.settled().await.0 {
        if ["api", "content", "worker"].contains(&pod.component.as_str()) {
            let files = pulp.exec(&pod.name, &["find", "/var/lib/pulp", "-type", "f", "-size", "+0"]).await;
            assert_eq!(files, "", "{}", pod.name);
        }
    }

    redirect(&pulp).await;
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

    // A key file's content is no reason to try again: Pulp itself reads it.
    if kind == Kind::Google {
        return;
    }
    // Somebody changes the key in the Secret and not in the store: what serves goes on with the one that fits.
    let before = pulp.settled().await;
    store.keys(wrong).await;
    pulp.told("Storage", refused).await;
    arrive(&follower, &artifacts).await;
    pulp.condition(SHORT, "Available", "True", "Serving").await;
    store.keys(&store.key).await;
    pulp.ready().await;
    assert_eq!(pulp.settled().await.gone_or_restarted_since(&before), [""; 0]);
    arrive(&follower, &artifacts).await;
}

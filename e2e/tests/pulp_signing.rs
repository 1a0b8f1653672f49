//! What Pulp publishes is signed, and artifacts have the checksums that are allowed: from the first key to another one.

use e2e::{
    PulpStory, SHORT, Visitor,
    content::file,
    gpg::{Key, Keyring},
    pulp::light,
};
use k8s_openapi::api::core::v1::Secret;
use pulp_operator::crd::Checksum::{self, Md5, Sha1, Sha256, Sha384, Sha512};
use serde_json::{Value, json};

const API: &str = "/pulp/api/v3";

async fn secret(pulp: &PulpStory, key: &Key, passphrase: &str) {
    let values = json!({ "signing_service.gpg": key.secret, "passphrase": passphrase });
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" }, "stringData": values });
    pulp.apply::<Secret>("keys", &secret).await;
}

/// Address and key of a signing service.
async fn service(admin: &Visitor, name: &str) -> (String, String) {
    let found = admin.json(&format!("{API}/signing-services/?name={name}")).await;
    let text = |key: &str| found["results"][0][key].as_str().unwrap_or_default().to_owned();
    (text("pulp_href"), text("pubkey_fingerprint"))
}

/// Publishes a repository and hands it out at a path; URL of its root.
async fn publish(admin: &Visitor, plugin: &str, path: &str, repository: &str, fields: Value) -> String {
    let mut publication = json!({ "repository": repository });
    publication.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
    let publication = admin.make(&format!("{API}/publications/{plugin}/"), &publication).await;
    let distribution = json!({ "name": path, "base_path": path, "publication": publication });
    let made = admin.make(&format!("{API}/distributions/{plugin}/"), &distribution).await;
    let distribution: Value = admin.json(&made).await;
    distribution["base_url"].as_str().expect("a URL").to_owned()
}

/// How many artifacts have no checksum of a kind, and how many have one.
async fn hashed(pulp: &PulpStory, checksum: Checksum) -> (u32, u32) {
    let name = checksum.name();
    let count = format!("SELECT count(*) - count({name}), count({name}) FROM core_artifact");
    let row = pulp.psql("pulp", &count).await;
    let (without, with) = row.split_once('|').expect(&row);
    (without.parse().expect(&row), with.parse().expect(&row))
}

#[tokio::test]
async fn what_is_published_is_signed_by_the_key_of_the_manifest_and_by_another_when_it_is_changed() {
    let (pulp, ring) = (PulpStory::new("signing").await, Keyring::new());
    let phrase = "o\"p\\en $HOME 'sesame'";
    let (first, second) = (ring.key("first", phrase), ring.key("second", phrase));
    secret(&pulp, &first, "guessed").await;
    let signing = "signing: {key: {name: keys}, passphrase: {name: keys}, rpm: {}, deb: {}}";
    let spec = light(&format!("storage: {{file: {{size: 1Gi}}}}, cache: {{enabled: false}}, {signing}"));
    pulp.state(&spec.replace("pulp_certguard", "pulp_rpm, pulp_deb")).await;

    // Signing keeps nothing from coming up.
    pulp.told("Signing", &["spec.signing.passphrase: it does not open", &first.fingerprint]).await;
    let admin = pulp.admin().await;
    file(&admin).await;
    assert_eq!(hashed(&pulp, Md5).await.1, 0);

    // The passphrase is mended, and checksums are added to what is there.
    pulp.edit(|spec| spec.allowed_content_checksums = vec![Md5, Sha1, Sha256]).await;
    secret(&pulp, &first, phrase).await;
    pulp.ready().await;
    let said = pulp.condition(SHORT, "SigningReady", "True", "Registered").await;
    assert!(said.contains(&first.fingerprint) && said.contains("apt-signing-service"), "{said}");
    file(&admin).await;
    for checksum in [Md5, Sha1, Sha256] {
        assert_eq!(hashed(&pulp, checksum).await.0, 0, "{checksum:?}");
    }
    assert_eq!(hashed(&pulp, Sha512).await.1, 0);

    let (signs_rpm, key) = service(&admin, "rpm-signing-service").await;
    assert_eq!(key, first.fingerprint);
    let (signs_deb, _) = service(&admin, "apt-signing-service").await;
    let body = json!({ "name": "rpms", "metadata_signing_service": signs_rpm });
    let rpms = admin.make(&format!("{API}/repositories/rpm/rpm/"), &body).await;
    let body = json!({ "name": "debs", "signing_service": signs_deb });
    let debs = admin.make(&format!("{API}/repositories/deb/apt/"), &body).await;
    let signer = async |path: &str| {
        let base = publish(&admin, "rpm/rpm", path, &rpms, json!({})).await;
        let file = async |name: &str| admin.download(&format!("{base}repodata/{name}")).await;
        ring.signer(&file("repomd.xml.asc").await, Some(&file("repomd.xml").await))
    };
    assert_eq!(signer("first").await, first.fingerprint);
    let base = publish(&admin, "deb/apt", "debs", &debs, json!({ "simple": true })).await;
    let release = async |name: &str| admin.download(&format!("{base}dists/default/{name}")).await;
    assert_eq!(ring.signer(&release("InRelease").await, None), first.fingerprint);
    assert_eq!(
        ring.signer(&release("Release.gpg").await, Some(&release("Release").await)),
        first.fingerprint
    );

    // Another key, one service less, other checksums: what refers to a service goes on referring to it.
    secret(&pulp, &second, phrase).await;
    pulp.edit(|spec| {
        spec.signing.as_mut().expect("it signs").deb = None;
        spec.allowed_content_checksums = vec![Sha256, Sha384];
    })
    .await;
    pulp.ready().await;
    let said = pulp.condition(SHORT, "SigningReady", "True", "StillReferredTo").await;
    assert!(said.contains("apt-signing-service is no longer in spec.signing"), "{said}");
    assert_eq!(service(&admin, "rpm-signing-service").await, (signs_rpm, second.fingerprint.clone()));
    assert_eq!(signer("second").await, second.fingerprint);
    assert_eq!((hashed(&pulp, Md5).await.1, hashed(&pulp, Sha384).await.0), (0, 0));
}

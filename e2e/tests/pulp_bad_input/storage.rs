//! A bucket that does not work is told before anything is installed on it, and taken up when it does.

use std::time::Instant;

use e2e::{
    Audit, Operator, PulpStory, SHORT,
    pulp::light,
    store::{Kind, Store},
    told::QUIET,
};
use pulp_operator::Pulp;
use serde_json::json;

#[tokio::test]
async fn whatever_is_wrong_with_a_bucket_is_told_by_its_field_and_taken_up_when_it_is_mended() {
    let (pulp, operator) = (PulpStory::new("bad-bucket").await, Operator::of::<Pulp>().await);
    let (store, before) = (Store::start(&pulp, Kind::S3).await, operator.process().await);
    let endpoint = async |url: &str| {
        pulp.edit(|spec| spec.storage.s3.as_mut().expect("a bucket").endpoint = Some(url.into())).await;
    };
    let soon = async |words: &[&str]| {
        let start = Instant::now();
        pulp.told("Storage", words).await;
        println!("after {:.1?}", start.elapsed());
        assert!(start.elapsed() < SHORT, "{words:?}: told after {:?}", start.elapsed());
    };

    pulp.state(&light(
        "storage: {s3: {bucket: artifacts, endpoint: 'http://nobody.example.invalid', credentials: {name: s3}}}",
    ))
    .await;
    pulp.told(
        "SecretMissing",
        &["spec.storage.s3.credentials: Secret \"s3\" does not exist; create it with the key \"accessKeyId\""],
    )
    .await;
    store.secret("s3", json!({ "accessKeyId": "owner" })).await;
    pulp.told("SecretMissing", &["Secret \"s3\" has no key \"secretAccessKey\"; it has: accessKeyId"]).await;
    store.keys("guessed").await;
    pulp.told(
        "Storage",
        &["spec.storage.s3.endpoint: no object store answers there", "nobody.example.invalid"],
    )
    .await;
    endpoint(&store.moody()).await;
    soon(&["spec.storage.s3.endpoint: no object store has answered there within"]).await;
    endpoint(&store.url()).await;
    soon(&["spec.storage.s3.credentials: refused in \"artifacts\"; correct it, or let it write, read and delete there", "SignatureDoesNotMatch"]).await;
    store.keys(&store.key).await;
    soon(&[
        "spec.storage.s3.bucket: there is no \"artifacts\"; create it, or correct the name",
        "NoSuchBucket",
    ])
    .await;

    // No wait for something to happen: what is counted is a time in which nothing does.
    let audit = Audit::begin();
    tokio::time::sleep(QUIET).await;
    let asked = pulp.asked(&audit);
    println!("{asked} requests in {QUIET:?}");
    assert!(asked <= 15, "{asked} requests in {QUIET:?}");
    let jobs = pulp.objects().await.of("Job");
    assert_eq!(jobs.titles().len(), 1, "nothing is migrated before there is a bucket: {:?}", jobs.titles());

    // A bucket is nothing that Kubernetes tells of: it is tried again.
    store.make("artifacts").await;
    pulp.beyond("Storage").await;
    assert_eq!(operator.process().await, before, "the operator was not restarted");
}

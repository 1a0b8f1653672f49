//! Artifacts in the clouds of Azure and Google: the same as in a bucket that speaks S3.

use e2e::{bucket::artifacts_are_kept_there, store::Kind};

#[tokio::test]
async fn artifacts_are_in_a_container_of_azures_and_nowhere_else() {
    artifacts_are_kept_there(Kind::Azure).await;
}

#[tokio::test]
async fn artifacts_are_in_a_bucket_of_googles_and_nowhere_else() {
    artifacts_are_kept_there(Kind::Google).await;
}

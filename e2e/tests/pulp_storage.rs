//! Artifacts in object storage: there and nowhere else, handed on by Pulp or fetched by clients themselves.

use e2e::{bucket::artifacts_are_kept_there, store::Kind};

#[tokio::test]
async fn artifacts_are_in_the_bucket_and_nowhere_else_and_reach_clients_with_and_without_a_redirect() {
    artifacts_are_kept_there(Kind::S3).await;
}

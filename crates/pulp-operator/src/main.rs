//! The pulp-operator.

use std::process::ExitCode;

use pulp_operator::Pulp;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    reconcile::run::<Pulp>().await
}

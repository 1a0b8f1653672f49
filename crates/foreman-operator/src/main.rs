//! The foreman-operator.

use std::process::ExitCode;

use foreman_operator::Foreman;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    reconcile::run::<Foreman>().await
}

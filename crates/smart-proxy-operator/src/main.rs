//! The smart-proxy-operator.

use std::process::ExitCode;

use smart_proxy_operator::SmartProxy;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    reconcile::run::<SmartProxy>().await
}

//! The backup-operator, and with an argument the movers that it starts.

use std::process::ExitCode;

use backup_operator::{mover, operator::BackupOperator};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => reconcile::operate::<BackupOperator>().await,
        Some("move") => {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            tracing_subscriber::fmt().json().flatten_event(true).init();
            mover::run().await
        }
        Some(other) => {
            eprintln!("{other}: there is only `move`, which the operator's own Jobs use");
            ExitCode::FAILURE
        }
    }
}

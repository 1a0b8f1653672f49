//! The backup-operator, and with an argument the movers that it starts.

use std::process::ExitCode;

use backup_operator::{engine::Key, mover, operator::BackupOperator};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => reconcile::operate::<BackupOperator>().await,
        Some("move") => {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            tracing_subscriber::fmt().json().flatten_event(true).init();
            mover::run().await
        }
        Some("password") => password(&std::env::args().skip(2).collect::<Vec<_>>()),
        Some(other) => {
            eprintln!(
                "{other}: there are only `move`, which the operator's own Jobs use, and `password KEYFILE REPOSITORY`"
            );
            ExitCode::FAILURE
        }
    }
}

/// Prints what opens a repository with plain restic.
fn password(arguments: &[String]) -> ExitCode {
    let [file, repository] = arguments else {
        eprintln!(
            "usage: password KEYFILE REPOSITORY; the file has the storage's key, the repository is a namespace or sets.cluster"
        );
        return ExitCode::FAILURE;
    };
    let key = std::fs::read(file).map_err(|error| error.to_string());
    match key.and_then(|key| Key::of(&key, repository).map_err(|error| error.to_string())) {
        Ok(key) => {
            println!("{}", key.password());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{file}: {why}");
            ExitCode::FAILURE
        }
    }
}

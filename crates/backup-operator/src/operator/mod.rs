//! What the operator does while it leads: the gateway, the floor where movers are conducted, and a controller per kind.

mod access;
mod backup;
mod controller;
mod drill;
mod ended;
mod found;
mod hold;
mod home;
mod jobs;
mod maintenance;
mod metrics;
mod names;
mod objects;
mod progress;
#[cfg(test)]
mod rehearsal;
mod restore;
mod schedule;
mod server;
mod services;
mod sets;
mod storage;
mod tls;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use kube::Client;
use prometheus_client::registry::Registry;
use reconcile::{About, Error, Operator, Places, Reporter};
use tokio_util::sync::CancellationToken;

use self::{
    access::Reviewed,
    home::Home,
    metrics::{Seen, Sight},
    storage::Storages,
};
use crate::{cut::Floor, gateway};

pub use home::{MOVER, PORT};
pub use names::AUDIENCE;
pub use services::service_kinds;

/// Backs up and restores services.
pub struct BackupOperator;

/// What all reconciles of a term share.
pub struct Term {
    client: Client,
    home: Home,
    floor: Arc<Floor>,
    storages: Arc<Storages>,
    access: Arc<Reviewed>,
    metrics: Arc<gateway::Metrics>,
    reporter: Arc<Reporter>,
    seen: Seen,
    /// How many kinds have been read.
    read: AtomicUsize,
}

impl Term {
    /// One that has not begun.
    fn new(client: Client, home: Home, reporter: Arc<Reporter>, seen: Seen) -> Self {
        Self {
            access: Arc::new(Reviewed::new(client.clone(), home.account.clone())),
            floor: Arc::default(),
            storages: Arc::default(),
            metrics: Arc::default(),
            read: AtomicUsize::new(0),
            reporter,
            seen,
            client,
            home,
        }
    }
}

/// How many kinds there are.
const KINDS: usize = 5;

/// Who we are.
pub const ABOUT: About = About { operator: "backup-operator", version: env!("CARGO_PKG_VERSION") };

impl Operator for BackupOperator {
    type Term = Term;

    const ABOUT: About = ABOUT;

    async fn lead(
        client: Client,
        _: Places,
        reporter: Arc<Reporter>,
        stop: CancellationToken,
        started: impl FnOnce(&Arc<Term>) + Send,
    ) {
        if let Err(error) = term(client, reporter, stop.clone(), started).await {
            tracing::error!(%error, "cannot lead; the next try begins anew");
            stop.run_until_cancelled(tokio::time::sleep(std::time::Duration::from_secs(10))).await;
        }
    }

    fn current(term: &Term) -> bool {
        term.read.load(Ordering::Relaxed) == KINDS
    }

    fn measure(term: &Term, registry: &mut Registry) {
        metrics::measure(&term.seen, registry);
        metrics::gateway(&term.metrics, registry);
    }
}

async fn term(
    client: Client,
    reporter: Arc<Reporter>,
    stop: CancellationToken,
    started: impl FnOnce(&Arc<Term>) + Send,
) -> Result<(), Error> {
    let home = Home::of(&client).await?;
    let sight = Sight::default();
    let term = Arc::new(Term::new(client, home, reporter, sight.seen()));
    started(&term);
    let serving = server::serve(term.clone(), stop.clone());
    let working = async {
        tokio::join!(
            controller::run(&term, &stop, sight.storages, storage::reconcile),
            controller::run(&term, &stop, sight.backups, backup::reconcile),
            controller::run(&term, &stop, sight.schedules, schedule::reconcile),
            controller::run(&term, &stop, sight.restores, restore::reconcile),
            controller::run(&term, &stop, sight.drills, drill::reconcile),
        );
    };
    tokio::select! {
        () = working => Ok(()),
        result = serving => result,
    }
}

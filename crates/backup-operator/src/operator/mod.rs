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
mod restore;
mod schedule;
mod server;
mod services;
mod sets;
mod storage;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use kube::{Client, runtime::reflector};
use prometheus_client::registry::Registry;
use reconcile::{About, Error, Operator, Places, Reporter};
use tokio_util::sync::CancellationToken;

use self::{access::Reviewed, home::Home, metrics::Seen, storage::Storages};
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
    let (storages, backups, schedules, restores, drills) =
        (reflector::store(), reflector::store(), reflector::store(), reflector::store(), reflector::store());
    let term = Arc::new(Term {
        access: Arc::new(Reviewed::new(client.clone(), home.account.clone())),
        floor: Arc::default(),
        metrics: Arc::default(),
        read: AtomicUsize::new(0),
        seen: Seen {
            storages: storages.0.clone(),
            backups: backups.0.clone(),
            schedules: schedules.0.clone(),
            restores: restores.0.clone(),
            drills: drills.0.clone(),
        },
        storages: Arc::default(),
        reporter,
        client,
        home,
    });
    started(&term);
    let serving = server::serve(term.clone(), stop.clone());
    let working = async {
        tokio::join!(
            controller::run(&term, &stop, storages, storage::reconcile),
            controller::run(&term, &stop, backups, backup::reconcile),
            controller::run(&term, &stop, schedules, schedule::reconcile),
            controller::run(&term, &stop, restores, restore::reconcile),
            controller::run(&term, &stop, drills, drill::reconcile),
        );
    };
    tokio::select! {
        () = working => Ok(()),
        result = serving => result,
    }
}

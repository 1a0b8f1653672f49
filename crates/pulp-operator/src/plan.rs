//! Everything that a Pulp consists of, in the order in which it comes up.

use k8s_openapi::api::batch::v1::Job;
use reconcile::{Gate::Applied, Gate::Idle, Gate::Ready, Gate::Succeeded, Plan, What};

use crate::{
    checked::Checked,
    keys, names,
    read::Observed,
    service::{
        Instance, admin, api, cache, content, database, exposure, hold, maintenance, migrate, settings,
        storage, web, worker,
    },
    upgrade::{Step, step},
};

/// The stages; one starts when the one before it holds. Until its keys are drawn, an instance has no configuration.
pub fn plan(pulp: &Checked, seen: &Observed) -> Plan {
    let secrets = Plan::new().stage("Secrets", Applied, keys::objects(pulp));
    let Some(keys) = &pulp.keys else { return secrets.to_be_continued() };
    let step = step(pulp, seen);
    let pulp = &Instance { checked: pulp, keys };
    let base = secrets
        .stage("Database", Ready, database::objects(pulp))
        .stage("Cache", Ready, cache::objects(pulp))
        .stage("Settings", Applied, settings::objects(pulp))
        .stage("Storage", Succeeded, storage::objects(pulp));
    let base = match seen.holds.until(What::Deletion) {
        Some(until) => base.stage("Hold", Applied, hold::objects(pulp, seen.holding_since, until)),
        None => base.without::<Job>(pulp.part(names::HOLD).name()),
    };
    match step {
        Step::Install => install(base.stage("Migrate", Succeeded, migrate::objects(pulp)), pulp, seen),
        Step::Look => install(
            base.stage("Preflight", Succeeded, migrate::preflight(pulp)).to_be_continued(),
            pulp,
            seen,
        ),
        Step::Drain(_) => base
            // First those whose last task may take an hour: meanwhile people go on downloading.
            .stage("Drain", Idle, worker::objects(pulp, 0))
            .stage("Drain", Idle, [content::objects(pulp, 0), api::objects(pulp, 0)].concat())
            .stage("Migrate", Succeeded, migrate::objects(pulp))
            .to_be_continued()
            .stage("Web", Ready, web::objects(pulp))
            .stage("Exposure", Applied, exposure::objects(pulp)),
    }
}

/// Everything that serves, in the order of upstream's upgrades without downtime.
fn install(base: Plan, pulp: &Instance, seen: &Observed) -> Plan {
    let spec = &pulp.spec;
    let workers = if seen.holds.until(What::Workers).is_some() { 0 } else { spec.worker.replicas };
    let suspended = seen.holds.until(What::Deletion).is_some();
    base.stage("Admin", Succeeded, admin::objects(pulp))
        .stage("Content", Ready, content::objects(pulp, spec.content.replicas))
        .stage("Api", Ready, api::objects(pulp, spec.api.replicas))
        .stage("Workers", Ready, worker::objects(pulp, workers))
        .stage("Web", Ready, web::objects(pulp))
        .stage("Exposure", Applied, exposure::objects(pulp))
        .stage("Maintenance", Applied, maintenance::objects(pulp, suspended))
}

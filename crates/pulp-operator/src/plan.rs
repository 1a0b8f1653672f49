//! Everything that a Pulp consists of, in the order in which it comes up.

use k8s_openapi::api::batch::v1::Job;
use reconcile::{Gate::Applied, Gate::Idle, Gate::Ready, Gate::Succeeded, HELD, Plan, What};

use crate::{
    checked::Checked,
    hold as still, keys, names,
    read::Observed,
    scaling,
    service::{
        Instance, admin, api, cache, checksums, content, database, exposure, hold, maintenance, metrics,
        migrate, settings, signing, storage, web, worker,
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
        .stage("Settings", Applied, settings::objects(pulp));
    let writes = still::writes(seen);
    let base = if writes { base } else { base.stage("Storage", Succeeded, storage::objects(pulp)) };
    let base = match seen.holds.until(What::Deletion) {
        // Where nothing runs, nothing is deleted, and it would be the only one to write.
        Some(until) if !still::still(seen) => {
            base.stage("Hold", Applied, hold::objects(pulp, seen.holding_since, until))
        }
        _ => base.without::<Job>(pulp.part(names::HOLD).name()),
    };
    match step {
        _ if writes => stop(base.stage(HELD, Applied, maintenance::objects(pulp, true)), HELD, pulp, seen)
            .to_be_continued()
            .stage("Web", Applied, web::objects(pulp))
            .stage("Exposure", Applied, exposure::objects(pulp)),
        Step::Restore => stop(base, "Drain", pulp, seen)
            .stage("Migrate", Succeeded, if seen.workers == 0 { migrate::objects(pulp) } else { vec![] })
            .to_be_continued()
            .stage("Web", Ready, web::objects(pulp))
            .stage("Exposure", Applied, exposure::objects(pulp)),
        Step::Install => install(base.stage("Migrate", Succeeded, migrate::objects(pulp)), pulp, seen),
        Step::Look => {
            let base = base.stage("Preflight", Succeeded, migrate::preflight(pulp)).to_be_continued();
            install(base, pulp, seen)
        }
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

/// Nothing is at work on the database any more. First those whose last task may take an hour: meanwhile people go on downloading.
fn stop(base: Plan, name: &'static str, pulp: &Instance, seen: &Observed) -> Plan {
    let others = [content::objects(pulp, 0), api::objects(pulp, 0), metrics::stopped(pulp)];
    // A gate alone would not keep what stays of the same release from being scaled down.
    let others = if seen.workers == 0 { others.concat() } else { vec![] };
    base.stage(name, Idle, worker::objects(pulp, 0)).stage(name, Idle, others)
}

/// Everything that serves, in the order of upstream's upgrades without downtime.
fn install(base: Plan, pulp: &Instance, seen: &Observed) -> Plan {
    let spec = &pulp.spec;
    let held = |what| seen.holds.until(what).is_some();
    let workers = if held(What::Workers) { 0 } else { scaling::workers(&spec.worker, &seen.demand) };
    let plan = base
        .stage("Admin", Succeeded, admin::objects(pulp))
        // What runs goes on as it is until it is known that a change works, and then it is changed everywhere before it counts.
        .stage("Checksums", Succeeded, checksums::add(pulp, seen))
        .stage("Signing", Succeeded, signing::trial(pulp, seen))
        .stage("Content", Ready, content::objects(pulp, spec.content.replicas))
        .stage("Api", Ready, api::objects(pulp, spec.api.replicas))
        .stage("Workers", Ready, worker::objects(pulp, workers))
        .stage("Web", Ready, web::objects(pulp))
        .stage("Exposure", Ready, exposure::objects(pulp))
        .stage("Maintenance", Applied, maintenance::objects(pulp, held(What::Deletion)))
        .stage("Signing", Succeeded, signing::register(pulp))
        .stage("Checksums", Succeeded, checksums::fit(pulp))
        // Last, and not waited for: nobody's work needs it.
        .stage("Metrics", Applied, metrics::objects(pulp, seen.monitored));
    if spec.worker.autoscaling.is_some() { plan.again_in(scaling::INTERVAL) } else { plan }
}

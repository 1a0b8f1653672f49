//! Everything that a Foreman consists of, in the order in which it comes up.

use reconcile::{Gate::Applied, Gate::Ready, Gate::Succeeded, Plan};

use crate::{
    checked::Checked,
    hold::Still,
    keys,
    read::Observed,
    service::{Instance, candlepin, database, dynflow, migrate, proxy, queue, recurring, web},
};

/// The stages; one starts when the one before it holds. Until its keys are drawn, an instance has no configuration.
pub fn plan(foreman: &Checked, seen: &Observed) -> Plan {
    let secrets = Plan::new().stage("Secrets", Applied, keys::objects(foreman));
    let Some(keys) = &foreman.keys else { return secrets.to_be_continued() };
    let foreman = &Instance { checked: foreman, keys };
    let still = Still::of(seen);
    secrets
        .stage("Database", Ready, database::objects(foreman))
        .stage("Queue", Ready, queue::objects(foreman))
        .stage("Migrate", Succeeded, migrate::objects(foreman))
        .stage("Candlepin", Ready, candlepin::objects(foreman))
        .stage("Workers", Ready, dynflow::objects(foreman, still.workers))
        .stage("Web", Ready, web::objects(foreman, still.web))
        .stage("Proxy", Ready, proxy::objects(foreman))
        .stage("Recurring", Applied, recurring::objects(foreman, still.workers))
}

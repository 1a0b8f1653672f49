//! Everything that a Foreman consists of, in the order in which it comes up.

use reconcile::{Gate::Applied, Gate::Idle, Gate::Ready, Gate::Succeeded, HELD, Plan};

use crate::{
    checked::Checked,
    hold, keys,
    read::Observed,
    service::{Instance, candlepin, database, dynflow, migrate, proxy, queue, rails, recurring, web},
};

/// The stages; one starts when the one before it holds. Until its keys are drawn, an instance has no configuration.
pub fn plan(foreman: &Checked, seen: &Observed) -> Plan {
    let secrets = Plan::new().stage("Secrets", Applied, keys::objects(foreman));
    let Some(keys) = &foreman.keys else { return secrets.to_be_continued() };
    let foreman = &Instance { checked: foreman, keys };
    let base = secrets.stage("Database", Ready, database::objects(foreman)).stage(
        "Queue",
        Ready,
        queue::objects(foreman),
    );
    let busy = !hold::busy(foreman, seen).is_empty();
    if hold::writes(seen) {
        return stop(base, HELD, foreman, busy).to_be_continued().stage(
            "Proxy",
            Applied,
            proxy::objects(foreman),
        );
    }
    // Data of whatever release: nothing serves until it is migrated.
    if !foreman.data.taken(&seen.status, &foreman.migration()) {
        return stop(base, "Drain", foreman, busy)
            .stage("Migrate", Succeeded, if busy { vec![] } else { vec![migrate::job(foreman)] })
            .to_be_continued()
            .stage("Proxy", Applied, proxy::objects(foreman));
    }
    let still = hold::workers(seen);
    base.stage("Migrate", Succeeded, migrate::objects(foreman))
        .stage("Candlepin", Ready, candlepin::objects(foreman, false))
        .stage("Workers", Ready, dynflow::objects(foreman, still))
        .stage("Web", Ready, web::objects(foreman, false))
        .stage("Proxy", Ready, proxy::objects(foreman))
        .stage("Recurring", Applied, recurring::objects(foreman, still))
}

/// Nothing has a database open any more. Workers first: what they end may need the others.
fn stop(base: Plan, name: &'static str, foreman: &Instance, busy: bool) -> Plan {
    let others = [
        dynflow::orchestrator(foreman, true),
        web::objects(foreman, true),
        candlepin::objects(foreman, true),
    ];
    // A gate alone would not keep what stays of the same release from being scaled down.
    let others = if busy { vec![] } else { others.concat() };
    base.stage("Settings", Applied, rails::objects(foreman))
        .stage(name, Applied, recurring::objects(foreman, true))
        .stage(name, Idle, dynflow::workers(foreman, true))
        .stage(name, Idle, others)
}

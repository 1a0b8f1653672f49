//! Everything that a Smart Proxy consists of, in the order in which it comes up. Its registration comes after all of it, and lives in
//! [`crate::outside`].

use reconcile::{Certificate, Gate::Idle, Gate::Ready, HELD, Object, Plan, Usage, What};

use crate::{
    checked::{Checked, Identity},
    names,
    read::Observed,
    service::{certificate, content, ingress, policy, proxy},
};

/// The stages; one starts when the one before it holds.
pub fn plan(checked: &Checked, seen: &Observed) -> Plan {
    let asked = certificate::object(checked);
    if let Identity::Awaited(_) = checked.identity {
        // All else is made from what the certificate holds; what runs goes on running with the one before.
        return Plan::new().stage("Certificates", Ready, asked.into_iter().collect()).to_be_continued();
    }
    let keys = checked.drawn().map(|drawn| drawn.object(checked.keep));
    // It has no read-only mode: to hold writes, it is stopped. Its volumes stay, to be filled.
    let held = seen.holds.until(What::Writes).is_some();
    let parts = [
        policy::objects(checked),
        ingress::objects(checked),
        content::objects(checked),
        proxy::objects(checked, i32::from(!held)),
    ];
    let certificates = certificates(checked).into_iter().chain(asked).chain(keys).collect();
    let base = Plan::new().stage("Certificates", Ready, certificates);
    if held {
        return base.stage(HELD, Idle, parts.concat()).to_be_continued();
    }
    base.stage("Proxy", Ready, parts.concat())
}

/// Nothing if they are somebody else's. Two, because a server's is no client's: whoever checks refuses one that stands in for the other.
fn certificates(proxy: &Checked) -> Vec<Object> {
    let Identity::Issued(authority) = &proxy.identity else { return vec![] };
    let inside = [proxy.address(), format!("{}.cluster.local", proxy.address())];
    let issue = |part: &str, usage, names: Vec<String>| {
        let (authority, common_name) = (authority.clone(), proxy.host.clone());
        Object::issued(&proxy.part(part).name(), Certificate { authority, common_name, names, usage })
    };
    vec![
        issue(names::SERVER, Usage::Server, inside.into()),
        // Foreman knows a proxy by the host of its URL.
        issue(names::CLIENT, Usage::Client, vec![]),
    ]
}

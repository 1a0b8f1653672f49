//! What a pass came to, put in words: the status is computed anew from what was found, and written if it is another one.

use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::json;

use crate::{
    apply::Outcome,
    context::{Context, lock},
    error::{Error, call},
    hold::{HELD, Hold, HoldState, Holds},
    managed::Managed,
    outside::Outside,
    report::Done,
    status::{Fault, News, Report, Status},
};

/// What a pass came to, before it is put in words.
pub(crate) enum Verdict {
    Paused,
    /// Only the user can mend it; `true`: nothing will tell us when that has happened.
    Faulty(Vec<Fault>, bool),
    Applied(Box<Applied>),
    /// It is being deleted, and something outside the API server still knows of it.
    Leaving(News, Timestamp),
}

/// A plan that was gone through.
pub(crate) struct Applied {
    pub outcome: Outcome,
    pub report: Report,
    /// What was found outside the API server, if somebody looked.
    pub outside: Option<Outside>,
    /// Every gate holds.
    pub ready: bool,
    /// The last stage that was not held.
    pub last: &'static str,
    /// Who keeps it from working, if somebody does.
    pub held: Option<String>,
    pub holds: Vec<Hold>,
}

/// Computes the status and writes it if it is another one.
pub(crate) async fn write<K: Managed>(
    object: &K,
    context: &Context<K>,
    before: Option<Status>,
    holds: Holds,
    verdict: Verdict,
) -> Result<Done, Error> {
    let generation = object.meta().generation;
    let old = before.as_ref();
    let mut status = Status { observed_generation: generation, ..Default::default() };
    let mut outcome = Outcome::default();
    let (mut faulty, mut unsaid) = (false, K::OUTSIDE.to_vec());
    let news =
        |type_, status, reason, message: &str| News { type_, status, reason, message: message.to_owned() };
    match verdict {
        Verdict::Paused => {
            status = old.cloned().unwrap_or_default();
            status.observed_generation = generation;
            status
                .conditions
                .retain(|condition| !["Reconciling", "Paused"].contains(&condition.type_.as_str()));
            let why = "spec.paused is true: nothing is changed until it is removed";
            status.set(old, generation, news("Reconciling", false, "Paused", why));
            status.set(old, generation, news("Paused", true, "Paused", why));
            status.holds = holds.unanswered(HoldState::Refused, why);
        }
        Verdict::Faulty(found, again) => {
            faulty = true;
            outcome.refused = again;
            let reason = found.first().map_or("Invalid", |fault| fault.reason);
            let why = found.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ");
            if let Some(old) = old {
                status.endpoints.clone_from(&old.endpoints);
                status.versions.clone_from(&old.versions);
                status.achieved.clone_from(&old.achieved);
                status.backup.clone_from(&old.backup);
                status.data.clone_from(&old.data);
            }
            status.set(old, generation, news("Ready", false, reason, &why));
            status.set(old, generation, news("Reconciling", false, reason, &why));
            status.set(old, generation, news("Stalled", true, reason, &why));
            status.holds = holds.unanswered(HoldState::Pending, &why);
        }
        Verdict::Applied(applied) => {
            let Applied { outcome: mut reached, report, outside, ready, last, held, holds: still } = *applied;
            status.achieved = std::mem::take(&mut reached.achieved);
            let (reason, why) = match &reached.waiting {
                Some((stage, why)) => (*stage, why.as_str()),
                None if ready => ("Ready", "every part is up"),
                None if held.is_some() => (HELD, held.as_deref().unwrap_or_default()),
                None => (last, "what comes next is about to be decided from what this stage gave"),
            };
            status.set(old, generation, news("Ready", ready, reason, why));
            status.set(old, generation, news("Reconciling", !ready, reason, if ready { "" } else { why }));
            status.set(old, generation, news("Stalled", false, reason, ""));
            for condition in report.conditions {
                status.set(old, generation, condition);
            }
            if let Some(outside) = outside {
                unsaid = outside.unsaid;
                status.features = outside.features;
                for condition in outside.conditions {
                    status.set(old, generation, condition);
                }
            }
            status.endpoints = report.endpoints;
            status.versions = report.versions;
            status.backup = report.backup;
            status.data = report.data;
            status.holds = still;
            outcome = reached;
        }
        Verdict::Leaving(blocked, again) => {
            status = old.cloned().unwrap_or_default();
            status.conditions.retain(|condition| condition.type_ != blocked.type_);
            status.set(old, generation, blocked);
            outcome.look_again(again);
        }
    }
    status.carry(old, &unsaid);
    // Nothing else tells that a hold is over.
    if let Some(end) = holds.next() {
        outcome.look_again(end);
    }
    if before.as_ref().is_none_or(|before| !before.same(&status)) {
        let api = ApiResource::erase::<K>(&());
        let body = json!({ "apiVersion": api.api_version, "kind": api.kind, "status": status });
        let name = object.name_any();
        let parameters = PatchParams::apply(K::ABOUT.operator).force();
        let api: Api<DynamicObject> =
            Api::namespaced_with(context.client.clone(), &object.namespace().unwrap_or_default(), &api);
        let body = Patch::Apply(&body);
        let request = api.patch_status(&name, &parameters, &body);
        match call("update the status of", name.clone(), request).await {
            Ok(_) => {
                lock(&context.written).insert(object.uid().unwrap_or_default(), status.clone());
            }
            // Deleted meanwhile.
            Err(Error::Api { code: Some(404), .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Done { status: (before, status), outcome, faulty })
}

/// What to do where a permission is missing.
pub(crate) fn permission<K: Managed>(namespace: &str, what: &str) -> String {
    let operator = K::ABOUT.operator;
    let account = std::env::var("POD_SERVICE_ACCOUNT").unwrap_or_else(|_| operator.into());
    let home = std::env::var("POD_NAMESPACE").unwrap_or_else(|_| "default".into());
    format!(
        "{operator} may not {what} in namespace {namespace}; grant it with: kubectl create rolebinding {operator} \
         --namespace={namespace} --clusterrole={operator}-namespace --serviceaccount={home}:{account}"
    )
}

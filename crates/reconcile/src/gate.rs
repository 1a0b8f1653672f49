//! Whether a live object has come up, in the sense of kstatus.

use serde_json::Value;

/// What a live object says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It serves, or it has succeeded.
    Holds,
    /// It is on its way; the text says how far.
    Waits(String),
    /// It has failed for good and will not try again by itself.
    Failed(String),
}

/// Judges a live object of any kind; kinds without a notion of readiness hold as soon as they exist. An Ingress is one of them:
/// many controllers never write an address into it, and would be waited for for ever. `least`: so many pods of a workload are
/// enough.
pub fn judge(kind: &str, live: &Value, generation: Option<i64>, least: Option<i32>) -> State {
    let number = |path: &str| live.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    match kind {
        "Deployment" | "StatefulSet" => {
            if let Some(refused) = condition(live, "ReplicaFailure", "True") {
                return State::Waits(refused);
            }
            let behind =
                generation.is_some_and(|generation| number("/status/observedGeneration") < generation);
            let all = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
            let wanted = least.map_or(all, |least| all.min(least.into()));
            let (updated, ready) = (number("/status/updatedReplicas"), number("/status/readyReplicas"));
            let surplus = number("/status/replicas") - if least.is_some() { updated } else { all };
            // One text from creation until the first pod is ready: each text is a write to the status.
            if ready < wanted {
                State::Waits(format!("{ready} of {wanted} pods are ready"))
            } else if behind {
                State::Waits("a change is about to roll out".into())
            } else if updated < wanted {
                State::Waits(format!("{updated} of {wanted} pods are of the new revision"))
            } else if surplus > 0 {
                State::Waits(format!("{surplus} pods of the old revision are still to go"))
            } else {
                State::Holds
            }
        }
        "Job" => {
            let failed = number("/status/failed");
            if condition(live, "Complete", "True").is_some() {
                State::Holds
            } else if let Some(why) = condition(live, "Failed", "True") {
                State::Failed(if failed > 0 { format!("failed {failed} times") } else { why })
            } else if failed > 0 {
                State::Waits(format!("failed {failed} times so far"))
            } else {
                State::Waits("is running".into())
            }
        }
        "Service" if live.pointer("/spec/type").is_some_and(|type_| type_ == "LoadBalancer") => {
            let given = live.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
            if given.is_some_and(|addresses| !addresses.is_empty()) {
                State::Holds
            } else {
                State::Waits("no load balancer has given it an address yet".into())
            }
        }
        "HTTPRoute" | "TLSRoute" => {
            let name = live.pointer("/spec/parentRefs/0/name").and_then(Value::as_str).unwrap_or_default();
            let none =
                format!("no controller has answered for Gateway {name}; see that it exists and is served");
            taken(live, "/status/parents", &["Accepted", "ResolvedRefs"], generation, none)
        }
        "Route" => {
            taken(live, "/status/ingress", &["Admitted"], generation, "no router has admitted it yet".into())
        }
        "Certificate" => {
            let said = live.pointer("/status/conditions").and_then(Value::as_array);
            let ready = said
                .into_iter()
                .flatten()
                .find(|it| it["type"] == "Ready" && it["observedGeneration"].as_i64() >= generation);
            match ready {
                Some(ready) if ready["status"] == "True" => State::Holds,
                Some(ready) => State::Waits(ready["message"].as_str().unwrap_or_default().to_owned()),
                None => State::Waits("cert-manager has not looked at it yet; see that it runs".into()),
            }
        }
        _ => State::Holds,
    }
}

/// Whether one of those who lead clients to Services has taken a route: the first condition is true of it and none is false. If
/// not, why in their own words, or `none`. What was said about an older generation counts no more.
fn taken(live: &Value, at: &str, conditions: &[&str], generation: Option<i64>, none: String) -> State {
    let mut refused = None;
    for by in live.pointer(at).and_then(Value::as_array).into_iter().flatten() {
        let said = |type_: &str, status: &str| {
            by["conditions"].as_array()?.iter().find(|it| {
                let seen = it["observedGeneration"].as_i64();
                it["type"] == type_
                    && it["status"] == status
                    && seen.is_none_or(|seen| Some(seen) >= generation)
            })
        };
        match conditions.iter().find_map(|type_| said(type_, "False")) {
            None if said(conditions[0], "True").is_some() => return State::Holds,
            None => {}
            Some(no) => {
                let said = [&by["controllerName"], &by["routerName"], &no["reason"], &no["message"]];
                // Some controllers leave the message empty.
                let words = said.into_iter().filter_map(Value::as_str).filter(|word| !word.is_empty());
                refused.get_or_insert(words.collect::<Vec<_>>().join(": "));
            }
        }
    }
    State::Waits(refused.unwrap_or(none))
}

/// The message of a condition that has this status.
fn condition(live: &Value, type_: &str, status: &str) -> Option<String> {
    let conditions = live.pointer("/status/conditions")?.as_array()?;
    let found =
        conditions.iter().find(|condition| condition["type"] == type_ && condition["status"] == status)?;
    Some(found["message"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn waits(text: &str) -> State {
        State::Waits(text.into())
    }

    #[test]
    fn a_certificate_holds_when_it_is_issued_as_it_is_asked_for_now() {
        let at = |status: Value| judge("Certificate", &json!({ "status": status }), Some(2), None);
        let ready = |status: &str, generation: i64| {
            json!({ "conditions": [{ "type": "Issuing", "status": "True" },
                { "type": "Ready", "status": status, "observedGeneration": generation, "message": "no such issuer" }] })
        };
        assert_eq!(at(json!({})), waits("cert-manager has not looked at it yet; see that it runs"));
        assert_eq!(at(ready("True", 1)), waits("cert-manager has not looked at it yet; see that it runs"));
        assert_eq!(at(ready("False", 2)), waits("no such issuer"));
        assert_eq!(at(ready("True", 2)), State::Holds);
    }

    #[test]
    fn a_workload_holds_when_all_pods_of_the_new_revision_are_ready_and_none_is_left() {
        let at = |status: Value| {
            judge("Deployment", &json!({ "spec": { "replicas": 2 }, "status": status }), Some(3), None)
        };
        assert_eq!(at(json!({ "observedGeneration": 2 })), waits("0 of 2 pods are ready"));
        let before =
            json!({ "observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 2, "replicas": 2 });
        assert_eq!(at(before), waits("a change is about to roll out"));
        assert_eq!(
            at(json!({ "observedGeneration": 3, "readyReplicas": 1, "updatedReplicas": 2 })),
            waits("1 of 2 pods are ready")
        );
        let rolling = json!({ "observedGeneration": 3, "readyReplicas": 2, "updatedReplicas": 1 });
        assert_eq!(at(rolling), waits("1 of 2 pods are of the new revision"));
        let ending =
            json!({ "observedGeneration": 3, "readyReplicas": 3, "updatedReplicas": 2, "replicas": 3 });
        assert_eq!(at(ending), waits("1 pods of the old revision are still to go"));
        let done =
            json!({ "observedGeneration": 3, "readyReplicas": 2, "updatedReplicas": 2, "replicas": 2 });
        assert_eq!(at(done), State::Holds);
    }

    #[test]
    fn a_workload_that_follows_its_load_holds_with_its_least_number_but_not_while_old_pods_are_left() {
        let at = |least, status: Value| {
            judge("Deployment", &json!({ "spec": { "replicas": 4 }, "status": status }), Some(3), Some(least))
        };
        let growing =
            json!({ "observedGeneration": 3, "readyReplicas": 1, "updatedReplicas": 4, "replicas": 4 });
        assert_eq!(at(1, growing.clone()), State::Holds);
        assert_eq!(at(2, growing.clone()), waits("1 of 2 pods are ready"));
        assert_eq!(at(9, growing), waits("1 of 4 pods are ready"));
        let rolling =
            json!({ "observedGeneration": 3, "readyReplicas": 4, "updatedReplicas": 1, "replicas": 5 });
        assert_eq!(at(1, rolling), waits("4 pods of the old revision are still to go"));
        assert_eq!(at(0, json!({ "observedGeneration": 3 })), State::Holds);
    }

    #[test]
    fn a_quota_is_told_in_the_words_of_the_api_server() {
        let live = json!({ "spec": { "replicas": 1 }, "status": { "conditions": [
            { "type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small" }] } });
        assert_eq!(judge("Deployment", &live, None, None), waits("exceeded quota: small"));
    }

    #[test]
    fn a_job_runs_fails_and_succeeds() {
        assert_eq!(judge("Job", &json!({}), None, None), waits("is running"));
        assert_eq!(
            judge("Job", &json!({ "status": { "failed": 1 } }), None, None),
            waits("failed 1 times so far")
        );
        let ended = |type_: &str| json!({ "status": { "failed": 3, "conditions": [{ "type": type_, "status": "True" }] } });
        assert_eq!(judge("Job", &ended("Failed"), None, None), State::Failed("failed 3 times".into()));
        assert_eq!(judge("Job", &ended("Complete"), None, None), State::Holds);
    }

    #[test]
    fn a_load_balancer_holds_when_it_has_an_address() {
        let at = |status: Value| json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": status } });
        let none = waits("no load balancer has given it an address yet");
        assert_eq!(judge("Service", &at(json!({})), None, None), none);
        assert_eq!(judge("Service", &at(json!({ "ingress": [] })), None, None), none);
        assert_eq!(
            judge("Service", &at(json!({ "ingress": [{ "hostname": "a.example.com" }] })), None, None),
            State::Holds
        );
    }

    #[test]
    fn a_route_holds_when_its_controller_has_taken_it_as_it_is_now() {
        let said = |type_: &str, status: &str, seen: i64| json!({ "type": type_, "status": status, "observedGeneration": seen, "reason": "R", "message": "m" });
        let at = |conditions: &[Value]| {
            let parents = json!([{ "controllerName": "a.b/c", "conditions": conditions }]);
            let live =
                json!({ "spec": { "parentRefs": [{ "name": "g" }] }, "status": { "parents": parents } });
            judge("HTTPRoute", &live, Some(2), None)
        };
        let none = waits("no controller has answered for Gateway g; see that it exists and is served");
        assert_eq!(at(&[]), none);
        assert_eq!(at(&[said("Accepted", "True", 1)]), none, "that was about another spec");
        assert_eq!(at(&[said("Accepted", "Unknown", 2)]), none);
        assert_eq!(at(&[said("Accepted", "False", 2)]), waits("a.b/c: R: m"));
        assert_eq!(
            at(&[said("Accepted", "True", 2), said("ResolvedRefs", "False", 2)]),
            waits("a.b/c: R: m")
        );
        assert_eq!(at(&[said("ResolvedRefs", "True", 2), said("Accepted", "True", 2)]), State::Holds);
    }

    #[test]
    fn of_several_routers_one_is_enough() {
        let by = |name: &str, status: &str| json!({ "routerName": name, "conditions": [{ "type": "Admitted", "status": status, "reason": "R", "message": "m" }] });
        let at =
            |routers: &[Value]| judge("Route", &json!({ "status": { "ingress": routers } }), Some(2), None);
        assert_eq!(at(&[]), waits("no router has admitted it yet"));
        assert_eq!(at(&[by("inner", "False")]), waits("inner: R: m"));
        assert_eq!(at(&[by("inner", "False"), by("outer", "True")]), State::Holds);
    }

    #[test]
    fn what_has_no_readiness_holds_when_it_exists() {
        assert_eq!(judge("Service", &json!({}), None, None), State::Holds);
        assert_eq!(judge("Ingress", &json!({ "status": { "loadBalancer": {} } }), None, None), State::Holds);
    }
}

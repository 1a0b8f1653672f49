//! Why a workload has not come up, in one sentence: from its pods and the warnings about them.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use crate::{gate::State, namespace::Namespace, object::Object};

/// One sentence about an object that does not hold: what it is, how far it is, and what keeps it.
pub(crate) fn explain(namespace: &Namespace, object: &Object, name: &str, state: &State) -> String {
    let kind = object.api.kind.as_str();
    let (State::Waits(text) | State::Failed(text)) = state else { return String::new() };
    let mut sentence = format!("{kind} {name}: {text}");
    let label = |key: &str| {
        let pointer = format!("/metadata/labels/{}", key.replace('/', "~1"));
        object
            .pod_template()
            .and_then(|template| template.pointer(&pointer)?.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let pods = if kind == "Job" {
        namespace.pods(&[("batch.kubernetes.io/job-name", name)])
    } else {
        let keys = ["app.kubernetes.io/instance", "app.kubernetes.io/component"];
        let wanted = keys.map(|key| (key, label(key)));
        namespace.pods(&wanted.each_ref().map(|(key, value)| (*key, value.as_str())))
    };
    let newest_first = {
        let mut pods = pods;
        pods.sort_by_key(|pod| {
            std::cmp::Reverse(pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
        });
        pods
    };
    let trouble = newest_first.iter().find_map(|pod| {
        let lost = || (kind == "StatefulSet").then(|| lost(pod)).flatten();
        let said = trouble(pod).or_else(lost).or_else(|| {
            let starting = !ready(pod) && pod.metadata.deletion_timestamp.is_none();
            // That a container is not up yet is no news as long as it starts.
            let news = |said: &String| !said.starts_with("Startup probe failed");
            starting.then(|| namespace.warning("Pod", &pod.name_any())).flatten().filter(news)
        })?;
        let volumes = if said.contains("PersistentVolumeClaim") {
            claims(namespace, &label("app.kubernetes.io/instance"))
        } else {
            vec![]
        };
        let said = if volumes.is_empty() { said } else { format!("{said} ({})", volumes.join("; ")) };
        Some(if kind == "Job" { said } else { format!("pod {}: {said}", pod.name_any()) })
    });
    if let Some(why) = trouble.or_else(|| namespace.warning(kind, name)) {
        sentence.push_str(if kind == "Job" { ": " } else { "; " });
        sentence.push_str(&shorten(&why));
    }
    if sentence.contains("violates PodSecurity") && sentence.contains("hostNetwork") {
        let label = "pod-security.kubernetes.io/enforce=privileged";
        let mend = format!("kubectl label --overwrite namespace {} {label}", namespace.name);
        sentence.push_str("; allow the network of nodes with: ");
        sentence.push_str(&mend);
    }
    sentence
}

/// Warnings about the volume claims of an instance: the pod says only that they are not bound.
fn claims(namespace: &Namespace, instance: &str) -> Vec<String> {
    let mine = namespace.all("PersistentVolumeClaim").into_iter().filter(|claim| {
        claim.labels().get("app.kubernetes.io/instance").is_some_and(|owner| owner == instance)
    });
    mine.filter_map(|claim| {
        let name = claim.name_any();
        let why = namespace.warning("PersistentVolumeClaim", &name)?;
        Some(format!("PersistentVolumeClaim {name}: {}", shorten(&why)))
    })
    .collect()
}

/// Whether a pod says that it is ready.
pub(crate) fn ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What keeps a pod from being ready, if it says so itself.
fn trouble(pod: &Pod) -> Option<String> {
    if ready(pod) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        return Some(format!("cannot be scheduled: {}", condition.message.as_deref().unwrap_or_default()));
    }
    let containers =
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    containers.filter(|container| !container.ready).find_map(of_container)
}

/// That a pod cannot end because its node does not answer. Nobody else may have its volume until somebody who knows says that the node is
/// off: it might only be cut off, and the pod go on writing.
fn lost(pod: &Pod) -> Option<String> {
    pod.metadata.deletion_timestamp.as_ref()?;
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.find(|it| {
        it.type_ == "DisruptionTarget" && it.reason.as_deref() == Some("DeletionByTaintManager")
    })?;
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    Some(format!(
        "its node {node} does not answer, and another pod may have its volume only when that is off for certain; bring it back, or \
         if it is off: kubectl taint node {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    ))
}

fn of_container(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    let ended =
        state.terminated.as_ref().or(container.last_state.as_ref().and_then(|last| last.terminated.as_ref()));
    let ended = ended.filter(|ended| ended.exit_code != 0).map(|ended| {
        let said = ended.message.as_deref().map(last_line).unwrap_or_default();
        match (said.is_empty(), ended.reason.as_deref()) {
            (true, Some("OOMKilled")) => {
                "was killed for want of memory (OOMKilled); raise its memory limit".to_owned()
            }
            (true, _) => format!("ended with exit code {}", ended.exit_code),
            (false, _) => format!("its last line: {said}"),
        }
    });
    let waits = state.waiting.as_ref().and_then(|waiting| {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let why = waiting.message.as_deref().unwrap_or_default();
        match reason {
            "" | "PodInitializing" | "ContainerCreating" | "CrashLoopBackOff" => None,
            _ => Some(format!("container {}: {reason}: {why}", container.name)),
        }
    });
    waits.or(ended)
}

/// The last line that says what went wrong: an exception's own line rather than the trace or the advice below it.
fn last_line(text: &str) -> &str {
    let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let named = |line: &&str| {
        let Some((name, _)) = line.split_once(": ") else { return false };
        let exception = !name.contains(' ') && name.starts_with(char::is_uppercase) && name.contains("::");
        exception
            || name.ends_with("Exception")
            || name.ends_with("Error")
            || name.ends_with("FATAL")
            || name.ends_with("PANIC")
    };
    let trace = |line: &&str| line.starts_with("at ") || line.starts_with("... ") || line.starts_with('(');
    lines().find(named).or_else(|| lines().find(|line| !trace(line))).unwrap_or_default()
}

/// A URL without user and password: errors like to quote the whole of it.
fn redact(word: &str) -> String {
    match (word.find("://"), word.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://***{}", &word[..scheme], &word[at..]),
        _ => word.to_owned(),
    }
}

fn shorten(text: &str) -> String {
    const MOST: usize = 400;
    let text = text.split_whitespace().map(redact).collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({ "metadata": { "name": "p" }, "status": status })).unwrap()
    }

    fn container(state: serde_json::Value, last: serde_json::Value) -> Pod {
        pod(json!({ "containerStatuses": [{
            "name": "web", "ready": false, "image": "", "imageID": "", "restartCount": 1, "state": state, "lastState": last }] }))
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named() {
        let pod =
            container(json!({ "waiting": { "reason": "ErrImagePull", "message": "not found" } }), json!({}));
        assert_eq!(trouble(&pod).unwrap(), "container web: ErrImagePull: not found");
    }

    #[test]
    fn a_crash_tells_its_last_line_and_not_that_it_crashed() {
        let ended = json!({ "terminated": { "exitCode": 1, "message": "boot\nFATAL: no such role\n\n" } });
        let pod =
            container(json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } }), ended);
        assert_eq!(trouble(&pod).unwrap(), "its last line: FATAL: no such role");
    }

    #[test]
    fn a_password_in_a_url_is_not_told() {
        assert_eq!(
            shorten("bad URI: postgresql://u:p@s@[::1/db now"),
            "bad URI: postgresql://***@[::1/db now"
        );
        assert_eq!(shorten("see https://example.com/a@b"), "see https://***@b");
        assert_eq!(shorten("mail a@b"), "mail a@b");
    }

    #[test]
    fn of_a_trace_the_exception_is_told() {
        let rake = "rake aborted!\nPG::ConnectionBad: no route\nbin/rails:4:in `<main>'\n\nTasks: TOP => db:migrate\n(See full trace by running task with --trace)";
        assert_eq!(last_line(rake), "PG::ConnectionBad: no route");
        assert_eq!(
            last_line("java.lang.IllegalStateException: no key\n\tat a.B.c(Unknown)\n"),
            "java.lang.IllegalStateException: no key"
        );
        assert_eq!(
            last_line("2026 FATAL: could not write: No space left\ndatabase system is shut down"),
            "2026 FATAL: could not write: No space left"
        );
        assert_eq!(last_line("starting\ncannot go on\n"), "cannot go on");
    }

    #[test]
    fn a_pod_that_starts_or_is_ready_is_no_trouble() {
        let starting = container(json!({ "waiting": { "reason": "ContainerCreating" } }), json!({}));
        assert_eq!(trouble(&starting), None);
        assert_eq!(trouble(&pod(json!({ "conditions": [{ "type": "Ready", "status": "True" }] }))), None);
    }
}

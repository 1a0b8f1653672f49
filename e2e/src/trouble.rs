//! What a namespace looks like when its story has failed.

use k8s_openapi::api::{core::v1::Pod, events::v1::Event};
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{Operator, story::Served};

/// Prints conditions, pods, the last warnings and the operator's last words.
pub async fn tell<K: Served>(client: Client, namespace: &str) {
    eprintln!("--- namespace {namespace}");
    let all = ListParams::default();
    let instances: Api<K> = Api::namespaced(client.clone(), namespace);
    for instance in instances.list(&all).await.into_iter().flatten() {
        let generation = instance.meta().generation.unwrap_or(0);
        eprintln!("{} {}, generation {generation}", K::kind(&()), instance.name_any());
        for condition in instance.status().iter().flat_map(|status| &status.conditions) {
            let of = condition.observed_generation.unwrap_or(0);
            eprintln!(
                "  {}={} {} ({of}): {}",
                condition.type_, condition.status, condition.reason, condition.message
            );
        }
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in pods.list(&all).await.into_iter().flatten() {
        let status = pod.status.clone().unwrap_or_default();
        let ready = status.conditions.iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
        let restarts: i32 = status.container_statuses.iter().flatten().map(|it| it.restart_count).sum();
        let ending = if pod.metadata.deletion_timestamp.is_some() { ", ending" } else { "" };
        eprintln!(
            "  pod {}: {}, ready {ready}, {restarts} restarts{ending}",
            pod.name_any(),
            status.phase.unwrap_or_default()
        );
    }
    let events: Api<Event> = Api::namespaced(client, namespace);
    let mut warnings =
        events.list(&all.fields("type=Warning")).await.map(|list| list.items).unwrap_or_default();
    warnings.sort_by_key(|event| event.metadata.creation_timestamp.as_ref().map(|time| time.0));
    for event in warnings.iter().rev().take(12).rev() {
        let about = event.regarding.clone().unwrap_or_default();
        let word = |text: Option<String>| text.unwrap_or_default();
        eprintln!(
            "  {} {}: {}: {}",
            word(about.kind),
            word(about.name),
            word(event.reason.clone()),
            word(event.note.clone())
        );
    }
    eprintln!("--- the operator's last lines\n{}", Operator::of::<K>().await.log(25).await);
}

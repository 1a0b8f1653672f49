//! What is said of one part reaches that part, and what is said of Pulp reaches all of its processes.

use serde_json::{Value, json};

use super::*;

/// Everything that can run: a bucket to be tried, an upgrade to be looked at, maintenance.
const WHOLE: &str = "{storage: {s3: {bucket: b, credentials: {name: s3}}}, maintenance: {orphanCleanup: {schedule: '30 2 * * 6'}, repair: {schedule: '30 2 1 * *'}}}";

/// Each workload and Job with its pod template; those of an upgrade too.
fn pods(pulp: &Pulp) -> Vec<(String, Value)> {
    let mut seen = seen(pulp);
    seen.secrets.insert("s3".into(), secret(&[("accessKeyId", "id"), ("secretAccessKey", "key")]));
    let upgrade = Observed { status: running(pulp, &[("migrate", "old", "{}")]).status, ..seen.clone() };
    let pod = |object: &Object| Some((object.component().to_owned(), object.pod_template()?.clone()));
    let mut found: Vec<_> = [seen, upgrade]
        .iter()
        .flat_map(|seen| plan(pulp, seen).objects().filter_map(pod).collect::<Vec<_>>())
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup_by(|one, other| one.0 == other.0);
    found
}

#[test]
fn nodes_neighbours_labels_and_annotations_reach_the_pods_of_their_part_and_no_others() {
    let mut manifest = serde_json::to_value(of(WHOLE)).unwrap();
    let fields = ["api", "content", "worker", "web", "cache", "metrics", "migration", "database/embedded"];
    for field in fields {
        let part = field.split('/').next().unwrap();
        let template = json!({
            "resources": { "limits": { "memory": "7Gi" } },
            "nodeSelector": { "for": part },
            "affinity": { "podAntiAffinity": { "of": part } },
            "tolerations": [{ "key": part, "operator": "Exists" }],
            "topologySpreadConstraints": [{ "maxSkew": 1, "topologyKey": part, "whenUnsatisfiable": "DoNotSchedule" }],
            "priorityClassName": part,
            "labels": { "team": part, "app.kubernetes.io/component": "nobody" },
            "annotations": { "policy": part },
        });
        if field == "database/embedded" {
            manifest["spec"]["database"]["embedded"] = json!({ "template": template });
        } else {
            manifest["spec"][field]["template"] = template;
        }
    }
    let pulp = serde_json::from_value(manifest).unwrap();
    let mut parts = vec![];
    for (component, template) in pods(&pulp) {
        let (metadata, pod) = (&template["metadata"], &template["spec"]);
        let part = if fields.contains(&component.as_str()) || component == "database" {
            &component
        } else {
            "migration"
        };
        assert_eq!(pod["containers"][0]["resources"]["limits"]["memory"], "7Gi", "{component}");
        assert_eq!(pod["nodeSelector"], json!({ "for": part }), "{component}");
        assert_eq!(pod["affinity"], json!({ "podAntiAffinity": { "of": part } }), "{component}");
        assert_eq!(pod["tolerations"][0]["key"], part, "{component}");
        let spread = &pod["topologySpreadConstraints"][0];
        assert_eq!(spread["topologyKey"], part, "{component}");
        assert_eq!(spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"], component.as_str());
        assert_eq!(pod["priorityClassName"], part, "{component}");
        assert_eq!(metadata["labels"]["team"], part, "{component}");
        // What the part is found by stays.
        assert_eq!(metadata["labels"]["app.kubernetes.io/component"], component.as_str());
        assert_eq!(metadata["annotations"]["policy"], part, "{component}");
        parts.push(component);
    }
    assert_eq!(
        parts,
        [
            "admin",
            "api",
            "cache",
            "content",
            "database",
            "metrics",
            "migrate",
            "orphans",
            "preflight",
            "repair",
            "storage",
            "web",
            "worker"
        ]
    );
}

#[test]
fn every_process_of_pulp_runs_the_one_image_that_is_named() {
    let mut pulp = of(WHOLE);
    let digest = format!("registry.example.com/pulp@sha256:{}", "0".repeat(64));
    pulp.spec.images.pulp = Some(digest.clone());
    for (component, template) in pods(&pulp) {
        let image = &template["spec"]["containers"][0]["image"];
        let others = ["cache", "database", "web"].contains(&component.as_str());
        assert_eq!(*image == digest.as_str(), !others, "{component}: {image}");
    }
}

#[test]
fn what_pulp_keeps_in_its_database_is_migrated_when_it_changes() {
    let migration = |spec: &str| {
        let pulp = of(spec);
        let mut seen = seen(&pulp);
        seen.secrets.insert("s3".into(), secret(&[("accessKeyId", "id"), ("secretAccessKey", "key")]));
        let plan = plan(&pulp, &seen);
        let Write::Run { achieves, .. } = &object(&plan, "Job", "p-migrate").write else { panic!("no Job") };
        achieves.clone()
    };
    let s3 = "storage: {s3: {bucket: b, credentials: {name: s3}}}";
    let first = migration(&format!("{{{s3}}}"));
    for another in [
        "settings: {HIDE_GUARDED_DISTRIBUTIONS: true}",
        "plugins: [pulp_rpm]",
        "images: {pulp: 'registry.example.com/pulp:2'}",
    ] {
        assert_ne!(migration(&format!("{{{s3}, {another}}}")), first, "{another}");
    }
    assert_ne!(migration("{storage: {s3: {bucket: b, credentials: {name: s3}, redirect: false}}}"), first);
    for same in ["settings: {HIDE_GUARDED_DISTRIBUTIONS: false}", "settings: {TASK_GRACE_INTERVAL: 5}"] {
        assert_eq!(migration(&format!("{{{s3}, {same}}}")), first, "{same}");
    }
}

#[test]
fn whatever_a_backup_is_told_to_read_is_there() {
    for (spec, volume) in [
        (MANIFEST.split("spec: ").nth(1).unwrap(), Some("p-file-storage")),
        ("{storage: {s3: {bucket: b}}, ingress: {type: None}}", None),
        ("{storage: {gcs: {bucket: buck}}, database: {cloudNativePG: {name: pg}}}", None),
    ] {
        let pulp = of(spec);
        let mut seen = seen(&pulp);
        let login = [("host", "h"), ("dbname", "d"), ("username", "u"), ("password", "p")];
        seen.secrets.insert("pg-app".into(), secret(&login));
        seen.secrets.insert("pg-ca".into(), secret(&[("ca.crt", "c")]));
        let plan = plan(&pulp, &seen);
        let backup = Pulp::report(&pulp.check(&seen).unwrap(), &seen, true).backup.unwrap();
        let content = &backup.content[0];
        assert_eq!(content.volume.as_deref(), volume, "{spec}");
        assert_eq!(content.bucket_secret.is_none(), volume.is_some(), "{spec}");
        let there = names(&plan, "Secret");
        let databases = backup.databases.iter().map(|database| &database.secret);
        for secret in backup.secrets.iter().chain(databases).chain(&content.bucket_secret) {
            assert!(there.contains(secret), "{spec}: {secret}");
        }
        for key in ["p-secret-key", "p-db-fields-encryption", "p-container-auth", "p-admin-password"] {
            assert!(backup.secrets.iter().any(|secret| secret == key), "{spec}: {key}");
        }
    }
}

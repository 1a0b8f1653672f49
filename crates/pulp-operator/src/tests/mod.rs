//! From a manifest in YAML to the objects of a plan: each golden file shows everything that a user's manifest makes.

mod authentication;
mod changes;
mod clouds;
mod holds;
mod keys;
mod kinds;
mod lives;
mod metrics;
mod parts;
mod schema;
mod settings;
mod signing;
mod takeover;
mod upgrades;

use kube::ResourceExt;
use reconcile::{
    Achieved, Managed, Object, Plan, Status, Values, Version, Write,
    field::Secrets,
    rehearsal::{golden, text},
};

use crate::{Pulp, crd::Images, read::Observed};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

const MANIFEST: &str = "
metadata: {name: mypulp, namespace: content, uid: 00000000-0000-0000-0000-000000000001}
spec: {storage: {file: {size: 10Gi}}}";

/// A manifest, given only what matters about it, with the defaults that the API server fills in.
fn pulp(yaml: &str) -> Pulp {
    let mut value: serde_json::Value = serde_yaml_ng::from_str(yaml).unwrap();
    value["apiVersion"] = "app.theforeman.org/v1alpha1".into();
    value["kind"] = "Pulp".into();
    serde_json::from_value(value).unwrap()
}

/// A manifest of this spec.
fn of(spec: &str) -> Pulp {
    pulp(&format!("{{metadata: {{name: p, namespace: n}}, spec: {spec}}}"))
}

fn secret(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

/// What is seen when all keys of this Pulp have been drawn.
fn seen(pulp: &Pulp) -> Observed {
    let name = pulp.name_any();
    let database =
        [("host", "h"), ("port", "5432"), ("dbname", "pulp"), ("username", "pulp"), ("password", "drawn")];
    let secrets: Secrets = [
        ("secret-key", secret(&[("secret_key", "drawn")])),
        ("db-fields-encryption", secret(&[("database_fields.symmetric.key", "drawn")])),
        ("admin-password", secret(&[("password", "drawn")])),
        (
            "container-auth",
            secret(&[("container_auth_private_key.pem", "d"), ("container_auth_public_key.pem", "d")]),
        ),
        ("remote-user", secret(&[("header", "X-Pulp-Remote-User-abc123")])),
        ("ca", secret(&[("ca.crt", "certificate"), ("ca.key", "private")])),
        ("cache", secret(&[("password", "drawn")])),
        ("database", secret(&database)),
    ]
    .into_iter()
    .map(|(part, values)| (format!("{name}-{part}"), values))
    .collect();
    let image = |name: &str| Some(format!("images.example.com/{name}:1"));
    let images = Images {
        pulp: image("pulp"),
        nginx: image("nginx"),
        postgresql: image("postgresql"),
        valkey: image("valkey"),
    };
    Observed { secrets, images, ..Observed::default() }
}

fn plan(pulp: &Pulp, seen: &Observed) -> Plan {
    Pulp::plan(&pulp.check(seen).unwrap(), seen)
}

fn faults(pulp: &Pulp, seen: &Observed) -> Vec<String> {
    let faults = pulp.check(seen).unwrap_err().into_iter();
    faults.map(|fault| format!("{}: {}", fault.reason, fault.message)).collect()
}

fn names(plan: &Plan, kind: &str) -> Vec<String> {
    plan.objects().filter(|object| object.api.kind == kind).map(|object| object.body.name_any()).collect()
}

fn object<'a>(plan: &'a Plan, kind: &str, name: &str) -> &'a Object {
    let found = plan.objects().find(|object| object.api.kind == kind && object.body.name_any() == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}; there are {:?}", names(plan, kind)))
}

/// Pulp's settings in a plan, as text.
fn settings(plan: &Plan) -> String {
    let all = text(plan);
    let begin = all.find("settings.py: ").unwrap();
    all[begin..].split("---\n").next().unwrap().to_owned()
}

#[test]
fn the_smallest_manifest() {
    let pulp = pulp(MANIFEST);
    golden(DIRECTORY, "file.yaml", &text(&plan(&pulp, &seen(&pulp))));
}

#[test]
fn every_storage_and_every_exposure() {
    let cases = [
        (
            "s3.yaml",
            "{storage: {s3: {bucket: b, endpoint: 'http://s3.example.com:7070', region: r, credentials: {name: s3}, redirect: false}}, ingress: {type: NodePort, nodePort: 30443}}",
        ),
        (
            "azure.yaml",
            "{storage: {azure: {account: acc, container: con, path: x, endpoint: 'http://emulator:10000/acc/', credentials: {name: azure}}}, ingress: {type: LoadBalancer, host: pulp.example.com, tls: {secretName: tls}, annotations: {a: b}}, cache: {enabled: false}}",
        ),
        (
            "gcs.yaml",
            "{storage: {gcs: {bucket: bucket, endpoint: 'https://storage-mine.p.googleapis.com/', credentials: {name: gcs}, redirect: true}}, ingress: {type: Ingress, host: pulp.example.com, className: haproxy}, api: {replicas: 2, autoscaling: {minReplicas: 2, maxReplicas: 5}}}",
        ),
        (
            "identity.yaml",
            "{serviceAccountName: opener, storage: {gcs: {bucket: bucket}}, ingress: {type: Gateway, host: pulp.example.com, gateway: {name: front, namespace: edge, sectionName: https}}}",
        ),
        (
            "claim.yaml",
            "{storage: {claim: {name: mine}}, ingress: {type: Route, host: pulp.example.com}, maintenance: {orphanCleanup: {schedule: '30 2 * * 6', protectionMinutes: 60}, repair: {schedule: '30 2 1 * *'}, timeZone: Europe/Prague}, worker: {replicas: 3, template: {nodeSelector: {disk: fast}, resources: {limits: {memory: 8Gi}}}}}",
        ),
        (
            "external.yaml",
            "{storage: {file: {size: 1Gi}}, plugins: [pulp_rpm], ingress: {type: None}, database: {cloudNativePG: {name: pg}}, cache: {external: {host: redis.example.com, tls: true, ca: {name: redis-ca}, password: {name: redis}}}}",
        ),
    ];
    for (file, spec) in cases {
        let pulp = of(spec);
        let mut seen = seen(&pulp);
        let others: [(&str, &[(&str, &str)]); 8] = [
            ("s3", &[("accessKeyId", "id"), ("secretAccessKey", "\"'\\ $é")]),
            ("azure", &[("accountKey", "key")]),
            ("gcs", &[("key.json", "{}")]),
            ("tls", &[("tls.crt", "c"), ("tls.key", "k")]),
            ("redis", &[("password", "p@ss/w")]),
            ("redis-ca", &[("ca.crt", "certificate")]),
            ("pg-ca", &[("ca.crt", "certificate")]),
            (
                "pg-app",
                &[
                    ("host", "pg-rw"),
                    ("port", "5432"),
                    ("dbname", "app"),
                    ("username", "app"),
                    ("password", "a\"b\\c$d'é"),
                ],
            ),
        ];
        seen.secrets.extend(others.map(|(name, values)| (name.to_owned(), secret(values))));
        seen.volumes.push("mine".into());
        golden(DIRECTORY, file, &text(&plan(&pulp, &seen)));
    }
}

/// Seen when a release runs, and Jobs have found this out.
fn running(pulp: &Pulp, jobs: &[(&str, &str, &str)]) -> Observed {
    let version = |part: &str| Version { part: part.into(), running: Some("1".into()), wanted: "1".into() };
    let achieved = |(job, what, said): &(&str, &str, &str)| Achieved {
        job: format!("{}-{job}", pulp.name_any()),
        what: (*what).into(),
        said: Some((*said).into()),
    };
    let status = Status {
        versions: vec![version("pulp")],
        achieved: jobs.iter().map(achieved).collect(),
        ..Status::default()
    };
    Observed { status, ..seen(pulp) }
}

fn stages(plan: &Plan) -> Vec<String> {
    let all =
        plan.stages.iter().map(|stage| format!("{}{}", stage.name, if stage.held { " held" } else { "" }));
    all.collect()
}

#[test]
fn a_proxy_in_front_gives_the_origin_and_only_where_nothing_else_does() {
    let behind = of("{storage: {file: {size: 1Gi}}, ingress: {type: None}}");
    let mut seen = seen(&behind);
    assert!(settings(&plan(&behind, &seen)).contains("CONTENT_ORIGIN = \"http://p-content.n.svc:24816\""));
    seen.config_maps.insert("p-front".into(), secret(&[("url", "https://foreman.example.com/")]));
    let text = settings(&plan(&behind, &seen));
    assert!(text.contains("CONTENT_ORIGIN = \"https://foreman.example.com\""), "{text}");
    assert!(text.contains("TOKEN_AUTH_DISABLED = True"), "{text}");
    let own = of("{storage: {file: {size: 1Gi}}}");
    assert!(settings(&plan(&own, &seen)).contains("CONTENT_ORIGIN = \"https://p.n.svc\""));
}

#[test]
fn every_kind_of_a_plan_is_watched_and_permitted_and_no_other() {
    let mut planned: Vec<_> = [
        "{storage: {file: {size: 1Gi}}, api: {replicas: 2, autoscaling: {maxReplicas: 3}}, maintenance: {repair: {schedule: '0 2 * * 6'}}}",
        "{storage: {file: {size: 1Gi}}, ingress: {type: Ingress, host: a.b}}",
        "{storage: {file: {size: 1Gi}}, ingress: {type: Gateway, host: a.b, gateway: {name: g}}}",
        "{storage: {file: {size: 1Gi}}, ingress: {type: Route, host: a.b}}",
    ]
    .into_iter()
    .flat_map(|spec| {
        let pulp = of(spec);
        let seen = Observed { monitored: true, ..seen(&pulp) };
        plan(&pulp, &seen).objects().map(|object| object.api.kind.clone()).collect::<Vec<_>>()
    })
    .collect();
    planned.sort();
    planned.dedup();
    let mut owned: Vec<_> = Pulp::kinds().into_iter().map(|kind| kind.api.kind).collect();
    owned.sort();
    assert_eq!(planned, owned);
}

#[test]
fn every_container_has_probes_or_ends_and_requests_and_limits() {
    let pulp = pulp(MANIFEST);
    for object in plan(&pulp, &seen(&pulp)).objects() {
        let Some(template) = object.pod_template() else { continue };
        let serves = matches!(object.api.kind.as_str(), "Deployment" | "StatefulSet");
        for container in template["spec"]["containers"].as_array().unwrap() {
            for needed in ["requests", "limits"] {
                assert!(!container["resources"][needed]["memory"].is_null(), "{}: {needed}", object.title());
            }
            for probe in ["readinessProbe", "livenessProbe"] {
                assert_eq!(!container[probe].is_null(), serves, "{}: {probe}", object.title());
            }
        }
    }
}

#[test]
fn the_longest_name_still_makes_valid_objects() {
    let pulp = pulp(&MANIFEST.replace("mypulp", &"a".repeat(35)));
    for object in plan(&pulp, &seen(&pulp)).objects() {
        let most = match object.api.kind.as_str() {
            "StatefulSet" => 52,
            "Job" => 54,
            _ => 63,
        };
        assert!(object.body.name_any().len() <= most, "{}", object.title());
    }
}

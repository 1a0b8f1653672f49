//! From a manifest in YAML to the objects of a plan: each golden file shows everything that a user's manifest makes.

mod holds;
mod lives;
mod restores;
mod schema;

use std::collections::BTreeMap;

use kube::ResourceExt;
use reconcile::{
    Managed, Object, Plan, Values, Version, Write,
    rehearsal::{golden, text},
};

use crate::{Foreman, crd::Images, read::Observed};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

const MANIFEST: &str = "
metadata: {name: myforeman, namespace: foreman, uid: 00000000-0000-0000-0000-000000000001}
spec: {dynflow_workers: 2, plugins: {katello: true, remote_execution: true}}";

/// A manifest, given only what matters about it, with the defaults that the API server fills in.
fn foreman(yaml: &str) -> Foreman {
    let mut value: serde_json::Value = serde_yaml_ng::from_str(yaml).unwrap();
    value["apiVersion"] = "app.theforeman.org/v1alpha1".into();
    value["kind"] = "Foreman".into();
    serde_json::from_value(value).unwrap()
}

fn secret(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

/// What is seen when all keys of this Foreman have been drawn.
fn seen(foreman: &Foreman) -> Observed {
    let name = foreman.name_any();
    let database = |user: &str| {
        secret(&[
            ("host", "h"),
            ("port", "5432"),
            ("dbname", user),
            ("username", user),
            ("password", "drawn"),
        ])
    };
    let secrets: BTreeMap<_, _> = [
        ("encryption", secret(&[("ENCRYPTION_KEY", "e"), ("SECRET_KEY_BASE", "drawn")])),
        ("admin", secret(&[("username", "admin"), ("password", "drawn")])),
        ("oauth", secret(&[("key", "drawn-key"), ("secret", "drawn-secret")])),
        ("ca", secret(&[("ca.crt", "certificate"), ("ca.key", "private")])),
        ("queue", secret(&[("password", "drawn")])),
        ("database", database("foreman")),
        ("database-candlepin", database("candlepin")),
        ("candlepin", secret(&[("secret", "drawn")])),
    ]
    .into_iter()
    .map(|(part, values)| (format!("{name}-{part}"), values))
    .collect();
    let image = |name: &str| Some(format!("images.example.com/{name}:1"));
    let images = Images {
        foreman: image("foreman"),
        candlepin: image("candlepin"),
        postgresql: image("postgresql"),
        valkey: image("valkey"),
        httpd: image("httpd"),
    };
    Observed { secrets, images, ..Observed::default() }
}

fn plan(foreman: &Foreman, seen: &Observed) -> Plan {
    Foreman::plan(&foreman.check(seen).unwrap(), seen)
}

fn faults(foreman: &Foreman, seen: &Observed) -> Vec<String> {
    foreman
        .check(seen)
        .unwrap_err()
        .into_iter()
        .map(|fault| format!("{}: {}", fault.reason, fault.message))
        .collect()
}

fn names(plan: &Plan, kind: &str) -> Vec<String> {
    plan.objects().filter(|object| object.api.kind == kind).map(|object| object.body.name_any()).collect()
}

fn object<'a>(plan: &'a Plan, kind: &str, name: &str) -> &'a Object {
    let found = plan.objects().find(|object| object.api.kind == kind && object.body.name_any() == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}; there are {:?}", names(plan, kind)))
}

#[test]
fn the_manifest_of_the_readme() {
    let foreman = foreman(MANIFEST);
    golden(DIRECTORY, "katello.yaml", &text(&plan(&foreman, &seen(&foreman))));
}

#[test]
fn without_plugins_there_are_no_workers_and_no_candlepin() {
    let foreman = foreman("{metadata: {name: small, namespace: here}, spec: {}}");
    golden(DIRECTORY, "small.yaml", &text(&plan(&foreman, &seen(&foreman))));
}

#[test]
fn a_database_of_somebody_elses() {
    let foreman = foreman(
        "
metadata: {name: outside, namespace: here}
spec:
  plugins: {katello: true}
  ingress: {host: foreman.example.com}
  deletionPolicy: Delete
  database:
    external:
      host: pg.example.com
      ca: {name: pg-ca}
      credentials: {name: pg}
      candlepin: {credentials: {name: pg-candlepin}}",
    );
    let mut seen = seen(&foreman);
    seen.secrets.insert("pg-ca".into(), secret(&[("ca.crt", "certificate")]));
    seen.secrets.insert("pg".into(), secret(&[("username", "foreman"), ("password", r#"p"a\ss'$w:@/ örd"#)]));
    seen.secrets.insert(
        "pg-candlepin".into(),
        secret(&[("username", "candlepin"), ("password", r#"c"a\n'$d:@/ lé"#)]),
    );
    golden(DIRECTORY, "external.yaml", &text(&plan(&foreman, &seen)));
}

#[test]
fn before_the_keys_are_drawn_there_is_nothing_else_to_plan() {
    let foreman = foreman(MANIFEST);
    let plan = plan(&foreman, &Observed::default());
    assert!(plan.partial);
    assert_eq!(plan.stages.len(), 1);
    assert!(plan.objects().all(|object| matches!(object.write, Write::Generate(_))));
}

#[test]
fn scaling_workers_changes_one_object() {
    let two = foreman(MANIFEST);
    let four = foreman(&MANIFEST.replace("dynflow_workers: 2", "dynflow_workers: 4"));
    let (two, four) = (plan(&two, &seen(&two)), plan(&four, &seen(&four)));
    let changed = two.objects().zip(four.objects()).filter(|(two, four)| two.body != four.body);
    assert_eq!(changed.map(|(two, _)| two.title()).collect::<Vec<_>>(), ["Deployment myforeman-worker"]);
}

#[test]
fn with_several_web_pods_the_event_daemon_runs_once() {
    let one = foreman(MANIFEST);
    let two = foreman(&MANIFEST.replace("spec: {", "spec: {web: {replicas: 2}, "));
    let events = |foreman: &Foreman| {
        let plan = plan(foreman, &seen(foreman));
        let runs =
            |object: &&Object| object.body.data.to_string().contains("\"subPath\":\"katello-events.yaml\"");
        plan.objects().filter(runs).map(|object| object.body.name_any()).collect::<Vec<_>>()
    };
    assert_eq!(events(&one), ["myforeman-web"]);
    assert_eq!(events(&two), ["myforeman-web-events"]);
}

#[test]
fn a_migration_is_named_by_image_and_plugins_and_by_nothing_else() {
    let achieves =
        |foreman: &Foreman| match &object(&plan(foreman, &seen(foreman)), "Job", "myforeman-migrate").write {
            Write::Run { achieves, .. } => achieves.clone(),
            other => panic!("{other:?}"),
        };
    let plain = achieves(&foreman(MANIFEST));
    assert_eq!(plain, "images.example.com/foreman:1 foreman-tasks foreman_remote_execution katello");
    assert_eq!(achieves(&foreman(&MANIFEST.replace("dynflow_workers: 2", "dynflow_workers: 3"))), plain);
    assert_ne!(
        achieves(&foreman(&MANIFEST.replace("katello: true", "katello: true, webhooks: true"))),
        plain
    );
    assert_ne!(achieves(&foreman(&MANIFEST.replace("spec: {", "spec: {images: {foreman: other}, "))), plain);
}

#[test]
fn a_lost_key_is_never_drawn_anew() {
    let foreman = foreman(MANIFEST);
    let mut seen = seen(&foreman);
    seen.secrets.remove("myforeman-encryption");
    assert!(foreman.check(&seen).is_ok_and(|checked| checked.keys.is_none()), "nothing has lived yet");
    seen.volumes.push("myforeman-database".into());
    let said = faults(&foreman, &seen);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("KeyLost: Secret \"myforeman-encryption\" is gone"), "{said:?}");
    // One key of a Secret is as bad as all of them.
    seen.secrets.insert("myforeman-encryption".into(), secret(&[("ENCRYPTION_KEY", "e")]));
    assert!(faults(&foreman, &seen)[0].contains("has lost its key \"SECRET_KEY_BASE\""));
    seen.volumes.clear();
    let fresh = plan(&foreman, &seen);
    assert!(fresh.partial && fresh.objects().all(|secret| secret.complete), "an older backup may know less");
}

#[test]
fn with_a_database_outside_the_other_volumes_tell_that_it_has_lived() {
    let foreman = foreman(
        "{metadata: {name: o, namespace: n}, spec: {database: {external: {host: h, sslMode: require, credentials: {name: pg}}}}}",
    );
    let mut seen = seen(&foreman);
    seen.secrets.insert("pg".into(), secret(&[("username", "f"), ("password", "p")]));
    seen.secrets.remove("o-encryption");
    assert!(foreman.check(&seen).is_ok());
    seen.volumes.push("o-shared".into());
    assert!(faults(&foreman, &seen)[0].starts_with("KeyLost"));
}

#[test]
fn a_key_that_is_restored_wakes_its_instance() {
    let foreman = foreman(MANIFEST);
    for name in crate::names::generated("myforeman") {
        assert!(foreman.references().contains(&("Secret", name.clone())), "{name}");
    }
}

#[test]
fn an_authority_without_its_private_key_is_lost() {
    let foreman = foreman(MANIFEST);
    let mut seen = seen(&foreman);
    seen.secrets.insert("myforeman-ca".into(), secret(&[("ca.crt", "certificate")]));
    assert!(faults(&foreman, &seen)[0].contains("has lost its key \"ca.key\""));
}

#[test]
fn katello_added_later_draws_its_own_keys_only() {
    let foreman = foreman(MANIFEST);
    let mut seen = seen(&foreman);
    seen.volumes.push("myforeman-database".into());
    for part in ["candlepin", "database-candlepin"] {
        seen.secrets.remove(&format!("myforeman-{part}"));
    }
    assert!(plan(&foreman, &seen).partial);
    let version = |part: &str| Version { part: part.into(), running: Some("1".into()), wanted: "1".into() };
    seen.status.versions = vec![version("foreman"), version("candlepin")];
    assert_eq!(faults(&foreman, &seen).len(), 2, "once Candlepin has lived, its keys are as precious");
}

#[test]
fn what_is_wrong_with_a_referred_secret_is_said_with_the_mend() {
    let foreman = foreman(
        "{metadata: {name: o, namespace: n}, spec: {database: {external: {host: h, credentials: {name: pg}}}}}",
    );
    let mut seen = seen(&foreman);
    assert_eq!(
        faults(&foreman, &seen),
        [
            "SecretMissing: spec.database.external.credentials: Secret \"pg\" does not exist; create it with the key \"username\"",
            "Invalid: spec.database.external.ca: sslMode verify-full needs the server's authority; name a Secret that holds it, or choose sslMode require",
        ]
    );
    seen.secrets.insert("pg".into(), secret(&[("username", "f"), ("uri", "")]));
    assert!(
        faults(&foreman, &seen)[0].ends_with("Secret \"pg\" has no key \"password\"; it has: uri, username")
    );
    seen.secrets.insert("pg".into(), secret(&[("username", "f"), ("password", " ")]));
    assert!(faults(&foreman, &seen)[0].ends_with("the key \"password\" of Secret \"pg\" is empty"));
}

#[test]
fn every_kind_of_a_plan_is_watched_and_permitted_and_no_other() {
    let mut planned: Vec<_> = [MANIFEST, "{metadata: {name: small, namespace: here}, spec: {}}"]
        .into_iter()
        .flat_map(|yaml| {
            let foreman = foreman(yaml);
            plan(&foreman, &seen(&foreman))
                .objects()
                .map(|object| object.api.kind.clone())
                .collect::<Vec<_>>()
        })
        .collect();
    planned.sort();
    planned.dedup();
    let owned = Foreman::kinds().into_iter().filter(|kind| kind.scope != reconcile::Scope::Optional);
    let mut owned: Vec<_> = owned.map(|kind| kind.api.kind).collect();
    owned.sort();
    assert_eq!(planned, owned);
}

#[test]
fn every_container_has_probes_or_ends_and_requests_and_limits() {
    let foreman = foreman(&MANIFEST.replace("spec: {", "spec: {web: {replicas: 2}, "));
    for object in plan(&foreman, &seen(&foreman)).objects() {
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
    let name = "a".repeat(35);
    let foreman = foreman(&MANIFEST.replace("myforeman", &name));
    for object in plan(&foreman, &seen(&foreman)).objects() {
        let length = object.body.name_any().len();
        // A CronJob adds eleven characters to its Jobs' names, a Job's hash nine, and the pods of all of them six more.
        let most = match object.api.kind.as_str() {
            "CronJob" | "StatefulSet" => 52,
            "Job" => 54,
            _ => 63,
        };
        assert!(length <= most, "{} has {length} characters", object.title());
    }
}

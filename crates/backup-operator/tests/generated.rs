//! What is generated from this operator's lists is what is committed; `make generate` writes it.

use backup_operator::{
    crd::{Backup, BackupSchedule, BackupStorage, Restore, RestoreDrill},
    operator::{ABOUT, AUDIENCE, MOVER, PORT, service_kinds},
};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::CustomResourceExt;
use reconcile::generate::{self, Entry, Example, Grants, Listens, grant};

const GROUP: &str = "backup.theforeman.org";

/// What runs make and follow. A mover itself has no permission at all.
fn grants() -> Grants {
    let services = |verbs: &[&str]| -> Vec<PolicyRule> {
        service_kinds().iter().map(|kind| grant(&kind.api.group, &[&kind.api.plural], verbs)).collect()
    };
    Grants {
        everywhere: [
            vec![
                grant(GROUP, &["backups"], &["create", "patch", "delete"]),
                grant(GROUP, &["restores"], &["create", "patch", "delete"]),
                grant("authentication.k8s.io", &["tokenreviews"], &["create"]),
            ],
            services(&["get", "list"]),
        ]
        .concat(),
        namespace: [
            vec![
                grant("batch", &["jobs"], &["get", "create", "deletecollection"]),
                grant("", &["pods"], &["list"]),
                // Made by a restore and taken away after a drill; never read.
                grant("", &["secrets", "configmaps"], &["create", "deletecollection"]),
            ],
            services(&["create", "patch", "delete"]),
        ]
        .concat(),
        home: vec![
            grant("", &["secrets"], &["get", "create"]),
            // Of the maintenance.
            grant("batch", &["jobs"], &["get", "create"]),
            grant("", &["pods"], &["list"]),
        ],
    }
}

#[test]
fn generated_files_are_those_that_are_committed() {
    let entry = Entry {
        about: ABOUT,
        title: "Foreman Backup",
        summary: "Backs up and restores every Foreman, Pulp and Smart Proxy of a cluster together",
        description: DESCRIPTION,
        keywords: &["foreman", "pulp", "backup", "restore", "disaster recovery", "restic"],
        categories: "Storage,Integration & Delivery",
        created: "2026-11-25T00:00:00Z",
        colour: "#8a5a00",
        images: vec![("mover", MOVER.into())],
        asks: vec![],
        listens: Some(Listens { port: PORT, audience: AUDIENCE }),
        grants: grants(),
        serves: vec![],
        uses: vec![],
    };
    let entry = entry
        .serving_kind(
            BackupStorage::crd(),
            vec![],
            vec![
                Example::of::<BackupStorage>("minimal", "A bucket of S3.", STORAGE),
                Example::of::<BackupStorage>("volume", "A volume that is mounted into the operator.", VOLUME),
            ],
        )
        .serving_kind(
            Backup::crd(),
            vec![],
            vec![
                Example::of::<Backup>("minimal", "Everything in the cluster, once.", BACKUP),
                Example::of::<Backup>(
                    "selected",
                    "One Foreman and its Pulp, for at most two hours.",
                    SELECTED,
                ),
            ],
        )
        .serving_kind(
            BackupSchedule::crd(),
            vec![],
            vec![Example::of::<BackupSchedule>(
                "minimal",
                "Every night; a week, four weeks, a year.",
                SCHEDULE,
            )],
        )
        .serving_kind(
            Restore::crd(),
            vec![],
            vec![
                Example::of::<Restore>("minimal", "Everything of a set, as it was called.", RESTORE),
                Example::of::<Restore>(
                    "elsewhere",
                    "One Pulp into another namespace, under another host name.",
                    ELSEWHERE,
                ),
            ],
        )
        .serving_kind(
            RestoreDrill::crd(),
            vec![],
            vec![Example::of::<RestoreDrill>("minimal", "Every Sunday, into a scratch namespace.", DRILL)],
        );
    generate::check(&entry);
}

const DESCRIPTION: &str = "One `Backup` is one instant over the databases of every [Foreman](https://theforeman.org), Candlepin and \
    [Pulp](https://pulpproject.org) of a cluster, found without stopping anybody, with every artifact that they name, encrypted and without \
    duplicates in restic's format. A `RestoreDrill` restores it at regular times and says how long that takes: a backup that nobody has ever \
    restored is none.";

const STORAGE: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: BackupStorage
metadata:
  name: main
spec:
  s3:
    bucket: backups
    endpoint: https://s3.example.com
    credentials: {name: backup-bucket}
  key: {name: backup-key}
";

const VOLUME: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: BackupStorage
metadata:
  name: nfs
spec:
  volume:
    claim: backups
  key: {name: backup-key}
";

const BACKUP: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: Backup
metadata:
  name: before-upgrade
spec:
  storage: {name: main}
";

const SELECTED: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: Backup
metadata:
  name: production
spec:
  storage: {name: main}
  deadline: 2h
  instances:
    names:
      - {kind: Foreman, namespace: foreman, name: production}
      - {kind: Pulp, namespace: foreman, name: production}
";

const SCHEDULE: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: BackupSchedule
metadata:
  name: nightly
spec:
  schedule: 30 2 * * *
  timeZone: Europe/Prague
  jitter: 15m
  retention:
    daily: 7
    weekly: 4
    monthly: 12
  template:
    storage: {name: main}
";

const RESTORE: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: Restore
metadata:
  name: after-the-flood
spec:
  storage: {name: main}
  backup: {name: nightly-202611250130}
";

const ELSEWHERE: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: Restore
metadata:
  name: a-look-at-monday
spec:
  storage: {name: main}
  before: '2026-11-23T12:00:00Z'
  instances:
    - {kind: Pulp, namespace: foreman, name: production}
  mapping:
    namespaces: {foreman: look}
    hosts: {pulp.example.com: pulp.look.example.com}
";

const DRILL: &str = "
apiVersion: backup.theforeman.org/v1alpha1
kind: RestoreDrill
metadata:
  name: weekly
spec:
  storage: {name: main}
  schedule: 0 5 * * 0
  mapping:
    namespaces: {foreman: restore-drill}
    hosts: {foreman.example.com: foreman.drill.example.com}
";

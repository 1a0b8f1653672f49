//! What is generated from this operator's lists is what is committed; `make generate` writes it.

use foreman_operator::{Foreman, check::IMAGES};
use reconcile::{
    Managed,
    generate::{self, Entry, Example, Grants},
};

#[test]
fn generated_files_are_those_that_are_committed() {
    let entry = Entry {
        about: Foreman::ABOUT,
        title: "Foreman",
        summary: "Runs Foreman, with Katello, Dynflow workers, Candlepin and its reverse proxy",
        description: DESCRIPTION,
        keywords: &["foreman", "katello", "lifecycle", "provisioning", "content"],
        categories: "Integration & Delivery,Application Runtime",
        created: "2026-11-21T00:00:00Z",
        colour: "#2b5c8a",
        images: IMAGES.map(|(part, image)| (part, image.to_owned())).into(),
        asks: vec![],
        listens: None,
        grants: Grants::default(),
        serves: vec![],
        uses: vec![],
    };
    generate::check(&entry.serving::<Foreman>(vec![
        Example::of::<Foreman>("minimal", "Katello and remote execution, everything inside the cluster.", MINIMAL),
        Example::of::<Foreman>(
            "all-in-one",
            "One node, no ReadWriteMany volumes; volumes and keys go with the Foreman: for trying things out.",
            ALL_IN_ONE,
        ),
        Example::of::<Foreman>(
            "production",
            "Several web pods and workers, a database of your own, sizes, and a name of its own for clients.",
            PRODUCTION,
        ),
        Example::of::<Foreman>("mirror", "Images from a registry of your own.", MIRROR),
    ]));
}

const DESCRIPTION: &str = "One manifest gives a whole [Foreman](https://theforeman.org): web pods, Dynflow workers, Candlepin \
    with Katello, a reverse proxy that checks client certificates, a job queue and, unless you bring your own, a PostgreSQL. \
    Passwords, keys and certificates are made for it. What is changed by hand is put back; what is wrong with a manifest is \
    said in a condition, with the mend.";

const MINIMAL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: myforeman
  namespace: foreman
spec:
  dynflow_workers: 2
  plugins:
    katello: true
    remote_execution: true
";

const ALL_IN_ONE: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: trial
  namespace: foreman
spec:
  deletionPolicy: Delete
  plugins:
    remote_execution: true
    ansible: true
  storage:
    database: {size: 5Gi}
    queue: {size: 1Gi}
    shared: {size: 5Gi, accessMode: ReadWriteOnce}
";

const PRODUCTION: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: production
  namespace: foreman
spec:
  dynflow_workers: 4
  plugins:
    katello: true
    remote_execution: true
    ansible: true
    openscap: true
  ingress:
    host: foreman.example.com
    serviceType: LoadBalancer
  web:
    replicas: 3
  database:
    external:
      host: postgresql.example.com
      sslMode: verify-full
      ca: {name: postgresql-ca, key: ca.crt}
      name: foreman
      credentials: {name: foreman-database}
      candlepin:
        name: candlepin
        credentials: {name: candlepin-database}
  resources:
    web:
      requests: {cpu: '1', memory: 3Gi}
      limits: {memory: 4Gi}
    worker:
      requests: {cpu: 500m, memory: 1Gi}
      limits: {memory: 3Gi}
";

const MIRROR: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: mirrored
  namespace: foreman
spec:
  plugins:
    katello: true
  images:
    foreman: registry.example.com/foreman/foreman:5.0
    candlepin: registry.example.com/foreman/candlepin:foreman-5.0
    postgresql: registry.example.com/sclorg/postgresql-16-c10s:latest
    valkey: registry.example.com/sclorg/valkey-8-c10s:latest
    httpd: registry.example.com/sclorg/httpd-24-c10s:latest
";

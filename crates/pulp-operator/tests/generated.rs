//! What is generated from this operator's lists is what is committed; `make generate` writes it.

use pulp_operator::{Pulp, check::IMAGES};
use reconcile::{
    Managed,
    generate::{self, Entry, Example, Grants},
};

#[test]
fn generated_files_are_those_that_are_committed() {
    let entry = Entry {
        about: Pulp::ABOUT,
        title: "Pulp",
        summary: "Runs Pulp: REST API, content server, workers and web server",
        description: DESCRIPTION,
        keywords: &["pulp", "repository", "rpm", "container", "python", "content"],
        categories: "Integration & Delivery,Storage",
        created: "2026-11-24T00:00:00Z",
        colour: "#0066cc",
        images: IMAGES.map(|(part, image)| (part, image.to_owned())).into(),
        asks: vec![("pulp-operator", "metrics", 24818)],
        listens: None,
        grants: Grants::default(),
        serves: vec![],
        uses: vec![],
    };
    generate::check(&entry.serving::<Pulp>(vec![
        Example::of::<Pulp>("minimal", "Everything inside the cluster, artifacts on a volume.", MINIMAL),
        Example::of::<Pulp>(
            "s3",
            "Artifacts in a bucket, database of CloudNativePG, an Ingress in front.",
            S3,
        ),
        Example::of::<Pulp>(
            "foreman",
            "Behind the reverse proxy of a Foreman of the same namespace.",
            FOREMAN,
        ),
    ]));
}

const DESCRIPTION: &str = "One manifest gives a whole [Pulp](https://pulpproject.org): REST API, content server, workers, a web \
    server or what your cluster has in its place, a cache and, unless you bring your own, a PostgreSQL. Artifacts lie on a volume \
    or in object storage. An upgrade looks first whether a migration needs the old release gone, and stops it only then.";

const MINIMAL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata:
  name: mypulp
  namespace: pulp
spec:
  storage:
    file:
      size: 100Gi
";

const S3: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata:
  name: mypulp
  namespace: pulp
spec:
  api:
    replicas: 2
  content:
    replicas: 2
  worker:
    replicas: 4
  storage:
    s3:
      bucket: pulp
      endpoint: https://s3.example.com
      credentials: {name: pulp-bucket}
  database:
    cloudNativePG: {name: postgres}
  ingress:
    type: Ingress
    host: pulp.example.com
    tls: {secretName: pulp-certificate}
";

const FOREMAN: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata:
  name: content
  namespace: foreman
spec:
  plugins: [pulp_rpm, pulp_container, pulp_python]
  storage:
    file:
      size: 300Gi
  ingress:
    type: None
";

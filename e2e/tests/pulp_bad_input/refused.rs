//! What the API server itself refuses, naming the field and the mend.

use e2e::{PULP, PulpStory};
use pulp_operator::crd::{Claim, PulpSpec};

/// A manifest with this spec.
fn manifest(spec: &str) -> String {
    PULP.replace("{storage: {file: {size: 2Gi}}}", spec)
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_field_and_the_mend() {
    let story = PulpStory::ungranted("bad-pulps").await;
    let one_kind = "give exactly one of file, claim, s3, azure, gcs";
    let cases = [
        ("{}", "spec.storage", "Required value"),
        ("{storage: {}}", "spec.storage", one_kind),
        ("{storage: {file: {size: 1Gi}, s3: {bucket: b}}}", "spec.storage", one_kind),
        ("{storage: {s3: {bucket: ''}}}", "spec.storage.s3.bucket", "should be at least 1 chars long"),
        (
            "{storage: {s3: {bucket: b, endpoint: s3.example.com}}}",
            "spec.storage.s3.endpoint",
            "must be a URL such as https://s3.example.com",
        ),
        ("{storage: {file: {size: much}}}", "spec.storage.file", "must be an amount such as 10Gi"),
        (
            "{storage: {file: {size: 1Gi}}, api: {replicas: -1}}",
            "spec.api.replicas",
            "greater than or equal to 1",
        ),
        (
            "{storage: {file: {size: 1Gi}}, api: {replicas: 0}}",
            "spec.api.replicas",
            "greater than or equal to 1",
        ),
        (
            "{storage: {file: {size: 1Gi}}, content: {replicas: 101}}",
            "spec.content.replicas",
            "less than or equal to 100",
        ),
        (
            "{storage: {file: {size: 1Gi}}, worker: {replicas: -1}}",
            "spec.worker.replicas",
            "greater than or equal to 0",
        ),
        (
            "{storage: {file: {size: 1Gi}}, worker: {replicas: 99999999999999}}",
            "spec.worker.replicas",
            "less than or equal to 500",
        ),
        (
            "{storage: {file: {size: 1Gi}}, worker: {replicas: 1.5}}",
            "spec.worker.replicas",
            "must be of type integer",
        ),
        (
            "{storage: {file: {size: 1Gi}}, web: {replicas: 51}}",
            "spec.web.replicas",
            "less than or equal to 50",
        ),
        (
            "{storage: {file: {size: 1Gi}}, api: {processes: 65}}",
            "spec.api.processes",
            "less than or equal to 64",
        ),
        (
            "{storage: {file: {size: 1Gi}}, api: {timeoutSeconds: 0}}",
            "spec.api.timeoutSeconds",
            "greater than or equal to 1",
        ),
        (
            "{storage: {file: {size: 1Gi}}, api: {autoscaling: {minReplicas: 3, maxReplicas: 2}}}",
            "spec.api.autoscaling",
            "minReplicas must not be larger than maxReplicas",
        ),
        ("{storage: {file: {size: 1Gi}}, plugins: [rpm]}", "spec.plugins[0]", "should match '^pulp_"),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {type: Mesh}}",
            "spec.ingress.type",
            "supported values: \"ClusterIP\"",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {type: Ingress}}",
            "spec.ingress.host",
            "needs the host name that clients use",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {type: Route}}",
            "spec.ingress.host",
            "needs the host name that clients use",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {type: Gateway, host: pulp.example.com}}",
            "spec.ingress.gateway",
            "name the Gateway that the HTTPRoute is attached to",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {nodePort: 30443}}",
            "spec.ingress.nodePort",
            "only with type NodePort",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {className: nginx}}",
            "spec.ingress.className",
            "only with type Ingress",
        ),
        (
            "{storage: {file: {size: 1Gi}}, ingress: {host: Pulp}}",
            "spec.ingress.host",
            "fully qualified host name in lower case",
        ),
        (
            "{storage: {file: {size: 1Gi}}, database: {embedded: {}, cloudNativePG: {name: pg}}}",
            "spec.database",
            "exclude each other; keep one",
        ),
        (
            "{storage: {file: {size: 1Gi}}, database: {external: {host: h, port: 70000, credentials: {name: c}}}}",
            "spec.database.external.port",
            "less than or equal to 65535",
        ),
        (
            "{storage: {file: {size: 1Gi}}, cache: {external: {host: 'redis://h'}}}",
            "spec.cache.external.host",
            "without port or scheme",
        ),
        (
            "{storage: {file: {size: 1Gi}}, settingsFrom: [{configMap: a, secret: b}]}",
            "spec.settingsFrom",
            "give each entry either configMap or secret",
        ),
        (
            "{storage: {file: {size: 1Gi}}, deletionPolicy: Perhaps}",
            "spec.deletionPolicy",
            "supported values: \"Retain\", \"Delete\"",
        ),
    ];
    for (spec, field, mend) in cases {
        let said = story.create(&manifest(spec)).await.expect_err(spec);
        assert!(said.contains(field) && said.contains(mend), "{spec}: {said}");
    }
    let long = PULP.replace("mypulp", &"a".repeat(36));
    let said = story.create(&long).await.expect_err("a name too long");
    assert!(said.contains("metadata.name") && said.contains("at most 35 characters long"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_the_field_and_the_mend() {
    // Paused: what is asked here is only what the API server says.
    let story = PulpStory::ungranted("bad-pulp-changes").await;
    let wanted = "{paused: true, storage: {file: {size: 2Gi}}, database: {embedded: {volume: {size: 2Gi}}}}";
    story.create(&manifest(wanted)).await.expect("the API server takes it");
    let refused = async |story: &PulpStory, field: &str, mend: &str, change: fn(&mut PulpSpec)| {
        let said = story.try_edit(change).await.expect_err(field);
        assert!(said.contains(field) && said.contains(mend), "{field}: {said}");
    };
    let smaller = "size cannot become smaller: a volume cannot shrink; restore a backup into a smaller one";
    refused(&story, "spec.storage.file.size", smaller, |spec| {
        spec.storage.file.as_mut().expect("a volume").volume.size = "1Gi".into();
    })
    .await;
    refused(&story, "spec.database.embedded.volume.size", smaller, |spec| {
        spec.database.embedded.as_mut().expect("embedded").volume.size = "2047Mi".into();
    })
    .await;
    refused(
        &story,
        "spec.storage",
        "create a second Pulp with the other kind and restore a backup",
        |spec| {
            spec.storage.file = None;
            spec.storage.claim = Some(Claim { name: "mine".into() });
        },
    )
    .await;
    refused(&story, "spec.database", "create a second Pulp and restore a backup into it", |spec| {
        spec.database.embedded = None;
        spec.database.cloud_native_pg = Some(pulp_operator::crd::CloudNativePg { name: "pg".into() });
    })
    .await;
    story
        .try_edit(|spec| spec.storage.file.as_mut().expect("a volume").volume.size = "3Gi".into())
        .await
        .expect("larger");

    let other = story.beside("claimed");
    let claimed = manifest("{paused: true, storage: {claim: {name: mine}}}");
    other.create(&claimed.replace("mypulp", "claimed")).await.expect("the API server takes it");
    refused(&other, "spec.storage.claim.name", "cannot be changed", |spec| {
        spec.storage.claim = Some(Claim { name: "another".into() });
    })
    .await;
}

//! What the API server itself refuses, naming the field and the mend.

use e2e::{SMALL, Story};
use foreman_operator::crd::ForemanSpec;

/// A manifest with this spec.
fn manifest(spec: &str) -> String {
    SMALL.replace("spec: {plugins: {}}", &format!("spec: {spec}"))
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_field_and_the_mend() {
    let story = Story::ungranted("bad-manifests").await;
    let cases = [
        ("{dynflow_workers: -1}", "spec.dynflow_workers", "greater than or equal to 1"),
        ("{dynflow_workers: 0}", "spec.dynflow_workers", "greater than or equal to 1"),
        ("{dynflow_workers: 1000000}", "spec.dynflow_workers", "less than or equal to 100"),
        ("{dynflow_workers: 99999999999999}", "spec.dynflow_workers", "less than or equal to 100"),
        ("{dynflow_workers: many}", "spec.dynflow_workers", "must be of type integer"),
        ("{dynflow_workers: 1.5}", "spec.dynflow_workers", "must be of type integer"),
        ("{web: {replicas: -5}}", "spec.web.replicas", "greater than or equal to 1"),
        ("{web: {replicas: 51}}", "spec.web.replicas", "less than or equal to 50"),
        (
            "{database: {embedded: {maxConnections: 0}}}",
            "spec.database.embedded.maxConnections",
            "greater than or equal to 50",
        ),
        (
            "{database: {external: {host: h, port: 70000, credentials: {name: c}}}}",
            "spec.database.external.port",
            "less than or equal to 65535",
        ),
        ("{storage: {queue: {size: -1Gi}}}", "spec.storage.queue.size", "must be an amount such as 10Gi"),
        (
            "{storage: {database: {size: much}}}",
            "spec.storage.database.size",
            "must be an amount such as 10Gi",
        ),
        (
            "{resources: {web: {limits: {memory: lots}}}}",
            "spec.resources.web",
            "must be amounts such as 500m or 2Gi",
        ),
        (
            "{plugins: {katelo: true}}",
            "spec.plugins",
            "unknown plugin; known are: tasks, remote_execution, katello,",
        ),
        ("{plugins: {rh_cloud: true}}", "spec.plugins", "rh_cloud needs katello; add `katello: true`"),
        (
            "{plugins: {katello: true, tasks: false}}",
            "spec.plugins",
            "katello always needs tasks; remove `tasks: false`",
        ),
        ("{plugins: {katello: often}}", "spec.plugins.katello", "must be of type boolean"),
        (
            "{database: {embedded: {}, external: {host: h, credentials: {name: c}}}}",
            "spec.database",
            "embedded and external exclude each other; remove one",
        ),
        ("{database: {external: {host: h}}}", "spec.database.external.credentials", "Required value"),
        ("{ingress: {host: Foreman}}", "spec.ingress.host", "fully qualified host name in lower case"),
        ("{deletionPolicy: Perhaps}", "spec.deletionPolicy", "supported values: \"Retain\", \"Delete\""),
    ];
    for (spec, field, mend) in cases {
        let said = story.create(&manifest(spec)).await.expect_err(spec);
        assert!(said.contains(field) && said.contains(mend), "{spec}: {said}");
    }
    let long = "a".repeat(36);
    let said = story.create(&manifest("{}").replace("myforeman", &long)).await.expect_err("a name too long");
    assert!(said.contains("metadata.name") && said.contains("at most 35 characters long"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_the_field_and_the_mend() {
    // Paused: what is asked here is only what the API server says.
    let mut story = Story::ungranted("bad-changes").await;
    story
        .create(&manifest("{paused: true, storage: {database: {size: 2Gi}, shared: {size: 1Gi}}}"))
        .await
        .expect("the API server takes it");
    let refused = async |story: &Story, field: &str, mend: &str, change: fn(&mut ForemanSpec)| {
        let said = story.try_edit(change).await.expect_err(field);
        assert!(said.contains(field) && said.contains(mend), "{field}: {said}");
    };
    let smaller = "size cannot become smaller: a volume cannot shrink; restore a backup into a smaller one";
    refused(&story, "spec.storage.database.size", smaller, |spec| spec.storage.database.size = "1Gi".into())
        .await;
    refused(&story, "spec.storage.shared.size", smaller, |spec| {
        spec.storage.shared.volume.size = "1023Mi".into();
    })
    .await;
    refused(&story, "spec.storage.shared.accessMode", "cannot be changed", |spec| {
        spec.storage.shared.access_mode = foreman_operator::crd::AccessMode::ReadWriteOnce;
    })
    .await;
    refused(&story, "spec.database", "create a second Foreman and restore a backup into it", |spec| {
        let external = foreman_operator::crd::ExternalDatabase {
            server: foreman_operator::crd::Server {
                host: "pg.example.com".into(),
                port: 5432,
                ..Default::default()
            },
            name: "foreman".into(),
            credentials: foreman_operator::crd::Credentials {
                name: "pg".into(),
                username_key: "username".into(),
                password_key: "password".into(),
            },
            ..Default::default()
        };
        spec.database.embedded = None;
        spec.database.external = Some(external);
    })
    .await;
    story.try_edit(|spec| spec.storage.database.size = "2048Mi".into()).await.expect("as large as before");
    story.try_edit(|spec| spec.storage.database.size = "3Gi".into()).await.expect("larger");

    story.name = "outside".into();
    let outside =
        "{paused: true, database: {external: {host: pg.example.com, name: theirs, credentials: {name: pg}}}}";
    story.create(&manifest(outside).replace("myforeman", "outside")).await.expect("the API server takes it");
    refused(&story, "spec.database.external.name", "cannot be changed", |spec| {
        spec.database.external.as_mut().expect("external").name = "other".into();
    })
    .await;
    refused(&story, "spec.database.external.candlepin.name", "cannot be changed", |spec| {
        spec.database.external.as_mut().expect("external").candlepin.name = "other".into();
    })
    .await;
}

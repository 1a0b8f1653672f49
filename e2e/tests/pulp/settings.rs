//! Whatever a setting or a password holds, it arrives unchanged; another one takes its place when it is changed.

use e2e::{LONG, PulpStory, wait};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Ends a string or begins an expansion in Python, YAML, nginx, the shell, Jinja, `str.format` and the library that reads Pulp's
/// settings; and is not ASCII.
const TEXT: &str = "p\"a\\ss'w\"\"\"$HOME${HOME}$(id)`id`:@/?#%41%s{0}{{ 1 }}{% raw %}#é`ß日本\u{1f980}\tx";

/// Words that the library that reads Pulp's settings takes for orders to itself.
const ORDERS: [&str; 5] =
    ["@int 5", "@format {env[HOME]}", "@jinja {{ 1 }}", "@read_file /etc/passwd", "@none"];

/// Settings as the process that serves the API has read them.
async fn settings(pulp: &PulpStory, names: &[&str]) -> Value {
    const READ: &str = "import json, sys, django; django.setup(); from django.conf import settings; \
        print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))";
    let pods = pulp.settled().await;
    let pod = &pods.of("api").first().expect("a pod").name;
    let command: Vec<_> = ["python3", "-c", READ].into_iter().chain(names.iter().copied()).collect();
    let printed = pulp.exec(pod, &command).await;
    serde_json::from_str(&printed).expect(&printed)
}

async fn secret(pulp: &PulpStory, name: &str, values: Value) {
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
    pulp.apply::<Secret>(name, &secret).await;
}

#[tokio::test]
async fn settings_from_the_spec_a_config_map_and_a_secret_arrive_unchanged_and_so_does_a_password() {
    let pulp = PulpStory::new("settings").await;
    let tree =
        json!({ "list": [TEXT, 1, 2.5, true, null], "orders": ORDERS, "nested": { "Key of $HOME": TEXT } });
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "more" },
        "data": { "STORY_MAP": TEXT, "STORY_WINS": "later", "STORY_ORDER": ORDERS[1] } });
    pulp.apply::<ConfigMap>("more", &map).await;
    secret(&pulp, "typed", json!({ "STORY_JSON": tree.to_string(), "STORY_NUMBER": "5" })).await;
    secret(&pulp, "mypulp-admin-password", json!({ "password": TEXT })).await;
    let spec = json!({
        "plugins": ["pulp_rpm"],
        "storage": { "file": { "size": "1Gi" } },
        "settings": { "STORY_TEXT": TEXT, "STORY_TREE": tree, "STORY_WINS": "earlier", "TASK_GRACE_INTERVAL": 60 },
        "settingsFrom": [{ "configMap": "more" }, { "secret": "typed", "format": "JSON" }],
    });
    pulp.state(&spec.to_string()).await;
    pulp.ready().await;

    let wanted = json!({
        "STORY_TEXT": TEXT, "STORY_TREE": tree, "STORY_MAP": TEXT, "STORY_JSON": tree, "STORY_NUMBER": 5,
        "STORY_WINS": "later", "STORY_ORDER": ORDERS[1], "TASK_GRACE_INTERVAL": 60,
    });
    let names: Vec<_> = wanted.as_object().expect("settings").keys().map(String::as_str).collect();
    assert_eq!(settings(&pulp, &names).await, wanted);
    let status = pulp.visitor().await.json("/pulp/api/v3/status/").await;
    let parts = status["versions"].as_array().expect("versions").iter();
    let mut parts: Vec<_> = parts.filter_map(|it| it["component"].as_str()).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["certguard", "core", "file", "rpm"], "only the plugins of the spec");

    let users = "/pulp/api/v3/users/";
    let with = async |password: &str| pulp.visitor().await.with_password(password).get(users).await.0;
    assert_eq!(with(TEXT).await, StatusCode::OK);
    assert_eq!(with(&TEXT.replace('\\', "")).await, StatusCode::UNAUTHORIZED);

    // Another password: a Job sets it, and nothing restarts.
    let (pods, objects) = (pulp.settled().await, pulp.objects().await);
    let another = format!("another {TEXT}");
    secret(&pulp, "mypulp-admin-password", json!({ "password": another })).await;
    wait(LONG, "the new password is the one that counts", async || match with(&another).await {
        StatusCode::OK => Ok(()),
        status => Err(format!("it gets {status}")),
    })
    .await;
    assert_eq!(with(TEXT).await, StatusCode::UNAUTHORIZED, "the old one is forgotten");
    pulp.ready().await;
    assert_eq!(pulp.pods().await.gone_or_restarted_since(&pods), [""; 0]);
    let changed = pulp.objects().await.changed_since(&objects);
    // The database's claim remembers which password was set.
    let meant = ["Secret mypulp-admin-password", "PersistentVolumeClaim mypulp-database"];
    let only = |title: &String| meant.contains(&title.as_str()) || title.starts_with("Job mypulp-admin-");
    assert!(changed.iter().all(only), "{changed:?}");

    // Another setting: whatever reads it restarts.
    secret(&pulp, "typed", json!({ "STORY_JSON": "[]", "STORY_NUMBER": "6" })).await;
    let processes = ["api", "content", "worker"];
    let replaced = pods.of(processes[0]).len() + pods.of(processes[1]).len() + pods.of(processes[2]).len();
    wait(LONG, "whatever reads the settings has restarted", async || {
        let gone = pulp.pods().await.gone_or_restarted_since(&pods);
        if gone.len() >= replaced { Ok(()) } else { Err(format!("only {gone:?}")) }
    })
    .await;
    pulp.ready().await;
    let settings = settings(&pulp, &["STORY_JSON", "STORY_NUMBER"]).await;
    assert_eq!(settings, json!({ "STORY_JSON": [], "STORY_NUMBER": 6 }));
}

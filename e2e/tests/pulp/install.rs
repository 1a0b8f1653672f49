//! From the manifest to a service that people can use.

use std::collections::BTreeMap;

use e2e::{Audit, PulpStory, told::QUIET};
use reconcile::Managed;
use reqwest::StatusCode;

#[tokio::test]
async fn a_manifest_becomes_a_pulp_that_serves_and_says_what_it_is() {
    let pulp = PulpStory::shared().await;
    let (guest, admin) = (pulp.visitor().await, pulp.admin().await);

    let status = guest.json("/pulp/api/v3/status/").await;
    assert_eq!(status["database_connection"]["connected"], true, "{status}");
    assert_eq!(status["redis_connection"]["connected"], true, "{status}");
    assert_eq!(status["online_workers"].as_array().map(Vec::len), Some(2), "{status}");
    for servers in ["online_api_apps", "online_content_apps"] {
        assert!(status[servers].as_array().is_some_and(|online| !online.is_empty()), "{servers}: {status}");
    }

    let users = "/pulp/api/v3/users/";
    assert_eq!(guest.get(users).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(guest.with_password("guessed").get(users).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(admin.json(users).await["results"][0]["username"], "admin");

    let instance = pulp.now().await.expect("it is there");
    let told = instance.status().expect("a status");
    let versions: BTreeMap<_, _> = told.versions.iter().map(|it| (it.part.as_str(), it)).collect();
    for known in status["versions"].as_array().expect("versions") {
        let part = known["component"].as_str().expect("a name");
        let version = versions.get(part).unwrap_or_else(|| panic!("nothing is told of {part}: {versions:?}"));
        assert_eq!(version.running.as_deref(), known["version"].as_str(), "{part}");
    }
    assert_eq!(versions["core"].running.as_deref(), Some("3.123.1"));
    for part in ["rpm", "container", "python", "file", "certguard"] {
        assert!(versions.contains_key(part), "{part}: {versions:?}");
    }
    let endpoints: BTreeMap<_, _> =
        told.endpoints.iter().map(|it| (it.name.as_str(), it.url.as_str())).collect();
    let host = |name: &str| format!("{name}.{}.svc", pulp.namespace);
    assert_eq!(endpoints["web"], format!("https://{}", host("mypulp")));
    assert_eq!(endpoints["api"], format!("http://{}:24817", host("mypulp-api")));
    assert_eq!(endpoints["content"], format!("http://{}:24816", host("mypulp-content")));
    pulp.condition(QUIET, "Available", "True", "Serving").await;
}

#[tokio::test]
async fn a_pulp_at_rest_costs_nothing() {
    let pulp = PulpStory::shared().await;
    let (objects, pods) = (pulp.objects().await, pulp.pods().await);
    // No wait for something to happen: what is counted is a time in which nothing does.
    let audit = Audit::begin();
    tokio::time::sleep(QUIET).await;
    let asked = audit.requests(&PulpStory::user()).into_iter();
    let here: Vec<_> =
        asked.filter(|request| request.namespace == pulp.namespace && request.verb != "watch").collect();
    assert!(here.is_empty(), "{here:?}");
    assert_eq!(pulp.objects().await.changed_since(&objects), [""; 0]);
    assert_eq!(pulp.pods().await.gone_or_restarted_since(&pods), [""; 0]);
}

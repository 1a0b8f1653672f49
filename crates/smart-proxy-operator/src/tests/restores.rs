//! What a restore needs of a Smart Proxy: it says what it consists of, stands still while its volumes are filled, and keeps what was put back.

use reconcile::{AWAITS, HoldState, What, rehearsal::Rehearsal};
use serde_json::{Value, json};

use super::{fake::Fake, lives::*, *};

#[tokio::test]
async fn certificates_that_were_put_back_are_kept_if_they_come_from_its_foremans_authority_and_are_for_its_name()
 {
    let fake = Fake::start().await;
    let from = installed(&fake).await;
    let at = |of: &Rehearsal<SmartProxy>, name: &str| {
        of.memory.object(&of.of("/api/v1", &format!("secrets/{name}"))).unwrap()
    };
    let path = from.of("/apis/app.theforeman.org/v1alpha1", "smartproxies/proxy");
    for host in ["", "other.example.com"] {
        let to = from.fork();
        to.memory.edit(&path, |mut object| {
            object["metadata"]["uid"] = "00000000-0000-0000-0000-000000000002".into();
            object["status"] = Value::Null;
            if !host.is_empty() {
                object["spec"]["host"] = host.into();
            }
            Some(object)
        });
        for (path, _) in to.memory.objects().into_iter().filter(|(path, _)| path.contains("/proxy")) {
            let certificate = path.ends_with("-tls");
            to.memory.edit(&path, |mut object| {
                // As a backup has it.
                object["metadata"].as_object_mut().unwrap().retain(|key, _| key == "name");
                (certificate || path.contains("/smartproxies/")).then_some(object)
            });
        }
        to.memory.edit(&path, |mut object| {
            object["metadata"]["uid"] = "00000000-0000-0000-0000-000000000002".into();
            object["metadata"]["namespace"] = "foreman".into();
            Some(object)
        });
        to.settle().await.unwrap();
        for name in ["proxy-server-tls", "proxy-client-tls"] {
            let (before, after) = (at(&from, name), at(&to, name));
            assert_eq!(before["data"] == after["data"], host.is_empty(), "{name} for {host}");
            assert_eq!(before["data"]["ca.crt"], after["data"]["ca.crt"]);
            assert_eq!(
                after["metadata"]["ownerReferences"][0]["uid"],
                "00000000-0000-0000-0000-000000000002"
            );
        }
    }
}

#[tokio::test]
async fn other_data_is_another_pod_and_is_acknowledged_when_all_is_up() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    let deployment = rehearsal.of("/apis/apps/v1", "deployments/proxy-proxy");
    rehearsal.annotate("restore.theforeman.org/data", Some("set-1"));
    rehearsal.settle().await.unwrap();
    let template = rehearsal.memory.object(&deployment).unwrap()["spec"]["template"].clone();
    assert_eq!(template["metadata"]["annotations"]["restore.theforeman.org/data"], "set-1");
    assert_eq!(rehearsal.object().status.unwrap().data.as_deref(), Some("set-1"));
}

/// Whoever restores it fills its volumes meanwhile.
#[tokio::test]
async fn one_that_awaits_its_data_has_its_volumes_and_no_pod_until_it_is_let_go() {
    let fake = Fake::start().await;
    let rehearsal = begun(&fake);
    serves(&fake, &rehearsal);
    rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
        object["spec"]["modules"] = json!({ "tftp": { "serverName": "192.0.2.10" }, "remoteExecution": {} });
        Some(object)
    });
    rehearsal.annotate(AWAITS, Some("restore-1"));
    rehearsal.settle().await.unwrap();
    let status = rehearsal.object().status.unwrap();
    assert_eq!(
        (status.holds[0].holder.as_str(), status.holds[0].state),
        ("restore-1", HoldState::Held),
        "{status:#?}"
    );
    assert_eq!(condition(&status, "Ready"), ("False", "Held"));
    let made = |rehearsal: &Rehearsal<SmartProxy>| {
        let pods = rehearsal.memory.object(&deployment(rehearsal)).unwrap()["spec"]["replicas"].clone();
        let claims = ["proxy-boot", "proxy-state"].map(|name| {
            let path = rehearsal.of("/api/v1", &format!("persistentvolumeclaims/{name}"));
            rehearsal.memory.object(&path).is_some()
        });
        (pods, claims)
    };
    assert_eq!(made(&rehearsal), (json!(0), [true, true]));
    assert!(rehearsal.object().finalizers().is_empty(), "nothing outside knows of it yet");
    let state = status.backup.unwrap().content.into_iter().find(|content| content.name == "state").unwrap();
    assert!(state.except.contains(&"dynflow.sqlite".to_owned()), "{state:?}");

    rehearsal.annotate(AWAITS, None);
    rehearsal.settle().await.unwrap();
    assert_eq!(made(&rehearsal), (json!(1), [true, true]));
    assert!(rehearsal.object().status.unwrap().holds.is_empty());

    // One that serves ends, and Foreman goes on knowing it.
    rehearsal.hold("somebody", &[What::Writes], Some(300));
    rehearsal.settle().await.unwrap();
    assert_eq!(made(&rehearsal), (json!(0), [true, true]));
    assert_eq!(rehearsal.object().status.unwrap().holds[0].state, HoldState::Held);
}

#[test]
fn a_backup_names_all_that_the_spec_refers_to_and_nothing_of_its_foremans() {
    let proxy = with(ALL, "");
    let backup = SmartProxy::report(&proxy.check(&seen()).unwrap(), &seen(), false).backup.unwrap();
    let mut wanted = proxy.secrets();
    wanted.sort();
    wanted.dedup();
    assert!(backup.secrets == wanted && !wanted.is_empty(), "{:?}", backup.secrets);
    assert!(!backup.secrets.iter().any(|name| name.starts_with("myforeman")), "{:?}", backup.secrets);
}

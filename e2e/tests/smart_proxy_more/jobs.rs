//! Jobs on hosts: what is known of them survives a change of the pod, and a host is told of them.

use std::time::{Duration, Instant};

use e2e::{
    LONG, ProxyStory, Visitor,
    certificates::{Authority, Wanted},
    cluster::image,
    http::sent,
    wait,
};
use k8s_openapi::api::core::v1::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use smart_proxy_operator::crd::LogLevel;

/// Seconds that a job lasts.
const JOB: u64 = 20;
const KNOWN_HOSTS: &str = "/usr/share/foreman-proxy/.ssh/known_hosts";

async fn launch(foreman: &Visitor) -> String {
    let answer =
        sent(foreman.request(Method::POST, "/dynflow/tasks/launch").json(&json!({ "seconds": JOB }))).await;
    let answer: Value = answer.json().await.expect("JSON");
    answer["task_id"].as_str().expect("a task").to_owned()
}

#[tokio::test]
async fn a_change_of_the_pod_waits_for_a_running_job_and_keeps_keys_and_known_hosts() {
    let (foreman, proxy) = ProxyStory::shared("jobs").await;
    proxy.with("{remoteExecution: {}, ansible: {}}", "").await;
    proxy.ready().await;
    let (pods, identity) = (proxy.settled().await, foreman.identity().await);
    let pod = pods.of("proxy")[0].name.clone();
    let as_foreman = proxy.visitor_of("", 8443, |builder| builder.identity(identity)).await;

    // SSH takes the key that was drawn, and it is the one that hosts are given.
    let public = proxy.secret("ssh", "ssh-publickey").await;
    let derived = proxy.exec(&pod, &["ssh-keygen", "-y", "-f", "/etc/foreman-proxy/ssh/id"]).await;
    let words = |line: &str| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&derived), words(&public));
    assert_eq!(as_foreman.get("/ssh/pubkey").await.1, public);
    assert!(public.trim_end().ends_with(&format!("foreman-proxy@{}", proxy.registered_name())), "{public}");
    let met = format!("echo 'host {public}' > {KNOWN_HOSTS}");
    proxy.exec(&pod, &["sh", "-c", &met]).await;

    let (task, began) = (launch(&as_foreman).await, Instant::now());
    proxy.edit(|spec| spec.log_level = LogLevel::Warn).await;
    let next = wait(LONG, "another pod serves", async || {
        let now = proxy.pods().await;
        match now.of("proxy").iter().find(|seen| seen.name != pod) {
            Some(next) => Ok(next.name.clone()),
            None => Err("it is the old one".to_owned()),
        }
    })
    .await;
    let waited = began.elapsed();
    println!("the pod was replaced {waited:.1?} after a job of {JOB} s began");
    assert!(waited > Duration::from_secs(JOB - 1), "{waited:?}");
    proxy.ready().await;
    let ended = as_foreman.json(&format!("/dynflow/tasks/{task}/status")).await;
    assert_eq!((ended["state"].as_str(), ended["result"].as_str()), (Some("stopped"), Some("success")));
    assert_eq!(proxy.exec(&next, &["cat", KNOWN_HOSTS]).await, format!("host {}", public.trim_end()));
    assert_eq!(proxy.secret("ssh", "ssh-publickey").await, public);

    // A key that hosts know is never drawn anew.
    let kept = proxy.api::<Secret>().get("jobs-ssh").await.expect("the key");
    proxy.api::<Secret>().delete("jobs-ssh", &Default::default()).await.expect("it is deleted");
    proxy.told("KeyLost", &["jobs-ssh", "restore the Secret"]).await;
    let data: Value = serde_json::to_value(kept.data).expect("JSON");
    let back =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "jobs-ssh" }, "data": data });
    proxy.apply::<Secret>("jobs-ssh", &back).await;
    proxy.ready().await;
    proxy.delete().await;
}

#[tokio::test]
async fn a_host_is_told_of_its_jobs_by_the_broker_and_of_no_other_hosts() {
    let (foreman, proxy) = ProxyStory::shared("pull").await;
    let images = format!(", images: {{mosquitto: '{}'}}", image("mosquitto"));
    proxy.with("{remoteExecution: {mode: PullMqtt}}", &images).await;
    proxy.ready().await;
    let (authority, host) = (Authority::of(&foreman).await, proxy.registered_name());
    let (mine, others) = ("8b1ad1ae-0001-4000-8000-000000000001", "8b1ad1ae-0002-4000-8000-000000000002");
    let mut values = vec![("ca.crt".to_owned(), authority.certificate.clone())];
    for (file, name) in [("mine", mine), ("others", others), ("proxy", host.as_str())] {
        let (certificate, key) = authority.issue(&Wanted::of(name));
        values.extend([(format!("{file}.crt"), certificate), (format!("{file}.key"), key)]);
    }
    let values: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    proxy.keeps("hosts", &values).await;
    let sleeps = json!({ "image": image("mosquitto"), "command": ["sleep", "infinity"] });
    let tls = json!({ "secret": { "secretName": "hosts", "defaultMode": 0o440 } });
    proxy.bystander("host", 991, 1, sleeps, &[("/tls", tls)]).await;
    let as_ = |who: &str| {
        format!("-h {host} -p 1883 --cafile /tls/ca.crt --cert /tls/{who}.crt --key /tls/{who}.key")
    };
    let topic = format!("yggdrasil/{mine}/data/in");
    let told = async |who: &str| {
        let (who, from) = (as_(who), as_("proxy"));
        let script = format!(
            "(mosquitto_sub {who} -t {topic} -C 1 -W 5 || echo nothing) & sleep 2; mosquitto_pub {from} -t {topic} -m job; wait"
        );
        proxy.exec("host", &["sh", "-c", &script]).await
    };
    assert_eq!(told("mine").await, "job");
    assert!(told("others").await.contains("nothing"), "one host reads what is for another");
    proxy.delete().await;
}

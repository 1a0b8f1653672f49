//! Every read from the API: what the world around a manifest looks like.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;
use reconcile::{Data, Error, Holds, Status, Values, What, World};

use crate::{
    certificate_kind,
    crd::{Images, SmartProxy},
    foreman_kind, names, pulp_kind,
};

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Values of every Secret that matters: ours, and those that the spec or its Foreman refers to. Absent: there is no such Secret.
    pub secrets: BTreeMap<String, Values>,
    /// What the Foreman that is named reports. `None`: there is no such Foreman.
    pub foreman: Option<Status>,
    /// Names of the Foremans of this namespace.
    pub foremans: Vec<String>,
    /// Whether the cluster has the kind Certificate of cert-manager.
    pub cert_manager: bool,
    /// What cert-manager was asked for last, and what it says of it.
    pub certificate: Option<serde_json::Value>,
    /// What the Pulp that is named reports. `None`: there is no such Pulp.
    pub pulp: Option<Status>,
    /// Names of the Pulps of this namespace.
    pub pulps: Vec<String>,
    /// Addresses of the proxy's pods that serve.
    pub pods: Vec<String>,
    /// Which data it is to have.
    pub data: Data,
    /// In what it is asked to stand still.
    pub holds: Holds,
    /// What is at work, or could begin to, while it is asked not to write.
    pub running: Vec<String>,
    /// When the last of those that are about to end has to be gone.
    pub ending: Option<Timestamp>,
    /// When the last that serves began to.
    pub serves_since: Option<Timestamp>,
    /// What was last reported.
    pub status: Status,
    /// Images that the operator's environment gives in place of the built-in defaults.
    pub images: Images,
    /// When this was seen.
    pub now: Timestamp,
}

/// Reads the world around a manifest.
pub async fn read(proxy: &SmartProxy, world: &World) -> Result<Observed, Error> {
    let mut seen = Observed {
        status: world.status().clone(),
        data: world.data().clone(),
        holds: world.holds().clone(),
        images: related(),
        now: Timestamp::now(),
        ..Observed::default()
    };
    if seen.holds.until(What::Writes).is_some() {
        seen.running = world.running(&[]).await?;
    }
    seen.foremans = world.all("Foreman").iter().map(|foreman| foreman.name_any()).collect();
    seen.foremans.sort();
    let mut secrets = proxy.secrets();
    secrets.extend(
        [names::SERVER, names::CLIENT, names::SSH].map(|part| format!("{}-{part}", proxy.name_any())),
    );
    if let Some(secret) = proxy.certified() {
        seen.cert_manager = world.installed("Certificate");
        let asked = world.foreign(&certificate_kind(), &secret).await?;
        seen.certificate = asked.and_then(|asked| serde_json::to_value(&*asked).ok());
        secrets.push(secret);
    }
    if let Some(name) = &proxy.spec.foreman.name
        && let Some(foreman) = world.foreign(&foreman_kind(), name).await?
    {
        // Whoever writes another status than the contract's has none for us.
        let status: Status = serde_json::from_value(foreman.data["status"].clone()).unwrap_or_default();
        for endpoint in &status.endpoints {
            secrets.extend(endpoint.authority_secret.clone());
            secrets.extend(endpoint.oauth_secret.clone());
        }
        seen.foreman = Some(status);
    }
    seen.pulps = world.all("Pulp").iter().map(|pulp| pulp.name_any()).collect();
    seen.pulps.sort();
    if let Some(content) = &proxy.spec.content
        && let Some(pulp) = world.foreign(&pulp_kind(), &content.pulp.name).await?
    {
        let status: Status = serde_json::from_value(pulp.data["status"].clone()).unwrap_or_default();
        secrets.extend(status.endpoints.iter().filter_map(|endpoint| endpoint.remote_user_secret.clone()));
        seen.pulp = Some(status);
    }
    for name in secrets {
        if let Some(values) = world.secret(&name).await? {
            seen.secrets.insert(name, values);
        }
    }
    for pod in world.pods(names::PROXY) {
        if let Some(end) = &pod.metadata.deletion_timestamp {
            seen.ending = seen.ending.max(Some(end.0));
            continue;
        }
        let Some(status) = &pod.status else { continue };
        let mut conditions = status.conditions.iter().flatten();
        let Some(ready) = conditions.find(|it| it.type_ == "Ready" && it.status == "True") else {
            continue;
        };
        seen.pods.extend(status.pod_ip.clone());
        seen.serves_since = seen.serves_since.max(ready.last_transition_time.as_ref().map(|time| time.0));
    }
    Ok(seen)
}

/// Mirrors and disconnected clusters give images by `RELATED_IMAGE_<PART>`.
fn related() -> Images {
    let image =
        |part: &str| std::env::var(format!("RELATED_IMAGE_{part}")).ok().filter(|image| !image.is_empty());
    Images {
        smart_proxy: image("SMART_PROXY"),
        dnsmasq: image("DNSMASQ"),
        httpd: image("HTTPD"),
        mosquitto: image("MOSQUITTO"),
    }
}

//! The proxy's own process. What of it runs it tells only to those whom it trusts: `/v2/features`, and the reasons in `/logs/`. Pods are asked
//! by their address and must show the certificate that we gave them.

use std::{collections::BTreeMap, time::Duration};

use http::{Method, StatusCode, Uri};
use serde::Deserialize;

use crate::{
    checked::{Checked, Content, PULP_API, Pair},
    http::{Ask, Error, Tls, ask as send},
    read::Observed,
};

const WITHIN: Duration = Duration::from_secs(15);

/// A module, as the process tells of it.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// `running`, `failed`, `disabled`, `starting`, `uninitialized`.
    pub state: String,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Vec<serde_json::Value>,
    /// What Foreman is to know; may hold passwords, and so is never shown.
    #[serde(default)]
    settings: serde_json::Value,
}

/// What of a proxy runs.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// Modules by name.
    pub modules: BTreeMap<String, Module>,
    /// Why those that failed did.
    pub failed: BTreeMap<String, String>,
    /// Its version.
    pub version: String,
    /// Hash of the certificate that it shows, and of which data its Foreman has.
    shown: String,
}

impl Running {
    /// Names of what runs.
    pub fn names(&self) -> Vec<String> {
        let running = self.modules.iter().filter(|(_, module)| module.state == "running");
        running.map(|(name, _)| name.clone()).collect()
    }

    /// Of all that Foreman reads, and of the certificate that it has to trust: when it is another one, Foreman has to read again.
    pub fn fingerprint(&self) -> String {
        let running = self.modules.iter().filter(|(_, module)| module.state == "running");
        let read: Vec<_> =
            running.map(|(name, module)| (name, &module.capabilities, &module.settings)).collect();
        reconcile::hash(&(&read, &self.shown))
    }
}

#[derive(Deserialize)]
struct Logs {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    failed_modules: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// How the pod is asked: by its address, at one of its ports.
struct Pod {
    tls: Tls,
    at: String,
    shown: String,
}

fn pod(proxy: &Checked, seen: &Observed, port: i32) -> Result<Pod, Error> {
    let whom = || proxy.url.authority().map(ToString::to_string).unwrap_or_default();
    let Some(address) = seen.pods.first() else {
        return Err(Error::Http(whom(), "no pod is ready".into()));
    };
    let at = if address.contains(':') { format!("[{address}]") } else { address.clone() };
    let (server, client) = proxy.certificates();
    let text = |pair: &Pair, key: &str| {
        let value = seen.secrets.get(&pair.secret).and_then(|values| values.get(key));
        value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let own = (text(&client, &client.certificate), text(&client, &client.key));
    let shown = text(&server, &server.certificate);
    let tls = Tls::pinned(&shown, (&own.0, &own.1))?;
    // A Foreman whose data was replaced knows what it knew then.
    let data = seen.foreman.as_ref().and_then(|foreman| foreman.data.as_ref());
    let shown = data.map_or_else(|| reconcile::hash(&shown), |data| reconcile::hash(&(&shown, data)));
    Ok(Pod { tls, at: format!("{at}:{port}"), shown })
}

/// Asks what of the Pulp runs that answers as a Smart Proxy does.
pub async fn content(proxy: &Checked, seen: &Observed) -> Result<Running, Error> {
    let port = proxy.content.as_ref().map_or(0, Content::inside);
    let Pod { tls, at, shown } = pod(proxy, seen, port)?;
    let modules = get(&tls, proxy, &at, &format!("{PULP_API}/v2/features")).await?;
    Ok(Running { modules, shown, ..Running::default() })
}

/// Asks the pod.
pub async fn ask(proxy: &Checked, seen: &Observed) -> Result<Running, Error> {
    let Pod { tls, at, shown } = pod(proxy, seen, proxy.spec.port)?;
    let modules: BTreeMap<String, Module> = get(&tls, proxy, &at, "/v2/features").await?;
    let version: Version = get(&tls, proxy, &at, "/version").await?;
    let failed = if modules.values().any(|module| module.state == "failed") {
        let logs: Logs = get(&tls, proxy, &at, "/logs/").await?;
        logs.info.failed_modules
    } else {
        BTreeMap::new()
    };
    Ok(Running { modules, failed, version: version.version, shown })
}

async fn get<T: for<'a> Deserialize<'a>>(
    tls: &Tls,
    proxy: &Checked,
    at: &str,
    path: &str,
) -> Result<T, Error> {
    let mut parts = proxy.url.clone().into_parts();
    let whom = format!("{}{path}", proxy.host);
    parts.path_and_query = path.parse().ok();
    let url = Uri::from_parts(parts).map_err(|error| Error::Http(whom.clone(), error.to_string()))?;
    let question = Ask {
        method: Method::GET,
        url: &url,
        at: Some(at.to_owned()),
        authorization: None,
        body: None,
        within: WITHIN,
    };
    let (status, body) = send(tls, question).await?;
    if status != StatusCode::OK {
        let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(Error::Http(whom, format!("{status}: {said}")));
    }
    serde_json::from_slice(&body)
        .map_err(|error| Error::Http(whom, format!("cannot read the answer: {error}")))
}

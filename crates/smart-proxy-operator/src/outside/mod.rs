//! What happens outside the API server: the proxy is asked what of it runs, because it hides what does not; and its Foreman is told of it.
//!
//! Looking ([`process`], [`foreman`]), deciding ([`decide`]), doing ([`register`]). All of it in every pass: it is two requests when there is nothing to do.

pub mod decide;
pub mod foreman;
pub mod process;
pub mod register;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use reconcile::{Achieved, Feature, Leave, News, Outside};

use self::{
    decide::Memory,
    foreman::{Api, Trouble},
    process::Running,
    register::Side,
};
use crate::{
    checked::{Access, Checked},
    crd::SmartProxy,
    read::Observed,
    service::Module,
};

/// How soon we look again at what failed.
const RETRY: SignedDuration = SignedDuration::from_secs(20);
/// How soon while a pod is young: its address takes a moment to get around, and Foreman cannot reach it until then.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// So long.
const YOUNG: SignedDuration = SignedDuration::from_secs(30);
/// How soon we notice that somebody has changed a proxy in Foreman. Nothing tells us, and one request is cheap.
const DRIFT: SignedDuration = SignedDuration::from_secs(60);
/// How long a Foreman of this namespace may be out of sight before a proxy that is being deleted goes without it: after a restart its watch comes
/// a little later than the others.
const OUT_OF_SIGHT: SignedDuration = SignedDuration::from_secs(60);
const VERSIONS: &str = "VersionsMatch";
const CONTENT: &str = "ContentRegistered";
/// What is remembered of a registration.
const REGISTRATION: &str = "registration";

/// Asks and tells.
pub async fn reach(proxy: &Checked, seen: &Observed) -> Outside {
    let mut outside = Outside::default();
    let running = match process::ask(proxy, seen).await {
        Ok(running) => running,
        Err(error) => {
            let why = format!("cannot ask the proxy what of it runs: {error}");
            outside.conditions.push(news("FeaturesReady", false, "NoAnswer", why.clone()));
            outside.unsaid = said(proxy, &["Registered", VERSIONS, CONTENT]);
            outside.waiting = Some(("Features", why));
            outside.next = Some(again(seen));
            return outside;
        }
    };
    outside.features = features(&proxy.modules, &running);
    let failed = failed(&proxy.modules, &outside.features);
    outside.conditions.push(match &failed {
        Some(why) => news("FeaturesReady", false, "FeaturesFailed", why.clone()),
        None => news("FeaturesReady", true, "Running", "all features that are asked for run".into()),
    });
    outside.waiting = failed.map(|why| ("Features", why));
    if let Some(access) = &proxy.foreman.access {
        registration(proxy, access, seen, &running, &mut outside).await;
    }
    outside
}

/// Every module that is asked for, and whatever else is not just switched off.
fn features(modules: &[Module], running: &Running) -> Vec<Feature> {
    let asked = |name: &str| modules.iter().any(|module| module.name == name);
    let known = running.modules.iter().filter(|(name, module)| asked(name) || module.state != "disabled");
    let mut features: Vec<_> = known
        .map(|(name, module)| Feature {
            name: name.clone(),
            state: module.state.clone(),
            why: match module.state.as_str() {
                "running" => None,
                "disabled" => Some("the process has switched it off; it does not say why".into()),
                _ => running.failed.get(name).cloned(),
            },
        })
        .collect();
    for module in modules.iter().filter(|module| !running.modules.contains_key(module.name)) {
        let why = match module.plugins.join(", ") {
            none if none.is_empty() => "the image does not know it: it is of another release".to_owned(),
            plugins => {
                format!(
                    "the image does not know it: it lacks the plugin {plugins}, or spec.plugins does not name it"
                )
            }
        };
        features.push(Feature { name: module.name.into(), state: "absent".into(), why: Some(why) });
    }
    features.sort_by(|one, other| one.name.cmp(&other.name));
    features
}

/// The features that are asked for and do not run, each with its field and the process's reason.
fn failed(modules: &[Module], features: &[Feature]) -> Option<String> {
    let failed = features.iter().filter(|feature| feature.state != "running").map(|feature| {
        let asked = modules.iter().find(|module| module.name == feature.name);
        // What no field asks for, only a further setting can have switched on.
        let field = asked.map_or("spec.extraSettings", |module| module.field);
        let why = feature.why.as_deref().unwrap_or("the process does not say why");
        format!("{} ({field}) is {}: {why}", feature.name, feature.state)
    });
    let failed: Vec<_> = failed.collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}

async fn registration(
    proxy: &Checked,
    access: &Access,
    seen: &Observed,
    running: &Running,
    outside: &mut Outside,
) {
    let [before, of_content] = Memory::parse(seen.status.achieved(REGISTRATION));
    let url = &proxy.foreman.url;
    let news_to_it = before.as_ref().is_none_or(|before| before.fingerprint != running.fingerprint());
    if news_to_it && seen.ending.is_some_and(|end| end > seen.now) {
        // Foreman asks by the Service, and might be answered by the old pod for as long as there is one.
        let why = "Foreman is told what has changed when the pod before is gone";
        outside.waiting.get_or_insert(("Registration", why.into()));
        if before.is_some() {
            outside.conditions.push(news("Registered", true, "Changing", why.into()));
        }
        outside.unsaid = said(proxy, &[VERSIONS, CONTENT]);
        outside.next = Some(seen.now + SOON);
        return;
    }
    let (name, address) = (proxy.registered_name(), proxy.url.to_string());
    let side = Side { name, url: address.trim_end_matches('/') };
    let done = match Api::new(&proxy.foreman, access) {
        Ok(api) => {
            let done = side.register(&api, &proxy.spec.registration, before.as_ref(), running).await;
            done.map(|done| (api, done))
        }
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok((api, (known, memory))) => {
            let outdated = known.outdated(&running.names());
            outside.next = Some(seen.now + if outdated { SOON } else { DRIFT });
            let unknown = known.unknown();
            let strangers =
                if unknown.is_empty() { String::new() } else { format!("; it does not know {unknown}") };
            let message = format!("\"{}\" in {url}, with {}{strangers}", known.name, known.listed());
            outside.conditions.push(news("Registered", true, "Registered", message));
            if let Some(version) = api.version().await {
                outside.conditions.push(versions(&running.version, &version));
            }
            if outdated {
                let why = "Foreman was told what has changed, and has features still that do not run";
                outside.waiting.get_or_insert(("Registration", why.into()));
            }
            let other = content(proxy, &api, seen, of_content, outside).await;
            let both: Vec<_> = [Some(memory), other].into_iter().flatten().map(|it| it.to_string()).collect();
            outside.achieved = Some(Achieved {
                job: REGISTRATION.into(),
                what: both.join(" "),
                said: Some(format!("number {} in {url}", known.id)),
            });
        }
        Err(trouble) => {
            let away = matches!(trouble, Trouble::Away(_));
            // A Foreman that is away has not forgotten us.
            let stays = away && before.is_some();
            let message = if stays { format!("registered; {trouble}") } else { trouble.to_string() };
            outside.conditions.push(news("Registered", stays, trouble.reason(), message.clone()));
            outside.unsaid = said(proxy, &[VERSIONS, CONTENT]);
            if !stays {
                outside.waiting.get_or_insert(("Registration", message));
            }
            outside.next = Some(again(seen));
        }
    }
}

/// Of these conditions, those that there are for this proxy.
fn said(proxy: &Checked, types: &[&'static str]) -> Vec<&'static str> {
    let (registered, content) = (proxy.foreman.access.is_some(), proxy.content.is_some());
    types.iter().copied().filter(|type_| registered && (*type_ != CONTENT || content)).collect()
}

/// When what failed is tried again.
fn again(seen: &Observed) -> Timestamp {
    let young = seen.serves_since.is_some_and(|since| seen.now < since + YOUNG);
    seen.now + if young { SOON } else { RETRY }
}

/// The side of a content proxy that is the Pulp: known to Foreman as another proxy of the same host. What is to be remembered of it.
async fn content(
    proxy: &Checked,
    api: &Api<'_>,
    seen: &Observed,
    before: Option<Memory>,
    outside: &mut Outside,
) -> Option<Memory> {
    let Some((name, url)) = proxy.content_side() else {
        // It is not asked for any more.
        let before = before?;
        let side = Side { name: "", url: &before.url };
        return side.withdraw(api, Some(&before)).await.is_err().then_some(before);
    };
    let found = match process::content(proxy, seen).await {
        Ok(running) => {
            let side = Side { name: &name, url: &url };
            let done = side.register(api, &proxy.spec.registration, before.as_ref(), &running).await;
            done.map_err(|trouble| (trouble.reason(), trouble.to_string()))
        }
        Err(error) => {
            let mend = "its image needs the plugin smart_proxy";
            Err(("NoAnswer", format!("the Pulp does not answer as a Smart Proxy does: {error}; {mend}")))
        }
    };
    match found {
        Ok((known, memory)) => {
            let message = format!("\"{}\" in {}, with {}", known.name, proxy.foreman.url, known.listed());
            outside.conditions.push(news(CONTENT, true, "Registered", message));
            Some(memory)
        }
        Err((reason, why)) => {
            let stays = before.is_some() && reason == "ForemanAway";
            outside.conditions.push(news(CONTENT, stays, reason, why.clone()));
            if !stays {
                outside.waiting.get_or_insert(("Registration", why));
            }
            outside.next = Some(again(seen));
            before
        }
    }
}

/// Upstream supports the same release on both sides only.
fn versions(proxy: &str, foreman: &str) -> News {
    let release = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
    if release(proxy) == release(foreman) {
        return news(VERSIONS, true, "Same", format!("proxy {proxy}, Foreman {foreman}"));
    }
    let mend = "set spec.images.smartProxy to the release of Foreman";
    news(VERSIONS, false, "Skew", format!("the proxy is {proxy} and its Foreman {foreman}; {mend}"))
}

/// Takes a proxy out of its Foreman, unless that is gone or the manifest says otherwise.
pub async fn leave(proxy: &SmartProxy, seen: &Observed) -> Leave {
    let spec = &proxy.spec.registration;
    if !spec.deregister || !spec.enabled {
        return Leave::Gone("left as it is in Foreman, as the manifest says".into());
    }
    let since = proxy.metadata.deletion_timestamp.as_ref().map_or(seen.now, |time| time.0);
    if proxy.spec.foreman.name.is_some() && seen.foreman.is_none() && seen.now < since + OUT_OF_SIGHT {
        let why =
            "its Foreman is out of sight; if that lasts a minute, it goes without being taken out of it";
        return Leave::Blocked(blocked("ForemanMissing", why.into()), seen.now + RETRY);
    }
    let Some(foreman) = crate::check::rest(proxy, seen) else {
        return Leave::Gone("its Foreman, or the key to it, is gone".into());
    };
    let before = Memory::parse(seen.status.achieved(REGISTRATION));
    match withdraw(proxy, &foreman, before).await {
        Ok(what) => Leave::Gone(what),
        Err(trouble) => {
            let mend =
                "it is tried again; to let go of it without, set spec.registration.deregister to false";
            let again = Timestamp::now() + RETRY;
            Leave::Blocked(blocked(trouble.reason(), format!("{trouble}; {mend}")), again)
        }
    }
}

async fn withdraw(
    proxy: &SmartProxy,
    foreman: &crate::checked::Foreman,
    [before, of_content]: [Option<Memory>; 2],
) -> Result<String, Trouble> {
    let Some(access) = &foreman.access else { return Ok("never registered".into()) };
    let api = Api::new(foreman, access)?;
    let namespace = proxy.namespace().unwrap_or_default();
    let host = proxy.spec.host.clone().unwrap_or_else(|| format!("{}.{namespace}.svc", proxy.name_any()));
    let url = crate::check::url(&proxy.spec, &host);
    let name = proxy.spec.registration.name.as_deref().unwrap_or(&host);
    // Katello looks for the one by the other: that which leads there goes first.
    let mut gone = false;
    if let Some(before) = of_content {
        let side = Side { name: &format!("{name}-pulp"), url: &before.url };
        gone = side.withdraw(&api, Some(&before)).await?;
    }
    gone |= Side { name, url: &url }.withdraw(&api, before.as_ref()).await?;
    let done = if gone { "taken out of" } else { "unknown to" };
    Ok(format!("{done} {}", foreman.url))
}

fn blocked(reason: &'static str, message: String) -> News {
    news("DeregistrationBlocked", true, reason, message)
}

fn news(type_: &'static str, status: bool, reason: &'static str, message: String) -> News {
    News { type_, status, reason, message }
}

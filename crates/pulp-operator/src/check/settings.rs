//! The user's own settings, from all sources.

use reconcile::Fault;
use serde_json::Value;

use crate::{
    checked::Authentication,
    crd::{PulpSpec, Settings, SettingsFormat, SettingsSource},
    read::Observed,
};

/// Made from other fields or from the operator's own Secrets.
const OURS: [&str; 10] = [
    "DATABASES",
    "SECRET_KEY",
    "DB_ENCRYPTION_KEY",
    "STORAGES",
    "MEDIA_ROOT",
    "REDIRECT_TO_OBJECT_STORAGE",
    "CACHE_ENABLED",
    "REDIS_URL",
    "REMOTE_USER_ENVIRON_NAME",
    "ENABLED_PLUGINS",
];

/// All of them; later sources win. Those of `authentication` are not theirs to make.
pub fn collect(
    spec: &PulpSpec,
    authentication: &Authentication,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Settings {
    let wrong = |name: &str| wrong(name, authentication);
    let mut settings = spec.settings.clone();
    // The schema cannot say it: rules know nothing of maps whose values may be anything.
    for (name, what) in settings.keys().filter_map(|name| Some((name, wrong(name)?))) {
        faults.push(Fault::new("Invalid", format!("spec.settings: {name} {what}")));
    }
    for source in &spec.settings_from {
        match from(source, seen, wrong) {
            Ok(found) => settings.extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    settings
}

fn from(
    source: &SettingsSource,
    seen: &Observed,
    wrong: impl Fn(&str) -> Option<&'static str>,
) -> Result<Settings, Fault> {
    let (kind, name) = source.from.object();
    let values = if kind == "Secret" { seen.secrets.get(name) } else { seen.config_maps.get(name) };
    let values = values.ok_or_else(|| {
        let reason = if kind == "Secret" { "SecretMissing" } else { "ConfigMapMissing" };
        Fault::new(
            reason,
            format!(
                "spec.settingsFrom: {kind} \"{name}\" does not exist; create it, or remove it from the list"
            ),
        )
    })?;
    let mut settings = Settings::new();
    for (key, value) in values {
        let fault = |what: &str| {
            Fault::new("Invalid", format!("spec.settingsFrom: the key \"{key}\" of {kind} \"{name}\" {what}"))
        };
        if let Some(what) = wrong(key) {
            return Err(fault(what));
        }
        let text = std::str::from_utf8(value).map_err(|_| fault("is no UTF-8 text"))?;
        let value = match source.format {
            SettingsFormat::Text => Value::from(text),
            SettingsFormat::Json => serde_json::from_str(text).map_err(|error| {
                fault(&format!("is no JSON ({error}); write a text as \"text\", or choose format Text"))
            })?,
        };
        settings.insert(key.clone(), value);
    }
    Ok(settings)
}

/// What is wrong with the name of a setting.
fn wrong(name: &str, authentication: &Authentication) -> Option<&'static str> {
    let upper = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !upper {
        return Some("is no name of a setting: they are upper-case, for example TASK_GRACE_INTERVAL");
    }
    if name == "ALLOWED_CONTENT_CHECKSUMS" {
        return Some(
            "is spec.allowedContentChecksums, which sees to artifacts that are there already; give it there",
        );
    }
    let of_authentication = authentication.settings.contains_key(name)
        || (name == "AUTHENTICATION_BACKENDS" && !authentication.backends.is_empty());
    (OURS.contains(&name) || of_authentication)
        .then_some("is a setting that the operator makes from other fields of the spec; remove it there")
}

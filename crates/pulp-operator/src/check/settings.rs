//! The user's own settings, from all sources.

use reconcile::Fault;
use serde_json::Value;

use crate::{
    crd::{PulpSpec, Settings, SettingsFormat, SettingsSource},
    read::Observed,
};

/// Made from other fields or from the operator's own Secrets; the CRD refuses them in `spec.settings` with the same words.
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

/// All of them; later sources win.
pub fn collect(spec: &PulpSpec, seen: &Observed, faults: &mut Vec<Fault>) -> Settings {
    let mut settings = spec.settings.clone();
    for source in &spec.settings_from {
        match from(source, seen) {
            Ok(found) => settings.extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    settings
}

fn from(source: &SettingsSource, seen: &Observed) -> Result<Settings, Fault> {
    let (kind, name) = source.object();
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
        let wrong = |what: &str| {
            Fault::new("Invalid", format!("spec.settingsFrom: the key \"{key}\" of {kind} \"{name}\" {what}"))
        };
        let upper = key.starts_with(|first: char| first.is_ascii_uppercase())
            && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !upper {
            return Err(wrong(
                "is no name of a setting: they are upper-case, for example TASK_GRACE_INTERVAL",
            ));
        }
        if OURS.contains(&key.as_str()) {
            return Err(wrong(
                "is a setting that the operator makes from other fields of the spec; remove it",
            ));
        }
        let text = std::str::from_utf8(value).map_err(|_| wrong("is no UTF-8 text"))?;
        let value = match source.format {
            SettingsFormat::Text => Value::from(text),
            SettingsFormat::Json => serde_json::from_str(text).map_err(|error| {
                wrong(&format!("is no JSON ({error}); write a text as \"text\", or choose format Text"))
            })?,
        };
        settings.insert(key.clone(), value);
    }
    Ok(settings)
}

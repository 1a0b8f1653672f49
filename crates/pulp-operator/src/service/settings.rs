//! Pulp's settings, as the Python file that it reads, and the volume for artifacts.

use reconcile::{Object, Part};
use serde_json::{Value, json};

use super::{Instance, cache};
use crate::{checked::Artifacts, crd::Settings, names, python};

const ALIVE: &str = include_str!("settings/alive.py");
const ADMIN: &str = include_str!("settings/admin.py");
const HOLD: &str = include_str!("settings/hold.py");
const MIGRATE: &str = include_str!("settings/migrate.py");
const STORAGE: &str = include_str!("settings/storage.py");
const TASK: &str = include_str!("settings/task.py");

/// The settings, the scripts, and the volume unless it is somebody else's.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    let mut objects = vec![
        pulp.part("settings").secret([("settings.py", python::assignments(&settings(pulp)))]),
        // For whoever backs the database up.
        pulp.part(names::LIBPQ).secret(pulp.keys.database.libpq()),
        scripts(pulp).config_map([
            ("alive.py", ALIVE.into()),
            ("admin.py", ADMIN.into()),
            ("hold.py", HOLD.into()),
            ("migrate.py", MIGRATE.into()),
            ("storage.py", STORAGE.into()),
            ("task.py", TASK.into()),
        ]),
    ];
    if let Some(file) = &pulp.spec.storage.file {
        let (volume, mode) = (&file.volume, file.access_mode.name());
        let claim = pulp.part(names::STORAGE).claim(&volume.size, volume.storage_class_name.as_deref(), mode);
        objects.push(claim.kept(pulp.keep));
    }
    objects
}

/// The scripts that pods run besides Pulp's own programs.
pub fn scripts(pulp: &Instance) -> Part {
    pulp.part("scripts")
}

fn settings(pulp: &Instance) -> Settings {
    let origin = &pulp.origin;
    let mut settings = Settings::new();
    let mut set = |name: &str, value: Value| {
        settings.insert(name.to_owned(), value);
    };
    set("SECRET_KEY", pulp.keys.secret_key.clone().into());
    set("DATABASES", json!({ "default": database(pulp) }));
    set("DB_ENCRYPTION_KEY", "/etc/pulp/keys/database_fields.symmetric.key".into());
    set("WORKING_DIRECTORY", "/var/lib/pulp/tmp/".into());
    set("FILE_UPLOAD_TEMP_DIR", "/var/lib/pulp/tmp/".into());
    // Where upstream's images have them: a volume hides Pulp's own default.
    set("STATIC_ROOT", "/var/lib/operator/static/".into());
    // Pulp tells its makers about itself unless it is told not to.
    set("ANALYTICS", false.into());
    set("CONTENT_ORIGIN", origin.clone().into());
    set("ANSIBLE_API_HOSTNAME", origin.clone().into());
    set("ANSIBLE_CONTENT_HOSTNAME", format!("{origin}/pulp/content").into());
    set("PYPI_API_HOSTNAME", origin.clone().into());
    set("TOKEN_SERVER", format!("{origin}/token/").into());
    // Behind somebody else's proxy, that one decides who may pull.
    set("TOKEN_AUTH_DISABLED", pulp.fronted.into());
    set("TOKEN_SIGNATURE_ALGORITHM", "ES256".into());
    set("PRIVATE_KEY_PATH", "/etc/pulp/keys/container_auth_private_key.pem".into());
    set("PUBLIC_KEY_PATH", "/etc/pulp/keys/container_auth_public_key.pem".into());
    let header = pulp.keys.remote_user.to_uppercase().replace('-', "_");
    set("REMOTE_USER_ENVIRON_NAME", format!("HTTP_{header}").into());
    set(
        "AUTHENTICATION_BACKENDS",
        json!([
            "django.contrib.auth.backends.ModelBackend",
            "pulpcore.backends.ObjectRolePermissionBackend",
            "pulpcore.app.authentication.PulpNoCreateRemoteUserBackend",
        ]),
    );
    set(
        "REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES",
        json!([
            "rest_framework.authentication.BasicAuthentication",
            "rest_framework.authentication.SessionAuthentication",
            "pulpcore.app.authentication.PulpRemoteUserAuthentication",
        ]),
    );
    if !pulp.spec.plugins.is_empty() {
        // Both are part of Pulp itself, and half of its plugins lean on them.
        let own = ["pulp_certguard", "pulp_file"].map(str::to_owned);
        let mut plugins: Vec<_> = own.into_iter().chain(pulp.spec.plugins.iter().cloned()).collect();
        plugins.sort();
        plugins.dedup();
        set("ENABLED_PLUGINS", json!(plugins));
    }
    let cache = cache::url(pulp);
    set("CACHE_ENABLED", cache.is_some().into());
    if let Some(url) = cache {
        set("REDIS_URL", url.into());
    }
    match &pulp.artifacts {
        Artifacts::Volume(_) => set("MEDIA_ROOT", "/var/lib/pulp/media/".into()),
        Artifacts::Bucket { storage, redirect, .. } => {
            set("MEDIA_ROOT", "".into());
            set("REDIRECT_TO_OBJECT_STORAGE", (*redirect).into());
            let staticfiles = json!({ "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" });
            set("STORAGES", json!({ "default": storage, "staticfiles": staticfiles }));
        }
    }
    settings.extend(pulp.settings.clone());
    settings
}

fn database(pulp: &Instance) -> Value {
    let at = &pulp.keys.database;
    let mut options = json!({ "sslmode": at.ssl_mode.name() });
    if at.ca.is_some() {
        options["sslrootcert"] = "/etc/pulp/database-ca/ca.crt".into();
    }
    json!({
        "ENGINE": "django.db.backends.postgresql",
        "HOST": at.host,
        "PORT": at.port.to_string(),
        "NAME": at.name,
        "USER": at.user,
        "PASSWORD": at.password,
        "CONN_MAX_AGE": 0,
        "OPTIONS": options,
    })
}

//! Pulp's settings, as the Python file that it reads, and the volume for artifacts.

use reconcile::{Object, Part};
use serde_json::{Value, json};

use super::{Instance, cache, signing};
use crate::{checked::Artifacts, crd::Settings, names, python};

const ALIVE: &str = include_str!("settings/alive.py");
const ADMIN: &str = include_str!("settings/admin.py");
const CHECKSUMS: &str = include_str!("settings/checksums.py");
const KEYCLOAK_LOGIN: &str = include_str!("settings/keycloak_login.py");
const METRICS: &str = include_str!("settings/metrics.py");
const HOLD: &str = include_str!("settings/hold.py");
const MIGRATE: &str = include_str!("settings/migrate.py");
const STORAGE: &str = include_str!("settings/storage.py");
const TASK: &str = include_str!("settings/task.py");
const TRUST: &str = include_str!("settings/trust.py");
/// What follows the settings in their file. Constant: it only reads what stands above it.
const LDAP: &str = include_str!("settings/ldap.py");
const KEYCLOAK: &str = include_str!("settings/keycloak.py");
const IDENTITY: &str = include_str!("settings/identity.py");

/// The settings, the scripts, and the volume unless it is somebody else's.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    let mut objects = vec![
        pulp.part("settings").secret([("settings.py", file(pulp))]),
        // For whoever backs the database up; below, the same of artifacts in a bucket.
        pulp.part(names::LIBPQ).secret(pulp.keys.database.libpq()),
        scripts(pulp).config_map([
            ("alive.py", ALIVE.into()),
            ("admin.py", ADMIN.into()),
            ("checksums.py", CHECKSUMS.into()),
            ("keycloak_login.py", KEYCLOAK_LOGIN.into()),
            ("metrics.py", METRICS.into()),
            ("hold.py", HOLD.into()),
            ("migrate.py", MIGRATE.into()),
            ("storage.py", STORAGE.into()),
            ("task.py", TASK.into()),
            ("trust.py", TRUST.into()),
        ]),
    ];
    if let Artifacts::Bucket { place, .. } = &pulp.artifacts {
        objects.push(pulp.part(names::BUCKET).secret(place.values()));
    }
    objects.extend(signing::scripts(pulp));
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

fn file(pulp: &Instance) -> String {
    let wanted = &pulp.spec.authentication;
    let ldap = wanted.ldap.as_ref().map(|_| LDAP);
    let keycloak = wanted.keycloak.as_ref().map(|_| KEYCLOAK);
    let azure = pulp.spec.storage.azure.as_ref();
    let identity = azure.filter(|azure| azure.credentials.is_none()).map(|_| IDENTITY);
    [Some(&*python::assignments(&settings(pulp))), ldap, keycloak, identity].into_iter().flatten().collect()
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
    let mut backends = vec!["django.contrib.auth.backends.ModelBackend"];
    backends.extend(&pulp.authentication.backends);
    backends.extend([
        "pulpcore.backends.ObjectRolePermissionBackend",
        "pulpcore.app.authentication.PulpNoCreateRemoteUserBackend",
    ]);
    set("AUTHENTICATION_BACKENDS", json!(backends));
    if pulp.spec.authentication.keycloak.is_some() {
        // Pulp does not see that what stands in front of it speaks TLS, and takes its own pages for somebody else's.
        set("CSRF_TRUSTED_ORIGINS", json!([origin]));
    }
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
    if let Some(checksums) =
        pulp.checksums.as_ref().filter(|_| !pulp.spec.allowed_content_checksums.is_empty())
    {
        set("ALLOWED_CONTENT_CHECKSUMS", json!(checksums));
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
    settings.extend(pulp.authentication.settings.clone());
    if pulp.spec.telemetry.is_some() {
        settings.insert("OTEL_ENABLED".into(), true.into());
    }
    settings.extend(pulp.settings.clone());
    settings
}

fn database(pulp: &Instance) -> Value {
    let at = &pulp.keys.database;
    // A server whose node is lost says nothing more, not even good-bye: without these a process would wait for it for hours.
    let mut options = json!({
        "sslmode": at.ssl_mode.name(),
        "connect_timeout": 30,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    });
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

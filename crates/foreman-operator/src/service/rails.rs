//! What every Rails process of Foreman shares: image, configuration, environment, files. Web, workers, migrations and recurring
//! tasks must agree in all of it: a worker that lacks a plugin fails the tasks of that plugin.

use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec, ResourceRequirements, VolumeMount};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reconcile::{
    Object,
    pod::{claim_volume, env, env_secret, mount, mount_file, scratch, secret_volume, user},
};

use super::{Instance, queue};
use crate::names;

/// The user `foreman` of upstream's image.
const USER: i64 = 994;
/// What Candlepin knows Katello as.
pub const CANDLEPIN_CONSUMER: &str = "katello";

/// Ruby refuses a world-writable temporary directory, which is what the volume on /tmp is; and Rails takes the PID file of a container
/// that was killed for a running server, because every container's first process has the same number.
const START: &str = "mkdir -p -m 700 \"$TMPDIR\" && rm -f /tmp/rails.pid && exec \"$@\"";

/// The configuration, and the volume through which web hands files to workers.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    let volume = &foreman.spec.storage.shared.volume;
    let shared = foreman.part("shared").claim(
        &volume.size,
        volume.storage_class_name.as_deref(),
        foreman.spec.storage.shared.access_mode.name(),
    );
    vec![shared.kept(foreman.keep), foreman.part("settings").secret(files(foreman))]
}

fn files(foreman: &Instance) -> Vec<(&'static str, String)> {
    let mut files = vec![
        ("settings.yaml", settings(foreman)),
        ("DATABASE_URL", database_url(foreman)),
        ("DYNFLOW_REDIS_URL", queue::url(foreman, 6)),
        // Without it each pod would draw its own, and a session would hold in one pod only.
        (
            "local_secret_token.rb",
            format!("Foreman::Application.config.secret_key_base = '{}'\n", foreman.keys.session),
        ),
    ];
    if foreman.katello() {
        files.push(("katello.yaml", katello(foreman, false)));
        files.push(("katello-events.yaml", katello(foreman, true)));
        files.push(("worker-hosts-queue.yml", ":concurrency: 5\n:queues:\n  - hosts_queue\n".into()));
    }
    files
}

fn settings(foreman: &Instance) -> String {
    let host = &foreman.host;
    let (key, secret) = &foreman.keys.oauth;
    let cache = queue::url(foreman, 4);
    let inside = foreman.address("");
    let web = foreman.address("web");
    format!(
        r#":domain: {domain}
:fqdn: {host}
:foreman_url: https://{host}
:hosts: ["{host}", "{inside}", "{web}"]
:trusted_proxies: ["127.0.0.1/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
:ssl_certificate: /etc/foreman/client_cert.pem
:ssl_ca_file: /etc/foreman/katello-default-ca.crt
:ssl_priv_key: /etc/foreman/client_key.pem
:require_ssl: true
:rails_cache_store:
  :type: redis
  :urls: ["{cache}"]
  :options:
    :compress: true
    :namespace: foreman
:oauth_active: true
:oauth_map_users: false
:oauth_consumer_key: {key}
:oauth_consumer_secret: {secret}
:ssl_client_dn_env: HTTP_SSL_CLIENT_S_DN
:ssl_client_verify_env: HTTP_SSL_CLIENT_VERIFY
:ssl_client_cert_env: HTTP_SSL_CLIENT_CERT
"#,
        domain = host.split_once('.').map_or("", |(_, domain)| domain),
    )
}

/// Katello's settings; `events`: whether this process runs the event daemon, of which there must be one.
fn katello(foreman: &Instance, events: bool) -> String {
    format!(
        r":katello:
  :rest_client_timeout: 3600
  :event_daemon:
    :enabled: {events}
  :candlepin:
    :url: https://{candlepin}:23443/candlepin
    :oauth_key: {CANDLEPIN_CONSUMER}
    :oauth_secret: {secret}
    :ca_cert_file: /etc/foreman/katello-default-ca.crt
  :pulp:
    :ca_cert_file: /etc/foreman/katello-default-ca.crt
",
        candlepin = foreman.address("candlepin"),
        secret = foreman.keys.candlepin,
    )
}

fn database_url(foreman: &Instance) -> String {
    let at = &foreman.keys.database;
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let ca = at.ca.as_ref().map_or("", |_| "&sslrootcert=/etc/foreman/db-ca.crt");
    format!(
        "postgresql://{}:{}@{}/{}?pool=9&sslmode={}{ca}",
        escape(&at.user),
        escape(&at.password),
        at.place(),
        escape(&at.name),
        at.ssl_mode.name()
    )
}

/// A Rails process: the only things that differ between them.
pub struct Process {
    /// Name of its container.
    pub name: &'static str,
    /// Its command, in `/usr/share/foreman`.
    pub command: Vec<String>,
    /// What it may use.
    pub resources: ResourceRequirements,
    /// Whether it runs Katello's event daemon.
    pub events: bool,
    /// Further variables.
    pub env: Vec<EnvVar>,
}

/// A pod with this one process.
pub fn pod(foreman: &Instance, process: Process) -> PodSpec {
    let settings = foreman.part("settings").name();
    let mut mounts = vec![
        mount_file("settings", "settings.yaml", "/etc/foreman/settings.yaml"),
        mount_file(
            "settings",
            "local_secret_token.rb",
            "/usr/share/foreman/config/initializers/local_secret_token.rb",
        ),
        mount_file("client-tls", "tls.crt", "/etc/foreman/client_cert.pem"),
        mount_file("client-tls", "tls.key", "/etc/foreman/client_key.pem"),
        mount_file("client-tls", "ca.crt", "/etc/foreman/katello-default-ca.crt"),
        mount("tmp", "/tmp"),
        mount("log", "/var/log/foreman"),
        mount("shared", "/var/run/foreman"),
    ];
    // What belongs to one process must not be seen by another: PID files of one pod name processes of another.
    for private in ["pids", "sockets", "cache", "prometheus"] {
        let path = format!("/var/run/foreman/{private}");
        mounts.push(VolumeMount { sub_path: Some(private.into()), ..mount("private", &path) });
    }
    let mut volumes = vec![
        secret_volume("settings", &settings),
        secret_volume("client-tls", &foreman.part("client-tls").name()),
        claim_volume("shared", &foreman.part("shared").name()),
        scratch("tmp"),
        scratch("log"),
        scratch("private"),
    ];
    if foreman.katello() {
        let file = if process.events { "katello-events.yaml" } else { "katello.yaml" };
        mounts.push(mount_file("settings", file, "/etc/foreman/plugins/katello.yaml"));
        mounts.push(mount_file(
            "settings",
            "worker-hosts-queue.yml",
            "/etc/foreman/dynflow/worker-hosts-queue.yml",
        ));
    }
    if let Some((secret, key)) = &foreman.keys.database.ca {
        volumes.push(secret_volume("database-ca", secret));
        mounts.push(mount_file("database-ca", key, "/etc/foreman/db-ca.crt"));
    }
    PodSpec {
        security_context: Some(user(USER)),
        containers: vec![Container {
            name: process.name.into(),
            image: Some(foreman.images.foreman.clone()),
            command: Some(
                ["bash", "-c", START, "bash"].into_iter().map(Into::into).chain(process.command).collect(),
            ),
            working_dir: Some("/usr/share/foreman".into()),
            env: Some([environment(foreman, &settings), process.env].concat()),
            resources: Some(process.resources),
            volume_mounts: Some(mounts),
            ..Default::default()
        }],
        volumes: Some(volumes),
        ..Default::default()
    }
}

fn environment(foreman: &Instance, settings: &str) -> Vec<EnvVar> {
    let encryption = foreman.part(names::ENCRYPTION).name();
    let admin = foreman.part(names::ADMIN).name();
    vec![
        env("RAILS_ENV", "production"),
        env("TMPDIR", "/tmp/private"),
        env("RAILS_LOG_TO_STDOUT", "true"),
        env("FOREMAN_LOGGING_LEVEL", "info"),
        env("FOREMAN_ENABLED_PLUGINS", foreman.gems.join(" ")),
        env("SEED_ORGANIZATION", "Default Organization"),
        env("SEED_LOCATION", "Default Location"),
        env_secret("SEED_ADMIN_USER", &admin, "username"),
        env_secret("SEED_ADMIN_PASSWORD", &admin, "password"),
        env_secret("ENCRYPTION_KEY", &encryption, "ENCRYPTION_KEY"),
        env_secret("SECRET_KEY_BASE", &encryption, "SECRET_KEY_BASE"),
        env_secret("DATABASE_URL", settings, "DATABASE_URL"),
        env_secret("DYNFLOW_REDIS_URL", settings, "DYNFLOW_REDIS_URL"),
        env("REDIS_PROVIDER", "DYNFLOW_REDIS_URL"),
    ]
}

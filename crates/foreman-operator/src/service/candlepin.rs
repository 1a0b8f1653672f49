//! Candlepin: subscriptions and client certificates, for Katello. One pod: it migrates its own database at start and keeps its
//! message broker to itself.

use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{every, http, mount, mount_file, scratch, secret_volume, tcp, user},
};

use super::{Instance, rails::CANDLEPIN_CONSUMER};
use crate::names;

/// The user `tomcat` of upstream's image.
const USER: i64 = 53;
const SERVER: &str = include_str!("candlepin/server.xml");
const LOGGING: &str = include_str!("candlepin/logging.properties");

/// Nothing without Katello. `still`: nobody may write, so there is no pod.
pub fn objects(foreman: &Instance, still: bool) -> Vec<Object> {
    if !foreman.katello() {
        return vec![];
    }
    let part = foreman.part("candlepin");
    let resources = Amounts::or(foreman.spec.resources.candlepin.as_ref(), ["100m", "512Mi"], ["2", "3Gi"]);
    let heap = reconcile::pod::memory(&resources) * 3 / 4;
    let files = [
        ("candlepin.conf", configuration(foreman)),
        ("server.xml", SERVER.into()),
        ("logging.properties", LOGGING.into()),
        (
            "tomcat.conf",
            format!(
                "JAVA_HOME=\"/usr/lib/jvm/jre-25\"\nJAVA_OPTS=\"-Xms256m -Xmx{heap}m -Dcom.redhat.fips=false --enable-native-access=ALL-UNNAMED\"\n"
            ),
        ),
    ];
    vec![
        foreman.part("candlepin-config").secret(files),
        part.service("ClusterIP", &[("https", 23443)]),
        part.deployment(i32::from(!still), Replace::OneAtATime, pod(foreman, resources)),
    ]
}

fn configuration(foreman: &Instance) -> String {
    let at = &foreman.keys.candlepin_database;
    let ca = at.ca.as_ref().map_or("", |_| "&sslrootcert=/etc/candlepin/certs/db-ca.crt");
    let url = format!("jdbc:postgresql://{}/{}?sslmode={}{ca}", at.place(), at.name, at.ssl_mode.name());
    let (url, user, password) = (property(&url), property(&at.user), property(&at.password));
    format!(
        "candlepin.consumer_system_name_pattern=.+
candlepin.environment_content_filtering=true
candlepin.auth.basic.enable=false
candlepin.auth.trusted.enable=false
candlepin.db.database_manage_on_startup=Manage
candlepin.auth.oauth.enable=true
candlepin.auth.oauth.consumer.{CANDLEPIN_CONSUMER}.secret={secret}
module.config.adapter_module=org.candlepin.katello.KatelloModule
candlepin.ca_key=/etc/candlepin/certs/candlepin-ca.key
candlepin.ca_cert=/etc/candlepin/certs/candlepin-ca.crt
candlepin.async.jobs.ExpiredPoolsCleanupJob.schedule=0 0 0 * * ?
jpa.config.hibernate.dialect=org.hibernate.dialect.PostgreSQLDialect
jpa.config.hibernate.hbm2ddl.auto=validate
jpa.config.hibernate.connection.driver_class=org.postgresql.Driver
jpa.config.hibernate.connection.url={url}
jpa.config.hibernate.connection.username={user}
jpa.config.hibernate.connection.password={password}
org.quartz.jobStore.misfireThreshold=60000
org.quartz.jobStore.useProperties=false
org.quartz.jobStore.dataSource=myDS
org.quartz.jobStore.tablePrefix=QRTZ_
org.quartz.jobStore.class=org.quartz.impl.jdbcjobstore.JobStoreTX
org.quartz.jobStore.driverDelegateClass=org.quartz.impl.jdbcjobstore.PostgreSQLDelegate
org.quartz.dataSource.myDS.driver=org.postgresql.Driver
org.quartz.dataSource.myDS.URL={url}
org.quartz.dataSource.myDS.user={user}
org.quartz.dataSource.myDS.password={password}
org.quartz.dataSource.myDS.maxConnections=5
",
        secret = foreman.keys.candlepin,
    )
}

/// A value of a Java properties file: what would end or change it is escaped.
fn property(value: &str) -> String {
    let mut escaped = String::new();
    for (place, unit) in value.encode_utf16().enumerate() {
        match char::from_u32(unit.into()) {
            Some('\\') => escaped.push_str("\\\\"),
            Some(' ') if place == 0 => escaped.push_str("\\ "),
            Some(character) if character.is_ascii_graphic() || character == ' ' => escaped.push(character),
            _ => escaped.extend(["\\u".to_owned(), format!("{unit:04x}")]),
        }
    }
    escaped
}

fn pod(foreman: &Instance, resources: k8s_openapi::api::core::v1::ResourceRequirements) -> PodSpec {
    let status = || http("HTTPS", "https", "/candlepin/status", &[]);
    let mut mounts = vec![
        mount_file("config", "candlepin.conf", "/etc/candlepin/candlepin.conf"),
        mount_file("config", "server.xml", "/etc/tomcat/server.xml"),
        mount_file("config", "tomcat.conf", "/etc/tomcat/tomcat.conf"),
        mount_file("config", "logging.properties", "/etc/tomcat/logging.properties"),
        mount_file("ca", "ca.crt", "/etc/candlepin/certs/candlepin-ca.crt"),
        mount_file("ca", "ca.key", "/etc/candlepin/certs/candlepin-ca.key"),
        mount_file("tls", "tls.crt", "/etc/candlepin/certs/tomcat.crt"),
        mount_file("tls", "tls.key", "/etc/candlepin/certs/tomcat.key"),
        mount("state", "/var/lib/candlepin"),
        mount("cache", "/var/cache/tomcat"),
        mount("log", "/var/log/tomcat"),
        mount("log-candlepin", "/var/log/candlepin"),
        mount("tmp", "/tmp"),
    ];
    let mut volumes = vec![
        secret_volume("config", &foreman.part("candlepin-config").name()),
        // Candlepin issues the identity certificates of hosts and so needs the authority's key; nothing else here does.
        secret_volume("ca", &foreman.part(names::CA).name()),
        secret_volume("tls", &foreman.part("candlepin-tls").name()),
        scratch("state"),
        scratch("cache"),
        scratch("log"),
        scratch("log-candlepin"),
        scratch("tmp"),
    ];
    if let Some((secret, key)) = &foreman.keys.candlepin_database.ca {
        volumes.push(secret_volume("database-ca", secret));
        mounts.push(mount_file("database-ca", key, "/etc/candlepin/certs/db-ca.crt"));
    }
    PodSpec {
        security_context: Some(user(USER)),
        termination_grace_period_seconds: Some(60),
        containers: vec![Container {
            name: "candlepin".into(),
            image: Some(foreman.images.candlepin.clone()),
            command: Some(["/usr/libexec/tomcat/server", "start"].map(Into::into).into()),
            ports: Some(vec![ContainerPort {
                name: Some("https".into()),
                container_port: 23443,
                ..Default::default()
            }]),
            resources: Some(resources),
            startup_probe: Some(every(status(), 5, 10, 60)),
            readiness_probe: Some(every(status(), 10, 10, 3)),
            // Its status asks the database; that one's absence is no reason to start it anew.
            liveness_probe: Some(every(tcp("https"), 15, 10, 8)),
            volume_mounts: Some(mounts),
            ..Default::default()
        }],
        volumes: Some(volumes),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::property;

    #[test]
    fn a_password_survives_a_properties_file() {
        assert_eq!(property(r#"pa\ss "w$=#!rd"#), r#"pa\\ss "w$=#!rd"#);
        assert_eq!(property(" ä\n"), "\\ \\u00e4\\u000a");
    }
}

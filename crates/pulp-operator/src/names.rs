//! Names of what is made once and never again, from the custom resource's name. Those of keys and volumes, and the keys in them,
//! are upstream's own, so that an instance of the pulp-operator can be taken over as it is.

/// Django's key.
pub const SECRET_KEY: &str = "secret-key";
/// The key of encrypted database fields.
pub const FIELDS: &str = "db-fields-encryption";
/// The administrator's password.
pub const ADMIN: &str = "admin-password";
/// What tokens of the container registry are signed with.
pub const CONTAINER: &str = "container-auth";
/// User of the embedded database.
pub const DATABASE: &str = "database";
/// Password of the cache.
pub const CACHE: &str = "cache";
/// Name of the HTTP header in which a trusted reverse proxy says who the user is.
pub const REMOTE_USER: &str = "remote-user";
/// The internal authority.
pub const CA: &str = "ca";
/// The web server's certificate, issued by it.
pub const CERTIFICATE: &str = "server-tls";
/// How the database is reached, in the words of libpq.
pub const LIBPQ: &str = "libpq";
/// Which bucket holds the artifacts and how it is reached, in the words of the contract.
pub const BUCKET: &str = "bucket";
/// The Job that keeps Pulp from deleting artifacts.
pub const HOLD: &str = "hold";
/// The volume for artifacts.
pub const STORAGE: &str = "file-storage";
/// What signs: scripts, and the Job that registers them.
pub const SIGNING: &str = "signing";
/// The Job that sees whether signing will work.
pub const SIGNING_TRIAL: &str = "signing-trial";
/// The Job that makes the checksums of artifacts those that are allowed.
pub const CHECKSUMS: &str = "checksums";
/// The Job that adds checksums, and removes none.
pub const CHECKSUMS_ADDED: &str = "checksums-added";
/// The `ConfigMap` by which a reverse proxy of somebody else's says that it stands in front of this Pulp: key `url`.
pub const FRONT: &str = "front";

/// Names of all Secrets that may be drawn, and of the certificate that shows that an authority was.
pub fn generated(pulp: &str) -> Vec<String> {
    [SECRET_KEY, FIELDS, ADMIN, CONTAINER, DATABASE, CACHE, REMOTE_USER, CA, CERTIFICATE]
        .map(|part| of(pulp, part))
        .into()
}

/// Name of a part of an instance.
pub fn of(pulp: &str, part: &str) -> String {
    format!("{pulp}-{part}")
}

/// Parts that may go on while nothing is written; what holds deletion is looked at by itself.
pub const HARMLESS: [&str; 4] = ["database", "cache", "web", HOLD];

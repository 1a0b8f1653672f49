//! Names of what is made once and never again, from the custom resource's name.

/// Encryption key and the key of sessions.
pub const ENCRYPTION: &str = "encryption";
/// The administrator.
pub const ADMIN: &str = "admin";
/// Key and secret that Smart Proxies sign their requests with.
pub const OAUTH: &str = "oauth";
/// The internal authority.
pub const CA: &str = "ca";
/// Password of the job queue.
pub const QUEUE: &str = "queue";
/// Foreman's user of the embedded database.
pub const DATABASE: &str = "database";
/// Candlepin's user of the embedded database.
pub const DATABASE_CANDLEPIN: &str = "database-candlepin";
/// What Foreman signs its requests to Candlepin with.
pub const CANDLEPIN: &str = "candlepin";
/// How Foreman's database is reached, in the words of libpq.
pub const LIBPQ: &str = "libpq";
/// The same of Candlepin's.
pub const LIBPQ_CANDLEPIN: &str = "libpq-candlepin";

/// Names of all that are made once.
pub fn generated(foreman: &str) -> Vec<String> {
    [ENCRYPTION, ADMIN, OAUTH, CA, QUEUE, DATABASE, DATABASE_CANDLEPIN, CANDLEPIN]
        .map(|part| format!("{foreman}-{part}"))
        .into()
}

/// Parts that run in the background.
pub const BACKGROUND: [&str; 6] =
    ["worker", "worker-hosts-queue", "cron-hourly", "cron-daily", "cron-weekly", "cron-monthly"];
/// Parts that may go on while nothing is written.
pub const HARMLESS: [&str; 3] = ["database", "queue", "proxy"];

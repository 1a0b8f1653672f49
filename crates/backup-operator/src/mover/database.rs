//! A database as `libpq` reaches it: everything goes through `PostgreSQL`'s own programs, so that whatever a Secret may say of TLS and
//! authentication means the same for the look at a snapshot as for the dump of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

/// How long a server that cannot be reached is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// Keys of the Secret, and the variables that `libpq` reads them from.
const KEYS: [(&str, &str); 6] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("sslmode", "PGSSLMODE"),
];

/// What is wrong with a database, in the words of `PostgreSQL`'s programs where there are some.
#[derive(Debug, thiserror::Error)]
#[error("database {name}: {why}")]
pub struct Error {
    name: String,
    why: String,
}

/// How a database is reached.
#[derive(Clone, Debug)]
pub struct Database {
    /// Which of the service's databases.
    pub name: String,
    environment: Vec<(&'static str, String)>,
}

impl Database {
    /// From a mounted Secret with libpq's keys.
    pub fn mounted(name: &str, folder: &Path) -> Result<Self, Error> {
        let error = |why: String| Error { name: name.to_owned(), why };
        let mut environment = vec![
            ("PGCONNECT_TIMEOUT", "20".to_owned()),
            ("PGAPPNAME", "theforeman-backup".to_owned()),
            // A server whose node is lost says nothing more: without these it would be waited for for hours.
            (
                "PGOPTIONS",
                "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0 -c lock_timeout=60s"
                    .to_owned(),
            ),
        ];
        for (key, variable) in KEYS {
            if let Ok(value) = fs::read_to_string(folder.join(key)) {
                environment.push((variable, value));
            } else if matches!(key, "host" | "dbname" | "user") {
                return Err(error(format!("its Secret has no key {key}")));
            }
        }
        let authority: PathBuf = folder.join("sslrootcert");
        if authority.exists() {
            environment.push(("PGSSLROOTCERT", authority.display().to_string()));
        }
        Ok(Self { name: name.to_owned(), environment })
    }

    /// One of `PostgreSQL`'s programs, for this database.
    pub fn program(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.envs(self.environment.iter().map(|(key, value)| (*key, value)));
        command
    }

    /// An error about this database.
    pub fn error(&self, why: impl Into<String>) -> Error {
        Error { name: self.name.clone(), why: why.into() }
    }

    /// The major version of the server's dump program must not be older than the server.
    pub async fn dumpable(&self, session: &mut Session) -> Result<(), Error> {
        let server: u32 = session
            .ask("SELECT current_setting('server_version_num')::int / 10000")
            .await?
            .parse()
            .map_err(|_| self.error("its server does not say its version"))?;
        let output =
            Command::from(self.program("pg_dump")).arg("--version").output().await.map_err(|error| {
                self.error(format!("cannot run pg_dump: {error}; is it in the mover's image?"))
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let ours = text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
        match ours {
            Some(ours) if ours >= server => Ok(()),
            Some(ours) => Err(self.error(format!(
                "its server is PostgreSQL {server}, and the mover's pg_dump is of {ours}; set images.mover to an image with PostgreSQL {server} or newer"
            ))),
            None => Err(self.error(format!("pg_dump does not say its version but: {}", text.trim()))),
        }
    }
}

/// Whether a connection may be had later; a refused login will not.
fn passing(why: &str) -> bool {
    !["authentication failed", "does not exist", "no pg_hba.conf entry", "certificate", "SSL"]
        .iter()
        .any(|lasting| why.contains(lasting))
}

/// An open connection, by `psql`.
pub struct Session {
    name: String,
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
}

impl Session {
    /// Connects; what may pass, such as a server or a name service that restarts, is waited for.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let begun = Instant::now();
        loop {
            match Self::attempt(database).await {
                Err(error) if passing(&error.why) && begun.elapsed() < PATIENCE => {
                    tracing::warn!(%error, "trying again");
                    tokio::time::sleep(AGAIN).await;
                }
                other => return other,
            }
        }
    }

    async fn attempt(database: &Database) -> Result<Self, Error> {
        let mut command = Command::from(database.program("psql"));
        command
            .args([
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--field-separator=\t",
                "--no-password",
            ])
            .arg("--set=ON_ERROR_STOP=1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| database.error(format!("cannot run psql: {error}")))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(database.error("psql has no pipes"));
        };
        let lines = BufReader::new(output).lines();
        let mut session = Self { name: database.name.clone(), child, input, lines, errors };
        session.ask("SELECT 1").await?;
        Ok(session)
    }

    /// Asks for one line.
    pub async fn ask(&mut self, sql: &str) -> Result<String, Error> {
        self.send(&format!("{sql};\n")).await?;
        match self.lines.next_line().await {
            Ok(Some(line)) => Ok(line),
            _ => Err(self.broken().await),
        }
    }

    /// Does something that gives no lines.
    pub async fn tell(&mut self, sql: &str) -> Result<(), Error> {
        self.send(&format!("{sql};\n")).await?;
        self.ask("SELECT 1").await.map(drop)
    }

    /// Calls with every row of a query, as it comes: fields with tabs between them, in the form of `COPY`.
    pub async fn rows(
        &mut self,
        sql: &str,
        mut each: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<(), Error> {
        // No row is like it: rows have tabs in them.
        const END: &str = "theforeman-backup-end";
        self.send(&format!("COPY ({sql}) TO STDOUT;\n\\echo {END}\n")).await?;
        loop {
            match self.lines.next_line().await {
                Ok(Some(line)) if line == END => return Ok(()),
                Ok(Some(line)) => each(&line).map_err(|why| Error { name: self.name.clone(), why })?,
                _ => return Err(self.broken().await),
            }
        }
    }

    async fn send(&mut self, text: &str) -> Result<(), Error> {
        let sent = async {
            self.input.write_all(text.as_bytes()).await?;
            self.input.flush().await
        };
        match sent.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.broken().await),
        }
    }

    /// What psql said before it ended.
    async fn broken(&mut self) -> Error {
        let _ = self.child.start_kill();
        let mut said = Vec::new();
        let _ = (&mut self.errors).take(4096).read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
        let why = if said.is_empty() { "the connection is lost".to_owned() } else { said };
        Error { name: self.name.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::passing;

    #[test]
    fn a_server_that_is_away_is_waited_for_and_a_refused_login_is_not() {
        for why in [
            "psql: error: could not translate host name \"db\" to address: Temporary failure in name resolution",
            "psql: error: connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection refused",
            "psql: error: connection to server failed: FATAL: the database system is starting up",
        ] {
            assert!(passing(why), "{why}");
        }
        for why in [
            "FATAL: password authentication failed for user \"pulp\"",
            "FATAL: database \"pulp\" does not exist",
            "SSL error: certificate verify failed",
        ] {
            assert!(!passing(why), "{why}");
        }
    }
}

//! Writers that touch Foreman's, Candlepin's and Pulp's databases in turn: where a backup is not one instant, a later database shows a step that
//! an earlier one lacks.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::DeleteParams};
use serde_json::json;

use crate::{LONG, PulpStory, Story, cluster, wait};

/// How many write at the same time.
const WRITERS: i64 = 4;
/// Its databases, in the order in which each writer writes to them.
const DATABASES: [&str; 3] = ["foreman", "candlepin", "pulp"];

const WRITE: &str = r#"
set -euo pipefail
write() { # WRITER: one connection per database, for as long as they last
  local -A in out
  local database fd said idle begin k=0 next=${EPOCHREALTIME/./}
  mkfifo /tmp/idle-$1
  exec {idle}<>/tmp/idle-$1
  for database in foreman candlepin pulp; do
    mkfifo /tmp/in-$1-$database /tmp/out-$1-$database
    connect $database psql -qAtX </tmp/in-$1-$database >/tmp/out-$1-$database &
    exec {fd}>/tmp/in-$1-$database; in[$database]=$fd
    exec {fd}</tmp/out-$1-$database; out[$database]=$fd
  done
  while :; do
    k=$((k + 1))
    for database in foreman candlepin pulp; do
      begin=${EPOCHREALTIME/./}
      echo "update chain.chain set k = $k where w = $1; select $k;" >&${in[$database]}
      read -r said <&${out[$database]}
      [ "$said" = $k ]
      [ -z "$PAUSE" ] || echo "$begin $((${EPOCHREALTIME/./} - begin))" >>/tmp/took-$1
    done
    echo $k >/tmp/written-$1
    [ -n "$PAUSE" ] || continue
    # Each round has its time; what is late is not made up for.
    next=$((next + PAUSE > ${EPOCHREALTIME/./} ? next + PAUSE : ${EPOCHREALTIME/./}))
    begin=$((next - ${EPOCHREALTIME/./}))
    [ $begin -le 0 ] || read -rt $((begin / 1000000)).$(printf %06d $((begin % 1000000))) -u $idle || true
  done
}
connect() { # DATABASE COMMAND...
  local at=/libpq/$1; shift
  PGHOST=$(<$at/host) PGPORT=$(<$at/port) PGUSER=$(<$at/user) PGPASSWORD=$(<$at/password) PGDATABASE=$(<$at/dbname) \
    PGSSLMODE=$(cat $at/sslmode 2>/dev/null || echo prefer) PGSSLROOTCERT=$at/sslrootcert "$@"
}
for database in foreman candlepin pulp; do
  connect $database psql -qX -c 'create schema if not exists chain' \
    -c 'create table if not exists chain.chain(w int primary key, k bigint not null)' \
    -c 'insert into chain.chain select w, 0 from generate_series(1, 4) w on conflict do nothing'
done
for writer in 1 2 3 4; do write $writer & done
touch /tmp/ready
wait
"#;

/// Writers at work.
pub struct Writers<'a>(&'a Story);

impl<'a> Writers<'a> {
    /// Starts them beside the databases; they write as fast as they can.
    pub async fn start(foreman: &'a Story, pulp: &PulpStory) -> Self {
        Self::begin(foreman, pulp, String::new()).await
    }

    /// The same, with so many commits a second together, of which each is timed.
    pub async fn start_at(foreman: &'a Story, pulp: &PulpStory, commits: i64) -> Self {
        let databases = i64::try_from(DATABASES.len()).unwrap_or(1);
        let round = WRITERS * databases * 1_000_000 / commits;
        Self::begin(foreman, pulp, round.to_string()).await
    }

    async fn begin(foreman: &'a Story, pulp: &PulpStory, pause: String) -> Self {
        let secret = |name: String| json!({ "secret": { "secretName": name, "defaultMode": 0o440 } });
        let volumes = [
            ("/libpq/foreman", secret(format!("{}-libpq", foreman.name))),
            ("/libpq/candlepin", secret(format!("{}-libpq-candlepin", foreman.name))),
            ("/libpq/pulp", secret(format!("{}-libpq", pulp.name))),
            ("/tmp", json!({ "emptyDir": {} })),
        ];
        let container = json!({ "image": cluster::image("postgresql"), "command": ["bash", "-c", WRITE],
            "env": [{ "name": "PAUSE", "value": pause }],
            "readinessProbe": { "exec": { "command": ["test", "-e", "/tmp/ready"] }, "periodSeconds": 1 } });
        foreman.bystander("writers", 26, 5432, container, &volumes).await;
        let writers = Self(foreman);
        wait(LONG, "every writer writes", async || match writers.written().await {
            written if written >= 10 * WRITERS => Ok(()),
            written => Err(format!("{written} rounds")),
        })
        .await;
        writers
    }

    /// Rounds over all databases so far, of all writers.
    pub async fn written(&self) -> i64 {
        let said = self.0.exec("writers", &["bash", "-c", "cat /tmp/written-* 2>/dev/null || true"]).await;
        said.lines().filter_map(|line| line.trim().parse::<i64>().ok()).sum()
    }

    /// What each commit took so far: when it began and how long it lasted (µs, since 1970 and in all).
    pub async fn took(&self) -> Vec<(i64, i64)> {
        let said = self.0.exec("writers", &["bash", "-c", "cat /tmp/took-*"]).await;
        let pair = |line: &str| {
            let (begin, took) = line.trim().split_once(' ')?;
            Some((begin.parse().ok()?, took.parse().ok()?))
        };
        said.lines().filter_map(pair).collect()
    }

    /// Ends them.
    pub async fn end(self) {
        let pods: Api<Pod> = self.0.api();
        let now = DeleteParams::default().grace_period(0);
        pods.delete("writers", &now).await.expect("the writers end");
        wait(LONG, "the writers have ended", async || {
            let there = pods.get_opt("writers").await.map_err(|error| error.to_string())?;
            there.map_or(Ok(()), |_| Err("they are still there".into()))
        })
        .await;
    }

    /// Looks at what was restored into the databases that these instances have for themselves.
    pub async fn unbroken(foreman: &Story, pulp: &PulpStory) {
        Self::unbroken_in(async |database, query| match database {
            "pulp" => pulp.psql(database, query).await,
            other => foreman.psql(other, query).await,
        })
        .await;
    }

    /// Looks at what was restored, by a way to ask a database: no writer is further in a later one than in an earlier one, nor more than the one
    /// step behind that it was at.
    pub async fn unbroken_in(ask: impl AsyncFn(&str, &str) -> String) {
        let mut steps = Vec::new();
        for database in DATABASES {
            let rows = ask(database, "select k from chain.chain order by w").await;
            steps.push(rows.lines().map(|row| row.parse().expect("a number")).collect::<Vec<i64>>());
        }
        println!("steps of the writers: {steps:?}");
        for (writer, first) in steps[0].iter().enumerate() {
            let (second, third) = (steps[1][writer], steps[2][writer]);
            assert!(*first > 0, "it has written: {steps:?}");
            assert!(
                *first >= second && second >= third && first - third <= 1,
                "writer {}: {steps:?}",
                writer + 1
            );
        }
    }
}

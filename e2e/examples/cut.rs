//! Measures what a backup costs those who write meanwhile: how often it has to look until it finds one instant, and how long commits take beside it
//! and without it. Prints the rows of a table in Markdown.
//!
//! `e2e/bench/run backup-operator` runs it on a cluster with the operators.

use std::time::Duration;

use e2e::{
    FOREMAN, PulpStory, Story,
    backup::{delete, ended, state, storage},
    content::file,
    pulp::light,
    store::{Kind, Store},
    writers::Writers,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Commits a second that are asked for; two cores may reach less than the last.
const RATES: [i64; 3] = [100, 500, 2000];
/// Backups at each of them.
const RUNS: usize = 3;
/// How long they are watched without one.
const CALM: Duration = Duration::from_secs(10);

/// Median, 99th percentile and longest of times, in ms.
fn spread(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 1000).min(times.len().saturating_sub(1)));
    let milliseconds =
        |time: &i64| format!("{:.1}", SignedDuration::from_micros(*time).as_secs_f64() * 1000.);
    let words = [500, 990, 1000].map(|part| at(part).map_or_else(|| "-".into(), milliseconds));
    words.join(" / ")
}

fn microseconds(time: &Value) -> i64 {
    time.as_str().and_then(|time| time.parse::<Timestamp>().ok()).expect("a time").as_microsecond()
}

#[tokio::main]
async fn main() {
    let bank = PulpStory::new("figures-bank").await;
    let store = Store::start(&bank, Kind::S3).await;
    let (client, name) = (bank.client.clone(), bank.namespace.clone());
    storage(&store, &client, &name).await;
    let foreman = Story::new("figures").await;
    let pulp = PulpStory::ungranted(&foreman.namespace).await;
    pulp.grant().await;
    foreman.grant_backups().await;
    foreman.create(FOREMAN).await.expect("the API server takes the manifest");
    pulp.state(&light("storage: {file: {size: 2Gi}}")).await;
    pulp.ready().await;
    foreman.ready().await;
    file(&pulp.admin().await).await;
    let instances = json!({ "names": [foreman.reference(), pulp.reference()] });
    for rate in RATES {
        let writers = Writers::start_at(&foreman, &pulp, rate).await;
        let begun = Timestamp::now().as_microsecond();
        tokio::time::sleep(CALM).await; // what is measured is that nothing happens for so long
        let calm = begun..Timestamp::now().as_microsecond();
        let (mut tries, mut lasted, mut busy, mut paused) = (vec![], vec![], vec![], false);
        for run in 0..RUNS {
            let backup = format!("{name}-{rate}-{run}");
            state(&client, "Backup", &backup, json!({ "storage": { "name": name }, "instances": instances }))
                .await;
            let status = ended(&client, "Backup", &backup, "Completed").await;
            tries.push(status["cut"]["tries"].to_string());
            lasted.push(status["cut"]["milliseconds"].to_string());
            paused |= status["cut"]["workersPaused"] == true;
            busy.push(microseconds(&status["startedAt"])..microseconds(&status["endedAt"]));
            delete(&client, "Backup", &backup).await;
        }
        let took = writers.took().await;
        writers.end().await;
        let within = |spans: &[std::ops::Range<i64>]| {
            let inside = took.iter().filter(|(begun, _)| spans.iter().any(|span| span.contains(begun)));
            inside.map(|(_, took)| *took).collect::<Vec<_>>()
        };
        let (without, beside) = (within(std::slice::from_ref(&calm)), within(&busy));
        let reached = f64::from(u32::try_from(without.len()).unwrap_or(u32::MAX)) / CALM.as_secs_f64();
        println!(
            "| {reached:.0} | {} | {} | {} | {} | {} |",
            tries.join(", "),
            lasted.join(", "),
            if paused { "yes" } else { "no" },
            spread(without),
            spread(beside)
        );
    }
    delete(&client, "BackupStorage", &name).await;
}

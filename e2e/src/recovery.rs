//! Whether a Pulp is whole again after something went wrong, and what that took.

use std::time::Instant;

use reqwest::StatusCode;
use serde_json::Value;

use crate::{LONG, PulpStory, content, pods::Pods, wait};

impl PulpStory {
    /// Waits until Pulp has all that it needs, as many workers among it, and the instance is Ready.
    pub async fn whole(&self, workers: usize) {
        let visitor = self.visitor().await;
        wait(LONG, "Pulp has all it needs", async || {
            let (status, text) = visitor.try_get("/pulp/api/v3/status/").await?;
            let told: Value = serde_json::from_str(&text).map_err(|_| format!("{status}: {text}"))?;
            let online = |what: &str| told[what].as_array().map_or(0, Vec::len);
            let connected = |what: &str| told[what]["connected"] == true;
            let whole = connected("database_connection")
                && connected("redis_connection")
                && online("online_workers") >= workers
                && online("online_content_apps") > 0;
            if status == StatusCode::OK && whole { Ok(()) } else { Err(told.to_string()) }
        })
        .await;
        self.ready().await;
    }

    /// Waits until it is whole, says how long that took and how often containers were started anew, which must not be more often than
    /// `most`, and lets Pulp work.
    pub async fn recovers(&self, before: &Pods, most: i32) -> Pods {
        let start = Instant::now();
        self.whole(before.of("worker").len()).await;
        let now = self.settled().await;
        println!("whole again after {:.0?}", start.elapsed());
        for pod in &now.0 {
            let earlier = before.0.iter().find(|old| old.uid == pod.uid).map_or(0, |old| old.restarts);
            println!("    {}: started anew {} times", pod.name, pod.restarts - earlier);
            assert!(pod.restarts - earlier <= most, "{pod:?}");
        }
        let made = content::file(&self.admin().await).await;
        content::arrive(&self.visitor().await, &made).await;
        now
    }
}

//! Processes of pods: the nodes of the cluster are on this machine, and a process's cgroup carries its pod's uid.

use std::fs;

use tokio::process::Command;

/// Ids of a pod's processes whose command line has these words in it.
pub fn processes(uid: &str, words: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mine = |id: &String| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        read("cgroup").contains(uid) && read("cmdline").contains(words)
    };
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())).filter(mine).collect()
}

/// Sends all of them a signal (`KILL`, `STOP`, `CONT`); one that has ended meanwhile needs none.
pub async fn signal(name: &str, ids: &[String]) {
    for id in ids {
        let _ = Command::new("kill").args([&format!("-{name}"), id]).status().await;
    }
}

/// Processes that stand still until this goes, whatever else happens: nothing is left standing by a story that fails.
pub struct Standstill(Vec<String>);

impl Standstill {
    /// Stops them.
    pub async fn of(ids: Vec<String>) -> Self {
        signal("STOP", &ids).await;
        Self(ids)
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        for id in &self.0 {
            let _ = std::process::Command::new("kill").args(["-CONT", id]).status();
        }
    }
}

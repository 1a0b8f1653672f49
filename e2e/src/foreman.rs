//! What only stories of a Foreman need.

use foreman_operator::Foreman;
use reqwest::{Identity, Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    LONG, Visitor,
    http::sent,
    story::{Life, Served},
    wait,
};

/// The first manifest of the README, in whatever namespace the story has.
pub const FOREMAN: &str = r#"
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: "myforeman"
spec:
  dynflow_workers: 2
  plugins:
    katello: true
    remote_execution: true
"#;

/// The smallest Foreman: no plugins, and so neither workers nor Candlepin.
pub const SMALL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata: {name: myforeman}
spec: {plugins: {}}
";

/// A namespace with a Foreman in it.
pub type Story = Life<Foreman>;

impl Served for Foreman {
    const ADMIN: &'static str = "admin";
    const STAGES: &'static [&'static str] = &[
        "Secrets",
        "Database",
        "Queue",
        "Migrate",
        "Candlepin",
        "Workers",
        "Web",
        "Proxy",
        "Recurring",
        "Ready",
    ];
}

impl Story {
    /// [`FOREMAN`], Ready, for all stories that leave it as they found it.
    pub async fn shared() -> Self {
        Self::shared_as(FOREMAN).await
    }

    /// The Foreman as it is now.
    pub async fn foreman(&self) -> Option<Foreman> {
        self.now().await
    }

    /// How often Foreman's database was migrated; runs that failed count.
    pub async fn migrations(&self) -> String {
        self.psql("foreman", "SELECT count(*) FROM migration_runs").await
    }

    /// The certificate that Foreman shows to other services.
    pub async fn identity(&self) -> Identity {
        let pem = self.secret("client-tls", "tls.key").await + &self.secret("client-tls", "tls.crt").await;
        Identity::from_pem(pem.as_bytes()).expect("a certificate with its key")
    }
}

impl Visitor {
    /// Fills in the form of the login page, as a browser does; the session is kept.
    pub async fn login(&self, user: &str, password: &str) -> StatusCode {
        let (_, page) = self.get("/users/login").await;
        let token = page.split_once("name=\"authenticity_token\" value=\"").expect("a form with a token").1;
        let token = token.split_once('"').expect("a token").0;
        let form = [("authenticity_token", token), ("login[login]", user), ("login[password]", password)];
        let pairs = form.map(|(key, value)| format!("{}={}", escape(key), escape(value)));
        let request = self.request(Method::POST, "/users/login").body(pairs.join("&"));
        sent(request.header("content-type", "application/x-www-form-urlencoded")).await.status()
    }

    /// Enqueues a job as the administrator and waits until its task has ended; returns the task.
    pub async fn job(&self, command: &str) -> Value {
        let templates = self.json("/api/v2/job_templates").await;
        let body = json!({ "job_invocation": {
            "job_template_id": templates["results"][0]["id"], "targeting_type": "static_query",
            "search_query": "name = localhost", "inputs": { "command": command } } });
        let invocation = self.post("/api/v2/job_invocations", &body).await;
        let path = format!("/foreman_tasks/api/tasks/{}", invocation["task"]["id"].as_str().expect("a task"));
        wait(LONG, "the task has ended", async || {
            let task = self.json(&path).await;
            if task["state"] == "stopped" { Ok(task) } else { Err(task.to_string()) }
        })
        .await
    }
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

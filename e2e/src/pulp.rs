//! What only stories of a Pulp need.

use pulp_operator::Pulp;
use reqwest::{Method, RequestBuilder, Response, StatusCode, multipart};
use serde_json::Value;

use crate::{
    LONG, SHORT, Visitor,
    http::sent,
    story::{Life, Served},
    wait,
};

/// The smallest Pulp: all plugins of its image, artifacts on a volume.
pub const PULP: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata: {name: mypulp}
spec: {storage: {file: {size: 2Gi}}}
";

/// The spec of a Pulp that installs fast and needs little memory, with these fields besides.
pub fn light(fields: &str) -> String {
    format!(
        "{{plugins: [pulp_certguard], api: {{processes: 1}}, content: {{processes: 1}}, worker: {{replicas: 1}}, {fields}}}"
    )
}

/// Fields with which Pulp finds sooner that a worker is gone. It looks after 10 to 100 beats of a worker, each a third of this time: with
/// what is usual, 30 s, up to 17 minutes.
pub const ALERT: &str = "settings: {WORKER_TTL: 15}";

/// A namespace with a Pulp in it.
pub type PulpStory = Life<Pulp>;

impl Served for Pulp {
    const ADMIN: &'static str = "admin-password";
    const STAGES: &'static [&'static str] = &[
        "Secrets",
        "Database",
        "Cache",
        "Settings",
        "Storage",
        "Migrate",
        "Admin",
        "Checksums",
        "Signing",
        "Content",
        "Api",
        "Workers",
        "Web",
        "Exposure",
        "Maintenance",
        "Metrics",
        "Ready",
    ];
}

impl PulpStory {
    /// [`PULP`], Ready, for all stories that leave it as they found it.
    pub async fn shared() -> Self {
        Self::shared_as(PULP).await
    }

    /// Waits until it is Ready and answers: after an outage, nodes learn of new pods a moment after its operator does.
    pub async fn serves(&self) {
        self.ready().await;
        let visitor = self.visitor().await;
        wait(SHORT, &format!("{}/{} answers", self.namespace, self.name), async || {
            let (status, text) = visitor.try_get("/pulp/api/v3/status/").await?;
            if status == StatusCode::OK { Ok(()) } else { Err(format!("{status}: {text}")) }
        })
        .await;
    }

    /// Lets nobody write into this table until something else is done: tasks that do wait that long.
    pub async fn held<T>(&self, table: &str, meanwhile: impl Future<Output = T>) -> T {
        let end = "story_goes_on";
        // The catalog itself is asked: what `to_regclass` remembers is not told of a new table as long as nothing is locked.
        let hold = format!(
            "DO $$ BEGIN LOCK TABLE {table} IN SHARE MODE; \
             WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = '{end}') LOOP PERFORM pg_sleep(0.2); END LOOP; END $$"
        );
        let others = async {
            self.locked(table).await;
            let done = meanwhile.await;
            self.psql("pulp", &format!("CREATE TABLE {end} ()")).await;
            done
        };
        let (_, done) = tokio::join!(self.psql("pulp", &hold), others);
        self.psql("pulp", &format!("DROP TABLE {end}")).await;
        done
    }

    /// Waits until nobody may write into this table.
    pub async fn locked(&self, table: &str) {
        let of_it = format!("pg_locks WHERE relation = '{table}'::regclass AND mode = 'ShareLock'");
        self.counted(&of_it, "1").await;
    }

    /// Waits until so many tasks are at work.
    pub async fn at_work(&self, wanted: usize) {
        self.counted("core_task WHERE state = 'running'", &wanted.to_string()).await;
    }

    /// Waits until there are so many rows.
    pub async fn counted(&self, rows: &str, wanted: &str) {
        wait(LONG, rows, async || {
            let found = self.psql("pulp", &format!("SELECT count(*) FROM {rows}")).await;
            if found == wanted { Ok(()) } else { Err(format!("{found} of them")) }
        })
        .await;
    }
}

/// Pulp's REST API.
impl Visitor {
    /// Asks for a change; the task that is to make it.
    pub async fn order(&self, method: Method, path: &str, body: &Value) -> String {
        let answer = sent(self.request(method, path).json(body)).await;
        let text = answer.text().await.expect("text");
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        answer["task"].as_str().unwrap_or_else(|| panic!("{path}: no task: {text}")).to_owned()
    }

    /// Waits until a task has ended, and returns what Pulp tells of it.
    pub async fn ended(&self, task: &str) -> Value {
        wait(LONG, &format!("task {task} has ended"), async || {
            let (status, text) = self.try_get(task).await?;
            let told: Value = serde_json::from_str(&text).map_err(|_| format!("{status}: {text}"))?;
            let ends = ["completed", "failed", "canceled", "skipped"];
            if ends.iter().any(|end| told["state"] == *end) {
                Ok(told)
            } else {
                Err(told["state"].to_string())
            }
        })
        .await
    }

    /// Asks for a change and waits until it is made; what was answered, or the task that made it.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Value {
        self.done(self.request(method, path).json(body)).await
    }

    /// Makes something that has an address of its own, and returns that.
    pub async fn make(&self, path: &str, body: &Value) -> String {
        let made = self.change(Method::POST, path, body).await;
        let address = made["created_resources"][0].as_str().or(made["pulp_href"].as_str());
        address.unwrap_or_else(|| panic!("{path}: nothing was made: {made}")).to_owned()
    }

    /// Uploads a file of this name as content, with further fields, and waits until Pulp has it.
    pub async fn upload(&self, path: &str, name: &str, bytes: Vec<u8>, fields: &[(&str, &str)]) -> Value {
        let file = multipart::Part::bytes(bytes).file_name(name.to_owned());
        let mut form = multipart::Form::new().part("file", file);
        for (key, value) in fields {
            form = form.text((*key).to_owned(), (*value).to_owned());
        }
        self.done(self.request(Method::POST, path).multipart(form)).await
    }

    /// Downloads a path or URL, wherever that leads; a registry of images first hands out a token, as to everybody.
    pub async fn download(&self, path: &str) -> Vec<u8> {
        let mut next = path.to_owned();
        for _ in 0..5 {
            let mut answer = sent(self.request(Method::GET, &next)).await;
            if answer.status() == StatusCode::UNAUTHORIZED {
                let token = self.token(&answer).await;
                answer = sent(self.request(Method::GET, &next).bearer_auth(token)).await;
            }
            if !answer.status().is_redirection() {
                assert_eq!(answer.status(), StatusCode::OK, "{next}");
                return answer.bytes().await.unwrap_or_else(|error| panic!("{next}: {error}")).into();
            }
            let location = answer.headers().get("location").expect("where it leads");
            next = location.to_str().expect("a URL").to_owned();
        }
        panic!("{path} leads on and on, at last to {next}");
    }

    /// The token that a registry of images asks for in this answer.
    pub async fn token(&self, refusal: &Response) -> String {
        assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED, "{}", refusal.url());
        let challenge = refusal.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
        let challenge = challenge.unwrap_or_default();
        let part = |key: &str| {
            let rest = challenge.split_once(&format!("{key}=\"")).map(|(_, rest)| rest);
            rest.and_then(|rest| rest.split_once('"')).unwrap_or_else(|| panic!("no {key} in {challenge}")).0
        };
        let (server, service, scope) = (part("realm"), part("service"), part("scope"));
        let answer = self.json(&format!("{server}?service={service}&scope={scope}")).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    async fn done(&self, request: RequestBuilder) -> Value {
        let answer = sent(request).await;
        let (url, status) = (answer.url().clone(), answer.status());
        let text = answer.text().await.expect("text");
        assert!(status.is_success(), "{url}: {status}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(task) = answer["task"].as_str() else { return answer };
        let ended = self.ended(task).await;
        assert_eq!(ended["state"], "completed", "{url}: {ended}");
        ended
    }
}

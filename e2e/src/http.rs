//! Foreman as its users reach it: through the reverse proxy, by name, over TLS that is checked with the instance's own authority.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Service;
use kube::Api;
use reqwest::{Certificate, Client, ClientBuilder, Identity, StatusCode, redirect::Policy};
use serde_json::{Value, json};

use crate::{LONG, Story, wait};

/// Somebody who uses Foreman; with cookies, and an own connection for each request.
#[derive(Clone, Debug)]
pub struct Visitor {
    http: Client,
    base: String,
    password: Option<String>,
}

impl Story {
    /// Somebody who has not logged in.
    pub async fn visitor(&self) -> Visitor {
        self.visitor_of("", 443, |builder| builder).await
    }

    /// The administrator, who sends name and password with each request.
    pub async fn admin(&self) -> Visitor {
        Visitor { password: Some(self.secret("admin", "password").await), ..self.visitor().await }
    }

    /// Somebody who reaches one of the instance's Services at a port; `""` is the reverse proxy. The Services' addresses can be reached from
    /// the machine that the tests run on.
    pub async fn visitor_of(
        &self,
        service: &str,
        port: u16,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Visitor {
        let name = if service.is_empty() { self.name.clone() } else { format!("{}-{service}", self.name) };
        let services: Api<Service> = self.api();
        let spec = services.get(&name).await.unwrap_or_else(|error| panic!("Service {name}: {error}")).spec;
        let address: IpAddr =
            spec.and_then(|spec| spec.cluster_ip).unwrap_or_default().parse().expect("an address");
        let host = format!("{name}.{}.svc", self.namespace);
        let authority = self.secret("server-tls", "ca.crt").await;
        let builder = Client::builder()
            .no_proxy()
            .cookie_store(true)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(std::time::Duration::from_mins(1))
            .tls_certs_only([Certificate::from_pem(authority.as_bytes()).expect("a certificate")])
            .resolve(&host, SocketAddr::new(address, port));
        let http = change(builder).build().expect("an HTTP client");
        Visitor { http, base: format!("https://{host}:{port}"), password: None }
    }

    /// The certificate that Foreman shows to other services.
    pub async fn identity(&self) -> Identity {
        let pem = self.secret("client-tls", "tls.key").await + &self.secret("client-tls", "tls.crt").await;
        Identity::from_pem(pem.as_bytes()).expect("a certificate with its key")
    }
}

/// A certificate for clients that nobody here knows the issuer of.
pub fn stranger() -> Identity {
    let made = rcgen::generate_simple_self_signed(["stranger".to_owned()]).expect("a certificate");
    let pem = made.signing_key.serialize_pem() + &made.cert.pem();
    Identity::from_pem(pem.as_bytes()).expect("a certificate with its key")
}

impl Visitor {
    /// Asks for a page; `Err` if there was no answer.
    pub async fn try_get(&self, path: &str) -> Result<(StatusCode, String), String> {
        let mut request = self.http.get(format!("{}{path}", self.base));
        if let Some(password) = &self.password {
            request = request.basic_auth("admin", Some(password));
        }
        let answer = request.send().await.map_err(causes)?;
        Ok((answer.status(), answer.text().await.map_err(causes)?))
    }

    /// Asks for a page.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        self.try_get(path).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Asks for JSON; the answer must be 200.
    pub async fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Sends JSON; the answer must say that something was created.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.basic_auth("admin", self.password.as_ref()).json(body);
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {}", causes(error)));
        let (status, text) = (answer.status(), answer.text().await.expect("text"));
        assert_eq!(status, StatusCode::CREATED, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Fills in the form of the login page, as a browser does; the session is kept.
    pub async fn login(&self, user: &str, password: &str) -> StatusCode {
        let (_, page) = self.get("/users/login").await;
        let token = page.split_once("name=\"authenticity_token\" value=\"").expect("a form with a token").1;
        let token = token.split_once('"').expect("a token").0;
        let form = [("authenticity_token", token), ("login[login]", user), ("login[password]", password)];
        let pairs = form.map(|(key, value)| format!("{}={}", escape(key), escape(value)));
        let request = self.http.post(format!("{}/users/login", self.base));
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"));
        request.send().await.unwrap_or_else(|error| panic!("login: {}", causes(error))).status()
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

/// An error with all that led to it: the first one says little.
fn causes(error: reqwest::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

//! An instance as its users reach it: by name, over TLS that is checked with the instance's own authority.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use k8s_openapi::api::core::v1::Service;
use kube::Api;
use reqwest::{
    Certificate, Client, ClientBuilder, Identity, Method, RequestBuilder, Response, StatusCode,
    redirect::Policy,
};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    cluster::{SHORT, wait},
    story::{Life, Served},
};

/// Somebody who uses an instance; with cookies, and an own connection for each request.
#[derive(Clone, Debug)]
pub struct Visitor {
    http: Client,
    base: String,
    password: Option<String>,
}

impl<K: Served> Life<K> {
    /// Somebody who has not logged in.
    pub async fn visitor(&self) -> Visitor {
        self.visitor_of("", 443, |builder| builder).await
    }

    /// The administrator, who sends name and password with each request.
    pub async fn admin(&self) -> Visitor {
        self.visitor().await.with_password(&self.secret(K::ADMIN, "password").await)
    }

    /// Somebody who reaches one of the instance's Services at a port; `""` is the one that everybody uses. The Services' addresses can be reached from
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
        let address = SocketAddr::new(address, port);
        reachable(&name, address).await;
        let host = format!("{name}.{}.svc", self.namespace);
        let authority = self.secret("server-tls", "ca.crt").await;
        let builder = trusting(&authority).resolve(&host, address);
        let http = change(builder).build().expect("an HTTP client");
        Visitor { http, base: base(&host, port), password: None }
    }
}

/// Waits until connections to a Service's address end at a pod. A node learns of a Service after the instance may have become Ready, kube-proxy
/// tries a write of rules that failed again after half a minute, and a connection that was begun before stays lost.
async fn reachable(service: &str, address: SocketAddr) {
    const PATIENCE: Duration = Duration::from_secs(5);
    wait(SHORT, &format!("Service {service} is reachable"), async || {
        let connection = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await;
        let connection = connection.map_err(|_| format!("{address} did not answer within {PATIENCE:?}"))?;
        connection.map(drop).map_err(|error| format!("{address}: {error}"))
    })
    .await;
}

fn trusting(authority: &str) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .cookie_store(true)
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_mins(1))
        .tls_certs_only([Certificate::from_pem(authority.as_bytes()).expect("a certificate")])
}

fn base(host: &str, port: u16) -> String {
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    format!("https://{host}{port}")
}

/// A certificate for clients that nobody here knows the issuer of.
pub fn stranger() -> Identity {
    let made = rcgen::generate_simple_self_signed(["stranger".to_owned()]).expect("a certificate");
    let pem = made.signing_key.serialize_pem() + &made.cert.pem();
    Identity::from_pem(pem.as_bytes()).expect("a certificate with its key")
}

impl Visitor {
    /// Somebody who reaches a server by plain HTTP, under this host name and at this address.
    pub fn plain(host: &str, address: SocketAddr) -> Self {
        let timeout = Duration::from_mins(1);
        let builder = Client::builder().no_proxy().redirect(Policy::none()).timeout(timeout);
        let http = builder.resolve(host, address).build().expect("an HTTP client");
        Self { http, base: format!("http://{host}:{}", address.port()), password: None }
    }

    /// Somebody who reaches `https://host:port` at this address, and trusts certificates of this authority.
    pub fn trusting(authority: &str, host: &str, address: SocketAddr, port: u16) -> Self {
        let http = trusting(authority).resolve(host, address).build().expect("an HTTP client");
        Self { http, base: base(host, port), password: None }
    }

    /// The same, but as the administrator with this password.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        Self { password: Some(password.into()), ..self }
    }

    /// The same, but as somebody who has not logged in.
    #[must_use]
    pub fn without_password(self) -> Self {
        Self { password: None, ..self }
    }

    /// A request for a path, or for a whole URL as answers link to it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        // The password is nobody else's business, wherever an answer leads.
        let password = self.password.as_ref().filter(|_| url.starts_with(&self.base));
        let request = self.http.request(method, url);
        match password {
            Some(password) => request.basic_auth("admin", Some(password)),
            None => request,
        }
    }

    /// Asks for a page; `Err` if there was no answer.
    pub async fn try_get(&self, path: &str) -> Result<(StatusCode, String), String> {
        let answer = self.request(Method::GET, path).send().await.map_err(causes)?;
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
        let answer = sent(self.request(Method::POST, path).json(body)).await;
        let (status, text) = (answer.status(), answer.text().await.expect("text"));
        assert_eq!(status, StatusCode::CREATED, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }
}

/// Sends a request; it must be answered.
pub async fn sent(request: RequestBuilder) -> Response {
    request.send().await.unwrap_or_else(|error| panic!("{}", causes(error)))
}

/// An error with all that led to it: the first one says little.
pub(crate) fn causes(error: reqwest::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

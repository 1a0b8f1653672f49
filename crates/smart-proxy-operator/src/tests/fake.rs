//! One HTTPS server that answers as a Smart Proxy's process does, and as Foreman's API of smart proxies.

use std::sync::{Arc, Mutex, MutexGuard};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// What the two say.
#[derive(Clone)]
pub struct World {
    /// `/v2/features` of the proxy.
    pub features: Value,
    /// The same of the Pulp beside it.
    pub pulp: Value,
    /// `/logs/` of the proxy, the reasons in it.
    pub reasons: Value,
    /// Proxies that Foreman knows.
    pub known: Vec<Value>,
    /// What Foreman answers in place of all else.
    pub instead: Option<(u16, Value)>,
    /// Foreman's version.
    pub foreman_version: &'static str,
    /// Every write to Foreman.
    pub writes: Vec<String>,
}

/// The server.
pub struct Fake {
    /// Where it listens.
    pub port: u16,
    /// Its authority: certificate and key, PEM.
    pub authority: (String, String),
    world: Arc<Mutex<World>>,
    leaf: (String, String),
    shown: Arc<Shown>,
}

/// Certificate and key of the pod, PEM.
type Given = Box<dyn Fn() -> Option<(String, String)> + Send>;

/// To whoever asks for the proxy what its pod was given, if it is another one than Foreman's.
struct Shown {
    foreman: Arc<CertifiedKey>,
    pod: Mutex<Option<Given>>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("certificates")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello) -> Option<Arc<CertifiedKey>> {
        let of_pod = || self.pod.lock().unwrap().as_ref().and_then(|given| given());
        match of_pod().filter(|_| hello.server_name() != Some("localhost")) {
            Some(given) => Some(certified(&given)),
            None => Some(self.foreman.clone()),
        }
    }
}

fn certified((certificate, key): &(String, String)) -> Arc<CertifiedKey> {
    let chain = crate::http::certificates(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider()).unwrap().into()
}

impl Fake {
    /// Listens.
    pub async fn start() -> Self {
        let rsa = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (issuing, key) = (rsa(), rsa());
        let private = issuing.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(authority, issuing).unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = (leaf.signed_by(&key, &*issuer).unwrap().pem(), key.serialize_pem());
        let shown = Arc::new(Shown { foreman: certified(&leaf), pod: Mutex::default() });
        let config =
            ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(shown.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let running =
            |name: &str| (name.to_owned(), json!({ "state": "running", "capabilities": [], "settings": {} }));
        let world = Arc::new(Mutex::new(World {
            features: [running("logs"), running("bmc")].into_iter().collect::<serde_json::Map<_, _>>().into(),
            pulp: json!({ "pulpcore": { "state": "running", "capabilities": [], "settings": {} } }),
            reasons: json!({}),
            known: vec![],
            instead: None,
            foreman_version: "5.0.0",
            writes: vec![],
        }));
        let (acceptor, served) = (tokio_rustls::TlsAcceptor::from(Arc::new(config)), world.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, world) = (acceptor.clone(), served.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let (mut text, mut buffer) = (String::new(), [0; 4096]);
                    while !whole(&text) {
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
                        }
                    }
                    let (code, body) = world.lock().unwrap().answer(&text);
                    let body = body.to_string();
                    let head = format!(
                        "HTTP/1.1 {code} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all((head + &body).as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { port, authority: (issuer.as_ref().pem(), private), world, leaf, shown }
    }

    /// What the pod shows from now on.
    pub fn pod_shows(&self, given: impl Fn() -> Option<(String, String)> + Send + 'static) {
        *self.shown.pod.lock().unwrap() = Some(Box::new(given));
    }

    /// What is said from now on.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// What an operator sees of it: a Foreman, a pod, and certificates.
    pub fn seen(&self) -> Observed {
        let mut seen = Observed { pods: vec!["127.0.0.1".into()], now: jiff::Timestamp::now(), ..seen() };
        seen.foreman.as_mut().unwrap().endpoints[0].url = format!("https://localhost:{}", self.port);
        let ca = secret(&[("ca.crt", &self.authority.0), ("ca.key", &self.authority.1)]);
        seen.secrets.insert("myforeman-ca".into(), ca.clone());
        seen.secrets.insert("myforeman-server-tls".into(), ca);
        for part in ["p-server-tls", "p-client-tls"] {
            let leaf = secret(&[("tls.crt", &self.leaf.0), ("tls.key", &self.leaf.1)]);
            seen.secrets.insert(part.into(), leaf);
        }
        seen
    }
}

/// Whether a request has come with all of its body.
fn whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

impl World {
    fn answer(&mut self, request: &str) -> (u16, Value) {
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match path {
            "/v2/features" => return (200, self.features.clone()),
            "/pulp/api/v3/smart_proxy/v2/features" => return (200, self.pulp.clone()),
            "/version" => return (200, json!({ "version": "5.0.1", "modules": {} })),
            "/logs/" => return (200, json!({ "info": { "failed_modules": self.reasons }, "logs": [] })),
            _ => {}
        }
        if let Some(instead) = &self.instead {
            return instead.clone();
        }
        if !request.to_lowercase().contains("authorization: oauth ") {
            return (401, json!({ "error": { "message": "Unable to authenticate user" } }));
        }
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let path = path.trim_start_matches("/api/v2");
        let named =
            |known: &Value| Some(known["id"].to_string()) == path.split('/').nth(2).map(str::to_owned);
        let place = self.known.iter().position(named);
        if method != "GET" {
            self.writes.push(format!("{method} {path}"));
        }
        match (method, place) {
            ("GET", _) if path == "/status" => (200, json!({ "version": self.foreman_version })),
            ("GET", _) if path.starts_with("/smart_proxies?") => (200, json!({ "results": self.known })),
            ("POST", _) => {
                let id = 7 + self.writes.len();
                let mut made = body["smart_proxy"].clone();
                made["id"] = id.into();
                let pulp = made["url"].as_str().is_some_and(|url| url.contains("/pulp/"));
                made["features"] = json!([{ "name": if pulp { "Pulpcore" } else { "Logs" } }]);
                self.known.push(made.clone());
                (201, made)
            }
            (_, None) => (404, json!({})),
            ("PUT", Some(place)) => {
                for (key, value) in body["smart_proxy"].as_object().into_iter().flatten() {
                    self.known[place][key] = value.clone();
                }
                (200, self.known[place].clone())
            }
            ("DELETE", Some(place)) => (200, self.known.remove(place)),
            (_, Some(place)) => (200, self.known[place].clone()),
        }
    }
}

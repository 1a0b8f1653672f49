//! A mover's connection to the operator, which it opens again whenever it is lost.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{BufReader, ReadHalf, WriteHalf, split},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    Error,
    spec::{Spec, TOKEN},
};
use crate::cut::wire::{self, Order, Report, UPGRADE};

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// How long one try to connect may take.
const CONNECT: Duration = Duration::from_secs(20);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// The two directions.
pub struct Connection {
    /// To the operator.
    write: WriteHalf<Upgraded>,
    read: BufReader<ReadHalf<Upgraded>>,
}

impl Connection {
    /// Connects, for as long as it takes: the operator may be restarting. Only a refusal ends it.
    pub async fn open(spec: &Spec, hello: &Report) -> Result<Self, Error> {
        let mut said = String::new();
        loop {
            let why = match timeout(CONNECT, attempt(spec)).await {
                Ok(Ok(connection)) => {
                    let (read, write) = split(connection);
                    let mut connection = Self { write, read: BufReader::new(read) };
                    match connection.say(hello).await {
                        Ok(()) => return Ok(connection),
                        Err(error) => error.to_string(),
                    }
                }
                Ok(Err(Refused::Lasting(why))) => return Err(Error::other(why)),
                Ok(Err(Refused::Passing(why))) => why,
                Err(_) => "no answer in time".into(),
            };
            if why != said {
                tracing::warn!(why, "cannot reach the backup-operator, trying again");
                said = why;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Says something.
    pub async fn say(&mut self, report: &Report) -> std::io::Result<()> {
        wire::write(&mut self.write, report).await
    }

    /// The next order; `None`: the connection is lost.
    pub async fn order(&mut self) -> Option<Order> {
        wire::read(&mut self.read).await.ok().flatten()
    }
}

enum Refused {
    Passing(String),
    Lasting(String),
}

fn passing(error: impl std::fmt::Display) -> Refused {
    Refused::Passing(error.to_string())
}

async fn attempt(spec: &Spec) -> Result<Upgraded, Refused> {
    let lasting = |what: &str| Refused::Lasting(format!("{what} of the gateway ({}) is none", spec.gateway));
    let uri: http::Uri = spec.gateway.parse().map_err(|_| lasting("the address"))?;
    let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443));
    let token = std::fs::read_to_string(TOKEN).map_err(passing)?;
    let tcp = TcpStream::connect((host, port)).await.map_err(passing)?;
    tcp.set_nodelay(true).map_err(passing)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(spec.ca.as_bytes()).flatten() {
        roots.add(certificate).map_err(|_| lasting("the authority"))?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| lasting("the host name"))?;
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(passing)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.map_err(passing)?;
    tokio::spawn(connection.with_upgrades());
    let path = format!(
        "/runs/{}/{}/{}/{}/{}",
        spec.run, spec.attempt, spec.instance.kind, spec.instance.namespace, spec.instance.name
    );
    let authorization = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(passing)?;
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, UPGRADE)
        .body(Empty::<bytes::Bytes>::new())
        .map_err(passing)?;
    let mut answer = sender.send_request(request).await.map_err(passing)?;
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            Ok(TokioIo::new(hyper::upgrade::on(&mut answer).await.map_err(passing)?))
        }
        status => {
            let body = answer
                .into_body()
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let why =
                format!("the backup-operator answers {status}: {}", String::from_utf8_lossy(&body).trim());
            // A run that is over, or that never was, will not come back.
            Err(if matches!(status, StatusCode::FORBIDDEN | StatusCode::GONE) {
                Refused::Lasting(why)
            } else {
                Refused::Passing(why)
            })
        }
    }
}

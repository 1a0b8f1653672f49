//! One HTTPS request: to a Foreman, or to a proxy's own pod with a client certificate.

use std::{sync::Arc, time::Duration};

use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WantsClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::net::TcpStream;

/// No answer of an API that we ask is anywhere near as long (bytes).
const LONGEST: usize = 4 << 20;
const CONNECT: Duration = Duration::from_secs(10);

/// Why there was no answer. The words are for a condition: what failed, and at whom.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or key of ours cannot be used.
    #[error("cannot use {0}: {1}")]
    Material(&'static str, String),
    /// No connection.
    #[error("cannot reach {0}: {1}")]
    Connect(String, String),
    /// A connection, but no trust.
    #[error("no TLS with {0}: {1}")]
    Tls(String, String),
    /// Something else on the way.
    #[error("no answer from {0}: {1}")]
    Http(String, String),
    /// Nothing came in time.
    #[error("no answer from {0} within {1} s")]
    Slow(String, u64),
}

/// Whom we trust, and who we are.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the one who shows this very certificate (PEM), by whatever name: a pod that we have given it. `identity`: as for [`Tls::new`].
    pub fn pinned(certificate: &str, identity: (&str, &str)) -> Result<Self, Error> {
        let wrong = |what, error: &dyn std::fmt::Display| Error::Material(what, error.to_string());
        let chain = certificates(certificate).map_err(|error| wrong("the certificate", &error))?;
        let leaf = chain.into_iter().next().ok_or_else(|| wrong("the certificate", &"there is none"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let pinned = Pinned { leaf, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS", &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned));
        Ok(Self(identified(builder, Some(identity))?.into()))
    }

    /// Trusts who has a certificate of this authority (PEM); `identity`: certificate and key that we show (PEM).
    pub fn new(authority: &str, identity: Option<(&str, &str)>) -> Result<Self, Error> {
        let wrong = |what, error: &dyn std::fmt::Display| Error::Material(what, error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authority).map_err(|error| wrong("the authority", &error))? {
            roots.add(certificate).map_err(|error| wrong("the authority", &error))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS", &error))?
            .with_root_certificates(roots);
        Ok(Self(identified(builder, identity)?.into()))
    }
}

fn identified(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<(&str, &str)>,
) -> Result<ClientConfig, Error> {
    let wrong = |what, error: &dyn std::fmt::Display| Error::Material(what, error.to_string());
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate).map_err(|error| wrong("the client certificate", &error))?;
    let key =
        PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| wrong("the client key", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| wrong("the client certificate", &error))
}

/// Who shows the certificate that we have given him, and proves that he has its key.
#[derive(Debug)]
struct Pinned {
    leaf: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.leaf {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("it shows another certificate than the one it was given".into()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Certificates in PEM.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect()
}

/// A request.
pub struct Ask<'a> {
    /// Method.
    pub method: Method,
    /// Its whole URL; TLS checks the host in it.
    pub url: &'a Uri,
    /// `address:port` to connect to, where that is not what the URL says.
    pub at: Option<String>,
    /// Value of `Authorization`.
    pub authorization: Option<String>,
    /// JSON.
    pub body: Option<serde_json::Value>,
    /// How long it may take in all.
    pub within: Duration,
}

/// Asks once; gives status and body.
pub async fn ask(tls: &Tls, ask: Ask<'_>) -> Result<(StatusCode, Bytes), Error> {
    let whom = ask.url.authority().map(ToString::to_string).unwrap_or_default();
    let within = ask.within;
    let answer = tokio::time::timeout(within, once(tls, ask, &whom)).await;
    answer.unwrap_or_else(|_| Err(Error::Slow(whom, within.as_secs())))
}

async fn once(tls: &Tls, ask: Ask<'_>, whom: &str) -> Result<(StatusCode, Bytes), Error> {
    let http = |error: &dyn std::error::Error| Error::Http(whom.to_owned(), causes(error));
    let host = ask.url.host().unwrap_or_default();
    let at = ask.at.unwrap_or_else(|| format!("{host}:{}", ask.url.port_u16().unwrap_or(443)));
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(&at)).await;
    let stream = connected
        .map_err(|_| Error::Slow(whom.to_owned(), CONNECT.as_secs()))?
        .map_err(|error| Error::Connect(at.clone(), error.to_string()))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| Error::Tls(whom.to_owned(), error.to_string()))?;
    let stream = tokio_rustls::TlsConnector::from(tls.0.clone())
        .connect(name, stream)
        .await
        .map_err(|error| Error::Tls(whom.to_owned(), error.to_string()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| http(&error))?;
    let body = ask.body.map(|body| body.to_string()).unwrap_or_default();
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.url.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, whom)
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close");
    if !body.is_empty() {
        // Only forms are part of what OAuth signs.
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(authorization) = ask.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| http(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| http(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| Error::Http(whom.to_owned(), error.to_string()))?;
        Ok((status, body.to_bytes()))
    };
    // Without somebody who drives it, a connection stands still; it may end before the answer has been read.
    tokio::pin!(connection, answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(http(&error)),
        },
    }
}

/// An error with all that is behind it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

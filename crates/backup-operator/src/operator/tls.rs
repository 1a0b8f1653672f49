//! The gateway's certificate: issued when it begins to serve, and again long before it ends, for an operator may live for years.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reconcile::{Certificate, Error};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// When it is tried again after it could not be issued.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// A certificate that is always a valid one.
pub struct Renewed {
    wanted: Certificate,
    acceptor: TlsAcceptor,
    until: Timestamp,
}

impl Renewed {
    /// Issues the first one.
    pub fn new(wanted: Certificate) -> Result<Self, Error> {
        let (acceptor, until) = issue(&wanted)?;
        Ok(Self { wanted, acceptor, until })
    }

    /// For a connection that comes now.
    pub fn acceptor(&mut self, now: Timestamp) -> TlsAcceptor {
        if now >= self.until {
            match issue(&self.wanted) {
                Ok((acceptor, until)) => (self.acceptor, self.until) = (acceptor, until),
                Err(error) => {
                    tracing::warn!(%error, "the gateway's certificate cannot be renewed yet");
                    self.until = now + AGAIN;
                }
            }
        }
        self.acceptor.clone()
    }
}

/// A new one, and when it is to be renewed.
fn issue(wanted: &Certificate) -> Result<(TlsAcceptor, Timestamp), Error> {
    let failed = |what: String| Error::Slow { what: format!("the gateway's certificate: {what}") };
    let issued = wanted.issue()?;
    let part = |key: &str| issued.get(key).map(Vec::as_slice).unwrap_or_default();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(part("tls.crt")).flatten().collect();
    let key = PrivateKeyDer::from_pem_slice(part("tls.key")).map_err(|error| failed(error.to_string()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let config = config.map_err(|error| failed(error.to_string()))?;
    let until = wanted.renewal(&issued).ok_or_else(|| failed("it is not what was asked for".into()))?;
    Ok((TlsAcceptor::from(Arc::new(config)), until))
}

#[cfg(test)]
mod tests {
    use reconcile::{Usage, authority};

    use super::*;

    #[test]
    fn it_is_another_one_after_two_thirds_of_its_life() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let wanted = Certificate {
            authority: authority("gateway").unwrap(),
            common_name: "gateway.test".into(),
            names: vec![],
            usage: Usage::Server,
        };
        let mut renewed = Renewed::new(wanted).unwrap();
        let (now, until) = (Timestamp::now(), renewed.until);
        assert!((59..=60).contains(&(until.duration_since(now).as_hours() / 24)), "{until}");
        let first = renewed.acceptor(now);
        assert!(Arc::ptr_eq(first.config(), renewed.acceptor(until - AGAIN).config()));
        assert!(!Arc::ptr_eq(first.config(), renewed.acceptor(until).config()));
        // One that cannot be issued leaves the one before, which is valid for another month.
        renewed.wanted.authority.1.clear();
        let second = renewed.acceptor(now);
        assert!(Arc::ptr_eq(second.config(), renewed.acceptor(until + AGAIN).config()));
    }
}

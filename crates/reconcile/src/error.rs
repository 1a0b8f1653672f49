//! What can go wrong between us and the API server.

use std::time::Duration;

use tracing::{Instrument, Span, field::Empty, info_span};

use crate::certificate;

/// What can go wrong in a reconcile. Everything that a user can mend is a condition; this is for what only time or an administrator mends.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused, or could not be reached.
    #[error("cannot {verb} {what}: {said}")]
    Api {
        /// What was tried: `get`, `apply`, ...
        verb: &'static str,
        /// The object.
        what: String,
        /// What it said.
        said: String,
        /// HTTP status, where there was an answer.
        code: Option<u16>,
    },
    /// A permission is missing.
    #[error("no permission to {what}: {said}")]
    Forbidden {
        /// Verb and resource.
        what: String,
        /// What the API server said.
        said: String,
    },
    /// No answer in time.
    #[error("{what}: no answer in time")]
    Slow {
        /// What was tried.
        what: String,
    },
    /// A certificate or key could not be made.
    #[error("{0}")]
    Certificate(std::sync::Arc<certificate::Error>),
}

impl From<certificate::Error> for Error {
    fn from(error: certificate::Error) -> Self {
        Self::Certificate(error.into())
    }
}

impl Error {
    /// A short name for metrics; the set of names is closed.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Api { .. } => "ApiError",
            Self::Forbidden { .. } => "PermissionMissing",
            Self::Slow { .. } => "ApiSlow",
            Self::Certificate(_) => "CertificateError",
        }
    }

    /// Whether the API server has understood and refused: trying the same again at once is pointless, a condition is due.
    pub fn refused(&self) -> bool {
        match self {
            Self::Api { code, .. } => {
                code.is_some_and(|code| (400..500).contains(&code) && code != 429 && code != 408)
            }
            Self::Forbidden { .. } | Self::Certificate(_) => true,
            Self::Slow { .. } => false,
        }
    }

    /// Sorts what the client says.
    pub fn of(verb: &'static str, what: impl Into<String>, error: &kube::Error) -> Self {
        let what = what.into();
        match error {
            // A quota answers 403 as well, but in other words, and its mend is another one.
            kube::Error::Api(status) if status.code == 403 && status.message.contains("cannot") => {
                Self::Forbidden { what: format!("{verb} {what}"), said: status.message.clone() }
            }
            kube::Error::Api(status) => {
                Self::Api { verb, what, said: status.message.clone(), code: Some(status.code) }
            }
            other => Self::Api { verb, what, said: said(other), code: None },
        }
    }
}

/// What the API server said, without the whole status that the client prints behind it.
pub fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// How long one call may take. The client repeats what the API server could not serve, for minutes; a lease cannot wait that long.
pub const CALL: Duration = Duration::from_secs(10);

/// A call with a limit in time and an error that says what was tried.
pub async fn call<T>(
    verb: &'static str,
    what: impl Into<String>,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    let what = what.into();
    // What is no part of a reconcile, such as the Lease, is nothing to trace.
    let span = match Span::current() {
        outside if outside.is_none() => outside,
        _ => info_span!("request", otel.name = verb, object = what, otel.status_code = Empty, error = Empty),
    };
    let answer = match tokio::time::timeout(CALL, request).instrument(span.clone()).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => Error::of(verb, what, &error),
        Err(_) => Error::Slow { what: format!("{verb} {what}") },
    };
    span.record("otel.status_code", "ERROR");
    span.record("error", answer.to_string());
    Err(answer)
}

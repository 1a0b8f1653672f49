//! Answers, and the errors among them: the body of each says in words what the mover shows.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::{
    Refusal,
    storage::{self, Trouble},
};

/// A request that is not answered with what it asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Failed {
    /// 400
    Wrong(String),
    /// 401
    Unknown(String),
    /// 403
    Forbidden(String),
    /// 404
    NotFound,
    /// 405
    NoSuchMethod,
    /// 409
    Different(String),
    /// 413
    TooBig(String),
    /// 416
    Range(String),
    /// 503
    Unavailable(String),
    /// 507
    Full(String),
}

impl Failed {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Different(_) => StatusCode::CONFLICT,
            Self::TooBig(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Wrong(words)
            | Self::Unknown(words)
            | Self::Forbidden(words)
            | Self::Different(words)
            | Self::TooBig(words)
            | Self::Range(words)
            | Self::Unavailable(words)
            | Self::Full(words) => words,
            Self::NotFound => "not found",
            Self::NoSuchMethod => "restic's REST protocol has no such method here",
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(words) => Self::Unknown(words),
            Refusal::Forbidden(words) => Self::Forbidden(words),
            Refusal::Unclear(words) => Self::Unavailable(words),
        }
    }
}

impl From<object_store::Error> for Failed {
    fn from(error: object_store::Error) -> Self {
        match storage::trouble(&error) {
            None => Self::NotFound,
            Some(Trouble::Full(words)) => Self::Full(words),
            Some(trouble) => Self::Unavailable(trouble.to_string()),
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.words().to_owned()).into_response();
        if let Self::Unknown(_) = self {
            // restic sends what is in its URL only when asked like this; a mover sends it in any case.
            let asks = HeaderValue::from_static("Basic realm=\"backup-operator\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
        }
        response
    }
}

/// 200 without content.
pub fn empty() -> Response {
    Response::new(Body::empty())
}

//! Who is on the other end of a request, as far as the network knows.

use axum::extract::FromRequestParts;
use http::request::Parts;
use mainstay_kernel::http::ClientAddr;
use std::convert::Infallible;
use std::net::IpAddr;

/// Address and program of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
}

// === impl Client ===

impl Client {
    pub(crate) fn address_text(&self) -> String {
        self.address.map(|ip| ip.to_string()).unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            address: parts.extensions.get::<ClientAddr>().map(|address| address.0),
            user_agent: agent.map(|text| text.chars().take(512).collect()),
        })
    }
}

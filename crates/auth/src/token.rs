//! Access tokens and the reply that carries them.

use crate::error::Failure;
use crate::instant::Instant;
use crate::state::State;
use crate::user::User;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How someone proved who they are (RFC 8176 in spirit; names of supabase/auth `models.AuthenticationMethod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Password,
    Otp,
    OAuth,
    Anonymous,
}

/// One entry of the `amr` claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MethodReference {
    method: String,
    timestamp: i64,
}

/// The claims of an access token.
#[derive(Debug, Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: Uuid,
    aud: &'a str,
    exp: i64,
    iat: i64,
    email: &'a str,
    phone: &'a str,
    app_metadata: &'a Value,
    user_metadata: &'a Value,
    role: &'a str,
    aal: &'static str,
    amr: &'a [MethodReference],
    session_id: Uuid,
    is_anonymous: bool,
}

/// The answer to every successful sign-in and refresh.
#[derive(Debug, Serialize)]
pub(crate) struct TokenReply {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    pub(crate) expires_in: u64,
    pub(crate) expires_at: i64,
    pub(crate) refresh_token: String,
    pub(crate) user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_refresh_token: Option<String>,
}

// === impl Method ===

impl Method {
    /// Its entry in the `amr` claim.
    pub(crate) fn reference(self, at: Instant) -> MethodReference {
        MethodReference { method: self.name().to_owned(), timestamp: at.unix() }
    }

    /// Its name in the audit log.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Self::Password | Self::Otp => "email",
            Self::OAuth => "oauth",
            Self::Anonymous => "anonymous",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Otp => "otp",
            Self::OAuth => "oauth",
            Self::Anonymous => "anonymous",
        }
    }
}

// === impl TokenReply ===

impl TokenReply {
    /// Signs an access token for a session.
    pub(crate) fn issue(
        state: &State,
        user: User,
        session: Uuid,
        amr: &[MethodReference],
        refresh_token: String,
        now: Instant,
    ) -> Result<Self, Failure> {
        let expires_in = state.config.jwt_expiry.0;
        let expires_at = now.plus(expires_in).unix();
        let claims = AccessClaims {
            iss: &state.issuer,
            sub: user.id,
            aud: &user.aud,
            exp: expires_at,
            iat: now.unix(),
            email: &user.email,
            phone: &user.phone,
            app_metadata: &user.app_metadata,
            user_metadata: &user.user_metadata,
            role: &user.role,
            aal: "aal1",
            amr,
            session_id: session,
            is_anonymous: user.is_anonymous,
        };
        let access_token = state.signer.sign(&claims).map_err(Failure::internal)?;
        Ok(Self {
            access_token,
            token_type: "bearer",
            expires_in: expires_in.as_secs(),
            expires_at,
            refresh_token,
            user,
            provider_token: None,
            provider_refresh_token: None,
        })
    }

    /// The pairs of an implicit-flow fragment.
    pub(crate) fn fragment(&self, kind: Option<&str>) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("access_token", self.access_token.clone()),
            ("expires_at", self.expires_at.to_string()),
            ("expires_in", self.expires_in.to_string()),
            ("refresh_token", self.refresh_token.clone()),
            ("token_type", self.token_type.to_owned()),
        ];
        pairs.extend(self.provider_token.clone().map(|token| ("provider_token", token)));
        pairs.extend(self.provider_refresh_token.clone().map(|token| ("provider_refresh_token", token)));
        pairs.extend(kind.map(|kind| ("type", kind.to_owned())));
        pairs
    }
}

//! Every public error of this room, declared once: code, status, message and remedy.
//!
//! Codes and statuses are those of supabase/auth (`internal/api/apierrors/errorcode.go`); clients switch on them, so a
//! code is never renamed or reused.

use http::StatusCode;
use mainstay_kernel::error::{ErrorEntry, PublicError};
use std::borrow::Cow;

macro_rules! codes {
    ($( $variant:ident $code:literal $status:literal $message:literal $remedy:literal; )*) => {
        /// A public error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Code { $( $variant, )* }

        /// The table of public error codes, for the generated reference.
        pub const ERRORS: &[ErrorEntry] = &[
            $( ErrorEntry { code: $code, status: $status, meaning: $message, remedy: $remedy }, )*
        ];

        impl Code {
            /// Its row in [`ERRORS`].
            pub(crate) fn entry(self) -> &'static ErrorEntry {
                &ERRORS[self as usize]
            }
        }
    };
}

codes! {
    AnonymousProviderDisabled "anonymous_provider_disabled" 422 "Anonymous sign-ins are disabled"
        "Sign up with an address, or set auth.anonymous_users.";
    BadCodeVerifier "bad_code_verifier" 400 "code challenge does not match previously saved code verifier"
        "Exchange the code in the browser that started the sign-in; start again.";
    BadJson "bad_json" 400 "Could not parse request body as JSON"
        "Send a JSON object with the documented types.";
    BadJwt "bad_jwt" 403 "invalid JWT: unable to parse or verify signature"
        "Sign in again; check that the token was issued by this server and has not expired.";
    BadOauthCallback "bad_oauth_callback" 400 "OAuth callback with missing or unusable parameters"
        "Start the sign-in again; if it repeats, check the provider's configuration.";
    BadOauthState "bad_oauth_state" 400 "OAuth state is missing, expired or was already used"
        "Start the sign-in again and finish it within ten minutes.";
    EmailAddressInvalid "email_address_invalid" 400 "Unable to validate email address: invalid format"
        "Send an address of the form name@host.";
    EmailAddressNotProvided "email_address_not_provided" 422 "The provider did not share an email address"
        "Grant the email scope at the provider, and list it in auth.external.<id>.scopes.";
    EmailExists "email_exists" 422 "A user with this email address has already been registered"
        "Use another address, or sign in.";
    EmailNotConfirmed "email_not_confirmed" 400 "Email not confirmed"
        "Open the confirmation link, or let an administrator confirm the address.";
    EmailProviderDisabled "email_provider_disabled" 422 "Email sending is not configured on this server"
        "Let an administrator create the link with admin/generate_link.";
    FlowStateExpired "flow_state_expired" 403 "invalid flow state, flow state has expired"
        "Exchange the code within five minutes; start again.";
    FlowStateNotFound "flow_state_not_found" 404 "invalid flow state, no valid flow state found"
        "A code works once; start the sign-in again.";
    InvalidCredentials "invalid_credentials" 400 "Invalid login credentials"
        "Check address and password.";
    MethodNotAllowed "method_not_allowed" 405 "This path does not answer to this method"
        "See the Allow header.";
    NoAuthorization "no_authorization" 401 "This endpoint requires a valid Bearer token"
        "Send Authorization: Bearer <access token>.";
    NotAdmin "not_admin" 403 "User not allowed"
        "Use the service key; keep it on your server.";
    NotFound "not_found" 404 "There is nothing at this path"
        "Check the path.";
    OauthProviderNotSupported "oauth_provider_not_supported" 502 "The identity provider could not be reached or answered unusably"
        "Try again; check auth.external and the provider's status.";
    OtpDisabled "otp_disabled" 422 "Sign-in by code or link needs email sending, which is not configured on this server"
        "Use a password or an external provider.";
    OtpExpired "otp_expired" 403 "Token has expired or is invalid"
        "Ask for a new link or code.";
    OverRequestRateLimit "over_request_rate_limit" 429 "Request rate limit reached"
        "Wait as long as Retry-After says; the limits are the rate_limit_* keys of [auth].";
    PhoneProviderDisabled "phone_provider_disabled" 422 "Phone sign-ins are not supported"
        "Use an address.";
    ProviderEmailNeedsVerification "provider_email_needs_verification" 422 "The provider has not verified this email address, which another account uses"
        "Verify the address at the provider, or sign in the way the account was made.";
    RefreshTokenAlreadyUsed "refresh_token_already_used" 400 "Invalid Refresh Token: Already Used"
        "Sign in again. The session was ended because a replaced token was presented late, as a thief would.";
    RefreshTokenNotFound "refresh_token_not_found" 400 "Invalid Refresh Token: Refresh Token Not Found"
        "Sign in again.";
    RequestEntityTooLarge "request_entity_too_large" 413 "Request body is larger than 1 MB"
        "Send less.";
    SamePassword "same_password" 422 "New password should be different from the old password."
        "Choose another password.";
    SessionExpired "session_expired" 400 "Invalid Refresh Token: Session Expired"
        "Sign in again.";
    SessionNotFound "session_not_found" 403 "Session from session_id claim in JWT does not exist"
        "Sign in again.";
    SignupDisabled "signup_disabled" 422 "Signups not allowed for this instance"
        "Ask an administrator for an account.";
    UnexpectedFailure "unexpected_failure" 500 "Unexpected failure, please check server logs for more information"
        "Try again; tell the operator the error_id.";
    UserAlreadyExists "user_already_exists" 422 "User already registered"
        "Sign in instead.";
    UserBanned "user_banned" 403 "User is banned"
        "Ask an administrator.";
    UserNotFound "user_not_found" 404 "User not found"
        "Check the id or address.";
    UserSsoManaged "user_sso_managed" 422 "Updating email or password of a SSO account is only possible via SSO"
        "Change it at the identity provider.";
    ValidationFailed "validation_failed" 400 "A parameter is missing or has the wrong form"
        "Read the message; it names the parameter.";
    WeakPassword "weak_password" 422 "Password is too weak"
        "Read the reasons; choose a longer password or one with the required characters.";
}

/// The constraint that keeps addresses unique.
const EMAIL_KEY: &str = "users_email_partial_key";

/// A refusal on its way to the client, with its hidden cause.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    status: StatusCode,
    message: Cow<'static, str>,
    reasons: Vec<&'static str>,
    retry_after: Option<u64>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

// === impl Code ===

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        self.entry().code
    }

    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

// === impl Failure ===

impl Failure {
    /// With other words than the table's.
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            status: code.status(),
            message: message.into(),
            reasons: Vec::new(),
            retry_after: None,
            cause: None,
        }))
    }

    /// A parameter at fault.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::ValidationFailed, message)
    }

    /// Something that should not happen. The cause goes to the log, never to the client.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut failure = Self::from(Code::UnexpectedFailure);
        failure.0.cause = Some(cause.into());
        failure
    }

    /// The database is away for a moment: 503, which clients retry.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut failure = Self::internal(cause);
        failure.0.message = "The database is not available right now".into();
        failure.with_status(StatusCode::SERVICE_UNAVAILABLE).retry_after(1)
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    pub(crate) fn weak(message: String, reasons: Vec<&'static str>) -> Self {
        let mut failure = Self::new(Code::WeakPassword, message);
        failure.0.reasons = reasons;
        failure
    }

    pub(crate) fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub(crate) fn which(&self) -> Code {
        self.0.code
    }

    pub(crate) fn reasons(&self) -> &[&'static str] {
        &self.0.reasons
    }

    pub(crate) fn retry_seconds(&self) -> Option<u64> {
        self.0.retry_after
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::new(code, code.entry().meaning)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl PublicError for Failure {
    fn status(&self) -> StatusCode {
        self.0.status
    }

    fn code(&self) -> &str {
        self.0.code.as_str()
    }

    fn message(&self) -> String {
        self.0.message.clone().into_owned()
    }
}

impl From<mainstay_pg::Error> for Failure {
    /// The one constraint that means something to clients is a taken address; the rest is trouble.
    fn from(error: mainstay_pg::Error) -> Self {
        if error.sqlstate() == Some("23505") && error.db().and_then(|db| db.constraint.as_deref()) == Some(EMAIL_KEY) {
            return Code::EmailExists.into();
        }
        if let Some(db) = error.db().filter(|db| db.code.starts_with("22")) {
            // Class 22, data exception: a value of the request that PostgreSQL cannot hold, such as U+0000.
            let message = format!("A value cannot be stored: {}", db.message);
            return Self::invalid(message).because(error);
        }
        let lasting = match &error {
            // Class 08 connection, 53 resources, 57 operator intervention, 40 serialisation and deadlock.
            mainstay_pg::Error::Db(db) => !["08", "53", "57", "40"].iter().any(|class| db.code.starts_with(class)),
            mainstay_pg::Error::Protocol(_) => true,
            _ => false,
        };
        if lasting { Self::internal(error) } else { Self::unavailable(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_have_a_status() {
        for pair in ERRORS.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} before {}", pair[0].code, pair[1].code);
        }
        for entry in ERRORS {
            assert!((400..600).contains(&entry.status), "{}", entry.code);
            assert!(!entry.meaning.is_empty() && entry.remedy.ends_with('.'), "{}", entry.code);
        }
        assert_eq!(Code::WeakPassword.as_str(), "weak_password");
    }

    #[test]
    fn a_cause_stays_inside() {
        let failure = Failure::internal("relation auth.users is on fire");
        assert!(!failure.message().contains("fire") && std::error::Error::source(&failure).is_some());
    }
}

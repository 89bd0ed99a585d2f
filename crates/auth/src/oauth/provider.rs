//! One OpenID Connect provider: discovery, the way there, and what it says when the browser comes back.

use crate::config::{Config, Provider as Settings};
use crate::error::{Code, Failure};
use crate::instant::Instant;
use crate::pkce::ProviderTokens;
use bytes::Bytes;
use mainstay_kernel::http::{ClientError, HttpClient};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm as Alg,
    CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, SubjectIdentifier, TokenResponse as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long discovery and keys are believed.
const FRESH: Duration = Duration::from_secs(3600);
/// Keys are not asked for more often than this, whatever key ids tokens carry.
const RENEW_PAUSE: Duration = Duration::from_secs(60);

/// The enabled providers.
#[derive(Debug)]
pub(crate) struct Providers(BTreeMap<String, Provider>);

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    issuer: String,
    client_id: String,
    secret: Option<SecretString>,
    scopes: Vec<String>,
    redirect_uri: String,
    http: Outgoing,
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    since: Instant,
}

/// The way to the provider, and what must be remembered until the browser is back.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) url: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// What a provider vouches for.
#[derive(Debug, Clone)]
pub(crate) struct ExternalUser {
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    /// The profile, as it goes into `identity_data`.
    pub(crate) profile: Value,
    pub(crate) tokens: ProviderTokens,
}

/// Parameters of `/authorize` that never pass through to the provider.
const RESERVED: [&str; 16] = [
    "provider",
    "redirect_to",
    "scopes",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "nonce",
    "apikey",
    "skip_http_redirect",
    "request",
    "request_uri",
];

/// Claims that make up a profile.
const PROFILE: [&str; 12] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "zoneinfo",
    "locale",
    "email",
];

/// The kernel's client as openidconnect wants it.
#[derive(Debug)]
struct Outgoing(HttpClient);

// === impl Providers ===

impl Providers {
    /// # Errors
    /// The id of the provider at fault and a sentence.
    pub(crate) fn new(config: &Config, issuer: &str, http: &HttpClient) -> Result<Self, (String, String)> {
        let enabled = config.external.iter().filter(|(_, settings)| settings.enabled);
        let build = |(id, settings): (&String, &Settings)| {
            let provider_issuer =
                settings.issuer_url(id, config.allow_insecure_issuer).map_err(|problem| (id.clone(), problem))?;
            Ok((id.clone(), Provider::new(id, settings, provider_issuer, format!("{issuer}/callback"), http.clone())))
        };
        enabled.map(build).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Provider, Failure> {
        self.0.get(id).ok_or_else(|| Failure::invalid("Unsupported provider: provider is not enabled"))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

// === impl Provider ===

impl Provider {
    fn new(id: &str, settings: &Settings, issuer: String, redirect_uri: String, http: HttpClient) -> Self {
        Self {
            id: id.to_owned(),
            issuer,
            client_id: settings.client_id.clone(),
            secret: settings.secret.clone(),
            scopes: settings.scopes.clone(),
            redirect_uri,
            http: Outgoing(http),
            known: Mutex::new(None),
        }
    }

    /// The URL that starts a sign-in with this state.
    pub(crate) async fn depart(
        &self,
        now: Instant,
        state: &str,
        scopes: &[String],
        query: &[(String, String)],
    ) -> Result<Departure, Failure> {
        let known = self.discover(now).await?;
        let client =
            CoreClient::from_provider_metadata((*known.metadata).clone(), ClientId::new(self.client_id.clone()), None)
                .set_redirect_uri(self.redirect_url()?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = state.to_owned();
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || CsrfToken::new(state), Nonce::new_random)
            .add_scopes(self.scopes.iter().chain(scopes).map(|scope| Scope::new(scope.clone())))
            .set_pkce_challenge(challenge);
        for (key, value) in query.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())) {
            request = request.add_extra_param(key.clone(), value.clone());
        }
        let (url, _, nonce) = request.url();
        Ok(Departure { url: url.into(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() })
    }

    /// Exchanges the code that came back and validates what it is exchanged for: issuer, audience, expiry, nonce and
    /// signature of the ID token, and the subject of the user info when that had to be asked.
    pub(crate) async fn redeem(
        &self,
        now: Instant,
        code: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<ExternalUser, Failure> {
        let known = self.discover(now).await?;
        let client = CoreClient::from_provider_metadata(
            (*known.metadata).clone(),
            ClientId::new(self.client_id.clone()),
            self.secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned())),
        )
        .set_redirect_uri(self.redirect_url()?)
        .set_auth_type(auth_type(&known.metadata));
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| self.unusable(error))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let tokens = exchange.request_async(&self.http).await.map_err(|error| self.unusable(error))?;
        let id_token = tokens.id_token().ok_or_else(|| refused("the provider sent no ID token"))?;
        let claims = self.claims(&known, now, id_token, nonce).await?;
        let claims = self.complete(claims, &known, tokens.access_token()).await?;
        Ok(external_user(
            &claims,
            ProviderTokens {
                access: Some(tokens.access_token().secret().clone()),
                refresh: tokens.refresh_token().map(|token| token.secret().clone()),
            },
        ))
    }

    /// The validated claims of an ID token. An unknown key id makes the keys be fetched anew, once a minute at most.
    async fn claims(
        &self,
        known: &Known,
        now: Instant,
        token: &CoreIdToken,
        nonce: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let nonce = Nonce::new(nonce.to_owned());
        match self.validate(&known.metadata, now, token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) if known.since.plus(RENEW_PAUSE) <= now => {
                let renewed = self.renew(now).await?;
                self.validate(&renewed.metadata, now, token, &nonce)
            }
            other => other,
        }
        .map_err(|error| refused("the provider's ID token is not valid").because(error))
    }

    fn validate(
        &self,
        metadata: &CoreProviderMetadata,
        now: Instant,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<Map<String, Value>, ClaimsVerificationError> {
        let client = CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(self.client_id.clone()), None);
        let time =
            now.to_string().parse().map_err(|_| ClaimsVerificationError::Other("the clock is off".to_owned()))?;
        // Signatures by key pair only: a client secret is no key to a person's identity, and `none` is none.
        let verifier = client.id_token_verifier().set_time_fn(move || time).set_allowed_algs([
            Alg::RsaSsaPkcs1V15Sha256,
            Alg::RsaSsaPkcs1V15Sha384,
            Alg::RsaSsaPkcs1V15Sha512,
            Alg::RsaSsaPssSha256,
            Alg::RsaSsaPssSha384,
            Alg::RsaSsaPssSha512,
            Alg::EcdsaP256Sha256,
            Alg::EcdsaP384Sha384,
            Alg::EdDsa,
        ]);
        let claims = token.claims(&verifier, nonce)?;
        match serde_json::to_value(claims) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(ClaimsVerificationError::Other("claims are not an object".to_owned())),
        }
    }

    /// Adds the user info when the ID token does not carry the address (OpenID Connect Core section 5.4 allows that).
    async fn complete(
        &self,
        mut claims: Map<String, Value>,
        known: &Known,
        token: &AccessToken,
    ) -> Result<Map<String, Value>, Failure> {
        if claims.contains_key("email") || known.metadata.userinfo_endpoint().is_none() {
            return Ok(claims);
        }
        let client =
            CoreClient::from_provider_metadata((*known.metadata).clone(), ClientId::new(self.client_id.clone()), None);
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let info: CoreUserInfoClaims = client
            .user_info(token.clone(), Some(SubjectIdentifier::new(subject)))
            .map_err(|error| self.unusable(error))?
            .request_async(&self.http)
            .await
            .map_err(|error| self.unusable(error))?;
        if let Ok(Value::Object(info)) = serde_json::to_value(&info) {
            for (key, value) in info {
                claims.entry(key).or_insert(value);
            }
        }
        Ok(claims)
    }

    /// Endpoints and keys, from memory when they are fresh.
    async fn discover(&self, now: Instant) -> Result<Known, Failure> {
        let known = self.known.lock().await.clone();
        match known {
            Some(known) if now < known.since.plus(FRESH) => Ok(known),
            // A provider whose discovery is down may still sign people in with what is known of it.
            Some(stale) => Ok(self.renew(now).await.unwrap_or(stale)),
            None => self.renew(now).await,
        }
    }

    async fn renew(&self, now: Instant) -> Result<Known, Failure> {
        let mut slot = self.known.lock().await;
        if let Some(known) = slot.as_ref().filter(|known| now < known.since.plus(RENEW_PAUSE)) {
            return Ok(known.clone());
        }
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(|error| self.unusable(error))?;
        let metadata =
            CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|error| self.unusable(error))?;
        let known = Known { metadata: Arc::new(metadata), since: now };
        *slot = Some(known.clone());
        Ok(known)
    }

    fn redirect_url(&self) -> Result<RedirectUrl, Failure> {
        RedirectUrl::new(self.redirect_uri.clone()).map_err(Failure::internal)
    }

    /// True when an `iss` parameter of the callback names this provider (RFC 9207).
    pub(crate) fn is_issuer(&self, issuer: &str) -> bool {
        issuer.trim_end_matches('/') == self.issuer.trim_end_matches('/')
    }

    fn unusable(&self, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
        let message = format!("The identity provider {} could not be reached or answered unusably", self.id);
        Failure::new(Code::OauthProviderNotSupported, message).because(error)
    }
}

// === impl Outgoing ===

impl<'c> AsyncHttpClient<'c> for Outgoing {
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ClientError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.0.send(request.map(Bytes::from)).await?.map(|body| body.to_vec())) })
    }
}

/// `client_secret_basic` unless the provider only takes the secret in the body.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(methods)
            if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost) =>
        {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

fn refused(message: &'static str) -> Failure {
    Failure::new(Code::BadOauthCallback, format!("Sign-in was not completed: {message}"))
}

fn external_user(claims: &Map<String, Value>, tokens: ProviderTokens) -> ExternalUser {
    let text = |key: &str| claims.get(key).and_then(Value::as_str).map(str::to_owned);
    let subject = text("sub").unwrap_or_default();
    let email_verified = claims.get("email_verified").and_then(Value::as_bool).unwrap_or(false);
    let mut profile: Map<String, Value> =
        PROFILE.iter().filter_map(|key| Some(((*key).to_owned(), claims.get(*key)?.clone()))).collect();
    profile.insert("iss".to_owned(), text("iss").into());
    profile.insert("sub".to_owned(), subject.clone().into());
    profile.insert("provider_id".to_owned(), subject.clone().into());
    profile.insert("email_verified".to_owned(), email_verified.into());
    profile.insert("phone_verified".to_owned(), false.into());
    // The names that applications written for supabase/auth read.
    profile.extend(text("name").map(|name| ("full_name".to_owned(), name.into())));
    profile.extend(text("picture").map(|picture| ("avatar_url".to_owned(), picture.into())));
    ExternalUser { subject, email: text("email"), email_verified, profile: Value::Object(profile), tokens }
}

//! The `[identity]` section.

use mainstay_kernel::config::SecretString;

mainstay_kernel::section! {
    /// Keys that sign and verify tokens, and the API keys of the project. On one machine all of them are generated once
    /// into the project's `.mainstay` folder; set them when tokens must be shared with something else.
    pub struct Config in "identity" {
        /// Shared secret (HS256), at least 32 characters. Given alone, it also signs.
        pub jwt_secret: Option<SecretString> = None,
        /// JSON array of private keys as JWKs (RFC 7517); exactly one has `"key_ops": ["sign"]` and signs.
        pub jwt_keys: Option<SecretString> = None,
        /// When set, only tokens with this `aud` are accepted.
        pub audience: Option<String> = None,
        /// Publishable API key (`sb_publishable_…`), safe in browsers: acts as `anon`.
        pub publishable_key: Option<SecretString> = None,
        /// Secret API key (`sb_secret_…`), for servers only: acts as `service_role`.
        pub secret_key: Option<SecretString> = None,
        /// Verified tokens kept in memory, so that a token is not verified for every request.
        pub token_cache: usize = 10_000,
    }
    validate(this) {
        use mainstay_kernel::config::ExposeSecret as _;
        if this.jwt_secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32) {
            return Err(("jwt_secret", "the secret is shorter than 32 characters; make one with `openssl rand -hex 32`".into()));
        }
        Ok(())
    }
}

//! Sign-in at external OpenID Connect providers.
//!
//! `GET /authorize` ([`begin`]) sends the browser to the provider with a random, stored, single-use state; the provider
//! sends it back to `/callback`, where [`state::take`] finds that state, [`provider::Provider::redeem`] exchanges and
//! validates, [`link`] decides whose account it is, and [`finish`] opens a session (implicit flow) or makes a code
//! (PKCE flow).

pub(crate) mod finish;
pub(crate) mod link;
pub(crate) mod provider;
pub(crate) mod state;

pub(crate) use provider::Providers;

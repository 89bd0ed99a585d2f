//! The routes of this room, one line each; the handlers are one file per operation.

mod admin;
mod discovery;
mod external;
mod input;
mod mail;
mod respond;
mod session;
mod signup;
mod token;
mod user;
mod verify;

use crate::error::{Code, Failure};
use crate::state::Shared;
use axum::Router;
use axum::routing::{delete, get, post, put};

/// Paths arrive without `/auth/v1`.
pub(crate) fn router(state: Shared) -> Router {
    Router::new()
        // for anybody
        .route("/health", get(discovery::health::handle))
        .route("/settings", get(discovery::settings::handle))
        .route("/.well-known/jwks.json", get(discovery::jwks::handle))
        .route("/.well-known/openid-configuration", get(discovery::openid::handle))
        .route("/signup", post(signup::create::handle))
        .route("/token", post(token::handle))
        .route("/verify", get(verify::get::handle).post(verify::post::handle))
        .route("/authorize", get(external::authorize::handle))
        .route("/callback", get(external::callback::get).post(external::callback::post))
        .route("/recover", post(mail::recover::handle))
        .route("/otp", post(mail::refuse::otp))
        .route("/magiclink", post(mail::refuse::otp))
        .route("/resend", post(mail::refuse::resend))
        // for the user behind the bearer
        .route("/user", get(user::get::handle).merge(put(user::update::handle)))
        .route("/logout", post(session::logout::handle))
        .route("/sessions", get(session::list::handle))
        .route("/sessions/{id}", delete(session::delete::handle))
        // for administrators
        .route("/invite", post(mail::refuse::invite))
        .route("/admin/users", get(admin::users::list::handle).post(admin::users::create::handle))
        .route(
            "/admin/users/{id}",
            get(admin::users::get::handle)
                .merge(put(admin::users::update::handle))
                .delete(admin::users::delete::handle),
        )
        .route("/admin/generate_link", post(admin::generate_link::handle))
        .route("/admin/audit", get(admin::audit::handle))
        .fallback(async || Failure::from(Code::NotFound))
        .method_not_allowed_fallback(async || Failure::from(Code::MethodNotAllowed))
        .layer(axum::middleware::from_fn(respond::render))
        .with_state(state)
}

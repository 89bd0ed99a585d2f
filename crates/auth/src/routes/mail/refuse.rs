//! `POST /otp`, `/magiclink`, `/resend`, `/invite`: refused in plain words instead of pretending to have sent a mail.

use crate::caller::require_admin;
use crate::error::{Code, Failure};
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

pub(crate) async fn otp() -> Result<Response, Failure> {
    Err(Code::OtpDisabled.into())
}

pub(crate) async fn resend() -> Result<Response, Failure> {
    Err(Code::EmailProviderDisabled.into())
}

pub(crate) async fn invite(State(state): State<Shared>, headers: HeaderMap) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let message = "Email sending is not configured on this server; use admin/generate_link with type invite";
    Err(Failure::new(Code::EmailProviderDisabled, message))
}

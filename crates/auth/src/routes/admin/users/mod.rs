//! Accounts, for administrators.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use crate::error::Failure;
use crate::hasher::is_readable;
use crate::instant::Instant;
use crate::routes::input::Object;
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// What an administrator may set. Absent fields stay as they are.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    aud: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    password: Option<SecretString>,
    #[serde(default)]
    password_hash: Option<String>,
    #[serde(default)]
    email_confirm: bool,
    #[serde(default)]
    user_metadata: Option<Object>,
    #[serde(default)]
    app_metadata: Option<Object>,
    #[serde(default)]
    ban_duration: Option<String>,
}

impl Params {
    fn hash_given(&self) -> Result<Option<String>, Failure> {
        match self.password_hash.as_deref().filter(|hash| !hash.is_empty()) {
            Some(hash) if is_readable(hash) => Ok(Some(hash.to_owned())),
            Some(_) => Err(Failure::invalid("password_hash must be an argon2 PHC string")),
            None => Ok(None),
        }
    }
}

fn parse_id(text: &str) -> Result<Uuid, Failure> {
    text.parse().map_err(|_| Failure::invalid("user_id must be an UUID").with_status(http::StatusCode::NOT_FOUND))
}

/// The end of a ban: `none` lifts it, otherwise a duration as Go writes them (`300ms`, `1.5h`, `2h45m`).
fn ban(text: &str, now: Instant) -> Result<crate::account::Ban, Failure> {
    use crate::account::Ban;
    match text {
        "none" => Ok(Ban::Lift),
        text => match duration(text) {
            Some(length) => Ok(Ban::Until(now.plus(length))),
            None => Err(Failure::invalid("invalid format for ban duration: write for example 24h or none")),
        },
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, 0.0_f64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    (!text.is_empty()).then_some(())?;
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ban_durations_are_read_as_go_writes_them() {
        for (text, millis) in
            [("24h", Some(86_400_000)), ("1h30m", Some(5_400_000)), ("1.5h", Some(5_400_000)), ("300ms", Some(300))]
        {
            assert_eq!(duration(text).map(|d| d.as_millis()), millis, "{text}");
        }
        for bad in ["", "h", "1", "1d", "-1h", "1h2", "never", "1..5h"] {
            assert!(duration(bad).is_none(), "{bad}");
        }
    }
}

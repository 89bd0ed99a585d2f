//! Which passwords are acceptable.

use crate::config::Config;
use crate::error::Failure;

/// Longer passwords only cost hashing time.
pub(crate) const MAX_BYTES: usize = 1024;

/// Checks a new password against the configured rules.
///
/// Reasons follow supabase/auth (`api/password.go`): `length`, `characters`.
pub(crate) fn check(config: &Config, password: &str) -> Result<(), Failure> {
    if password.len() > MAX_BYTES {
        return Err(Failure::weak(format!("Password cannot be longer than {MAX_BYTES} bytes."), vec!["length"]));
    }
    let (mut reasons, mut messages) = (Vec::new(), Vec::new());
    if password.chars().count() < config.password_min_length {
        reasons.push("length");
        messages.push(format!("Password should be at least {} characters.", config.password_min_length));
    }
    let missing = |set: &&String| !set.is_empty() && !password.chars().any(|c| set.contains(c));
    if config.password_required_characters.iter().any(|set| missing(&set)) {
        reasons.push("characters");
        let sets = config.password_required_characters.join(", ");
        messages.push(format!("Password should contain at least one character of each: {sets}."));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::weak(messages.join(" "), reasons)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_reported_together() {
        let mut config = Config::default();
        assert!(check(&config, "123456").is_ok());
        assert_eq!(check(&config, "12345").unwrap_err().reasons(), ["length"]);
        config.password_required_characters = vec!["abc".into(), "0123456789".into()];
        assert_eq!(check(&config, "12").unwrap_err().reasons(), ["length", "characters"]);
        assert!(check(&config, "b12345").is_ok());
        assert_eq!(check(&config, &"a1".repeat(600)).unwrap_err().reasons(), ["length"]);
    }
}

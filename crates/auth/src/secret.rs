//! Random values handed out to clients, and the digests that are stored in their place.

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub(crate) struct NoRandomness;

/// 256 random bits, base64url.
pub(crate) fn random_token() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))
}

/// Six decimal digits, each value equally likely.
pub(crate) fn random_code() -> Result<String, NoRandomness> {
    // 4_294_000_000 is the largest multiple of a million below 2^32: values above it would favour small codes.
    loop {
        let n = u32::from_be_bytes(random_bytes::<4>()?);
        if n < 4_294_000_000 {
            return Ok(format!("{:06}", n % 1_000_000));
        }
    }
}

fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// SHA-256, hexadecimal: the form in which a secret is stored and looked up. Looking up by digest also makes the
/// comparison in the database independent of how much of a guess was right.
pub(crate) fn digest_hex(secret: &str) -> String {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The token that follows `previous` in a session with this key.
pub(crate) fn derive_token(key: &str, previous: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, previous.as_bytes()))
}

/// S256 of RFC 7636 section 4.2.
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Equality in time independent of where the texts differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert!(a.len() == 43 && a != b);
        assert!(random_code().unwrap().len() == 6);
    }

    #[test]
    fn digests_and_challenges_match_published_vectors() {
        assert_eq!(digest_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // RFC 7636 appendix B
        assert_eq!(s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn the_next_token_depends_on_key_and_predecessor() {
        assert_eq!(derive_token("k", "t"), derive_token("k", "t"));
        assert_ne!(derive_token("k", "t"), derive_token("l", "t"));
        assert_ne!(derive_token("k", "t"), derive_token("k", "u"));
    }
}

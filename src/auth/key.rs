//! The text of a key, `attain_<tenant>_<key id>_<secret>`: made, read, compared.
//!
//! A tenant's name has no `_` and the secret is hexadecimal, so the text splits in one way only although a
//! key id may hold `_`. Of a secret only its SHA-256 is ever kept: 256 random bits need no slow hash.

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use subtle::ConstantTimeEq as _;

use crate::auth::Secret;
use crate::domain::encode::{self, Digest};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::KeyId;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Random bytes of a key id that we make.
const ID_BYTES: usize = 8;
const PREFIX: &str = "attain_";

/// A key as its holder sends it.
#[derive(Debug, Clone)]
pub struct ParsedKey {
    /// The tenant's name.
    pub tenant_slug: String,
    /// The public part.
    pub id: KeyId,
    /// The secret part alone.
    pub secret: Secret,
}

impl ParsedKey {
    /// Reads a key's text; `None` if it is none. Says no more: whoever guesses learns nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let (slug, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let (id, secret) = rest.rsplit_once('_')?;
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !is_slug(slug) || secret.len() != SECRET_BYTES * 2 || !secret.bytes().all(hex) {
            return None;
        }
        let id = KeyId::try_new(id).ok()?;
        Some(ParsedKey { tenant_slug: slug.into(), id, secret: Secret::new(secret.into()) })
    }

    /// Whether the secret is the one whose hash was kept; takes the same time wherever they differ.
    pub fn matches(&self, secret_hash: &Digest) -> bool {
        hash(&self.secret).ct_eq(secret_hash).into()
    }
}

/// A key just made: the whole text for its holder, the secret's hash to keep.
#[derive(Debug)]
pub struct NewSecret {
    /// The whole key.
    pub text: Secret,
    /// SHA-256 of its secret part.
    pub secret_hash: Digest,
}

/// Makes the secret of a tenant's key. Fails only where the system has no randomness.
pub fn generate(tenant_slug: &str, id: &KeyId) -> Result<NewSecret, Fault> {
    let secret = Secret::new(random_hex::<SECRET_BYTES>()?);
    let text = Secret::new(format!("{PREFIX}{tenant_slug}_{id}_{}", secret.reveal()));
    Ok(NewSecret { text, secret_hash: hash(&secret) })
}

/// Makes an id for a key whose maker gave none: `k` and 16 hexadecimal digits.
pub fn generate_id() -> Result<KeyId, Fault> {
    let id = format!("k{}", random_hex::<ID_BYTES>()?);
    KeyId::try_new(&id).map_err(|fault| Fault::new(Reason::Internal, fault.to_string()))
}

/// Whether a text can name a tenant: a lower-case letter or digit, then up to 38 of those or `-`.
pub fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let first = text.bytes().next().is_some_and(plain);
    first && text.len() <= 39 && text.bytes().all(|b| plain(b) || b == b'-')
}

fn hash(secret: &Secret) -> Digest {
    encode::digest(secret.reveal().as_bytes())
}

fn random_hex<const N: usize>() -> Result<String, Fault> {
    let mut bytes = [0; N];
    let fault = |error| {
        tracing::error!(error.cause = %error, "no randomness");
        Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
    };
    OsRng.try_fill_bytes(&mut bytes).map_err(fault)?;
    Ok(encode::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_key_reads_back_whatever_its_id_holds() {
        for id in ["k1", "a_b", "payroll_2026_", "x.y:z-_w"] {
            let id = KeyId::try_new(id).unwrap();
            let made = generate("acme-2", &id).unwrap();
            let read = ParsedKey::parse(made.text.reveal()).unwrap();
            assert_eq!((read.tenant_slug.as_str(), &read.id), ("acme-2", &id));
            assert!(read.matches(&made.secret_hash));
            let other = generate("acme-2", &id).unwrap();
            assert!(!read.matches(&other.secret_hash), "two keys with one secret");
        }
        assert_ne!(generate_id().unwrap(), generate_id().unwrap());
    }

    #[test]
    fn texts_that_are_no_keys_are_refused() {
        assert!(ParsedKey::parse(&format!("attain_acme_k1_{SECRET}")).is_some());
        let upper = SECRET.to_uppercase();
        for text in [
            "".to_string(),
            "attain_".to_string(),
            format!("attain_acme_{SECRET}"),
            format!("attain_acme__{SECRET}"),
            format!("attain__k1_{SECRET}"),
            format!("attain_Acme_k1_{SECRET}"),
            format!("attain_-acme_k1_{SECRET}"),
            format!("attain_acme_-k_{SECRET}"),
            format!("Attain_acme_k1_{SECRET}"),
            format!(" attain_acme_k1_{SECRET}"),
            format!("attain_acme_k1_{SECRET}0"),
            format!("attain_acme_k1_{upper}"),
            format!("attain_acme_k1_{}", &SECRET[1..]),
        ] {
            assert!(ParsedKey::parse(&text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_kept_is_the_hash_of_the_secret_part() {
        // sha256sum of the 64 characters of SECRET.
        let kept = "a8ae6e6ee929abea3afcfc5258c8ccd6f85273e0d4626d26c7279f3250f77c8e";
        assert_eq!(encode::hex(&hash(&Secret::new(SECRET.into()))), kept);
    }

    #[test]
    fn nothing_shows_a_secret() {
        let key = ParsedKey::parse(&format!("attain_acme_k1_{SECRET}")).unwrap();
        assert!(!format!("{key:?}").contains(&SECRET[..8]), "{key:?}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(attain_)?.{0,200}") {
            let _ = ParsedKey::parse(&text);
        }
    }
}

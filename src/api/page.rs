//! Page tokens: where a list goes on, bound to the tenant, the rpc and the parameters it was begun under, and to
//! the journal number of its first page. A token that was cut or misspelt on its way is refused, so that no list
//! quietly goes on in another place. They hold no secret and give no right: a forged one reads the caller's own
//! tenant from where it says.
//!
//! Pages are cut by bytes as well as by count, so that every answer stays far below what clients take.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;

use crate::api::convert::digest;
use crate::app::{Call, Listed, Page};
use crate::domain::encode::{self, Digest};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;

/// First byte of every token; another form gets another.
const VERSION: u8 = 1;
/// Bytes of the digest that are kept: enough that no two queries meet by accident.
const BOUND: usize = 16;
/// Most bytes of the items on a page: clients take answers of 4 MiB.
const MAX_PAGE_BYTES: usize = 1 << 20;
/// Longest token that is looked at.
const MAX_TOKEN: usize = 1024;

/// The query whose pages are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging(Digest);

impl Paging {
    /// Of a request from which page size and token were taken out.
    pub fn new(call: &Call, rpc: &str, parameters: &impl Message) -> Self {
        Self::of(call.actor.tenant, rpc, parameters)
    }

    fn of(tenant: TenantId, rpc: &str, parameters: &impl Message) -> Self {
        let mut bytes = tenant.0.as_bytes().to_vec();
        bytes.extend_from_slice(&digest(rpc, parameters));
        Paging(encode::digest(&bytes))
    }

    /// What a token of this query with this content is known by.
    fn bound(&self, as_of: &[u8], cursor: &[u8]) -> [u8; BOUND] {
        let digest = encode::digest(&[&self.0, as_of, cursor].concat());
        let mut bound = [0; BOUND];
        bound.copy_from_slice(&digest[..BOUND]);
        bound
    }

    /// The page that a token goes on with; an empty token leaves the first page as it is.
    pub fn open(&self, first: Page, token: &str) -> Result<Page, Fault> {
        if token.is_empty() {
            return Ok(first);
        }
        let (as_of, after) = self.read(token).ok_or_else(|| {
            let message =
                "the page token is of another query or none of ours: send it with the same parameters";
            Fault::new(Reason::PageTokenInvalid, message)
        })?;
        Ok(Page { as_of: as_of.into(), after: Some(after), ..first })
    }

    fn read(&self, token: &str) -> Option<(i64, String)> {
        let bytes = if token.len() > MAX_TOKEN { None } else { URL_SAFE_NO_PAD.decode(token).ok() }?;
        let (version, rest) = bytes.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (bound, cursor) = rest.split_first_chunk()?;
        let as_of = i64::from_be_bytes(*number);
        if *version != VERSION || *bound != self.bound(number, cursor) || as_of < 0 {
            return None;
        }
        Some((as_of, String::from_utf8(cursor.to_vec()).ok()?))
    }

    /// The token of the page after a cursor, at a journal number; empty without a cursor.
    pub fn token(&self, as_of: i64, cursor: Option<&str>) -> String {
        let Some(cursor) = cursor else { return String::new() };
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&as_of.to_be_bytes());
        bytes.extend_from_slice(&self.bound(&as_of.to_be_bytes(), cursor.as_bytes()));
        bytes.extend_from_slice(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A page as messages, cut before it is too large, and the token of the page after it. A first item that is too
    /// large is given alone: pages go on, whatever they hold.
    pub fn page<T, M: Message>(&self, listed: &Listed<T>, wire: impl Fn(&T) -> M) -> (Vec<M>, String) {
        let (mut messages, mut bytes) = (Vec::with_capacity(listed.items.len()), 0);
        for item in &listed.items {
            let message = wire(item);
            let length = message.encoded_len();
            bytes += 1 + prost::length_delimiter_len(length) + length;
            if bytes > MAX_PAGE_BYTES && !messages.is_empty() {
                break;
            }
            messages.push(message);
        }
        let cut = messages.len() < listed.items.len();
        let last = messages.len().checked_sub(1).and_then(|last| listed.keys.get(last));
        let next = if cut { last } else { listed.next.as_ref() };
        let token = self.token(listed.as_of, next.map(String::as_str));
        (messages, token)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::v1;

    fn tenant(number: u128) -> TenantId {
        TenantId(uuid::Uuid::from_u128(number))
    }

    fn parameters(owner: &str, as_of_change: i64) -> v1::ListDealsRequest {
        v1::ListDealsRequest { owner_id: owner.into(), as_of_change, ..Default::default() }
    }

    #[test]
    fn a_token_goes_on_where_its_page_ended_at_the_first_pages_number() {
        let paging = Paging::of(tenant(1), "a.B/C", &parameters("E-1", 0));
        let token = paging.token(42, Some("D-100"));
        let first = Page { as_of: 0.into(), after: None, size: 7 };
        let page = paging.open(first.clone(), &token);
        assert_eq!(page, Ok(Page { as_of: 42.into(), after: Some("D-100".into()), size: 7 }));
        assert_eq!(paging.open(first.clone(), ""), Ok(first));
        assert_eq!(paging.token(42, None), "");
    }

    #[test]
    fn a_token_is_refused_under_any_other_query() {
        let paging = Paging::of(tenant(1), "a.B/C", &parameters("E-1", 0));
        let token = paging.token(42, Some("D-100"));
        let first = Page { as_of: 0.into(), after: None, size: 7 };
        for other in [
            Paging::of(tenant(2), "a.B/C", &parameters("E-1", 0)),
            Paging::of(tenant(1), "a.B/D", &parameters("E-1", 0)),
            Paging::of(tenant(1), "a.B/C", &parameters("E-2", 0)),
            Paging::of(tenant(1), "a.B/C", &parameters("E-1", 42)),
        ] {
            let fault = other.open(first.clone(), &token).unwrap_err();
            assert_eq!(fault.reason, Reason::PageTokenInvalid);
        }
        let (half, shorter) = (&token[..token.len() / 2], &token[..token.len() - 4]);
        for bad in ["x", "====", "AQ", half, shorter, &format!("{token}="), &"A".repeat(2000)] {
            assert!(paging.open(first.clone(), bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cursor_reads_back(as_of in 0..i64::MAX, cursor in ".{0,80}") {
            let paging = Paging::of(tenant(1), "a.B/C", &parameters("E-1", 0));
            let token = paging.token(as_of, Some(&cursor));
            prop_assert_eq!(paging.read(&token), Some((as_of, cursor)));
        }

        #[test]
        fn no_bytes_panic_and_none_pass(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let paging = Paging::of(tenant(1), "a.B/C", &parameters("E-1", 0));
            prop_assert_eq!(paging.read(&URL_SAFE_NO_PAD.encode(bytes)), None);
            prop_assert_eq!(paging.read(&text), None);
        }
    }
}

//! Cookies: reading them, and signing the session's id.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The first system's secret; the session's id is random, so it guards nothing by itself.
const SECRET: &[u8] = b"sooper secret";
/// What a cookie's value escapes: all that JavaScript's `encodeURIComponent` does.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// SHA-256 works on blocks of this many bytes.
const BLOCK: usize = 64;

/// The value of the cookie `name`.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// The signed form of a session's id, ready for a cookie.
pub(super) fn sign(sid: &str) -> String {
    let signed = format!("s:{sid}.{}", signature(sid));
    utf8_percent_encode(&signed, &ESCAPED).to_string()
}

/// The session's id in a decoded cookie, if the signature is right.
pub(super) fn verify(value: &str) -> Option<String> {
    let (sid, found) = value.strip_prefix("s:")?.rsplit_once('.')?;
    (found == signature(sid)).then(|| sid.to_owned())
}

/// HMAC-SHA256 (RFC 2104) in base64.
fn signature(text: &str) -> String {
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        for (padded, secret) in block.iter_mut().zip(SECRET) {
            *padded ^= secret;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(text)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize();
    STANDARD_NO_PAD.encode(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_id_is_read_back_and_a_changed_one_is_not() {
        let mut headers = HeaderMap::new();
        let signed = sign("id-1");
        assert!(signed.starts_with("s%3Aid-1."), "{signed}");
        let cookie = format!("a=b; md.sid={signed}; logged_in=x");
        headers.insert(header::COOKIE, cookie.parse().expect("ascii"));
        let value = read(&headers, "md.sid").expect("the cookie");
        assert!(value.starts_with("s:id-1."), "{value}");
        assert_eq!(verify(&value).as_deref(), Some("id-1"));
        assert_eq!(verify(&value.replace("id-1", "id-2")), None);
        assert_eq!(read(&headers, "logged_in").as_deref(), Some("x"));
        assert_eq!(read(&headers, "other"), None);
    }

    #[test]
    fn the_signature_is_hmac_sha256() {
        // python3: base64(hmac.new(b"sooper secret", b"abc", "sha256"))
        assert_eq!(
            signature("abc"),
            "xmSYGghhhn3fUNoViYYAvY4f1JIY3v7I9Kxi0puB63E"
        );
    }
}

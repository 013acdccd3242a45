//! Bodies that were compressed on their way.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::read::DeflateDecoder;

use crate::otlp::{InflateError, gunzip, inflate};

/// The body as it was before it was compressed; at most `max` bytes of it. Snappy is left to
/// whoever reads protobuf, where it is part of the format.
///
/// # Errors
/// What is wrong, in Loki's words.
pub(super) fn plain(headers: &HeaderMap, body: Bytes, max: usize) -> Result<Bytes, String> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    match encoding {
        "" | "identity" | "snappy" => Ok(body),
        "gzip" => gunzip(&body, max)
            .map(Bytes::from)
            .map_err(|error| in_words(error, max)),
        "deflate" => inflate(DeflateDecoder::new(&*body), max)
            .map(Bytes::from)
            .map_err(|error| in_words(error, max)),
        other => Err(format!("Content-Encoding {other:?} not supported")),
    }
}

/// What Loki says of a body that cannot be decompressed.
fn in_words(error: InflateError, max: usize) -> String {
    match error {
        InflateError::Broken(error) => error.to_string(),
        InflateError::TooLarge => {
            let read = max + 1;
            format!("request body too large: {read} bytes, limit: {max} bytes")
        }
    }
}

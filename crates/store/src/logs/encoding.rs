//! Bodies that were compressed on their way.

use std::io::{self, Read};

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::read::{DeflateDecoder, GzDecoder};

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
        "gzip" => inflate(GzDecoder::new(&*body), max),
        "deflate" => inflate(DeflateDecoder::new(&*body), max),
        other => Err(format!("Content-Encoding {other:?} not supported")),
    }
}

fn inflate(reader: impl Read, max: usize) -> Result<Bytes, String> {
    let mut out = Vec::new();
    let read = reader
        .take(max as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error: io::Error| error.to_string())?;
    if read > max {
        return Err(format!(
            "request body too large: {read} bytes, limit: {max} bytes"
        ));
    }
    Ok(out.into())
}

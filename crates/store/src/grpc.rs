//! gRPC as far as receivers and streamed answers need it: calls with one message, answers with
//! one, errors with the time to wait.
//!
//! Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http_body_util::{BodyExt, Full};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use prost::Message;

use crate::otlp::decompress;

/// What gRPC calls its errors (<https://grpc.io/docs/guides/status-codes/>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Code {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

impl Code {
    /// The one that stands for a status of HTTP.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            404 => Self::NotFound,
            408 | 504 => Self::DeadlineExceeded,
            429 => Self::ResourceExhausted,
            503 => Self::Unavailable,
            400..500 => Self::InvalidArgument,
            _ => Self::Internal,
        }
    }

    /// Its number.
    pub(crate) const fn number(self) -> i32 {
        self as i32
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) Code, pub(crate) String);

/// Seconds after which what was too much may be sent again.
pub(crate) const RETRY_AFTER: i64 = 1;

/// `google.rpc.Status` (<https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto>).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Seconds>,
}

/// `google.protobuf.Duration`, in whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Seconds {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

impl Failure {
    /// As a message; what was too much is told when to come again.
    pub(crate) fn status(&self) -> Status {
        let retry = || Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: RetryInfo {
                delay: Some(Seconds {
                    seconds: RETRY_AFTER,
                }),
            }
            .encode_to_vec(),
        };
        Status {
            code: self.0.number(),
            message: self.1.clone(),
            details: (self.0 == Code::ResourceExhausted)
                .then(retry)
                .into_iter()
                .collect(),
        }
    }
}

/// Whether a request is a call over gRPC.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// The message of a call.
///
/// # Errors
/// The answer to what is no such call.
pub(crate) fn read<T: Message + Default>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Box<Response>> {
    let message = read_bytes(headers, body)?;
    T::decode(message.as_slice())
        .map_err(|wrong| Box::new(error(&Failure(Code::InvalidArgument, wrong.to_string()))))
}

/// The bytes of a call's message.
///
/// # Errors
/// The answer to what is no such call.
pub(crate) fn read_bytes(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Box<Response>> {
    if !is_call(headers) {
        return Err(Box::new(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()));
    }
    unframed(headers, body).map_err(|failure| Box::new(error(&failure)))
}

/// The one message of a call: a flag for compression, four bytes of length, and itself.
fn unframed(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let wrong = |message: &str| Failure(Code::InvalidArgument, message.to_owned());
    let Some((&[flag, a, b, c, d], rest)) = body.split_first_chunk() else {
        return Err(wrong("a message has five bytes before it"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let message = rest
        .get(..length)
        .ok_or_else(|| wrong("the message is cut off"))?;
    if flag == 0 {
        return Ok(message.to_vec());
    }
    match headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
        Some(b"gzip") => decompress(message).map_err(|error| wrong(&error)),
        other => {
            let name = other.map(String::from_utf8_lossy).unwrap_or_default();
            Err(Failure(
                Code::Unimplemented,
                format!("grpc: Decompressor is not installed for grpc-encoding {name:?}"),
            ))
        }
    }
}

const GRPC: (HeaderName, HeaderValue) = (
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/grpc"),
);
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// An answer of one message, or a stream of one.
pub(crate) fn answer(message: &[u8]) -> Response {
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let trailers = async move { Some(Ok(trailers)) };
    let body = Full::new(Bytes::from(frame)).with_trailers(trailers);
    ([GRPC], Body::new(body)).into_response()
}

/// An error, told in headers alone.
pub(crate) fn error(failure: &Failure) -> Response {
    let mut answer = ([GRPC], Body::empty()).into_response();
    let headers = answer.headers_mut();
    headers.insert(STATUS, HeaderValue::from(failure.0.number()));
    let message = utf8_percent_encode(&failure.1, CONTROLS).to_string();
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert(MESSAGE, message);
    }
    let status = failure.status();
    if !status.details.is_empty()
        && let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(status.encode_to_vec()))
    {
        headers.insert(DETAILS, details);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_or_refused() {
        let mut gzip = HeaderMap::new();
        gzip.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        let plain = HeaderMap::new();
        assert_eq!(unframed(&plain, &[0, 0, 0, 0, 2, 7, 8]), Ok(vec![7, 8]));
        for (headers, body) in [
            (&plain, vec![0, 0, 0]),
            (&plain, vec![0, 0, 0, 0, 9, 1]),
            (&plain, vec![1, 0, 0, 0, 1, 1]),
            (&gzip, vec![1, 0, 0, 0, 1, 1]),
        ] {
            assert!(unframed(headers, &body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn what_was_too_much_is_told_when_to_come_again() {
        let told = |code| error(&Failure(code, "é".to_owned())).headers().clone();
        let headers = told(Code::ResourceExhausted);
        assert_eq!(headers[STATUS], "8");
        assert_eq!(headers[MESSAGE], "%C3%A9");
        let details = STANDARD_NO_PAD.decode(&headers[DETAILS]).unwrap();
        let status = Status::decode(details.as_slice()).unwrap();
        assert!(status.details[0].type_url.ends_with("google.rpc.RetryInfo"));
        let info = RetryInfo::decode(status.details[0].value.as_slice()).unwrap();
        assert_eq!(info.delay.map(|delay| delay.seconds), Some(RETRY_AFTER));
        assert!(told(Code::Internal).get(DETAILS).is_none());
    }
}

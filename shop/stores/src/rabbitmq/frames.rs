//! Frames on the wire, by `amq-protocol`.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic::AMQPProperties;
use bytes::{Buf, Bytes, BytesMut};

/// Largest frame that is offered and taken, as in RabbitMQ.
pub(super) const FRAME_MAX: u32 = 131_072;
/// Type, channel, size and end of a frame.
const AROUND: usize = 8;
/// Class of messages' content.
const BASIC: u16 = 60;

/// What cannot be a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes one frame from what has been received; `None` when it is not there yet.
pub(super) fn decode(buffer: &mut BytesMut) -> Result<Option<AMQPFrame>, Malformed> {
    if buffer.first() == Some(&b'A') {
        if buffer.len() < 8 {
            return Ok(None);
        }
        let header = buffer.split_to(8);
        return parse_frame(&header[..])
            .map(|(_, frame)| Some(frame))
            .map_err(|_| Malformed);
    }
    if buffer.len() < 7 {
        return Ok(None);
    }
    let size = u32::from_be_bytes([buffer[3], buffer[4], buffer[5], buffer[6]]);
    if size > FRAME_MAX {
        return Err(Malformed);
    }
    let whole = size as usize + AROUND;
    if buffer.len() < whole {
        return Ok(None);
    }
    let parsed = parse_frame(&buffer[..whole])
        .map(|(_, frame)| frame)
        .map_err(|_| Malformed)?;
    buffer.advance(whole);
    Ok(Some(parsed))
}

/// Appends a frame; what cannot be encoded is left out, and said in the log.
fn encode(frame: &AMQPFrame, out: &mut Vec<u8>) {
    match gen_frame(frame)(WriteContext::from(Vec::new())) {
        Ok(written) => out.extend_from_slice(&written.into_inner().0),
        Err(error) => tracing::error!(%error, "could not encode a frame"),
    }
}

/// A heartbeat.
pub(super) fn heartbeat() -> Bytes {
    let mut out = Vec::new();
    encode(&AMQPFrame::Heartbeat, &mut out);
    out.into()
}

/// One method.
pub(super) fn method(channel: u16, method: AMQPClass) -> Bytes {
    let mut out = Vec::new();
    encode(&AMQPFrame::Method(channel, method), &mut out);
    out.into()
}

/// A method with a message's content after it.
pub(super) fn content(
    channel: u16,
    method: AMQPClass,
    properties: &AMQPProperties,
    body: &[u8],
) -> Bytes {
    let mut out = Vec::with_capacity(body.len() + 256);
    encode(&AMQPFrame::Method(channel, method), &mut out);
    let header = AMQPContentHeader {
        class_id: BASIC,
        body_size: body.len() as u64,
        properties: properties.clone(),
    };
    encode(&AMQPFrame::Header(channel, header), &mut out);
    for chunk in body.chunks(FRAME_MAX as usize - AROUND) {
        encode(&AMQPFrame::Body(channel, chunk.to_vec()), &mut out);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use amq_protocol::protocol::channel;

    use super::*;

    #[test]
    fn frames_are_read_back_when_they_are_whole() {
        let open = || AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
        let mut bytes = method(1, open()).to_vec();
        bytes.extend_from_slice(&content(
            1,
            open(),
            &AMQPProperties::default(),
            &vec![7; 200_000],
        ));
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for chunk in bytes.chunks(1000) {
            buffer.extend_from_slice(chunk);
            while let Some(frame) = decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        assert_eq!(frames.len(), 5);
        assert_eq!(frames[0], AMQPFrame::Method(1, open()));
        assert_eq!(
            decode(&mut BytesMut::from(&[1, 0, 0, 255, 0, 0, 0, 0][..])),
            Err(Malformed)
        );
    }
}

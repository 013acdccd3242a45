//! AMQP sessions from bytes: their frames are well formed, what is in them is not.

/// How a session begins: the protocol, a login as guest, limits, the virtual host.
const HANDSHAKE: &[&[u8]] = &[
    b"AMQP\0\0\x09\x01",
    b"\x01\0\0\0\0\0\x24\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US\xce",
    b"\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\0\xce",
    b"\x01\0\0\0\0\0\x08\0\x0a\0\x28\x01/\0\0\xce",
    b"\x01\0\x01\0\0\0\x05\0\x14\0\x0a\0\xce",
];

/// A session in which each piece of `bytes` is a frame: a byte for its type and channel, one for its length, itself.
pub(super) fn session(bytes: &[u8]) -> Vec<u8> {
    let mut sent = HANDSHAKE.concat();
    let mut rest = bytes;
    while let [kind, length, behind @ ..] = rest {
        let (payload, after) = behind.split_at(usize::from(*length).min(behind.len()));
        frame(kind % 4, u16::from(kind / 64 + 1), payload, &mut sent);
        rest = after;
    }
    sent
}

/// Types are 1 (method), 2 (header), 3 (body) and 8 (heartbeat).
fn frame(kind: u8, channel: u16, payload: &[u8], out: &mut Vec<u8>) {
    out.push(if kind == 0 { 8 } else { kind });
    out.extend_from_slice(&channel.to_be_bytes());
    // A piece has 255 bytes at most.
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(payload);
    out.push(0xce);
}

/// A method of the first channel, as a piece.
fn piece(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, payload.len() as u8], payload].concat()
}

/// Sessions that declare, bind, publish, consume, acknowledge and confirm.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let method = |payload: &[u8]| piece(1, payload);
    let exchange = method(b"\0\x28\0\x0a\0\0\x01e\x05topic\x02\0\0\0\0");
    let queue = method(b"\0\x32\0\x0a\0\0\x01q\x02\0\0\0\x11\x0cx-max-lengthI\0\0\0\x05");
    let bind = method(b"\0\x32\0\x14\0\0\x01q\x01e\x03a.#\0\0\0\0\0");
    let confirm = method(b"\0\x55\0\x0a\0");
    let publish = [
        method(b"\0\x3c\0\x28\0\0\x01e\x03a.b\x01"),
        piece(2, b"\0\x3c\0\0\0\0\0\0\0\0\0\x02\x10\0\x02"),
        piece(3, b"hi"),
    ]
    .concat();
    let qos = method(b"\0\x3c\0\x0a\0\0\0\0\0\x02\0");
    let consume = method(b"\0\x3c\0\x14\0\0\x01q\x01c\0\0\0\0\0");
    let get = method(b"\0\x3c\0\x46\0\0\x01q\0");
    let ack = method(b"\0\x3c\0\x50\0\0\0\0\0\0\0\x01\x01");
    let nack = method(b"\0\x3c\0\x78\0\0\0\0\0\0\0\x01\x02");
    let close = method(b"\0\x14\0\x28\0\xc8\0\0\0\0\0");
    let all = |parts: &[&Vec<u8>]| {
        [
            vec![1],
            parts.iter().copied().cloned().collect::<Vec<_>>().concat(),
        ]
        .concat()
    };
    vec![
        all(&[
            &exchange, &queue, &bind, &confirm, &publish, &get, &ack, &close,
        ]),
        all(&[&queue, &qos, &consume, &publish, &nack]),
        [vec![0], session(&[exchange, queue].concat())].concat(),
    ]
}

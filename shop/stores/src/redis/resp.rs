//! RESP: commands as clients send them, replies in version 2 and 3.

use bytes::{Buf, Bytes, BytesMut};

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// An answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `+OK`
    Simple(&'static str),
    Error(String),
    Int(i64),
    Bulk(Bytes),
    /// No value.
    Nil,
    Array(Vec<Reply>),
    /// Pairs; an array in version 2.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    pub(super) const OK: Self = Self::Simple("OK");

    pub(super) fn text(text: &str) -> Self {
        Self::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    pub(super) fn error(text: &str) -> Self {
        Self::Error(text.to_owned())
    }

    pub(super) fn encode(&self, version: Version, out: &mut BytesMut) {
        match self {
            Self::Simple(text) => line(out, '+', text),
            Self::Error(text) => line(out, '-', text),
            Self::Int(number) => line(out, ':', &number.to_string()),
            Self::Bulk(bytes) => {
                line(out, '$', &bytes.len().to_string());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Self::Nil if version == Version::Three => out.extend_from_slice(b"_\r\n"),
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::Array(items) => {
                line(out, '*', &items.len().to_string());
                items.iter().for_each(|item| item.encode(version, out));
            }
            Self::Map(pairs) => {
                let (mark, count) = if version == Version::Three {
                    ('%', pairs.len())
                } else {
                    ('*', pairs.len() * 2)
                };
                line(out, mark, &count.to_string());
                for (key, value) in pairs {
                    key.encode(version, out);
                    value.encode(version, out);
                }
            }
        }
    }
}

fn line(out: &mut BytesMut, mark: char, text: &str) {
    out.extend_from_slice(&[mark as u8]);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Largest argument that is taken, as in Redis.
const LONGEST: i64 = 512 << 20;

/// Takes one command from what has been received; `None` when it is not there yet.
///
/// # Errors
/// What is not the protocol, as Redis words it.
pub(super) fn command(buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, String> {
    let Some(first) = buffer.first() else {
        return Ok(None);
    };
    if *first != b'*' {
        return Ok(inline(buffer));
    }
    let Some((count, mut at)) = number(buffer, 1)? else {
        return Ok(None);
    };
    if !(-1..=1 << 20).contains(&count) {
        return Err("ERR Protocol error: invalid multibulk length".to_owned());
    }
    let mut spans = Vec::new();
    for _ in 0..count.max(0) {
        let Some(mark) = buffer.get(at) else {
            return Ok(None);
        };
        if *mark != b'$' {
            return Err(format!(
                "ERR Protocol error: expected '$', got '{}'",
                char::from(*mark)
            ));
        }
        let Some((length, start)) = number(buffer, at + 1)? else {
            return Ok(None);
        };
        if !(0..=LONGEST).contains(&length) {
            return Err("ERR Protocol error: invalid bulk length".to_owned());
        }
        let end = start + usize::try_from(length).unwrap_or_default();
        if buffer.len() < end + 2 {
            return Ok(None);
        }
        spans.push(start..end);
        at = end + 2;
    }
    let whole = buffer.split_to(at).freeze();
    Ok(Some(
        spans.into_iter().map(|span| whole.slice(span)).collect(),
    ))
}

/// The number that a line holds, and where the next line begins.
fn number(buffer: &[u8], from: usize) -> Result<Option<(i64, usize)>, String> {
    let Some(length) = buffer[from.min(buffer.len())..]
        .windows(2)
        .position(|pair| pair == b"\r\n")
    else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[from..from + length]).unwrap_or_default();
    let number = text
        .parse()
        .map_err(|_| "ERR Protocol error: invalid multibulk length".to_owned())?;
    Ok(Some((number, from + length + 2)))
}

/// A command typed into telnet.
fn inline(buffer: &mut BytesMut) -> Option<Vec<Bytes>> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    let line = buffer.split_to(end).freeze();
    buffer.advance(1);
    Some(
        line.split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(|word| line.slice_ref(word))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Vec<Bytes>>, String> {
        command(&mut BytesMut::from(text))
    }

    #[test]
    fn commands_are_read_when_they_are_whole() {
        let whole = "*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n";
        assert_eq!(read(whole).unwrap().unwrap(), ["GET", "a\r\n"]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Ok(None), "{end}");
        }
        assert_eq!(read("  SET a  1\r\n").unwrap().unwrap(), ["SET", "a", "1"]);
        assert_eq!(
            read("*1\r\n:3\r\n").unwrap_err(),
            "ERR Protocol error: expected '$', got ':'"
        );
    }

    #[test]
    fn replies_differ_by_version() {
        let reply = Reply::Map(vec![(Reply::text("a"), Reply::Nil)]);
        for (version, expected) in [
            (Version::Two, "*2\r\n$1\r\na\r\n$-1\r\n"),
            (Version::Three, "%1\r\n$1\r\na\r\n_\r\n"),
        ] {
            let mut out = BytesMut::new();
            reply.encode(version, &mut out);
            assert_eq!(out, expected);
        }
    }
}

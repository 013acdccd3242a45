//! Protobuf's wire format, read without copying
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// The fields of a message, in the order they stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("proto: unexpected EOF")]
    End,
    #[error("proto: illegal wireType {0}")]
    Type(u8),
    #[error("proto: integer overflow")]
    Overflow,
    #[error("proto: invalid UTF-8 string")]
    Text,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    #[inline]
    fn field(&mut self) -> Result<(u64, Wire<'a>), WireError> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Overflow)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(WireError::Type(u8::try_from(other).unwrap_or(0))),
        };
        Ok((key >> 3, value))
    }

    /// Numbers of seven bits each, the lowest first.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        match self.0 {
            [only @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*only))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or(WireError::End)?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Overflow)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(WireError::End)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(WireError::End)?;
        self.0 = rest;
        Ok(*taken)
    }
}

impl<'a> Wire<'a> {
    /// A message's or a text's bytes; nothing of other types.
    pub(super) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    pub(super) fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()).map_err(|_| WireError::Text)
    }

    /// A `double`.
    pub(super) const fn double(self) -> f64 {
        match self {
            Self::Fixed64(bits) => f64::from_bits(bits),
            _ => 0.0,
        }
    }

    /// An `int64` or an enumeration.
    pub(super) const fn int(self) -> i64 {
        match self {
            Self::Varint(n) => n.cast_signed(),
            _ => 0,
        }
    }

    /// The numbers of a repeated field, packed or single.
    pub(super) fn numbers(self, out: &mut Vec<u64>) -> Result<(), WireError> {
        match self {
            Self::Varint(n) => out.push(n),
            Self::Bytes(bytes) => {
                let mut packed = Fields(bytes);
                while !packed.0.is_empty() {
                    out.push(packed.varint()?);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_one_by_one() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x12, 0x02, b'h', b'i', // 2: "hi"
            0x19, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // 3: 1.5
            0x25, 7, 0, 0, 0, // 4: fixed32 7
        ];
        let all: Vec<_> = Fields(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(all[0], (1, Wire::Varint(150)));
        assert_eq!(all[1].1.text(), Ok("hi"));
        assert!((all[2].1.double() - 1.5).abs() < f64::EPSILON);
        assert_eq!(all[3], (4, Wire::Fixed32(7)));
    }

    #[test]
    fn what_breaks_off_is_refused() {
        for (bytes, want) in [
            (&[0x08][..], WireError::End),
            (&[0x12, 0x05, b'h'], WireError::End),
            (&[0x0b], WireError::Type(3)),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                WireError::Overflow,
            ),
        ] {
            let refused = Fields(bytes).find_map(Result::err);
            assert_eq!(refused, Some(want), "{bytes:?}");
        }
    }
}

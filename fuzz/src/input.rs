//! How targets cut their bytes into pieces.

/// The first byte, which chooses one of `count` ways to read the rest; of nothing, the first way.
pub(crate) fn choice(bytes: &[u8], count: u8) -> (u8, &[u8]) {
    match bytes.split_first() {
        Some((first, rest)) => (first % count, rest),
        None => (0, bytes),
    }
}

/// The first line and what is behind it, where both are UTF-8.
pub(crate) fn line(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.split_once('\n').unwrap_or((text, "")))
}

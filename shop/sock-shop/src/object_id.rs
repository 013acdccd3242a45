//! Ids of 24 hexadecimal digits, as documents have them.

use rand::random;

/// A new id: seconds since the epoch, then 64 random bits.
pub(crate) fn new() -> String {
    let seconds = jiff::Timestamp::now().as_second() as u32;
    format!("{seconds:08x}{:016x}", random::<u64>())
}

/// Whether `text` is an id.
pub(crate) fn is_valid(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_new_id_is_valid_and_differs_from_the_next() {
        let id = super::new();
        assert!(super::is_valid(&id), "{id}");
        assert_ne!(id, super::new());
        for text in ["", "57a98d98e4b00679b4a830a", "57a98d98e4b00679b4a830ag"] {
            assert!(!super::is_valid(text), "{text}");
        }
    }
}

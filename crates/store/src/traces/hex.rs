//! Ids as Tempo writes and reads them.

use crate::otlp::hex;

/// An id of a trace as searches show it: without leading zeros.
pub(super) fn trace_hex(id: &[u8]) -> String {
    hex(id).trim_start_matches('0').to_owned()
}

/// An id of a span as searches show it: 16 digits.
pub(super) fn span_hex(id: &[u8]) -> String {
    let short = hex(id);
    format!("{:0>16}", short.trim_start_matches('0'))
}

/// Reads the id of a trace: up to 32 hex digits, zeros added in front.
///
/// # Errors
/// Tempo's words for what is no id.
pub(super) fn read_trace_id(text: &str) -> Result<[u8; 16], String> {
    let wrong = text.chars().position(|c| !c.is_ascii_hexdigit());
    if let Some(at) = wrong {
        let c = text.chars().nth(at).unwrap_or_default();
        return Err(format!(
            "trace IDs can only contain hex characters: invalid character '{c}' at position {}",
            at + 1
        ));
    }
    if text.len() > 32 {
        return Err("trace IDs can't be larger than 128 bits".to_owned());
    }
    let number = u128::from_str_radix(text, 16).unwrap_or(0);
    Ok(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lose_and_regain_their_zeros() {
        assert_eq!(trace_hex(&[0, 1, 2]), "102");
        assert_eq!(span_hex(&[0, 1]), "0000000000000001");
        assert_eq!(span_hex(&[]), "0000000000000000");
        assert_eq!(
            read_trace_id("102").map(|id| id[14..].to_vec()),
            Ok(vec![1, 2])
        );
        assert_eq!(
            read_trace_id("1g"),
            Err(
                "trace IDs can only contain hex characters: invalid character 'g' at position 2"
                    .to_owned()
            )
        );
    }
}

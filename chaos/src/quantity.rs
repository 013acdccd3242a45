//! Kubernetes quantities: `50m`, `0.5`, `64Mi`. Written as the API writes them back.

/// Thousandths of a core, as Kubernetes writes them.
pub(crate) fn cpu(millis: u64) -> String {
    match millis % 1_000 {
        0 => (millis / 1_000).to_string(),
        _ => format!("{millis}m"),
    }
}

/// MiB, as Kubernetes writes them.
pub(crate) fn memory(mebibytes: u64) -> String {
    match mebibytes % 1_024 {
        0 => format!("{}Gi", mebibytes / 1_024),
        _ => format!("{mebibytes}Mi"),
    }
}

/// A quantity in thousandths; `None` when it is not one.
pub(crate) fn millis_of(text: &str) -> Option<u128> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let factor: u128 = match &text[digits.len()..] {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        _ => return None,
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |text: &str| text.parse::<u128>().ok();
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let whole = number(whole)?.checked_mul(factor)?;
    Some(whole + number(part)?.checked_mul(factor)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_api_writes_them() {
        for (written, expected) in [
            (cpu(50), "50m"),
            (cpu(1_500), "1500m"),
            (cpu(2_000), "2"),
            (memory(64), "64Mi"),
            (memory(1_024), "1Gi"),
            (memory(1_536), "1536Mi"),
        ] {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn quantities_of_different_units_compare() {
        for (one, other) in [
            ("500m", "0.5"),
            ("1", "1000m"),
            ("1Gi", "1024Mi"),
            ("1M", "1000k"),
            ("1.5Gi", "1536Mi"),
        ] {
            assert!(millis_of(one).is_some());
            assert_eq!(millis_of(one), millis_of(other), "{one} {other}");
        }
        for text in ["", "m", "1.2.3", "12Xi", "-5"] {
            assert_eq!(millis_of(text), None, "{text}");
        }
    }
}

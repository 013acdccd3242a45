//! Kubernetes' quantities: `500Mi`, `100m`, `0.5`, `1Gi`. Pure.

/// The value of a quantity; `None` when it is not one.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let at = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return text.parse().ok(),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// The value of a quantity that stands as a text or as a number.
pub(crate) fn of_value(value: &serde_json::Value) -> Option<f64> {
    match value {
        serde_json::Value::String(text) => parse(text),
        other => other.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        for (text, expected) in [
            ("100m", Some(0.1)),
            ("1Gi", Some(1_073_741_824.0)),
            ("2", Some(2.0)),
            ("1e3", Some(1_000.0)),
            ("x", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}

//! Numbers of 32 bits in JSON, printed as the shop's first languages print them.

use serde_json::Value;

/// `number` as Java prints a float: the shortest digits, and `.0` on whole numbers.
pub(crate) fn java_float(number: f32) -> Value {
    Value::from(shortest(number))
}

/// `number` as Go prints a float32: the shortest digits, whole numbers without `.0`.
pub(crate) fn go_float(number: f32) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Value::from(number as i64);
    }
    Value::from(shortest(number))
}

/// The double whose shortest digits are the float's shortest digits.
pub(crate) fn shortest(number: f32) -> f64 {
    number
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_their_shortest_digits() {
        for (number, go, java) in [
            (99.99_f32, "99.99", "99.99"),
            (15.0, "15", "15.0"),
            (7.99, "7.99", "7.99"),
            (104.979_996, "104.979996", "104.979996"),
            (0.0, "0", "0.0"),
        ] {
            assert_eq!(go_float(number).to_string(), go);
            assert_eq!(java_float(number).to_string(), java);
        }
    }
}

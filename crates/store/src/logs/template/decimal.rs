//! Sums and products in decimals, as sprig's `addf` and its like have them: `0.1 + 0.2` is
//! `0.3`.
//!
//! Source: <https://masterminds.github.io/sprig/mathf.html>.

/// Digits after the point of a quotient.
const DIVISION_DIGITS: u32 = 16;

/// `a op b` for `+`, `-`, `*` and `/`; with plain floats where decimals are too long.
pub(super) fn calc(op: char, a: f64, b: f64) -> f64 {
    let exact = || {
        let (x, y) = (Decimal::of(a)?, Decimal::of(b)?);
        match op {
            '+' => x.plus(y),
            '-' => x.plus(Decimal {
                digits: y.digits.checked_neg()?,
                ..y
            }),
            '*' => x.times(y),
            _ => x.over(y),
        }
    };
    match exact() {
        Some(decimal) => decimal.float(),
        None => match op {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            _ => a / b,
        },
    }
}

/// `digits / 10^places`.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    fn of(value: f64) -> Option<Self> {
        let text = value.is_finite().then(|| value.to_string())?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some(Self {
            digits: format!("{whole}{fraction}").parse().ok()?,
            places: u32::try_from(fraction.len()).ok()?,
        })
    }

    fn scaled(self, places: u32) -> Option<i128> {
        let factor = 10_i128.checked_pow(places.checked_sub(self.places)?)?;
        self.digits.checked_mul(factor)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        Some(Self {
            digits: self.scaled(places)?.checked_add(other.scaled(places)?)?,
            places,
        })
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self {
            digits: self.digits.checked_mul(other.digits)?,
            places: self.places + other.places,
        })
    }

    fn over(self, other: Self) -> Option<Self> {
        let above = self.scaled(self.places.max(other.places + DIVISION_DIGITS))?;
        let places = self.places.max(other.places + DIVISION_DIGITS) - other.places;
        let quotient = above.checked_div(other.digits)?;
        // Half up, away from zero.
        let twice = (above % other.digits).checked_mul(2)?;
        let up = twice.checked_abs()? >= other.digits.checked_abs()?;
        let sign = if (above < 0) == (other.digits < 0) {
            1
        } else {
            -1
        };
        Some(Self {
            digits: quotient + if up { sign } else { 0 },
            places,
        })
    }

    fn float(self) -> f64 {
        let sign = if self.digits < 0 { "-" } else { "" };
        let text = format!(
            "{:0>1$}",
            self.digits.unsigned_abs(),
            self.places as usize + 1
        );
        let (whole, fraction) = text.split_at(text.len() - self.places as usize);
        format!("{sign}{whole}.{fraction}0")
            .parse()
            .unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_are_those_of_decimals() {
        for (op, a, b, result) in [
            ('+', 0.1, 0.2, 0.3),
            ('-', 1.0, 0.9, 0.1),
            ('*', 1.1, 1.1, 1.21),
            ('/', 1.0, 3.0, 0.333_333_333_333_333_3),
            ('/', -2.0, 3.0, -0.666_666_666_666_666_7),
            ('*', 1e200, 1e200, f64::INFINITY),
        ] {
            assert_eq!(calc(op, a, b), result, "{a} {op} {b}");
        }
    }
}

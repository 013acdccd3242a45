//! Parameters of a request: of its query string and, when it is a form, of its body.

use super::logql::units;

/// Names and values, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query string and a form's body.
    pub(crate) fn new(query: Option<&str>, body: &[u8]) -> Self {
        let read = |bytes: &[u8]| {
            url::form_urlencoded::parse(bytes)
                .into_owned()
                .collect::<Vec<_>>()
        };
        let mut all = read(query.unwrap_or("").as_bytes());
        all.extend(read(body));
        Self(all)
    }

    /// The first value of `name`; nothing if it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All values of `name`.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// A time: nanoseconds, seconds with or without fraction, or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        time(text).map(Some).ok_or_else(|| {
            format!(
                "could not parse '{name}' parameter: strconv.ParseInt: parsing {}: invalid syntax",
                super::labels::quote(text)
            )
        })
    }

    /// A length of time: seconds, or a duration with units; in nanoseconds.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        if let Ok(seconds) = text.parse::<f64>() {
            return Ok(Some((seconds * 1e9).round() as i64));
        }
        units::range(text)
            .or_else(|| units::go_duration(text))
            .map(Some)
            .ok_or_else(|| format!("cannot parse {text:?} to a valid duration"))
    }
}

/// Reads a time as Loki does: a number of up to ten digits is seconds, a longer one nanoseconds.
fn time(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Some((seconds * 1e9).round() as i64);
    }
    match text.parse::<i64>() {
        Ok(number) if text.len() <= 10 => number.checked_mul(1_000_000_000),
        Ok(number) => Some(number),
        Err(_) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|t| t.as_nanosecond() as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_loki_takes() {
        for (text, nanos) in [
            ("1760436000", Some(1_760_436_000_000_000_000)),
            ("1760436000.5", Some(1_760_436_000_500_000_000)),
            ("1760436000000000000", Some(1_760_436_000_000_000_000)),
            ("2025-10-14T10:00:00Z", Some(1_760_436_000_000_000_000)),
            ("yesterday", None),
        ] {
            assert_eq!(time(text), nanos, "{text}");
        }
    }
}

//! The log lines of user, one for each call of a method: what was asked for, what came of
//! it, how long it took. They are logfmt on standard error, as they have been since the first version.

use std::time::Duration;

use shop_kit::AppError;
use shop_kit::instrument::LOGFMT;
use tokio::time::Instant;

/// Where each method was logged in the first version; programs that read the lines see no other.
const CALLERS: [(&str, &str); 9] = [
    ("Login", "middlewares.go:34"),
    ("Register", "middlewares.go:46"),
    ("PostUser", "middlewares.go:59"),
    ("GetUsers", "middlewares.go:75"),
    ("PostAddress", "middlewares.go:88"),
    ("GetAddresses", "middlewares.go:104"),
    ("PostCard", "middlewares.go:118"),
    ("GetCards", "middlewares.go:134"),
    ("Delete", "middlewares.go:146"),
];

/// Digits of a card's number that a log may show.
const SHOWN: usize = 4;

/// A call that is being worked on.
pub(super) struct Call {
    caller: &'static str,
    line: String,
    since: Instant,
}

impl Call {
    /// A call of `method`, such as `GetUsers`.
    pub(super) fn of(method: &str) -> Self {
        let known = CALLERS.iter().find(|(name, _)| *name == method);
        Self {
            caller: known.map_or("middlewares.go:1", |(_, caller)| caller),
            line: format!("method={method}"),
            since: Instant::now(),
        }
    }

    /// The same with what it is about.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        let plain = !value.contains(|c: char| c <= ' ' || c == '"' || c == '=');
        self.line.push_str(&if plain {
            format!(" {key}={value}")
        } else {
            format!(" {key}={value:?}")
        });
        self
    }

    /// Awaits `work`, and logs the call.
    pub(super) async fn done<T>(
        self,
        work: impl Future<Output = Result<T, AppError>>,
    ) -> Result<T, AppError> {
        let result = work.await;
        self.log(result.as_ref().err());
        result
    }

    /// The same for work that finds some things; the line says how many.
    pub(super) async fn many<T>(
        self,
        work: impl Future<Output = Result<Vec<T>, AppError>>,
    ) -> Result<Vec<T>, AppError> {
        let result = work.await;
        let found = result.as_ref().map_or(0, Vec::len);
        self.with("result", &found.to_string())
            .log(result.as_ref().err());
        result
    }

    /// The same for work that finds one thing.
    pub(super) async fn one<T>(
        self,
        work: impl Future<Output = Result<T, AppError>>,
    ) -> Result<T, AppError> {
        let result = work.await;
        let found = usize::from(result.is_ok());
        self.with("result", &found.to_string())
            .log(result.as_ref().err());
        result
    }

    fn log(self, error: Option<&AppError>) {
        let Self {
            caller,
            line,
            since,
        } = self;
        let took = took(since.elapsed());
        match error {
            None => tracing::info!(target: LOGFMT, caller, "{line} took={took}"),
            Some(error) => {
                tracing::info!(target: LOGFMT, caller, "{line} took={took} err={:?}", error.message);
            }
        }
    }
}

/// A duration as Go prints it: `1.2ms`, `350µs`, `2.5s`.
fn took(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, size) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => ("ns", 1.0),
        1_000..1_000_000 => ("µs", 1e3),
        1_000_000..1_000_000_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    format!("{}{unit}", nanos as f64 / size)
}

/// A card's number with its last four digits alone.
pub(super) fn masked(number: &str) -> String {
    let hidden = number.chars().count().saturating_sub(SHOWN);
    let stars = std::iter::repeat_n('*', hidden);
    stars.chain(number.chars().skip(hidden)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_last_four_digits() {
        for (number, expected) in [
            ("1234567890", "******7890"),
            ("abcdefg", "***defg"),
            ("1234", "1234"),
            ("12", "12"),
            ("", ""),
        ] {
            assert_eq!(masked(number), expected);
        }
    }

    #[test]
    fn durations_are_printed_as_go_does() {
        for (nanos, expected) in [
            (0, "0s"),
            (90, "90ns"),
            (350_000, "350µs"),
            (1_200_000, "1.2ms"),
            (2_500_000_000, "2.5s"),
        ] {
            assert_eq!(took(Duration::from_nanos(nanos)), expected);
        }
    }

    #[test]
    fn values_with_blanks_are_quoted() {
        let call = Call::of("PostAddress")
            .with("street", "my road")
            .with("number", "3");
        assert_eq!(call.line, r#"method=PostAddress street="my road" number=3"#);
    }
}

//! A service's environment, read once and checked before anything starts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;

/// Why a service cannot start with this environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that the service needs is not set.
    #[error("{variable} is not set; it must hold {expected}")]
    Missing {
        /// The variable's name.
        variable: String,
        /// What it must hold, with an example.
        expected: &'static str,
    },
    /// A variable holds something that cannot be used.
    #[error("{variable} is `{found}`; it must hold {expected}")]
    Invalid {
        /// The variable's name.
        variable: String,
        /// What it holds; passwords are left out.
        found: String,
        /// What it must hold, with an example.
        expected: &'static str,
    },
    /// A metric of the service has a malformed name or one that is taken.
    #[error("{0}")]
    Metric(String),
}

impl From<instrument::MetricsError> for ConfigError {
    fn from(error: instrument::MetricsError) -> Self {
        Self::Metric(error.to_string())
    }
}

/// The variables of one service; empty values count as not set.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self(pairs.collect())
    }

    /// An environment of these variables.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// The same environment with one variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a variable, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The URL in a variable, whose scheme must be `scheme`.
    ///
    /// # Errors
    /// When it is missing or not such a URL.
    pub fn url(
        &self,
        name: &str,
        scheme: &str,
        expected: &'static str,
    ) -> Result<Url, ConfigError> {
        let Some(text) = self.get(name) else {
            return Err(ConfigError::Missing {
                variable: name.to_owned(),
                expected,
            });
        };
        let parsed = Url::parse(text).ok().filter(|url| {
            (url.scheme() == scheme || url.scheme() == format!("{scheme}ql")) && url.has_host()
        });
        parsed.ok_or_else(|| ConfigError::Invalid {
            variable: name.to_owned(),
            found: without_password(text),
            expected,
        })
    }

    /// The number in a variable, or `default` when it is not set.
    ///
    /// # Errors
    /// When it is set and not a number of that type.
    pub fn number<T: std::str::FromStr>(
        &self,
        name: &str,
        default: T,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        text.parse().map_err(|_| ConfigError::Invalid {
            variable: name.to_owned(),
            found: text.to_owned(),
            expected,
        })
    }

    /// Where the service listens: `$POD_IP:$PORT`, by default 127.0.0.1:8080.
    ///
    /// # Errors
    /// When either is not what it must be.
    pub fn listen(&self) -> Result<SocketAddr, ConfigError> {
        let ip = self.number(
            "POD_IP",
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "an IP address such as `127.0.0.1`",
        )?;
        let port = self.number("PORT", 8080_u16, "a port number such as `8080`")?;
        Ok(SocketAddr::new(ip, port))
    }

    /// Where the hooks listen, `$POD_IP:$CONTROL_PORT`; `None` without `CONTROL_PORT`.
    ///
    /// # Errors
    /// When either is not what it must be.
    pub fn control(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let ip = self.listen()?.ip();
        let port = self.number("CONTROL_PORT", 0_u16, "a port number such as `8475`")?;
        Ok((port != 0).then(|| SocketAddr::new(ip, port)))
    }
}

fn without_password(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}***{}", &text[..scheme + 3], &text[at..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_comes_from_pod_ip_and_port() {
        for (pairs, expected) in [
            ([("POD_IP", ""), ("PORT", "")], Ok("127.0.0.1:8080")),
            (
                [("POD_IP", "127.1.2.3"), ("PORT", "80")],
                Ok("127.1.2.3:80"),
            ),
            (
                [("POD_IP", ""), ("PORT", "eighty")],
                Err("PORT is `eighty`; it must hold a port number such as `8080`"),
            ),
            (
                [("POD_IP", "here"), ("PORT", "80")],
                Err("POD_IP is `here`; it must hold an IP address such as `127.0.0.1`"),
            ),
        ] {
            let found = Env::of(pairs).listen();
            let found = found.map(|a| a.to_string()).map_err(|e| e.to_string());
            assert_eq!(
                found,
                expected.map(str::to_owned).map_err(str::to_owned),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn an_unusable_url_is_named_without_its_password() {
        let env = Env::of([("DATABASE_URL", "mysql://root:admin@db/x")]);
        let error = env
            .url("DATABASE_URL", "postgres", "a URL")
            .expect_err("wrong scheme");
        assert_eq!(
            error.to_string(),
            "DATABASE_URL is `mysql://***@db/x`; it must hold a URL"
        );
        let error = env.url("USER_URL", "http", "a URL").expect_err("missing");
        assert_eq!(error.to_string(), "USER_URL is not set; it must hold a URL");
    }
}

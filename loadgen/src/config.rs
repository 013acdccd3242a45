//! What the customers are told, from the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use model::{Period, ShopName};
use url::{Host, Url};

use crate::journeys::{self, Shop};

/// What the customers are told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The front end, on this machine or behind this pod's edge.
    pub target: String,
    /// How many customers there are at once, 1 to 5,000.
    pub users: u32,
    /// What everything random is drawn from.
    pub seed: u64,
    /// Tells these customers from those of other pods with the same seed: the
    /// pod's address in hexadecimal digits.
    pub crowd: String,
    /// From when on an answer counts as slow.
    pub slow_after: Duration,
    /// The shortest pause between two visits.
    pub think_min: Duration,
    /// The longest pause between two visits.
    pub think_max: Duration,
    /// Where metrics are served.
    pub address: SocketAddr,
    /// Where traces go.
    pub otlp_endpoint: Option<String>,
    pub(crate) shop: &'static Shop,
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is needed and not there.
    #[error("{name} is not set; set it to {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it holds.
        expected: &'static str,
    },
    /// A variable holds something else than it should.
    #[error("{name}={found} is not {expected}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it holds now.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The target is not on this machine.
    #[error("TARGET_URL={0} is not on this machine: load goes only to the lab's own addresses")]
    NotOurs(String),
}

impl Config {
    /// Reads `TARGET_URL`, `SHOP`, `USERS` (20), `SEED` (1), `SLOW_AFTER` (2s),
    /// `THINK_MIN` (500ms), `THINK_MAX` (2500ms), `POD_IP` (127.0.0.1), `PORT`
    /// (8080) and `OTEL_EXPORTER_OTLP_ENDPOINT`.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn read(env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let target = env("TARGET_URL").ok_or(ConfigError::Missing {
            name: "TARGET_URL",
            expected: "the front end's URL",
        })?;
        let shop = ShopName::from(env("SHOP").ok_or(ConfigError::Missing {
            name: "SHOP",
            expected: "the shop's name, such as sock-shop",
        })?);
        let shop = journeys::registered(&shop).ok_or_else(|| ConfigError::Malformed {
            name: "SHOP",
            found: shop.to_string(),
            expected: "a shop with journeys",
        })?;
        let ip = number(
            &env,
            "POD_IP",
            "an address",
            IpAddr::V4(Ipv4Addr::LOCALHOST),
        )?;
        let port = number(&env, "PORT", "a port", 8080)?;
        let period = |name, default| {
            number(&env, name, "a length of time such as `2s`", default).map(Period::duration)
        };
        Ok(Self {
            target: ours(target)?,
            users: number(&env, "USERS", "a number from 1 to 5000", 20)
                .map(|users: u32| users.clamp(1, 5_000))?,
            seed: number(&env, "SEED", "a whole number", 1)?,
            crowd: match ip {
                IpAddr::V4(ip) => format!("{:08x}", ip.to_bits()),
                IpAddr::V6(ip) => format!("{:032x}", ip.to_bits()),
            },
            slow_after: period("SLOW_AFTER", Period::from_secs(2))?,
            think_min: period("THINK_MIN", Period::from_millis(500))?,
            think_max: period("THINK_MAX", Period::from_millis(2_500))?,
            address: SocketAddr::new(ip, port),
            otlp_endpoint: env("OTEL_EXPORTER_OTLP_ENDPOINT"),
            shop,
        })
    }
}

/// The value of `name`, or `default` where it is not set.
fn number<T: std::str::FromStr>(
    env: impl Fn(&str) -> Option<String>,
    name: &'static str,
    expected: &'static str,
    default: T,
) -> Result<T, ConfigError> {
    match env(name) {
        None => Ok(default),
        Some(found) => found.parse().map_err(|_| ConfigError::Malformed {
            name,
            found,
            expected,
        }),
    }
}

/// Only this machine is ever loaded: on a cluster too, the pod's own edge is.
fn ours(target: String) -> Result<String, ConfigError> {
    let url = Url::parse(&target).map_err(|_| ConfigError::Malformed {
        name: "TARGET_URL",
        found: target.clone(),
        expected: "a URL",
    })?;
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if loopback {
        Ok(target)
    } else {
        Err(ConfigError::NotOurs(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name)?;
            Some(pair.1.to_owned())
        })
    }

    #[test]
    fn defaults_fill_what_is_not_set() {
        let config =
            read(&[("TARGET_URL", "http://127.1.2.3:80"), ("SHOP", "sock-shop")]).expect("enough");
        assert_eq!((config.users, config.seed), (20, 1));
        assert_eq!(config.slow_after, Duration::from_secs(2));
    }

    #[test]
    fn pods_of_one_seed_have_customers_of_their_own() {
        let crowd = |ip| {
            let target = ("TARGET_URL", "http://127.1.2.3:80");
            let pairs = [target, ("SHOP", "sock-shop"), ("POD_IP", ip)];
            read(&pairs).expect("enough").crowd
        };
        assert_eq!(crowd("127.1.2.10"), "7f01020a");
        assert_ne!(crowd("127.1.2.10"), crowd("127.1.2.11"));
        assert_ne!(crowd("fd00::10"), crowd("fd00::11"));
    }

    #[test]
    fn load_goes_nowhere_but_to_this_machine() {
        for target in [
            "http://10.0.0.1",
            "http://example.org",
            "http://front-end.sock-shop",
        ] {
            let error = read(&[("TARGET_URL", target), ("SHOP", "sock-shop")]).expect_err(target);
            assert!(error.to_string().contains("not on this machine"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let url = ("TARGET_URL", "http://localhost");
        for (pairs, expected) in [
            (vec![], "TARGET_URL is not set"),
            (vec![url], "SHOP is not set"),
            (vec![url, ("SHOP", "shoe-shop")], "SHOP=shoe-shop"),
            (
                vec![url, ("SHOP", "sock-shop"), ("USERS", "many")],
                "USERS=many",
            ),
            (
                vec![url, ("SHOP", "sock-shop"), ("SLOW_AFTER", "2")],
                "SLOW_AFTER=2",
            ),
        ] {
            let error = read(&pairs).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

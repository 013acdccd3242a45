//! Reads a store's settings from its environment.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::error::StoreError;

/// An environment: a function from names to values, so that tests need not change the process's own.
pub struct Env {
    lookup: Box<Lookup>,
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Env {
    /// The environment that `lookup` gives; an empty value counts as none.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
        }
    }

    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    pub(crate) fn optional<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let parsed = value.trim().parse();
        parsed.map(Some).map_err(|error| StoreError::Setting {
            name: name.to_owned(),
            value,
            expected: format!("{error}"),
        })
    }

    pub(crate) fn parse<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        default: T,
    ) -> Result<T, StoreError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, StoreError> {
        match self.get(name).as_deref() {
            None | Some("0" | "false" | "off" | "no") => Ok(false),
            Some("1" | "true" | "on" | "yes") => Ok(true),
            Some(other) => Err(StoreError::Setting {
                name: name.to_owned(),
                value: other.to_owned(),
                expected: "expected true or false".to_owned(),
            }),
        }
    }

    /// `$POD_IP` (127.0.0.1 without it) and the port in `name`.
    pub(crate) fn address(&self, name: &str, default: u16) -> Result<SocketAddr, StoreError> {
        let ip = self.parse("POD_IP", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        Ok(SocketAddr::new(ip, self.parse(name, default)?))
    }

    /// Where the hooks listen, `$POD_IP:$CONTROL_PORT`; `None` without `CONTROL_PORT`.
    pub(crate) fn control(&self) -> Result<Option<SocketAddr>, StoreError> {
        let port = self.optional::<u16>("CONTROL_PORT")?;
        let ip = self.parse("POD_IP", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        Ok(port.map(|port| SocketAddr::new(ip, port)))
    }
}

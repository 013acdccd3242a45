//! Run-time settings: what SHOW answers, and what SET may change.

use std::collections::HashMap;
use std::time::Duration;

use super::VERSION;

/// The value of a setting before anybody sets it.
pub(super) fn default_of(name: &str) -> Option<String> {
    let value = match name.to_ascii_lowercase().as_str() {
        "server_version" => VERSION,
        "server_version_num" => "160006",
        "server_encoding" | "client_encoding" => "UTF8",
        "timezone" | "time zone" => "UTC",
        "datestyle" => "ISO, MDY",
        "intervalstyle" => "postgres",
        "standard_conforming_strings" | "integer_datetimes" | "synchronous_commit" | "fsync" => {
            "on"
        }
        "transaction_isolation" | "default_transaction_isolation" => "read committed",
        "transaction_read_only"
        | "default_transaction_read_only"
        | "is_superuser"
        | "in_hot_standby" => "off",
        "search_path" => "\"$user\", public",
        "extra_float_digits" => "1",
        "statement_timeout" | "lock_timeout" | "idle_in_transaction_session_timeout" => "0",
        "application_name" | "session_authorization" => "",
        "bytea_output" => "hex",
        "client_min_messages" => "notice",
        "max_identifier_length" => "63",
        _ => return None,
    };
    Some(value.to_owned())
}

/// What one session has set.
#[derive(Debug, Default)]
pub(super) struct Settings {
    set: HashMap<String, String>,
}

impl Settings {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.set.insert(name.to_ascii_lowercase(), value.to_owned());
    }

    pub(super) fn reset(&mut self, name: &str) {
        if name == "all" {
            self.set.clear();
        } else {
            self.set.remove(&name.to_ascii_lowercase());
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.set
            .get(&name.to_ascii_lowercase())
            .cloned()
            .or_else(|| default_of(name))
    }

    /// How long a statement may take; `None` for ever.
    pub(super) fn statement_timeout(&self) -> Option<Duration> {
        duration(&self.get("statement_timeout")?).filter(|timeout| !timeout.is_zero())
    }

    /// Whether transactions may only read.
    pub(super) fn read_only(&self) -> bool {
        self.get("default_transaction_read_only")
            .is_some_and(|value| matches!(value.as_str(), "on" | "true" | "1"))
    }
}

/// A duration as PostgreSQL writes settings: `500` is milliseconds, `5s`, `1min`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let count: u64 = count.parse().ok()?;
    let millis = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(count * millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_set_shown_and_reset() {
        let mut settings = Settings::default();
        assert_eq!(settings.statement_timeout(), None);
        settings.set("Statement_Timeout", "2s");
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(2)));
        settings.reset("all");
        assert_eq!(settings.get("statement_timeout").as_deref(), Some("0"));
        assert_eq!(settings.get("no_such"), None);
    }
}

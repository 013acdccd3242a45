//! Label matchers: `=`, `!=`, `=~`, `!~`, regular expressions fully anchored.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::labels::{Labels, is_label_name};
use super::text::quote;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// What it is compared with.
    pub value: String,
    regex: Option<Regex>,
}

impl Matcher {
    /// A matcher; regular expressions are compiled here.
    ///
    /// # Errors
    /// The message of Go's regular expression parser, as near as we can tell.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, String> {
        let regex = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored(value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Self {
            name: name.to_owned(),
            op,
            value: value.to_owned(),
            regex,
        })
    }

    /// `name="value"`, which cannot fail.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            op: MatchOp::Equal,
            value: value.to_owned(),
            regex: None,
        }
    }

    /// Whether a label with this value (empty: absent) passes.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let regex = |v| self.regex.as_ref().is_some_and(|r| r.is_match(v));
        match self.op {
            MatchOp::Equal => self.value == value,
            MatchOp::NotEqual => self.value != value,
            MatchOp::Regex => regex(value),
            MatchOp::NotRegex => !regex(value),
        }
    }

    /// Whether this label set passes.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name))
    }

    /// The alternatives of a regular expression that is only `a|b|c`.
    #[must_use]
    pub fn literals(&self) -> Option<Vec<&str>> {
        if self.op != MatchOp::Regex || self.value.chars().any(|c| r"\.+*?()[]{}^$".contains(c)) {
            return None;
        }
        Some(self.value.split('|').collect())
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quote(&self.name))?;
        }
        write!(f, "{}{}", self.op.as_str(), quote(&self.value))
    }
}

/// Compiles `pattern` so that it must match the whole value, line ends included.
///
/// # Errors
/// A message in the words of Go's `regexp/syntax`.
pub fn anchored(pattern: &str) -> Result<Regex, String> {
    let build = |p: &str| RegexBuilder::new(p).size_limit(8 << 20).build();
    // Checked by itself first, so that `a)(b` is not saved by the group around it.
    build(pattern)
        .and_then(|_| build(&format!("^(?s:{pattern})$")))
        .map_err(|e| go_error(pattern, &e))
}

fn go_error(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let about = |kind: &str, what: &str| format!("error parsing regexp: {kind}: `{what}`");
    let from = |c: char| pattern.find(c).map_or(pattern, |at| &pattern[at..]);
    if text.contains("unclosed group") {
        about("missing closing )", pattern)
    } else if text.contains("unopened group") {
        about("unexpected )", pattern)
    } else if text.contains("unclosed character class") {
        about("missing closing ]", from('['))
    } else if text.contains("repetition operator missing expression") {
        let at = pattern.find(['*', '+', '?']).unwrap_or(0);
        about(
            "missing argument to repetition operator",
            &pattern[at..(at + 1).min(pattern.len())],
        )
    } else if text.contains("invalid character class range") {
        about("invalid character class range", from('['))
    } else if text.contains("look-around") || text.contains("unrecognized flag") {
        let at = pattern.find("(?").unwrap_or(0);
        about(
            "invalid or unsupported Perl syntax",
            &pattern[at..(at + 3).min(pattern.len())],
        )
    } else if text.contains("size limit") {
        "error parsing regexp: expression too large".to_owned()
    } else if text.contains("escape sequence") {
        about(
            "invalid escape sequence",
            from('\\').get(..2).unwrap_or("\\"),
        )
    } else {
        let last = text.lines().last().unwrap_or(&text).trim();
        about(last.trim_start_matches("error: "), pattern)
    }
}

//! Parts of a query that are read once when it is parsed: expressions, addresses, paths.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use regex::Regex;

use super::ast::{MatchOp, Matcher, PathPart};
use super::parser::ParseError;

/// An address, a range of them, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

impl IpRange {
    /// Whether `address` lies within.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, self.last, address) {
            (IpAddr::V4(a), IpAddr::V4(b), IpAddr::V4(x)) => a <= x && x <= b,
            (IpAddr::V6(a), IpAddr::V6(b), IpAddr::V6(x)) => a <= x && x <= b,
            _ => false,
        }
    }

    /// Whether `line` holds an address that lies within. An address begins where its first
    /// digits show that it is one, and ends with the last character that one may have.
    pub fn is_in(&self, line: &str) -> bool {
        let bytes = line.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let span = match bytes.get(at..) {
                Some(rest) if begins_v4(rest) => span(rest, |b| b.is_ascii_digit() || b == b'.'),
                Some(rest) if begins_v6(rest) => {
                    span(rest, |b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
                }
                _ => 0,
            };
            let address = line.get(at..at + span).and_then(|word| word.parse().ok());
            if address.is_some_and(|address| self.contains(address)) {
                return true;
            }
            at += span + 1;
        }
        false
    }
}

fn span(bytes: &[u8], may: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|b| may(**b)).count()
}

fn begins_v4(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, d, ..]
        if a.is_ascii_digit() && [b, c, d].contains(&&b'.'))
}

fn begins_v6(bytes: &[u8]) -> bool {
    let [first, second, third, _, _, ..] = bytes else {
        return false;
    };
    if [first, second] == [&b':', &b':'] {
        return third.is_ascii_hexdigit();
    }
    let digits = span(bytes, |b| b.is_ascii_hexdigit());
    (1..=4).contains(&digits) && bytes.get(digits) == Some(&b':')
}

/// Reads `10.0.0.1`, `10.0.0.1-10.0.0.9` or `10.0.0.0/8`.
pub(super) fn ip_range(text: &str) -> Result<IpRange, String> {
    let invalid = || format!("ip: invalid pattern: {text:?}");
    let address = |part: &str| part.trim().parse::<IpAddr>().map_err(|_| invalid());
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (address(first)?, address(last)?);
        if first.is_ipv4() != last.is_ipv4() || last < first {
            return Err(invalid());
        }
        return Ok(IpRange { first, last });
    }
    let Some((network, bits)) = text.split_once('/') else {
        let one = address(text)?;
        return Ok(IpRange {
            first: one,
            last: one,
        });
    };
    let bits: u32 = bits.parse().map_err(|_| invalid())?;
    match address(network)? {
        IpAddr::V4(v4) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let base = u32::from(v4) & mask;
            Ok(IpRange {
                first: Ipv4Addr::from(base).into(),
                last: Ipv4Addr::from(base | !mask).into(),
            })
        }
        IpAddr::V6(v6) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            let base = u128::from(v6) & mask;
            Ok(IpRange {
                first: Ipv6Addr::from(base).into(),
                last: Ipv6Addr::from(base | !mask).into(),
            })
        }
        _ => Err(invalid()),
    }
}

pub(super) fn matcher(name: String, op: MatchOp, value: String) -> Result<Matcher, ParseError> {
    let regex = match op {
        MatchOp::Regex | MatchOp::NotRegex => Some(anchored(&value)?),
        _ => None,
    };
    Ok(Matcher {
        name,
        op,
        value,
        regex,
    })
}

/// An expression that must match the whole text.
pub(super) fn anchored(pattern: &str) -> Result<Regex, ParseError> {
    regex(pattern)?;
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| ParseError::whole(regex_message(pattern)))
}

pub(super) fn regex(pattern: &str) -> Result<Regex, ParseError> {
    Regex::new(pattern).map_err(|_| ParseError::whole(regex_message(pattern)))
}

pub(super) fn capturing_regex(pattern: &str) -> Result<Regex, ParseError> {
    let regex = regex(pattern)?;
    let mut names: Vec<&str> = regex.capture_names().flatten().collect();
    if names.is_empty() {
        return Err(ParseError::whole(
            "invalid regexp parser: at least one named capture must be supplied",
        ));
    }
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ParseError::whole(format!(
            "invalid regexp parser: duplicate extracted label name '{}'",
            pair[0]
        )));
    }
    Ok(regex)
}

/// What Go's regexp says of a pattern that it does not understand.
pub(crate) fn regex_message(pattern: &str) -> String {
    let open = pattern.matches('(').count() - pattern.matches("\\(").count();
    let close = pattern.matches(')').count() - pattern.matches("\\)").count();
    let what = if open > close {
        format!("missing closing ): `{pattern}`")
    } else if close > open {
        format!("unexpected ): `{pattern}`")
    } else if let Some(at) = pattern
        .rfind('[')
        .filter(|at| !pattern[*at..].contains(']'))
    {
        format!("missing closing ]: `{}`", &pattern[at..])
    } else if let Some(first) = pattern.chars().next().filter(|c| "*+?".contains(*c)) {
        format!("missing argument to repetition operator: `{first}`")
    } else if pattern.ends_with('\\') {
        "trailing backslash at end of expression: ``".to_owned()
    } else {
        format!("invalid or unsupported Perl syntax: `{pattern}`")
    };
    format!("error parsing regexp: {what}")
}

/// Reads `user.name`, `tags[0]`, `a["b c"]`.
pub(super) fn json_path(text: &str) -> Result<Vec<PathPart>, String> {
    let invalid = || "syntax error: unexpected $end".to_owned();
    let mut path = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or_else(invalid)?;
            let inner = &after[..end];
            path.push(match inner.strip_prefix('"') {
                Some(quoted) => PathPart::Key(quoted.trim_end_matches('"').to_owned()),
                None => PathPart::Index(inner.parse().map_err(|_| invalid())?),
            });
            rest = &after[end + 1..];
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            if end == 0 {
                return Err(invalid());
            }
            path.push(PathPart::Key(plain[..end].to_owned()));
            rest = &plain[end..];
        }
    }
    Ok(path)
}

/// A key as it is.
pub(super) fn plain_path(text: &str) -> Vec<PathPart> {
    vec![PathPart::Key(text.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_lines_and_ranges() {
        for (range, line, found) in [
            ("10.0.2.0/24", "from 10.0.2.17 - GET", true),
            ("10.0.2.0/24", "from 10.0.3.17 - GET", false),
            ("10.0.1.0-10.0.3.255", "10.0.2.1:8080", true),
            ("::1", "[::1] said", true),
            ("10.0.2.17", "v10.0.2.17x", true),
            ("10.0.2.17", "10.0.2.17.5", false),
            ("2001:db8::/32", "to 2001:db8::5, port 1", true),
        ] {
            assert_eq!(
                ip_range(range).expect(range).is_in(line),
                found,
                "{range} {line}"
            );
        }
        assert!(ip_range("999.1").is_err());
    }

    #[test]
    fn a_path_has_keys_and_indices() {
        assert_eq!(
            json_path("a.b[0][\"c d\"]").expect("path"),
            [
                PathPart::Key("a".into()),
                PathPart::Key("b".into()),
                PathPart::Index(0),
                PathPart::Key("c d".into())
            ]
        );
    }
}

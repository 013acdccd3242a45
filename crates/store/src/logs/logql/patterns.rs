//! Patterns such as `<method> <_> [<status>]`: literals with captures between them.
//!
//! Source: <https://grafana.com/docs/loki/latest/query/log_queries/#pattern>.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Capture(String),
    Skip,
}

/// A pattern, as parser or as filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    source: String,
}

impl Pattern {
    /// The pattern of a `pattern` stage: at least one name, no two captures side by side.
    ///
    /// # Errors
    /// What is wrong, in Loki's words.
    pub fn parser(source: &str) -> Result<Self, String> {
        let pattern = Self::read(source)?;
        let mut names: Vec<&str> = pattern.names().collect();
        if names.is_empty() {
            return Err("at least one capture is required".to_owned());
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("duplicate capture name ({})", pair[0]));
        }
        Ok(pattern)
    }

    /// The pattern of a `|>` filter: no names.
    ///
    /// # Errors
    /// What is wrong, in Loki's words.
    pub fn filter(source: &str) -> Result<Self, String> {
        let pattern = Self::read(source)?;
        if pattern.names().next().is_some() {
            return Err("named captures are not allowed".to_owned());
        }
        Ok(pattern)
    }

    fn read(source: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            let capture = rest.strip_prefix('<').and_then(|after| {
                let end = after.find('>')?;
                let name = &after[..end];
                let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                (starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
                    .then_some((name, end + 2))
            });
            if let Some((name, len)) = capture {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                } else if matches!(parts.last(), Some(Part::Capture(_) | Part::Skip)) {
                    return Err("consecutive captures are not allowed".to_owned());
                }
                parts.push(if name == "_" {
                    Part::Skip
                } else {
                    Part::Capture(name.to_owned())
                });
                rest = &rest[len..];
            } else {
                literal.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self {
            parts,
            source: source.to_owned(),
        })
    }

    /// The names of its captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the captures hold; those before the first literal that is missing.
    pub fn captures<'p, 'l>(&'p self, line: &'l str) -> Vec<(&'p str, &'l str)> {
        let mut out = Vec::new();
        let mut rest = line;
        let mut at = 0;
        if let Some(Part::Literal(first)) = self.parts.first() {
            match rest.strip_prefix(first.as_str()) {
                Some(after) => rest = after,
                None => return out,
            }
            at = 1;
        }
        while at < self.parts.len() {
            let (value, after, found) = match self.parts.get(at + 1) {
                Some(Part::Literal(next)) => match rest.find(next.as_str()) {
                    Some(place) => (&rest[..place], &rest[place + next.len()..], true),
                    None => (rest, "", false),
                },
                _ => (rest, "", true),
            };
            if let Part::Capture(name) = &self.parts[at] {
                out.push((name.as_str(), value));
            }
            if !found {
                return out;
            }
            rest = after;
            at += 2;
        }
        out
    }

    /// Whether the whole line fits.
    pub fn matches(&self, line: &str) -> bool {
        if self.parts.is_empty() {
            return line.is_empty();
        }
        let mut rest = line;
        let last = self.parts.len() - 1;
        for (at, part) in self.parts.iter().enumerate() {
            let Part::Literal(text) = part else { continue };
            if at == 0 {
                match rest.strip_prefix(text.as_str()) {
                    Some(after) => rest = after,
                    None => return false,
                }
                if last == 0 {
                    return rest.is_empty();
                }
            } else if at == last {
                return rest.len() > text.len() && rest.ends_with(text.as_str());
            } else {
                match rest.find(text.as_str()) {
                    Some(place) if place > 0 => rest = &rest[place + text.len()..],
                    _ => return false,
                }
            }
        }
        !rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_hold_what_stands_between_the_literals() {
        let pattern = Pattern::parser("<ip> - \"<method> <_>\" <status>").expect("pattern");
        assert_eq!(
            pattern.captures("1.2.3.4 - \"GET / HTTP\" 200"),
            [("ip", "1.2.3.4"), ("method", "GET"), ("status", "200")]
        );
        assert_eq!(
            Pattern::parser("no capture"),
            Err("at least one capture is required".to_owned())
        );
    }

    #[test]
    fn a_filter_fits_the_whole_line() {
        let filter = Pattern::filter("<_>method=<_> page=1<_>").expect("filter");
        assert!(filter.matches("a method=Get page=1 b"));
        assert!(!filter.matches("a method=Get page=2 b"));
    }
}

//! Writes a query as Loki's `format_query` writes it on one line.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    Binary, Card, CompareOp, Expr, FilterTest, Grouping, LabelFilter, LineFilter, LineTest,
    LogExpr, MatchOp, Matcher, Picked, RangeAgg, Renamed, SampleExpr, Stage, Unwrap, VectorAgg,
};
use super::units;
use crate::logs::labels::quote;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(log) => log.fmt(f),
            Self::Sample(sample) => sample.fmt(f),
            Self::Variants(variants, of) => {
                f.write_str("variants(")?;
                list(f, variants, ", ")?;
                write!(f, ") of ({})", LogRange(of))
            }
        }
    }
}

impl Display for LogExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        list(f, &self.matchers, ", ")?;
        f.write_str("}")?;
        for stage in &self.stages {
            write!(f, " {stage}")?;
        }
        Ok(())
    }
}

impl Display for MatchOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        })
    }
}

impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.name, self.op, quote(&self.value))
    }
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.sign())?;
        for (at, (test, text)) in self.tests.iter().enumerate() {
            f.write_str(if at == 0 { " " } else { " or " })?;
            match test {
                LineTest::Ip(_) => write!(f, "ip({})", quote(text))?,
                _ => f.write_str(&quote(text))?,
            }
        }
        Ok(())
    }
}

impl Display for Picked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, quote(&self.source))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(filter) => filter.fmt(f),
            Self::Json(picked) => {
                f.write_str("| json")?;
                spaced(f, picked)
            }
            Self::Logfmt {
                strict,
                keep_empty,
                picked,
            } => {
                f.write_str("| logfmt")?;
                if *strict {
                    f.write_str(" --strict")?;
                }
                if *keep_empty {
                    f.write_str(" --keep-empty")?;
                }
                spaced(f, picked)
            }
            Self::Regexp(_, text) => write!(f, "| regexp {}", quote(text)),
            Self::Pattern(pattern) => write!(f, "| pattern {}", quote(pattern.source())),
            Self::Unpack => f.write_str("| unpack"),
            Self::Label(filter) => write!(f, "| {filter}"),
            Self::LineFormat(template) => write!(f, "| line_format {}", quote(template.source())),
            Self::LabelFormat(formats) => {
                f.write_str("| label_format ")?;
                for (at, (name, format)) in formats.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    match format {
                        Renamed::Label(label) => write!(f, "{name}={label}")?,
                        Renamed::Template(t) => write!(f, "{name}={}", quote(t.source()))?,
                    }
                }
                Ok(())
            }
            Self::Keep(names) => named(f, "keep", names),
            Self::Drop(names) => named(f, "drop", names),
            Self::Decolorize => f.write_str("| decolorize"),
        }
    }
}

fn named(f: &mut Formatter<'_>, word: &str, names: &[(String, Option<Matcher>)]) -> fmt::Result {
    write!(f, "| {word} ")?;
    for (at, (name, matcher)) in names.iter().enumerate() {
        if at > 0 {
            f.write_str(",")?;
        }
        match matcher {
            Some(matcher) => matcher.fmt(f)?,
            None => f.write_str(name)?,
        }
    }
    Ok(())
}

fn spaced(f: &mut Formatter<'_>, picked: &[Picked]) -> fmt::Result {
    if !picked.is_empty() {
        f.write_str(" ")?;
        list(f, picked, ",")?;
    }
    Ok(())
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Less => "<",
            Self::LessEqual => "<=",
        })
    }
}

impl Display for LabelFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(a, b) => write!(f, "( {a} , {b} )"),
            Self::Or(a, b) => write!(f, "( {a} or {b} )"),
            Self::Text(matcher) => matcher.fmt(f),
            Self::Compare { name, op, test } => {
                write!(f, "{name}{op}")?;
                match test {
                    FilterTest::Number(n) => write!(f, "{n}"),
                    FilterTest::Duration(seconds) => {
                        let nanos = (seconds * 1e9).round() as i64;
                        f.write_str(&units::show_duration(nanos))
                    }
                    FilterTest::Bytes(n) => f.write_str(&units::show_bytes(*n as u64)),
                }
            }
            Self::Ip {
                name,
                negated,
                source,
                ..
            } => {
                let op = if *negated { "!=" } else { "=" };
                write!(f, "{name}{op}ip({})", quote(source))
            }
        }
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.without { "without (" } else { "by (" })?;
        f.write_str(&self.names.join(","))?;
        f.write_str(")")
    }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.source.is_empty() {
            write!(f, " | unwrap {}", self.label)?;
        } else {
            write!(f, " | unwrap {}({})", self.source, self.label)?;
        }
        for filter in &self.filters {
            write!(f, " | {filter}")?;
        }
        Ok(())
    }
}

/// The lines of a range aggregation, with what follows them.
pub(super) struct LogRange<'a>(pub &'a RangeAgg);

impl Display for LogRange<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let agg = self.0;
        agg.log.fmt(f)?;
        if let Some(unwrap) = &agg.unwrap {
            unwrap.fmt(f)?;
        }
        write!(f, "[{}]", units::show_range(agg.range))?;
        if agg.offset != 0 {
            write!(f, " offset {}", units::show_duration(agg.offset))?;
        }
        Ok(())
    }
}

impl Display for RangeAgg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.name())?;
        if let Some(param) = self.param {
            write!(f, "{param},")?;
        }
        write!(f, "{})", LogRange(self))?;
        match &self.grouping {
            Some(grouping) => write!(f, " {grouping}"),
            None => Ok(()),
        }
    }
}

impl Display for VectorAgg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if let Some(grouping) = &self.grouping
            && (grouping.without || !grouping.names.is_empty())
        {
            write!(f, " {grouping}")?;
        }
        f.write_str("(")?;
        if let Some(param) = self.param {
            write!(f, "{param},")?;
        }
        write!(f, "{})", self.inner)
    }
}

impl Binary {
    /// The operator with what modifies it, names of labels joined by `between`.
    pub(super) fn operator(&self, between: &str) -> String {
        let mut out = self.op.to_owned();
        if self.bool_mode {
            out.push_str(" bool");
        }
        if let Some(matching) = &self.matching {
            let word = if matching.on { "on" } else { "ignoring" };
            let mut group = match matching.card {
                Card::OneToOne => String::new(),
                Card::ManyToOne => "group_left".to_owned(),
                Card::OneToMany => "group_right".to_owned(),
            };
            if !matching.include.is_empty() {
                group.push_str(&format!(" ({})", matching.include.join(between)));
            }
            // The space before no group at all is Loki's.
            out.push_str(&format!(
                " {word} ({}) {group}",
                matching.names.join(between)
            ));
        }
        out
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} {} {})", self.left, self.operator(","), self.right)
    }
}

impl Display for SampleExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::Vector(vector) => vector.fmt(f),
            Self::Binary(binary) => binary.fmt(f),
            Self::Literal(n) => f.write_str(&units::show_float(*n)),
            Self::Scalar(n) => write!(f, "vector({n:.6})"),
            Self::LabelReplace {
                inner,
                target,
                replacement,
                source,
                pattern,
                ..
            } => write!(
                f,
                "label_replace({inner},{},{},{},{})",
                quote(target),
                quote(replacement),
                quote(source),
                quote(pattern)
            ),
        }
    }
}

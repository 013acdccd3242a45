//! Writes a query as Loki's `format_query` writes it on one line.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    Binary, Card, CompareOp, Expr, FilterTest, Grouping, LabelFilter, LineFilter, LineOp, LineTest,
    LogExpr, MatchOp, Matcher, Picked, RangeAgg, Renamed, SampleExpr, Stage, Unwrap, VectorAgg,
};
use super::units;
use crate::logs::labels::quote;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(log) => log.fmt(f),
            Self::Sample(sample) => sample.fmt(f),
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
        f.write_str(match self.op {
            LineOp::Contains => "|=",
            LineOp::NotContains => "!=",
            LineOp::Regex => "|~",
            LineOp::NotRegex => "!~",
            LineOp::Pattern => "|>",
            LineOp::NotPattern => "!>",
        })?;
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
                if *keep_empty {
                    f.write_str(" --keep-empty")?;
                }
                if *strict {
                    f.write_str(" --strict")?;
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
            Self::Compare {
                name,
                op,
                test,
                source,
            } => match test {
                FilterTest::Duration(seconds) => {
                    let nanos = (seconds * 1e9).round() as i64;
                    write!(f, "{name}{op}{}", units::show_duration(nanos))
                }
                FilterTest::Bytes(_) | FilterTest::Number(_) => write!(f, "{name}{op}{source}"),
            },
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

impl Display for RangeAgg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.name())?;
        if let Some(param) = self.param {
            write!(f, "{},", units::show_float(param))?;
        }
        self.log.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            unwrap.fmt(f)?;
        }
        write!(f, "[{}]", units::show_range(self.range))?;
        if self.offset != 0 {
            write!(f, " offset {}", units::show_range(self.offset))?;
        }
        f.write_str(")")?;
        match &self.grouping {
            Some(grouping) => write!(f, " {grouping}"),
            None => Ok(()),
        }
    }
}

impl Display for VectorAgg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if let Some(grouping) = &self.grouping {
            write!(f, " {grouping}")?;
        }
        f.write_str("(")?;
        if let Some(param) = self.param {
            write!(f, "{param},")?;
        }
        write!(f, "{})", self.inner)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} {}", self.left, self.op)?;
        if self.bool_mode {
            f.write_str(" bool")?;
        }
        if let Some(matching) = &self.matching {
            let word = if matching.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", matching.names.join(","))?;
            match matching.card {
                Card::OneToOne => {}
                Card::ManyToOne => write!(f, " group_left ({})", matching.include.join(","))?,
                Card::OneToMany => write!(f, " group_right ({})", matching.include.join(","))?,
            }
        }
        write!(f, " {})", self.right)
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

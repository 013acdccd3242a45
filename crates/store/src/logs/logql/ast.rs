//! The parts of a LogQL query.

use memchr::memmem::Finder;
use regex::Regex;

use super::build::IpRange;
use super::patterns::Pattern;
use crate::logs::template::Template;

/// A whole query.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A query for lines.
    Log(LogExpr),
    /// A query for numbers.
    Sample(SampleExpr),
    /// Several queries for numbers over the same lines; experimental in Loki.
    Variants(Vec<SampleExpr>, Box<RangeAgg>),
}

impl Expr {
    /// The selectors in it, with their pipelines.
    pub fn selectors(&self) -> Vec<&LogExpr> {
        let mut out = Vec::new();
        match self {
            Self::Log(log) => out.push(log),
            Self::Sample(sample) => sample.selectors(&mut out),
            Self::Variants(samples, of) => {
                samples.iter().for_each(|sample| sample.selectors(&mut out));
                out.push(&of.log);
            }
        }
        out
    }
}

/// A selector and what happens to each line.
#[derive(Clone, Debug)]
pub struct LogExpr {
    /// Which streams.
    pub matchers: Vec<Matcher>,
    /// Stages, in order.
    pub stages: Vec<Stage>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One label compared with a text.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// How.
    pub op: MatchOp,
    /// With what.
    pub value: String,
    /// The anchored expression of a regex matcher.
    pub regex: Option<Regex>,
}

impl Matcher {
    /// Whether a label with `value` (empty if absent) matches.
    pub fn matches(&self, value: &str) -> bool {
        match self.op {
            MatchOp::Equal => self.value == value,
            MatchOp::NotEqual => self.value != value,
            MatchOp::Regex => self.regex.as_ref().is_some_and(|r| r.is_match(value)),
            MatchOp::NotRegex => self.regex.as_ref().is_none_or(|r| !r.is_match(value)),
        }
    }
}

/// How a line is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOp {
    /// `|=`
    Contains,
    /// `!=`
    NotContains,
    /// `|~`
    Regex,
    /// `!~`
    NotRegex,
    /// `|>`
    Pattern,
    /// `!>`
    NotPattern,
}

impl LineOp {
    /// As it is written.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Contains => "|=",
            Self::NotContains => "!=",
            Self::Regex => "|~",
            Self::NotRegex => "!~",
            Self::Pattern => "|>",
            Self::NotPattern => "!>",
        }
    }
}

/// One alternative of a line filter.
#[derive(Clone, Debug)]
pub enum LineTest {
    /// The line has this text.
    Text(Box<Finder<'static>>),
    /// The line matches this expression.
    Regex(Regex),
    /// The line matches this pattern.
    Pattern(Pattern),
    /// The line holds an address of this range.
    Ip(IpRange),
}

/// A line filter with its `or` chain.
#[derive(Clone, Debug)]
pub struct LineFilter {
    /// How.
    pub op: LineOp,
    /// The alternatives, with the text they were written as.
    pub tests: Vec<(LineTest, String)>,
}

/// A step of a path into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPart {
    /// A member of an object.
    Key(String),
    /// An item of an array.
    Index(usize),
}

/// A label that a json or logfmt expression takes from a line.
#[derive(Clone, Debug)]
pub struct Picked {
    /// The label's name.
    pub name: String,
    /// As written.
    pub source: String,
    /// Where it is found.
    pub path: Vec<PathPart>,
}

/// What `label_format` sets a label to.
#[derive(Clone, Debug)]
pub enum Renamed {
    /// Another label's value; that label goes.
    Label(String),
    /// A template's output.
    Template(Template),
}

/// One stage of a pipeline.
#[derive(Clone, Debug)]
pub enum Stage {
    /// A test of the line.
    Line(LineFilter),
    /// `json`, with expressions or without.
    Json(Vec<Picked>),
    /// `logfmt`, with flags and expressions.
    Logfmt {
        /// Errors end the parsing of a line.
        strict: bool,
        /// Keys without a value are kept.
        keep_empty: bool,
        /// The labels to take; all if empty.
        picked: Vec<Picked>,
    },
    /// `regexp`.
    Regexp(Regex, String),
    /// `pattern`.
    Pattern(Pattern),
    /// `unpack`.
    Unpack,
    /// A test of labels.
    Label(LabelFilter),
    /// `line_format`.
    LineFormat(Template),
    /// `label_format`.
    LabelFormat(Vec<(String, Renamed)>),
    /// `keep`.
    Keep(Vec<(String, Option<Matcher>)>),
    /// `drop`.
    Drop(Vec<(String, Option<Matcher>)>),
    /// `decolorize`.
    Decolorize,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
}

impl CompareOp {
    /// Whether `a op b` holds.
    pub fn holds<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Greater => a > b,
            Self::GreaterEqual => a >= b,
            Self::Less => a < b,
            Self::LessEqual => a <= b,
        }
    }
}

/// A test of labels.
#[derive(Clone, Debug)]
pub enum LabelFilter {
    /// Both.
    And(Box<LabelFilter>, Box<LabelFilter>),
    /// Either.
    Or(Box<LabelFilter>, Box<LabelFilter>),
    /// A text.
    Text(Matcher),
    /// A number, duration or size.
    Compare {
        /// The label.
        name: String,
        /// How.
        op: CompareOp,
        /// With what.
        test: FilterTest,
    },
    /// An address.
    Ip {
        /// The label.
        name: String,
        /// Whether the address must not be of the range.
        negated: bool,
        /// The range.
        range: IpRange,
        /// As written.
        source: String,
    },
}

/// What a label's value is read as, and compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FilterTest {
    /// A plain number.
    Number(f64),
    /// A duration, in seconds.
    Duration(f64),
    /// A size, in bytes.
    Bytes(f64),
}

/// How a label's value becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convert {
    /// As a plain number.
    Number,
    /// As a duration, in seconds (`duration`, `duration_seconds`).
    Duration,
    /// As a size, in bytes.
    Bytes,
}

/// `| unwrap ...` with the label filters after it.
#[derive(Clone, Debug)]
pub struct Unwrap {
    /// The label.
    pub label: String,
    /// How it is read.
    pub convert: Convert,
    /// As the conversion was written.
    pub source: String,
    /// Filters after it.
    pub filters: Vec<LabelFilter>,
}

/// `by (...)` or `without (...)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Whether the names are those to leave out.
    pub without: bool,
    /// The names.
    pub names: Vec<String>,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $variant),* }

        impl $name {
            /// The operation of this name.
            pub fn of(text: &str) -> Option<Self> {
                Some(match text { $($text => Self::$variant,)* _ => return None })
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

named! {
    /// What is done with the lines of a range.
    RangeOp {
        Rate = "rate",
        RateCounter = "rate_counter",
        CountOverTime = "count_over_time",
        BytesRate = "bytes_rate",
        BytesOverTime = "bytes_over_time",
        AbsentOverTime = "absent_over_time",
        SumOverTime = "sum_over_time",
        AvgOverTime = "avg_over_time",
        MinOverTime = "min_over_time",
        MaxOverTime = "max_over_time",
        FirstOverTime = "first_over_time",
        LastOverTime = "last_over_time",
        StddevOverTime = "stddev_over_time",
        StdvarOverTime = "stdvar_over_time",
        QuantileOverTime = "quantile_over_time",
    }
}

named! {
    /// What is done with the series of a vector.
    VectorOp {
        Sum = "sum",
        Avg = "avg",
        Count = "count",
        Min = "min",
        Max = "max",
        Stddev = "stddev",
        Stdvar = "stdvar",
        Topk = "topk",
        Bottomk = "bottomk",
        ApproxTopk = "approx_topk",
        Sort = "sort",
        SortDesc = "sort_desc",
    }
}

/// A range aggregation.
#[derive(Clone, Debug)]
pub struct RangeAgg {
    /// What is done.
    pub op: RangeOp,
    /// The quantile.
    pub param: Option<f64>,
    /// The lines.
    pub log: LogExpr,
    /// The label whose number counts.
    pub unwrap: Option<Unwrap>,
    /// The range, in nanoseconds.
    pub range: i64,
    /// How far back, in nanoseconds.
    pub offset: i64,
    /// How samples are grouped.
    pub grouping: Option<Grouping>,
}

/// A vector aggregation.
#[derive(Clone, Debug)]
pub struct VectorAgg {
    /// What is done.
    pub op: VectorOp,
    /// How many, for topk and bottomk.
    pub param: Option<usize>,
    /// How series are grouped.
    pub grouping: Option<Grouping>,
    /// The vector.
    pub inner: Box<SampleExpr>,
}

/// How many series of one side may match one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// One to one.
    OneToOne,
    /// Many on the left (`group_left`).
    ManyToOne,
    /// Many on the right (`group_right`).
    OneToMany,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// Whether `names` are the labels to match on; else those to ignore.
    pub on: bool,
    /// The names.
    pub names: Vec<String>,
    /// How many may match.
    pub card: Card,
    /// Labels to take from the side of one.
    pub include: Vec<String>,
}

/// A binary operation.
#[derive(Clone, Debug)]
pub struct Binary {
    /// `+`, `and`, `>=` ...
    pub op: &'static str,
    /// Whether a comparison gives 0 or 1 instead of filtering.
    pub bool_mode: bool,
    /// How series match.
    pub matching: Option<Matching>,
    /// The left side.
    pub left: Box<SampleExpr>,
    /// The right side.
    pub right: Box<SampleExpr>,
}

/// A query for numbers.
#[derive(Clone, Debug)]
pub enum SampleExpr {
    /// A range aggregation.
    Range(Box<RangeAgg>),
    /// A vector aggregation.
    Vector(VectorAgg),
    /// A binary operation.
    Binary(Binary),
    /// A number.
    Literal(f64),
    /// `vector(n)`.
    Scalar(f64),
    /// `label_replace`.
    LabelReplace {
        /// The vector.
        inner: Box<SampleExpr>,
        /// The label to set.
        target: String,
        /// To what.
        replacement: String,
        /// The label to look at.
        source: String,
        /// The anchored expression.
        regex: Regex,
        /// As written.
        pattern: String,
    },
}

impl SampleExpr {
    fn selectors<'a>(&'a self, out: &mut Vec<&'a LogExpr>) {
        match self {
            Self::Range(agg) => out.push(&agg.log),
            Self::Vector(agg) => agg.inner.selectors(out),
            Self::Binary(binary) => {
                binary.left.selectors(out);
                binary.right.selectors(out);
            }
            Self::LabelReplace { inner, .. } => inner.selectors(out),
            Self::Literal(_) | Self::Scalar(_) => {}
        }
    }
}

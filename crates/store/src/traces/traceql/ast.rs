//! The parts of a TraceQL query.

use regex::Regex;

use crate::traces::Value;

/// Where an attribute is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `.name`: the span, then its resource.
    Any,
    /// `span.`
    Span,
    /// `resource.`
    Resource,
    /// `event.`
    Event,
    /// `link.`
    Link,
    /// `instrumentation.`
    Instrumentation,
}

macro_rules! intrinsics {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// What every span has beside its attributes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intrinsic { $(#[doc = concat!("`", $text, "`")] $variant),* }

        impl Intrinsic {
            /// The one of this name.
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

intrinsics! {
    Duration = "duration",
    Name = "name",
    Status = "status",
    StatusMessage = "statusMessage",
    Kind = "kind",
    ChildCount = "childCount",
    RootName = "rootName",
    RootServiceName = "rootServiceName",
    TraceDuration = "traceDuration",
    NestedSetLeft = "nestedSetLeft",
    NestedSetRight = "nestedSetRight",
    NestedSetParent = "nestedSetParent",
    ScopedTraceDuration = "trace:duration",
    ScopedRootName = "trace:rootName",
    ScopedRootService = "trace:rootService",
    TraceId = "trace:id",
    ScopedDuration = "span:duration",
    ScopedName = "span:name",
    ScopedKind = "span:kind",
    ScopedStatus = "span:status",
    ScopedStatusMessage = "span:statusMessage",
    SpanId = "span:id",
    ParentId = "span:parentID",
    ScopedChildCount = "span:childCount",
    EventName = "event:name",
    EventTimeSinceStart = "event:timeSinceStart",
    LinkSpanId = "link:spanID",
    LinkTraceId = "link:traceID",
    InstrumentationName = "instrumentation:name",
    InstrumentationVersion = "instrumentation:version",
}

impl Intrinsic {
    /// The plain form of a scoped name, where there is one.
    pub const fn plain(self) -> Self {
        match self {
            Self::ScopedTraceDuration => Self::TraceDuration,
            Self::ScopedRootName => Self::RootName,
            Self::ScopedRootService => Self::RootServiceName,
            Self::ScopedDuration => Self::Duration,
            Self::ScopedName => Self::Name,
            Self::ScopedKind => Self::Kind,
            Self::ScopedStatus => Self::Status,
            Self::ScopedStatusMessage => Self::StatusMessage,
            Self::ScopedChildCount => Self::ChildCount,
            other => other,
        }
    }
}

/// Something of a span that an expression can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// An intrinsic.
    Intrinsic(Intrinsic),
    /// An attribute.
    Named(Scope, String),
    /// An attribute of the parent; Tempo knows it but does not answer it.
    Parent(String),
}

/// An operator between values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `=`
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
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// An expression over one span.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A value.
    Literal(Value),
    /// Something of the span.
    Attribute(Attribute),
    /// `-x`
    Negative(Box<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `a op b`; a regular expression is kept ready.
    Binary(Op, Box<Expr>, Box<Expr>, Option<Regex>),
}

/// An operator between span sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOp {
    /// `&&`
    And,
    /// `||`
    Or,
    /// A relation within the tree.
    Related {
        /// `>>`, `>`, `<<`, `<` or `~`.
        relation: &'static str,
        /// `!>>` ...
        negated: bool,
        /// `&>>` ...
        union: bool,
    },
}

/// A number made of a span set.
#[derive(Clone, Debug)]
pub enum Aggregate {
    /// `count()`
    Count,
    /// `avg`, `min`, `max` or `sum` of an expression.
    Of(&'static str, Expr),
    /// A number.
    Literal(Value),
    /// Arithmetic between two.
    Binary(Op, Box<Aggregate>, Box<Aggregate>),
}

/// A stage of a pipeline.
#[derive(Clone, Debug)]
pub enum Stage {
    /// `{ ... }`
    Filter(Option<Expr>),
    /// Two span sets joined.
    Joined(SetOp, Box<Stage>, Box<Stage>),
    /// A pipeline in parentheses.
    Wrapped(Pipeline),
    /// `count() > 2`
    Compare(Op, Aggregate, Aggregate),
    /// `by(...)`
    By(Expr),
    /// `select(...)`
    Select(Vec<Attribute>),
    /// `coalesce()`
    Coalesce,
}

/// Stages, in order.
pub type Pipeline = Vec<Stage>;

/// A metrics function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricOp {
    /// `rate()`
    Rate,
    /// `count_over_time()`
    Count,
    /// `min_over_time(x)`
    Min,
    /// `max_over_time(x)`
    Max,
    /// `avg_over_time(x)`
    Avg,
    /// `sum_over_time(x)`
    Sum,
    /// `quantile_over_time(x, q...)`
    Quantile,
    /// `histogram_over_time(x)`
    Histogram,
    /// `compare({...})`
    Compare,
}

impl MetricOp {
    /// The function of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "count_over_time" => Self::Count,
            "min_over_time" => Self::Min,
            "max_over_time" => Self::Max,
            "avg_over_time" => Self::Avg,
            "sum_over_time" => Self::Sum,
            "quantile_over_time" => Self::Quantile,
            "histogram_over_time" => Self::Histogram,
            "compare" => Self::Compare,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Count => "count_over_time",
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::Avg => "avg_over_time",
            Self::Sum => "sum_over_time",
            Self::Quantile => "quantile_over_time",
            Self::Histogram => "histogram_over_time",
            Self::Compare => "compare",
        }
    }
}

/// The metrics part of a query.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The function.
    pub op: MetricOp,
    /// What it looks at.
    pub attribute: Option<Attribute>,
    /// The quantiles.
    pub quantiles: Vec<f64>,
    /// `by (...)`
    pub by: Vec<Attribute>,
    /// `topk(n)` (true) or `bottomk(n)`.
    pub ranked: Option<(bool, usize)>,
}

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The metrics part, if it has one.
    pub metrics: Option<Metrics>,
}

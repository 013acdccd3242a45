//! The parts of a TraceQL query.

use regex::Regex;

use crate::traces::value::Value;

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

impl Scope {
    /// What stands before a name of this scope.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Any => ".",
            Self::Span => "span.",
            Self::Resource => "resource.",
            Self::Event => "event.",
            Self::Link => "link.",
            Self::Instrumentation => "instrumentation.",
        }
    }
}

macro_rules! intrinsics {
    ($($variant:ident = $name:literal: $($form:literal),*;)*) => {
        /// What every span has beside its attributes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intrinsic { $(#[doc = concat!("`", $name, "`")] $variant),* }

        impl Intrinsic {
            /// The one that is written so, with or without the colon's scope.
            pub fn of(text: &str) -> Option<Self> {
                Some(match text { $($($form)|* => Self::$variant,)* _ => return None })
            }

            /// Its name in answers and messages, however the query wrote it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

intrinsics! {
    Duration = "duration": "duration", "span:duration";
    Name = "name": "name", "span:name";
    Status = "status": "status", "span:status";
    StatusMessage = "statusMessage": "statusMessage", "span:statusMessage";
    Kind = "kind": "kind", "span:kind";
    ChildCount = "span:childCount": "span:childCount";
    Parent = "parent": "parent";
    RootName = "rootName": "rootName", "trace:rootName";
    RootServiceName = "rootServiceName": "rootServiceName", "trace:rootService";
    TraceDuration = "traceDuration": "traceDuration", "trace:duration";
    NestedSetLeft = "nestedSetLeft": "nestedSetLeft";
    NestedSetRight = "nestedSetRight": "nestedSetRight";
    NestedSetParent = "nestedSetParent": "nestedSetParent";
    TraceId = "trace:id": "trace:id";
    SpanId = "span:id": "span:id";
    ParentId = "span:parentID": "span:parentID";
    EventName = "event:name": "event:name";
    EventTimeSinceStart = "event:timeSinceStart": "event:timeSinceStart";
    LinkSpanId = "link:spanID": "link:spanID";
    LinkTraceId = "link:traceID": "link:traceID";
    InstrumentationName = "instrumentation:name": "instrumentation:name";
    InstrumentationVersion = "instrumentation:version": "instrumentation:version";
}

/// Something of a span that an expression can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// An intrinsic.
    Intrinsic(Intrinsic),
    /// An attribute.
    Named(Scope, String),
    /// An attribute of the parent; Tempo reads it but does not answer it.
    Parent(Scope, String),
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

impl Op {
    /// Whether it computes a number.
    pub const fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Pow
        )
    }

    /// The operator that says the same with its sides exchanged.
    pub const fn flipped(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            other => other,
        }
    }
}

/// An expression over one span.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A value.
    Literal(Value<'static>),
    /// Something of the span.
    Attribute(Attribute),
    /// `-x`
    Negative(Box<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `x != nil`
    Exists(Box<Expr>),
    /// `x = nil`
    Missing(Box<Expr>),
    /// `a op b`; a regular expression is kept ready.
    Binary(Op, Box<Expr>, Box<Expr>, Option<Regex>),
}

impl Expr {
    /// Whether it looks at the span at all.
    pub fn references_span(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Attribute(_) => true,
            Self::Negative(x) | Self::Not(x) | Self::Exists(x) | Self::Missing(x) => {
                x.references_span()
            }
            Self::Binary(_, a, b, _) => a.references_span() || b.references_span(),
        }
    }
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
        /// The relation itself.
        relation: Relation,
        /// Whether it must not hold, or which sides are given.
        form: Form,
    },
}

/// How two spans stand in their tree; the right one is what is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `>>`
    Descendant,
    /// `>`
    Child,
    /// `<<`
    Ancestor,
    /// `<`
    Parent,
    /// `~`
    Sibling,
}

/// The forms of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `>`: the right side.
    Plain,
    /// `!>`: those of the right side for which it holds with none of the left.
    Negated,
    /// `&>`: both sides.
    Union,
}

/// A number made of a span set.
#[derive(Clone, Debug)]
pub enum Aggregate {
    /// `count()`
    Count,
    /// `avg`, `min`, `max` or `sum` of an expression.
    Of(Fold, Expr),
    /// A number.
    Literal(Value<'static>),
    /// Arithmetic between two.
    Binary(Op, Box<Aggregate>, Box<Aggregate>),
    /// A pipeline in parentheses that ends in an aggregate.
    Pipeline(Pipeline, Box<Aggregate>),
}

/// What an aggregate makes of many numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `sum`
    Sum,
}

/// A stage of a pipeline.
#[derive(Clone, Debug)]
pub enum Stage {
    /// `{ ... }`; `{ }` is `{ true }`.
    Filter(Expr),
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

/// What `compare` sets apart.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The spans that are the selection.
    pub filter: Expr,
    /// How many values of an attribute are shown.
    pub top: i64,
    /// The selection's time, in nanoseconds; both 0 for all.
    pub window: (i64, i64),
}

/// What is done with the series of a metrics function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SecondStage {
    /// `topk(n)`
    Top(i64),
    /// `bottomk(n)`
    Bottom(i64),
    /// `> 10`
    Filter(Op, f64),
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
    /// Of `compare` alone.
    pub comparison: Option<Comparison>,
    /// What comes after it.
    pub second: Vec<SecondStage>,
}

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The metrics part, if it has one.
    pub metrics: Option<Metrics>,
    /// `with (name=value)`, as written.
    pub hints: Vec<(String, Value<'static>)>,
}

impl Query {
    /// What a hint says; the last of a name counts.
    pub fn hint(&self, name: &str) -> Option<&Value<'static>> {
        let found = self.hints.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }
}

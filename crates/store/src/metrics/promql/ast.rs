//! The syntax tree of a query; each node knows its place in the text.

use crate::metrics::matcher::Matcher;

/// Byte offsets of a node in the query: start, end.
pub type Span = (usize, usize);

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub node: Node,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum Node {
    /// `42`, or `5m` for 300.
    Number(Number),
    /// `"text"`
    Text(String),
    /// `up{job="a"} offset 5m`
    Selector(Selector),
    /// `up[5m]`
    Matrix(Selector, i64),
    /// `expr[5m:1m]`
    Subquery(Box<Subquery>),
    /// `(expr)`
    Paren(Box<Expr>),
    /// `-expr` and `+expr`
    Unary(Sign, Box<Expr>),
    /// `a + b`
    Binary(Box<Binary>),
    /// `sum by (x) (expr)`
    Aggregate(Box<Aggregate>),
    /// `rate(expr)`
    Call(&'static Function, Vec<Expr>),
}

/// A number, and how it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// Its value, seconds for durations.
    pub value: f64,
    /// Whether it is printed as a duration.
    pub style: NumberStyle,
}

/// How a number was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberStyle {
    /// `1.5`
    Plain,
    /// `1m30s`
    Duration,
}

/// The sign before an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

/// Which series, and when.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The metric's name when it is written as such, else empty.
    pub name: String,
    /// All conditions, that on the name last.
    pub matchers: Vec<Matcher>,
    /// `offset` and `@`.
    pub when: When,
}

/// `offset` and `@` modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct When {
    /// Milliseconds back; negative: forward.
    pub offset: i64,
    /// `@`
    pub at: Option<At>,
}

/// The `@` modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// `@ 123.4`, in milliseconds.
    Time(i64),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// A query evaluated over a range.
#[derive(Debug, Clone)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// Milliseconds.
    pub range: i64,
    /// Milliseconds; the default step when it is left out.
    pub step: Option<i64>,
    /// `offset` and `@`.
    pub when: When,
}

/// An operator with two operands.
#[derive(Debug, Clone)]
pub struct Binary {
    /// Which operator.
    pub op: Op,
    /// Left operand.
    pub lhs: Expr,
    /// Right operand.
    pub rhs: Expr,
    /// The `bool` modifier.
    pub returns: Returns,
    /// `on`, `ignoring`, `group_left`, `group_right`; none when an operand is a scalar.
    pub matching: Option<Matching>,
}

/// What a comparison gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// The left value where it is true.
    Value,
    /// `bool`: 1 or 0.
    Bool,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    And,
    Or,
    Unless,
}

impl Op {
    /// By its symbol or lower-case word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        ALL_OPS
            .iter()
            .find(|(_, w, _)| *w == word)
            .map(|(op, _, _)| *op)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ALL_OPS
            .iter()
            .find(|(op, _, _)| *op == self)
            .map_or("", |(_, w, _)| w)
    }

    /// How strongly it binds; higher binds more.
    #[must_use]
    pub fn precedence(self) -> u8 {
        ALL_OPS
            .iter()
            .find(|(op, _, _)| *op == self)
            .map_or(0, |(_, _, p)| *p)
    }

    /// `==` and the like.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le
        )
    }

    /// `and`, `or`, `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

const ALL_OPS: [(Op, &str, u8); 16] = [
    (Op::Or, "or", 1),
    (Op::And, "and", 2),
    (Op::Unless, "unless", 2),
    (Op::Eq, "==", 3),
    (Op::Ne, "!=", 3),
    (Op::Gt, ">", 3),
    (Op::Lt, "<", 3),
    (Op::Ge, ">=", 3),
    (Op::Le, "<=", 3),
    (Op::Add, "+", 4),
    (Op::Sub, "-", 4),
    (Op::Mul, "*", 5),
    (Op::Div, "/", 5),
    (Op::Mod, "%", 5),
    (Op::Atan2, "atan2", 5),
    (Op::Pow, "^", 6),
];

/// How the series of two vectors find each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// How many on each side.
    pub card: Card,
    /// `on` or `ignoring`.
    pub mode: MatchMode,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// The labels of `group_left` or `group_right`.
    pub include: Vec<String>,
}

/// Cardinality of a vector match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Card {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// Whether the labels of a match are the ones to compare or to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MatchMode {
    On,
    Ignoring,
}

/// An aggregation.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// Which operator.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: Expr,
    /// The parameter of `topk` and the like.
    pub param: Option<Expr>,
    /// `by` or `without`.
    pub grouping: Grouping,
}

/// `by (...)` or `without (...)`; nothing written is `by ()`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// Aggregation operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

const ALL_AGGREGATES: [(AggregateOp, &str); 14] = [
    (AggregateOp::Sum, "sum"),
    (AggregateOp::Avg, "avg"),
    (AggregateOp::Count, "count"),
    (AggregateOp::Min, "min"),
    (AggregateOp::Max, "max"),
    (AggregateOp::Group, "group"),
    (AggregateOp::Stddev, "stddev"),
    (AggregateOp::Stdvar, "stdvar"),
    (AggregateOp::Topk, "topk"),
    (AggregateOp::Bottomk, "bottomk"),
    (AggregateOp::CountValues, "count_values"),
    (AggregateOp::Quantile, "quantile"),
    (AggregateOp::Limitk, "limitk"),
    (AggregateOp::LimitRatio, "limit_ratio"),
];

impl AggregateOp {
    /// By its lower-case name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        ALL_AGGREGATES
            .iter()
            .find(|(_, w)| *w == word)
            .map(|(op, _)| *op)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ALL_AGGREGATES
            .iter()
            .find(|(op, _)| *op == self)
            .map_or("", |(_, w)| w)
    }

    /// Whether it takes a parameter before the vector.
    #[must_use]
    pub const fn has_param(self) -> bool {
        matches!(
            self,
            Self::Topk
                | Self::Bottomk
                | Self::CountValues
                | Self::Quantile
                | Self::Limitk
                | Self::LimitRatio
        )
    }

    /// Whether Prometheus keeps it behind a feature flag.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

/// The types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Type {
    Scalar,
    Vector,
    Matrix,
    Text,
}

impl Type {
    /// As the documentation calls it, and most error messages.
    #[must_use]
    pub const fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::Text => "string",
        }
    }

    /// As the code calls it, and the API's `resultType`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::Text => "string",
        }
    }
}

/// The signature of a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments; the last one may repeat or be left out, see `variadic`.
    pub args: &'static [Type],
    /// 0: exactly the listed arguments; n: up to n of the last one; -1: any number of it.
    pub variadic: i8,
    /// What it gives.
    pub returns: Type,
    /// Whether Prometheus keeps it behind a feature flag.
    pub experimental: bool,
}

impl Expr {
    /// The type of its value.
    #[must_use]
    pub fn value_type(&self) -> Type {
        match &self.node {
            Node::Number(_) => Type::Scalar,
            Node::Text(_) => Type::Text,
            Node::Selector(_) | Node::Aggregate(_) => Type::Vector,
            Node::Matrix(..) | Node::Subquery(_) => Type::Matrix,
            Node::Paren(e) | Node::Unary(_, e) => e.value_type(),
            Node::Binary(b) => match (b.lhs.value_type(), b.rhs.value_type()) {
                (Type::Scalar, Type::Scalar) => Type::Scalar,
                _ => Type::Vector,
            },
            Node::Call(f, _) => f.returns,
        }
    }

    /// Without the parentheses around it.
    #[must_use]
    pub fn unwrapped(&self) -> &Self {
        match &self.node {
            Node::Paren(e) => e.unwrapped(),
            _ => self,
        }
    }

    /// Calls `f` with every node, outermost first.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Self)) {
        f(self);
        match &self.node {
            Node::Number(_) | Node::Text(_) | Node::Selector(_) | Node::Matrix(..) => {}
            Node::Subquery(s) => s.expr.visit(f),
            Node::Paren(e) | Node::Unary(_, e) => e.visit(f),
            Node::Binary(b) => {
                b.lhs.visit(f);
                b.rhs.visit(f);
            }
            Node::Aggregate(a) => {
                if let Some(p) = &a.param {
                    p.visit(f);
                }
                a.expr.visit(f);
            }
            Node::Call(_, args) => args.iter().for_each(|a| a.visit(f)),
        }
    }

    /// All selectors in it.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut found = Vec::new();
        self.visit(&mut |e| {
            if let Node::Selector(s) | Node::Matrix(s, _) = &e.node {
                found.push(s);
            }
        });
        found
    }
}

//! What a query asks of the spans' attributes. A server that keeps columns reads of them only
//! what a query's conditions let through, and evaluates the query over that; this decides which
//! element of an array is seen, which event counts, and what an answer shows.
//!
//! Source: <https://grafana.com/docs/tempo/latest/traceql/> for the language; the rest as a real
//! server answers.

use regex::Regex;

use super::traceql::{Aggregate, Attribute, Expr, Intrinsic, Op, Pipeline, Scope, Stage};
use super::value::{Type, Value, compute};

/// What an attribute must be.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Whatever it is.
    Any,
    /// Something.
    Exists,
    /// Nothing.
    Missing,
    /// Something that compares so.
    Compare(Op, Value<'static>, Option<Regex>),
}

impl Test {
    fn passes(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Any | Self::Exists => true,
            Self::Missing => false,
            Self::Compare(op, operand, regex) => {
                compute(*op, value, operand, regex.as_ref()).is_true()
            }
        }
    }

    fn operand(&self) -> Option<Type> {
        match self {
            Self::Compare(_, operand, _) => Type::of(operand),
            _ => None,
        }
    }
}

/// An attribute with what a query asks of it.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) attribute: Attribute,
    pub(crate) test: Test,
}

/// All that a pipeline asks.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Asked before the pipeline is evaluated.
    pub(crate) first: Vec<Condition>,
    /// Whether a span must meet all of them.
    pub(crate) all: bool,
    /// Whether some filter takes every span.
    pub(crate) every: bool,
    /// Whether evaluation alone would find spans that a server does not read: those that
    /// negations are true of.
    pub(crate) strict: bool,
    /// Asked for what is left, to show it or to compute with it.
    pub(crate) second: Vec<Condition>,
}

impl Request {
    /// What a pipeline asks.
    pub(crate) fn of(pipeline: &Pipeline) -> Self {
        let mut request = Self {
            first: Vec::new(),
            all: true,
            every: false,
            strict: false,
            second: Vec::new(),
        };
        request.pipeline(pipeline);
        let unscoped = |c: &Condition| matches!(c.attribute, Attribute::Named(Scope::Any, _));
        request.all &= !request.first.iter().any(unscoped);
        request
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        let mut selected = false;
        for stage in pipeline {
            if selected {
                let mut later = Self::of(&vec![stage.clone()]);
                self.second.append(&mut later.first);
                self.second.append(&mut later.second);
            } else {
                self.stage(stage);
            }
            selected |= matches!(stage, Stage::Select(_));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        match stage {
            Stage::Coalesce => {}
            Stage::Filter(expr) => {
                self.every |= matches!(expr, Expr::Literal(Value::Bool(true)));
                self.expr(expr);
            }
            Stage::By(expr) => {
                self.expr(expr);
                self.all = false;
            }
            Stage::Joined(_, left, right) => {
                self.stage(left);
                self.stage(right);
                self.all = false;
            }
            Stage::Wrapped(pipeline) => self.pipeline(pipeline),
            Stage::Compare(_, left, right) => {
                self.aggregate(left);
                self.aggregate(right);
            }
            Stage::Select(attributes) => {
                self.second.extend(attributes.iter().cloned().map(any));
            }
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        match aggregate {
            Aggregate::Literal(_) => {}
            Aggregate::Count => self.all = false,
            Aggregate::Of(_, expr) => {
                self.all = false;
                self.expr(expr);
            }
            Aggregate::Binary(_, left, right) => {
                self.aggregate(left);
                self.aggregate(right);
            }
            Aggregate::Pipeline(pipeline, last) => {
                self.pipeline(pipeline);
                self.aggregate(last);
            }
        }
    }

    fn add(&mut self, attribute: &Attribute, test: Test) {
        self.first.push(Condition {
            attribute: attribute.clone(),
            test,
        });
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(_) => {}
            Expr::Attribute(attribute) => self.add(attribute, Test::Any),
            Expr::Negative(inner) => self.expr(inner),
            Expr::Not(inner) => {
                self.strict = true;
                self.expr(inner);
            }
            Expr::Exists(inner) => match &**inner {
                Expr::Attribute(attribute) => self.add(attribute, Test::Exists),
                inner => self.expr(inner),
            },
            Expr::Missing(inner) => {
                self.strict = true;
                match &**inner {
                    Expr::Attribute(attribute) => self.add(attribute, Test::Missing),
                    inner => self.expr(inner),
                }
            }
            Expr::Binary(op, left, right, regex) => self.binary(*op, left, right, regex.as_ref()),
        }
    }

    fn binary(&mut self, op: Op, left: &Expr, right: &Expr, regex: Option<&Regex>) {
        let test = |op: Op, value: &Value<'static>| {
            if op.is_arithmetic() || matches!(op, Op::And | Op::Or) {
                return Test::Any;
            }
            Test::Compare(op, value.clone(), regex.cloned())
        };
        let leaf = |expr: &Expr| matches!(expr, Expr::Attribute(_) | Expr::Literal(_));
        match (left, right) {
            (Expr::Attribute(attribute), Expr::Literal(value)) => {
                self.add(attribute, test(op, value));
            }
            (Expr::Literal(value), Expr::Attribute(attribute)) => {
                self.add(attribute, test(op.flipped(), value));
            }
            (left, right) => {
                self.expr(left);
                self.expr(right);
                if !leaf(left) {
                    self.all &= op != Op::Or;
                }
            }
        }
        // Sides that are no expressions are asked for, whether or not the other is true.
        self.strict |= op == Op::Or && (leaf(left) || leaf(right));
    }

    /// Whether the first conditions name an attribute.
    pub(crate) fn names(&self, attribute: &Attribute) -> bool {
        let mut all = self.first.iter().chain(&self.second);
        all.any(|condition| condition.attribute == *attribute)
    }
}

/// Asks for an attribute whatever it is.
pub(crate) const fn any(attribute: Attribute) -> Condition {
    Condition {
        attribute,
        test: Test::Any,
    }
}

/// Attributes of resources that have a column of their own, by Tempo's defaults.
pub(crate) const RESOURCE_COLUMNS: [&str; 5] = [
    "service.name",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
];

/// Attributes of spans that have a column of texts of their own.
pub(crate) const SPAN_COLUMNS: [&str; 7] = [
    "http.request.method",
    "url.path",
    "url.route",
    "server.address",
    "http.method",
    "http.url",
    "http.route",
];

/// Attributes of spans that have a column of whole numbers of their own.
const SPAN_NUMBER_COLUMNS: [&str; 3] = [
    "http.response.status_code",
    "server.port",
    "http.status_code",
];

/// Whether an attribute has a column of its own; the others of a scope share columns by type.
fn has_column(scope: Scope, name: &str) -> bool {
    match scope {
        Scope::Resource => RESOURCE_COLUMNS.contains(&name),
        Scope::Span => SPAN_COLUMNS.contains(&name) || SPAN_NUMBER_COLUMNS.contains(&name),
        _ => false,
    }
}

/// Which values of an attribute are read.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    every: bool,
    /// Whether a value is compared with what has its very type only.
    typed: bool,
    tests: Vec<Test>,
}

impl Keep {
    /// All values.
    pub(crate) const fn all() -> Self {
        Self {
            every: true,
            typed: false,
            tests: Vec::new(),
        }
    }

    /// What the conditions let through of an attribute, looked for in `scope`.
    pub(crate) fn of(conditions: &[Condition], attribute: &Attribute, scope: Scope) -> Self {
        let own = |condition: &&Condition| match attribute {
            Attribute::Named(_, name) if !has_column(scope, name) => {
                shares_column(&condition.attribute, scope)
            }
            Attribute::Named(_, name) => {
                let looks = |of: Scope| of == scope || of == Scope::Any;
                matches!(&condition.attribute, Attribute::Named(of, other)
                    if looks(*of) && other == name)
            }
            _ => condition.attribute == *attribute,
        };
        let tests: Vec<Test> = conditions
            .iter()
            .filter(own)
            .map(|c| c.test.clone())
            .collect();
        Self {
            every: tests.iter().any(|t| matches!(t, Test::Any | Test::Exists)),
            typed: matches!(attribute, Attribute::Named(..)),
            tests,
        }
    }

    /// What is read of a value.
    pub(crate) fn filter<'a>(&self, value: Value<'a>) -> Value<'a> {
        if self.every {
            return value;
        }
        match value {
            Value::Nil => Value::Nil,
            Value::List(mut list) => {
                list.retain(|item| self.passes(item));
                match list.len() {
                    0 => Value::Nil,
                    1 => list.remove(0),
                    _ => Value::List(list),
                }
            }
            value if self.passes(&value) => value,
            _ => Value::Nil,
        }
    }

    fn passes(&self, value: &Value<'_>) -> bool {
        let fits = |test: &Test| !self.typed || test.operand() == Type::of(value);
        self.tests
            .iter()
            .any(|test| fits(test) && test.passes(value))
    }
}

fn shares_column(attribute: &Attribute, scope: Scope) -> bool {
    let Attribute::Named(of, name) = attribute else {
        return false;
    };
    let looks = match scope {
        Scope::Span | Scope::Resource => *of == scope || *of == Scope::Any,
        _ => *of == scope,
    };
    looks && !has_column(scope, name)
}

/// Whether a condition is on the whole trace.
pub(crate) const fn is_of_trace(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Intrinsic(
            Intrinsic::RootName
                | Intrinsic::RootServiceName
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId
        )
    )
}

//! The parser's other half: span sets, pipelines and metrics.

use super::ast::{Aggregate, MetricOp, Metrics, Op, Pipeline, Query, SetOp, Stage};
use super::lexer::Kind;
use super::parser::{ParseError, Parser};
use crate::traces::Value;

/// Operators between span sets: with their relation, whether negated, whether a union.
const RELATIONS: [(&str, &str, bool, bool); 15] = [
    (">>", ">>", false, false),
    (">", ">", false, false),
    ("<<", "<<", false, false),
    ("<", "<", false, false),
    ("~", "~", false, false),
    ("!>>", ">>", true, false),
    ("!>", ">", true, false),
    ("!<<", "<<", true, false),
    ("!<", "<", true, false),
    ("!~", "~", true, false),
    ("&>>", ">>", false, true),
    ("&>", ">", false, true),
    ("&<<", "<<", false, true),
    ("&<", "<", false, true),
    ("&~", "~", false, true),
];

const COMPARISONS: [(&str, Op); 6] = [
    ("=", Op::Equal),
    ("!=", Op::NotEqual),
    (">", Op::Greater),
    (">=", Op::GreaterEqual),
    ("<", Op::Less),
    ("<=", Op::LessEqual),
];

impl Parser {
    pub(super) fn query(&mut self) -> Result<Query, ParseError> {
        let mut query = self.pipeline_with_metrics()?;
        if self.eat("with") {
            self.hints()?;
        }
        if let Some(metrics) = &mut query.metrics
            && self.eat("|")
        {
            let top = self.is("topk");
            if !top && !self.is("bottomk") {
                return Err(self.unexpected(&["topk", "bottomk"]));
            }
            self.take();
            self.expect("(", &["("])?;
            metrics.ranked = Some((top, self.integer()?));
            self.expect(")", &[")"])?;
            if self.eat("with") {
                self.hints()?;
            }
        }
        Ok(query)
    }

    fn hints(&mut self) -> Result<(), ParseError> {
        self.expect("(", &["("])?;
        loop {
            if !self.is_name() {
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
            self.take();
            self.expect("=", &["="])?;
            self.skip_value()?;
            if !self.eat(",") {
                return self.expect(")", &[")", ","]);
            }
        }
    }

    fn pipeline_with_metrics(&mut self) -> Result<Query, ParseError> {
        let mut query = Query {
            pipeline: vec![self.first()?],
            metrics: None,
        };
        while self.is("|") {
            self.take();
            if self.peek().kind == Kind::Sign
                && let Some(op) = MetricOp::of(&self.peek().text)
            {
                self.take();
                query.metrics = Some(self.metrics(op)?);
                break;
            }
            let stage = self.later()?;
            query.pipeline.push(stage);
        }
        Ok(query)
    }

    /// A whole pipeline within parentheses.
    fn pipeline(&mut self) -> Result<Pipeline, ParseError> {
        let mut pipeline = vec![self.first()?];
        while self.eat("|") {
            pipeline.push(self.later()?);
        }
        Ok(pipeline)
    }

    fn first(&mut self) -> Result<Stage, ParseError> {
        if self.is_any(&["{", "("]) {
            let place = self.place();
            return match self.set(0) {
                Ok(stage) => Ok(stage),
                Err(error) if self.at_aggregate(place) => {
                    self.rewind(place);
                    self.compared().map_err(|_| error)
                }
                Err(error) => Err(error),
            };
        }
        self.later()
    }

    /// Whether what begins at `place` is arithmetic over aggregates in parentheses.
    fn at_aggregate(&mut self, place: usize) -> bool {
        let now = self.place();
        self.rewind(place);
        while self.eat("(") {}
        let found = self.is_any(&["count", "avg", "min", "max", "sum"]);
        self.rewind(now);
        found
    }

    /// A stage after `|`.
    fn later(&mut self) -> Result<Stage, ParseError> {
        if self.is("{") {
            return self.set(0);
        }
        if self.eat("by") {
            self.expect("(", &["("])?;
            let expr = self.field(0)?;
            self.expect(")", &[])?;
            return Ok(Stage::By(expr));
        }
        if self.eat("select") {
            return Ok(Stage::Select(self.attributes()?));
        }
        if self.eat("coalesce") {
            self.expect("(", &["("])?;
            self.expect(")", &[")"])?;
            return Ok(Stage::Coalesce);
        }
        let literal = matches!(self.peek().kind, Kind::Literal(_));
        if literal || self.is_any(&["count", "avg", "min", "max", "sum", "("]) {
            return self.compared();
        }
        Err(self.unexpected(&[]))
    }

    fn attributes(&mut self) -> Result<Vec<super::Attribute>, ParseError> {
        self.expect("(", &["("])?;
        let mut out = vec![self.attribute()?];
        while self.eat(",") {
            out.push(self.attribute()?);
        }
        self.expect(")", &[")", ","])?;
        Ok(out)
    }

    /// Span sets joined by operators.
    fn set(&mut self, least: u8) -> Result<Stage, ParseError> {
        let mut wrapped = self.is("(");
        let mut left = if self.eat("(") {
            let mut inner = self.pipeline()?;
            self.expect(")", &[])?;
            if inner.len() == 1 {
                wrapped = false;
                inner.remove(0)
            } else {
                Stage::Wrapped(inner)
            }
        } else if self.is("{") {
            self.filter()?
        } else {
            return Err(self.unexpected(&["{", "("]));
        };
        loop {
            let token = self.peek();
            let found = match token.text.as_str() {
                _ if token.kind != Kind::Sign => None,
                "||" => Some((SetOp::Or, 1)),
                "&&" => Some((SetOp::And, 2)),
                sign => RELATIONS.iter().find(|(name, ..)| *name == sign).map(
                    |&(_, relation, negated, union)| {
                        let op = SetOp::Related {
                            relation,
                            negated,
                            union,
                        };
                        (op, 3)
                    },
                ),
            };
            let Some((op, level)) = found.filter(|(_, level)| *level >= least) else {
                return Ok(left);
            };
            self.take();
            // A pipeline is joined with pipelines alone, and these stand in parentheses.
            if wrapped && !self.is("(") {
                return Err(self.unexpected(&["("]));
            }
            let right = self.set(level + 1)?;
            left = Stage::Joined(op, Box::new(left), Box::new(right));
        }
    }

    /// `count() > 2`
    fn compared(&mut self) -> Result<Stage, ParseError> {
        let left = self.sum()?;
        let Some(&(_, op)) = COMPARISONS.iter().find(|(sign, _)| self.is(sign)) else {
            return Err(self.unexpected(&[]));
        };
        self.take();
        let right = self.sum()?;
        Ok(Stage::Compare(op, left, right))
    }

    fn sum(&mut self) -> Result<Aggregate, ParseError> {
        let mut left = self.product()?;
        while self.is_any(&["+", "-"]) {
            let op = if self.take().text == "+" {
                Op::Add
            } else {
                Op::Sub
            };
            left = Aggregate::Binary(op, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Aggregate, ParseError> {
        let mut left = self.aggregate()?;
        while self.is_any(&["*", "/", "%"]) {
            let op = match self.take().text.as_str() {
                "*" => Op::Mul,
                "/" => Op::Div,
                _ => Op::Mod,
            };
            left = Aggregate::Binary(op, Box::new(left), Box::new(self.aggregate()?));
        }
        Ok(left)
    }

    fn aggregate(&mut self) -> Result<Aggregate, ParseError> {
        if self.eat("(") {
            let inner = self.sum()?;
            self.expect(")", &[])?;
            return Ok(inner);
        }
        if let Kind::Literal(value) = self.peek().kind.clone() {
            self.take();
            return Ok(Aggregate::Literal(value));
        }
        if self.is("-") {
            self.take();
            let zero = Aggregate::Literal(Value::Int(0));
            return Ok(Aggregate::Binary(
                Op::Sub,
                Box::new(zero),
                Box::new(self.aggregate()?),
            ));
        }
        if self.eat("count") {
            self.expect("(", &["("])?;
            self.expect(")", &[")"])?;
            return Ok(Aggregate::Count);
        }
        for name in ["avg", "min", "max", "sum"] {
            if self.eat(name) {
                self.expect("(", &["("])?;
                let expr = self.field(0)?;
                self.expect(")", &[])?;
                return Ok(Aggregate::Of(name, expr));
            }
        }
        Err(self.unexpected(&[]))
    }

    fn metrics(&mut self, op: MetricOp) -> Result<Metrics, ParseError> {
        self.expect("(", &["("])?;
        let mut metrics = Metrics {
            op,
            attribute: None,
            quantiles: Vec::new(),
            by: Vec::new(),
            ranked: None,
        };
        match op {
            MetricOp::Rate | MetricOp::Count => {}
            MetricOp::Compare => {
                self.filter()?;
                while self.eat(",") {
                    self.integer()?;
                }
            }
            _ => {
                metrics.attribute = Some(self.attribute()?);
                if op == MetricOp::Quantile {
                    self.expect(",", &[","])?;
                    metrics.quantiles.push(self.quantile()?);
                    while self.eat(",") {
                        metrics.quantiles.push(self.quantile()?);
                    }
                }
            }
        }
        self.expect(")", &[")"])?;
        if self.eat("by") {
            metrics.by = self.attributes()?;
        }
        Ok(metrics)
    }
}

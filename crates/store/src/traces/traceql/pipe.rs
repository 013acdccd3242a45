//! The parser of span sets, pipelines and hints.

use super::ast::{
    Aggregate, Attribute, Fold, Form, MetricOp, Op, Pipeline, Query, Relation, SetOp, Stage,
};
use super::lexer::Kind;
use super::parser::{ParseError, Parser};
use crate::traces::value::Value;

type Parsed<T> = Result<T, ParseError>;

/// What may stand in parentheses, and what each can be joined with.
enum Part {
    /// Span sets: `{ } && { }`.
    Set(Stage),
    /// Pipelines in parentheses: `({ } | count() > 1) && ({ } | count() < 5)`.
    Pipes(Stage),
    /// A number: `count() + 1`.
    Number(Aggregate),
    /// Numbers of pipelines in parentheses: `({ } | count())`.
    PipeNumber(Aggregate),
    /// Stages, not yet closed by a parenthesis.
    Stages(Pipeline),
}

const COMPARISONS: [(&str, Op); 6] = [
    ("=", Op::Equal),
    ("!=", Op::NotEqual),
    ("<", Op::Less),
    ("<=", Op::LessEqual),
    (">", Op::Greater),
    (">=", Op::GreaterEqual),
];

const FOLDS: [(&str, Fold); 4] = [
    ("avg", Fold::Avg),
    ("min", Fold::Min),
    ("max", Fold::Max),
    ("sum", Fold::Sum),
];

fn set_op(sign: &str) -> Option<(SetOp, u8)> {
    match sign {
        "&&" => return Some((SetOp::And, 1)),
        "||" => return Some((SetOp::Or, 1)),
        _ => {}
    }
    let (form, rest) = match sign.strip_prefix('!') {
        Some(rest) => (Form::Negated, rest),
        None => match sign.strip_prefix('&') {
            Some(rest) => (Form::Union, rest),
            None => (Form::Plain, sign),
        },
    };
    let relation = match rest {
        ">>" => Relation::Descendant,
        ">" => Relation::Child,
        "<<" => Relation::Ancestor,
        "<" => Relation::Parent,
        "~" => Relation::Sibling,
        _ => return None,
    };
    Some((SetOp::Related { relation, form }, 2))
}

fn number_op(sign: &str) -> Option<(Op, u8)> {
    Some(match sign {
        "+" => (Op::Add, 1),
        "-" => (Op::Sub, 1),
        "*" => (Op::Mul, 2),
        "/" => (Op::Div, 2),
        "%" => (Op::Mod, 2),
        "^" => (Op::Pow, 3),
        _ => return None,
    })
}

impl Parser {
    /// A whole query, to the end of the text.
    pub(super) fn query(&mut self) -> Parsed<Query> {
        let mut query = Query {
            pipeline: Vec::new(),
            metrics: None,
            hints: Vec::new(),
        };
        let part = self.part(true)?;
        let open = matches!(part, Part::Set(_) | Part::Stages(_));
        query.pipeline = match part {
            Part::Set(stage) | Part::Pipes(stage) => vec![stage],
            Part::Stages(stages) => stages,
            Part::Number(_) => return Err(self.unexpected(&[])),
            Part::PipeNumber(left) => vec![self.compared_pipes(left)?],
        };
        while open && self.eat("|")? {
            if let Some(op) = MetricOp::of(self.sign()?) {
                self.skip();
                query.metrics = Some(self.metrics(op)?);
                break;
            }
            query.pipeline.push(self.later()?);
        }
        while self.eat("with")? {
            query.hints = self.hints()?;
        }
        if self.peek()?.kind == Kind::End {
            return Ok(query);
        }
        Err(self.unexpected(&["with"]))
    }

    fn hints(&mut self) -> Parsed<Vec<(String, Value<'static>)>> {
        self.expect("(")?;
        let mut out = Vec::new();
        loop {
            let token = self.peek()?.clone();
            if token.kind != Kind::Ident {
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
            self.skip();
            self.expect("=")?;
            out.push((token.text, self.constant()?));
            if !self.eat(",")? {
                self.expect_among(")", &[")", ","])?;
                return Ok(out);
            }
        }
    }

    /// What a query or an opened parenthesis begins with, joined as far as it goes. Inside of
    /// parentheses, the stages after it too.
    fn part(&mut self, outermost: bool) -> Parsed<Part> {
        let first = match self.sign()? {
            "{" => Part::Set(self.sets(0)?),
            "(" => self.opened()?,
            "by" | "select" => Part::Stages(vec![self.later()?]),
            _ => Part::Number(self.number(0)?),
        };
        let part = match first {
            Part::Set(left) => Part::Set(self.more_sets(left, 0)?),
            Part::Pipes(left) => Part::Pipes(self.more_pipes(left, 0)?),
            Part::Number(left) => {
                let left = self.more_numbers(left, 0)?;
                match self.comparison()? {
                    Some(op) => Part::Stages(vec![Stage::Compare(op, left, self.number(0)?)]),
                    None if outermost || !self.is(")")? => return Err(self.unexpected(&[])),
                    None => Part::Number(left),
                }
            }
            Part::PipeNumber(left) => Part::PipeNumber(self.more_pipe_numbers(left, 0)?),
            other => other,
        };
        if outermost || !self.is("|")? {
            return Ok(part);
        }
        let mut stages = match part {
            Part::Set(stage) => vec![stage],
            Part::Stages(stages) => stages,
            _ => return Ok(part),
        };
        while self.eat("|")? {
            if MetricOp::of(self.sign()?).is_some() {
                return Err(self.unexpected(&[]));
            }
            let place = self.place();
            match self.later() {
                Ok(stage) => stages.push(stage),
                // An aggregate may end a pipeline in parentheses.
                Err(error) => {
                    self.rewind(place);
                    return match self.aggregate() {
                        Ok(last) if self.is(")")? => Ok(Part::PipeNumber(Aggregate::Pipeline(
                            stages,
                            Box::new(last),
                        ))),
                        _ => Err(error),
                    };
                }
            }
        }
        Ok(Part::Stages(stages))
    }

    /// `( ... )`
    fn opened(&mut self) -> Parsed<Part> {
        self.expect("(")?;
        let inner = self.nested(|parser| parser.part(false))?;
        if !self.eat(")")? {
            let expected: &[&str] = match inner {
                Part::Set(_) | Part::Stages(_) => &[")", "|"],
                Part::PipeNumber(Aggregate::Pipeline(..)) => &[")"],
                _ => &[],
            };
            return Err(self.unexpected(expected));
        }
        Ok(match inner {
            Part::Stages(stages) => Part::Pipes(Stage::Wrapped(stages)),
            other => other,
        })
    }

    /// Span sets whose operators bind more tightly than `least`.
    fn sets(&mut self, least: u8) -> Parsed<Stage> {
        let left = if self.eat("(")? {
            let inner = self.nested(|parser| parser.sets(0))?;
            self.expect_among(")", &[])?;
            inner
        } else if self.is("{")? {
            Stage::Filter(self.filter()?)
        } else {
            return Err(self.unexpected(&["{", "("]));
        };
        self.more_sets(left, least)
    }

    fn more_sets(&mut self, mut left: Stage, least: u8) -> Parsed<Stage> {
        while let Some((op, level)) = set_op(self.sign()?).filter(|(_, level)| *level > least) {
            self.operator()?;
            let right = self.sets(level)?;
            left = Stage::Joined(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// Pipelines in parentheses whose operators bind more tightly than `least`.
    fn pipes(&mut self, least: u8) -> Parsed<Stage> {
        if !self.is("(")? {
            return Err(self.unexpected(&["("]));
        }
        let left = match self.opened()? {
            Part::Set(stage) => Stage::Wrapped(vec![stage]),
            Part::Pipes(stage) => stage,
            _ => return Err(self.unexpected(&[])),
        };
        self.more_pipes(left, least)
    }

    fn more_pipes(&mut self, mut left: Stage, least: u8) -> Parsed<Stage> {
        while let Some((op, level)) = set_op(self.sign()?).filter(|(_, level)| *level > least) {
            self.operator()?;
            let right = self.pipes(level)?;
            left = Stage::Joined(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    pub(super) fn comparison(&mut self) -> Parsed<Option<Op>> {
        let sign = self.sign()?;
        let found = COMPARISONS.iter().find(|(text, _)| *text == sign);
        let op = found.map(|(_, op)| *op);
        if op.is_some() {
            self.skip();
        }
        Ok(op)
    }

    /// `({ } | count()) > ({ } | count())`, or `> 2`
    fn compared_pipes(&mut self, left: Aggregate) -> Parsed<Stage> {
        let Some(op) = self.comparison()? else {
            return Err(self.unexpected(&[]));
        };
        let right = if self.is("(")? {
            self.pipe_numbers(0)?
        } else {
            Aggregate::Literal(self.constant()?)
        };
        Ok(Stage::Compare(op, left, right))
    }

    fn pipe_numbers(&mut self, least: u8) -> Parsed<Aggregate> {
        if !self.is("(")? {
            return Err(self.unexpected(&["("]));
        }
        match self.opened()? {
            Part::PipeNumber(left) => self.more_pipe_numbers(left, least),
            _ => Err(self.unexpected(&[])),
        }
    }

    fn more_pipe_numbers(&mut self, mut left: Aggregate, least: u8) -> Parsed<Aggregate> {
        while let Some((op, level)) = number_op(self.sign()?).filter(|(_, level)| *level > least) {
            self.operator()?;
            let right = self.pipe_numbers(if op == Op::Pow { level - 1 } else { level })?;
            left = Aggregate::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// A number whose operators bind more tightly than `least`.
    fn number(&mut self, least: u8) -> Parsed<Aggregate> {
        let left = self.aggregate()?;
        self.more_numbers(left, least)
    }

    fn more_numbers(&mut self, mut left: Aggregate, least: u8) -> Parsed<Aggregate> {
        while let Some((op, level)) = number_op(self.sign()?).filter(|(_, level)| *level > least) {
            self.operator()?;
            let right = self.number(if op == Op::Pow { level - 1 } else { level })?;
            left = Aggregate::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn aggregate(&mut self) -> Parsed<Aggregate> {
        if self.eat("(")? {
            let inner = self.nested(|parser| parser.number(0))?;
            self.expect_among(")", &[])?;
            return Ok(inner);
        }
        if self.eat("-")? {
            let number = self.plain_number(&["INTEGER", "FLOAT", "DURATION"])?;
            return Ok(Aggregate::Literal(match number {
                Value::Int(n) => Value::Int(n.wrapping_neg()),
                Value::Float(n) => Value::Float(-n),
                Value::Duration(n) => Value::Duration(n.wrapping_neg()),
                other => other,
            }));
        }
        if self.eat("count")? {
            self.expect("(")?;
            self.expect(")")?;
            return Ok(Aggregate::Count);
        }
        let sign = self.sign()?;
        if let Some((_, fold)) = FOLDS.iter().find(|(name, _)| *name == sign) {
            self.skip();
            self.expect("(")?;
            let expr = self.field(0)?;
            self.expect_among(")", &[])?;
            return Ok(Aggregate::Of(*fold, expr));
        }
        self.plain_number(&[]).map(Aggregate::Literal)
    }

    pub(super) fn plain_number(&mut self, expected: &[&str]) -> Parsed<Value<'static>> {
        match &self.peek()?.kind {
            Kind::Literal(value) if value.number().is_some() => {
                let value = value.clone();
                self.skip();
                Ok(value)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// A stage after `|`.
    fn later(&mut self) -> Parsed<Stage> {
        match self.sign()? {
            "{" => Ok(self.sets(0)?),
            "(" => {
                // Span sets or numbers: what stands in the innermost parenthesis tells.
                let place = self.place();
                while self.eat("(")? {}
                let sets = self.is("{")?;
                self.rewind(place);
                if sets { self.sets(0) } else { self.compared() }
            }
            "by" => {
                self.skip();
                self.expect("(")?;
                let expr = self.field(0)?;
                self.expect_among(")", &[])?;
                Ok(Stage::By(expr))
            }
            "select" => {
                self.skip();
                Ok(Stage::Select(self.attributes()?))
            }
            "coalesce" => {
                self.skip();
                self.expect("(")?;
                self.expect(")")?;
                Ok(Stage::Coalesce)
            }
            _ => self.compared(),
        }
    }

    /// `count() > 2`
    fn compared(&mut self) -> Parsed<Stage> {
        let left = self.number(0)?;
        let Some(op) = self.comparison()? else {
            return Err(self.unexpected(&[]));
        };
        Ok(Stage::Compare(op, left, self.number(0)?))
    }

    pub(super) fn attributes(&mut self) -> Parsed<Vec<Attribute>> {
        self.expect("(")?;
        let mut out = vec![self.attribute()?];
        while self.eat(",")? {
            out.push(self.attribute()?);
        }
        self.expect_among(")", &[")", ","])?;
        Ok(out)
    }

    fn place(&self) -> usize {
        self.at
    }

    fn rewind(&mut self, place: usize) {
        self.at = place;
    }
}

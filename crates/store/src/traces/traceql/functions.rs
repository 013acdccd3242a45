//! The parser of metrics functions and what comes after them.

use super::ast::{Comparison, MetricOp, Metrics, SecondStage};
use super::lexer::Kind;
use super::parser::{ParseError, Parser};
use crate::traces::value::Value;

type Parsed<T> = Result<T, ParseError>;

impl Parser {
    pub(super) fn metrics(&mut self, op: MetricOp) -> Parsed<Metrics> {
        self.expect("(")?;
        let mut metrics = Metrics {
            op,
            attribute: None,
            quantiles: Vec::new(),
            by: Vec::new(),
            comparison: None,
            second: Vec::new(),
        };
        match op {
            MetricOp::Rate | MetricOp::Count => self.expect(")")?,
            MetricOp::Compare => metrics.comparison = Some(self.compare()?),
            MetricOp::Quantile => {
                metrics.attribute = Some(self.attribute()?);
                self.expect(",")?;
                metrics.quantiles.push(self.quantile()?);
                while self.eat(",")? {
                    metrics.quantiles.push(self.quantile()?);
                }
                self.expect_among(")", &[")", ","])?;
            }
            _ => {
                metrics.attribute = Some(self.attribute()?);
                self.expect(")")?;
            }
        }
        if op != MetricOp::Compare && self.eat("by")? {
            metrics.by = self.attributes()?;
        }
        while let Some(stage) = self.second()? {
            metrics.second.push(stage);
        }
        Ok(metrics)
    }

    /// `{...}`, then how many values, then a selection's start and end.
    fn compare(&mut self) -> Parsed<Comparison> {
        let mut comparison = Comparison {
            filter: self.filter()?,
            top: 10,
            window: (0, 0),
        };
        if self.eat(",")? {
            comparison.top = self.integer()?;
            if self.eat(",")? {
                comparison.window.0 = self.integer()?;
                self.expect(",")?;
                comparison.window.1 = self.integer()?;
                self.expect(")")?;
                return Ok(comparison);
            }
        }
        self.expect_among(")", &[")", ","])?;
        Ok(comparison)
    }

    fn quantile(&mut self) -> Parsed<f64> {
        let found = match &self.peek()?.kind {
            Kind::Literal(value @ (Value::Int(_) | Value::Float(_))) => value.number(),
            _ => None,
        };
        let Some(number) = found else {
            return Err(self.unexpected(&["INTEGER", "FLOAT"]));
        };
        self.skip();
        Ok(number)
    }

    /// `| topk(3)` or `> 10`
    fn second(&mut self) -> Parsed<Option<SecondStage>> {
        if self.eat("|")? {
            let top = self.is("topk")?;
            if !top && !self.is("bottomk")? {
                return Err(self.unexpected(&["topk", "bottomk"]));
            }
            self.skip();
            self.expect("(")?;
            let count = self.integer()?;
            self.expect(")")?;
            return Ok(Some(if top {
                SecondStage::Top(count)
            } else {
                SecondStage::Bottom(count)
            }));
        }
        let Some(op) = self.comparison()? else {
            return Ok(None);
        };
        let minus = self.eat("-")?;
        let expected: &[&str] = if minus {
            &["INTEGER", "FLOAT", "DURATION"]
        } else {
            &["INTEGER", "FLOAT", "DURATION", "-"]
        };
        let number = match self.plain_number(expected)? {
            Value::Duration(nanos) => nanos as f64 / 1e9,
            value => value.number().unwrap_or(0.0),
        };
        Ok(Some(SecondStage::Filter(
            op,
            if minus { -number } else { number },
        )))
    }
}

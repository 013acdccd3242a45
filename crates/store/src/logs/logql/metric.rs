//! The parser's other half: aggregations and binary operations.

use super::ast::{
    Binary, Card, Expr, Grouping, LogExpr, Matching, RangeAgg, RangeOp, SampleExpr, VectorAgg,
    VectorOp,
};
use super::build;
use super::lexer::Kind;
use super::parser::{ParseError, Parser};
use crate::logs::eval::arithmetic;

/// Operators with their precedence; the last binds to the right.
const OPERATORS: [(&str, u8); 15] = [
    ("or", 1),
    ("and", 2),
    ("unless", 2),
    ("==", 3),
    ("!=", 3),
    (">", 3),
    (">=", 3),
    ("<", 3),
    ("<=", 3),
    ("+", 4),
    ("-", 4),
    ("*", 5),
    ("/", 5),
    ("%", 5),
    ("^", 6),
];

impl Parser {
    /// An expression whose operators bind at least as tightly as `least`.
    pub(super) fn expr(&mut self, least: u8) -> Result<Expr, ParseError> {
        let mut left = self.nested(Self::operand)?;
        loop {
            let token = self.peek().clone();
            let Some(&(op, level)) = OPERATORS
                .iter()
                .find(|(op, _)| token.kind == Kind::Sign && *op == token.text)
            else {
                return Ok(left);
            };
            if level < least {
                return Ok(left);
            }
            self.operator()?;
            self.take();
            let bool_mode = level == 3 && self.eat("bool");
            let matching = self.matching()?;
            let right = self.expr(if op == "^" { level } else { level + 1 })?;
            left = Expr::Sample(join(op, bool_mode, matching, left, right)?);
        }
    }

    fn operand(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek().clone();
        match (&token.kind, token.text.as_str()) {
            (Kind::Sign, "{") => Ok(Expr::Log(self.log()?)),
            (Kind::Sign, "(") => {
                self.take();
                let inner = self.expr(0)?;
                self.expect(")", &[])?;
                if let Expr::Log(mut log) = inner {
                    while self.stage_follows() {
                        self.stage(&mut log.stages)?;
                    }
                    return Ok(Expr::Log(log));
                }
                Ok(inner)
            }
            (Kind::Number(n), _) => {
                self.take();
                Ok(Expr::Sample(SampleExpr::Literal(*n)))
            }
            (Kind::Sign, "-" | "+") => {
                self.take();
                match self.peek().kind {
                    Kind::Number(n) => {
                        self.take();
                        let n = if token.text == "-" { -n } else { n };
                        Ok(Expr::Sample(SampleExpr::Literal(n)))
                    }
                    _ => Err(self.unexpected(&["NUMBER"])),
                }
            }
            (Kind::Sign, "label_replace") => self.label_replace(),
            (Kind::Sign, "variants") => self.variants(),
            (Kind::Sign, "vector") => {
                self.take();
                self.expect("(", &["("])?;
                let Kind::Number(n) = self.peek().kind else {
                    return Err(self.unexpected(&["NUMBER"]));
                };
                self.take();
                self.expect(")", &[")"])?;
                Ok(Expr::Sample(SampleExpr::Scalar(n)))
            }
            (Kind::Sign, name) => {
                if let Some(op) = RangeOp::of(name) {
                    self.take();
                    return self.range_agg(op);
                }
                if let Some(op) = VectorOp::of(name) {
                    self.take();
                    return self.vector_agg(op);
                }
                Err(self.unexpected(&[]))
            }
            _ => Err(self.unexpected(&[])),
        }
    }

    fn number(&mut self) -> Result<Option<f64>, ParseError> {
        let negative = self.is("-") && matches!(self.ahead(1).kind, Kind::Number(_));
        if negative {
            self.take();
        }
        let Kind::Number(n) = self.peek().kind else {
            return Ok(None);
        };
        self.take();
        self.expect(",", &[","])?;
        Ok(Some(if negative { -n } else { n }))
    }

    fn range_agg(&mut self, op: RangeOp) -> Result<Expr, ParseError> {
        self.expect("(", &["("])?;
        let param = self.number()?;
        let mut agg = self.log_range(op)?;
        self.expect(")", &[])?;
        agg.param = param;
        agg.grouping = self.grouping()?;
        check_range(&agg)?;
        Ok(Expr::Sample(SampleExpr::Range(Box::new(agg))))
    }

    fn log_range(&mut self, op: RangeOp) -> Result<RangeAgg, ParseError> {
        let parenthesised = self.eat("(");
        let matchers = self.selector()?;
        let mut log = LogExpr {
            matchers,
            stages: Vec::new(),
        };
        let (mut unwrap, mut range, mut offset) = (None, None, 0);
        loop {
            if let Kind::Range(nanos) = self.peek().kind
                && range.is_none()
            {
                self.take();
                range = Some(nanos);
                offset = self.offset()?;
            } else if self.unwrap_follows() && unwrap.is_none() {
                unwrap = Some(self.unwrap()?);
            } else if self.stage_follows() && unwrap.is_none() {
                self.stage(&mut log.stages)?;
            } else if parenthesised && self.is(")") && range.is_none() {
                self.take();
                let Kind::Range(nanos) = self.peek().kind else {
                    return Err(self.unexpected(&["RANGE"]));
                };
                self.take();
                range = Some(nanos);
                offset = self.offset()?;
                break;
            } else {
                if parenthesised && range.is_some() {
                    self.expect(")", &[")"])?;
                }
                break;
            }
        }
        let Some(range) = range else {
            return Err(self.unexpected(&[]));
        };
        Ok(RangeAgg {
            op,
            param: None,
            log,
            unwrap,
            range,
            offset,
            grouping: None,
        })
    }

    fn offset(&mut self) -> Result<i64, ParseError> {
        if !self.eat("offset") {
            return Ok(0);
        }
        let negative = self.eat("-");
        let Kind::Duration(nanos) = self.peek().kind else {
            return Err(self.unexpected(&["DURATION"]));
        };
        self.take();
        Ok(if negative { -nanos } else { nanos })
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, ParseError> {
        let without = self.is("without");
        if !without && !self.is("by") {
            return Ok(None);
        }
        self.take();
        Ok(Some(Grouping {
            without,
            names: self.name_list()?,
        }))
    }

    fn name_list(&mut self) -> Result<Vec<String>, ParseError> {
        self.expect("(", &["("])?;
        let mut names = Vec::new();
        while !self.eat(")") {
            names.push(self.ident(&["IDENTIFIER", ")"])?);
            if !self.is(")") {
                self.expect(",", &[")", ","])?;
            }
        }
        Ok(names)
    }

    fn vector_agg(&mut self, op: VectorOp) -> Result<Expr, ParseError> {
        let mut grouping = self.grouping()?;
        self.expect("(", &["("])?;
        let needs = matches!(
            op,
            VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk
        );
        let place = self.peek().clone();
        let param = match (&place.kind, self.ahead(1).text.as_str()) {
            (Kind::Number(_), ",") => self.number()?,
            _ => None,
        };
        let Expr::Sample(inner) = self.expr(0)? else {
            return Err(self.unexpected(&[]));
        };
        self.expect(")", &[])?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        match (needs, param) {
            (true, None) => Err(ParseError::whole(format!(
                "parameter required for operation {}",
                op.name()
            ))),
            (true, Some(n)) if n.fract() != 0.0 => Err(ParseError::whole(format!(
                "invalid parameter {}({n},",
                op.name()
            ))),
            (true, Some(n)) if n < 1.0 => Err(ParseError::whole(format!(
                "invalid parameter (must be greater than 0) {}({n}",
                op.name()
            ))),
            (false, Some(n)) => Err(ParseError::whole(format!(
                "unsupported parameter for operation {}({n},",
                op.name()
            ))),
            (true, Some(_)) if op == VectorOp::ApproxTopk && grouping.is_some() => {
                Err(ParseError::whole(format!(
                    "grouping not allowed for {} aggregation",
                    op.name()
                )))
            }
            _ if matches!(op, VectorOp::Sort | VectorOp::SortDesc)
                && grouping.as_ref().is_some_and(|g| !g.names.is_empty()) =>
            {
                Err(ParseError::whole(
                    "sort and sort_desc doesn't allow grouping by ",
                ))
            }
            _ => Ok(Expr::Sample(SampleExpr::Vector(VectorAgg {
                op,
                param: param.map(|n| n as usize),
                grouping,
                inner: Box::new(inner),
            }))),
        }
    }

    fn label_replace(&mut self) -> Result<Expr, ParseError> {
        self.take();
        self.expect("(", &["("])?;
        let Expr::Sample(inner) = self.expr(0)? else {
            return Err(self.unexpected(&[]));
        };
        let mut texts = Vec::with_capacity(4);
        for _ in 0..4 {
            self.expect(",", &[","])?;
            texts.push(self.string(&["STRING"])?);
        }
        self.expect(")", &[")"])?;
        let [target, replacement, source, pattern] = <[String; 4]>::try_from(texts)
            .map_err(|_| ParseError::whole("syntax error: unexpected )"))?;
        let regex = build::anchored(&pattern).map_err(|_| {
            ParseError::whole(format!(
                "invalid regex in label_replace: {}",
                build::regex_message(&pattern)
            ))
        })?;
        Ok(Expr::Sample(SampleExpr::LabelReplace {
            inner: Box::new(inner),
            target,
            replacement,
            source,
            regex,
            pattern,
        }))
    }

    /// `variants(a, b) of ({...}[5m])`.
    fn variants(&mut self) -> Result<Expr, ParseError> {
        self.take();
        self.expect("(", &["("])?;
        let mut variants = Vec::new();
        loop {
            let Expr::Sample(sample) = self.expr(0)? else {
                return Err(self.unexpected(&[]));
            };
            variants.push(sample);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")", &[])?;
        self.expect("of", &["of"])?;
        self.expect("(", &["("])?;
        let of = self.log_range(RangeOp::CountOverTime)?;
        self.expect(")", &[])?;
        Ok(Expr::Variants(variants, Box::new(of)))
    }

    fn matching(&mut self) -> Result<Option<Matching>, ParseError> {
        let on = self.is("on");
        if !on && !self.is("ignoring") {
            return Ok(None);
        }
        self.take();
        let names = self.name_list()?;
        let mut matching = Matching {
            on,
            names,
            card: Card::OneToOne,
            include: Vec::new(),
        };
        if self.is("group_left") || self.is("group_right") {
            matching.card = if self.take().text == "group_left" {
                Card::ManyToOne
            } else {
                Card::OneToMany
            };
            // `group_left (a) (expr)`: the first parentheses hold names only if they do.
            if self.is("(") && matches!(self.ahead(1).kind, Kind::Ident)
                || self.is("(") && self.ahead(1).text == ")"
            {
                matching.include = self.name_list()?;
            }
        }
        Ok(Some(matching))
    }
}

/// Checks what only some range aggregations allow.
fn check_range(agg: &RangeAgg) -> Result<(), ParseError> {
    use RangeOp::{
        AbsentOverTime, AvgOverTime, BytesOverTime, BytesRate, CountOverTime, FirstOverTime,
        LastOverTime, MaxOverTime, MinOverTime, QuantileOverTime, Rate, RateCounter,
        StddevOverTime, StdvarOverTime,
    };
    let name = agg.op.name();
    if agg.op == QuantileOverTime && agg.param.is_none() {
        return Err(ParseError::whole(format!(
            "parameter required for operation {name}"
        )));
    }
    if agg.op != QuantileOverTime && agg.param.is_some() {
        return Err(ParseError::whole(format!(
            "parameter {} not supported for operation {name}",
            agg.param.unwrap_or_default()
        )));
    }
    let may_group = matches!(
        agg.op,
        AvgOverTime
            | StddevOverTime
            | StdvarOverTime
            | QuantileOverTime
            | MaxOverTime
            | MinOverTime
            | FirstOverTime
            | LastOverTime
    );
    if agg.grouping.is_some() && !may_group {
        return Err(ParseError::whole(format!(
            "grouping not allowed for {name} aggregation"
        )));
    }
    match (&agg.unwrap, agg.op) {
        (Some(_), CountOverTime | BytesOverTime | BytesRate) => Err(ParseError::whole(format!(
            "invalid aggregation {name} with unwrap"
        ))),
        (None, Rate | CountOverTime | BytesOverTime | BytesRate | AbsentOverTime)
        | (Some(_), _) => Ok(()),
        (None, RateCounter) | (None, _) => Err(ParseError::whole(format!(
            "invalid aggregation {name} without unwrap"
        ))),
    }
}

fn join(
    op: &'static str,
    bool_mode: bool,
    matching: Option<Matching>,
    left: Expr,
    right: Expr,
) -> Result<SampleExpr, ParseError> {
    let side = |expr, name: &str| match expr {
        Expr::Sample(sample) => Ok(sample),
        other => Err(ParseError::whole(format!(
            "unexpected type for {name} leg of binary operation ({op}): *syntax.{}",
            match other {
                Expr::Log(log) if log.stages.is_empty() => "MatchersExpr",
                Expr::Log(_) => "PipelineExpr",
                _ => "MultiVariantExpr",
            }
        ))),
    };
    let (left, right) = (side(left, "left")?, side(right, "right")?);
    let set = matches!(op, "or" | "and" | "unless");
    match (&left, &right) {
        (SampleExpr::Literal(a), SampleExpr::Literal(b)) if !set => {
            // Two numbers compared give 1 or 0.
            return Ok(SampleExpr::Literal(arithmetic(op, *a, *b)));
        }
        (SampleExpr::Literal(n), _) if set => {
            return Err(ParseError::whole(format!(
                "unexpected literal for left leg of logical/set binary operation ({op}): {n:.6}"
            )));
        }
        (_, SampleExpr::Literal(n)) if set => {
            return Err(ParseError::whole(format!(
                "unexpected literal for right leg of logical/set binary operation ({op}): {n:.6}"
            )));
        }
        _ => {}
    }
    Ok(SampleExpr::Binary(Binary {
        op,
        bool_mode,
        matching,
        left: Box::new(left),
        right: Box::new(right),
    }))
}

//! The parser's part for label filters.

use super::ast::{CompareOp, FilterTest, LabelFilter};
use super::build;
use super::lexer::Kind;
use super::parser::{ParseError, Parser};

impl Parser {
    /// `a > 1 and (b = "x" or c != ip("..."))`.
    pub(super) fn label_filter(&mut self) -> Result<LabelFilter, ParseError> {
        let mut left = self.label_conjunction()?;
        while self.eat("or") {
            self.operator()?;
            let right = self.label_conjunction()?;
            left = LabelFilter::Or(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn label_conjunction(&mut self) -> Result<LabelFilter, ParseError> {
        let mut left = self.label_test()?;
        loop {
            let joined = self.eat("and") || self.eat(",");
            if !joined && self.peek().kind != Kind::Ident && !self.is("(") {
                return Ok(left);
            }
            self.operator()?;
            let right = self.label_test()?;
            left = LabelFilter::And(Box::new(left), Box::new(right));
        }
    }

    fn label_test(&mut self) -> Result<LabelFilter, ParseError> {
        if self.eat("(") {
            let filter = self.nested(Self::label_filter)?;
            self.expect(")", &[])?;
            return Ok(filter);
        }
        let name = self.ident(&[])?;
        let sign = self.peek().clone();
        let next = self.ahead(1).clone();
        let is_op = sign.kind == Kind::Sign
            && ["=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="].contains(&sign.text.as_str());
        if !is_op {
            return Err(self.unexpected(&[]));
        }
        if matches!(sign.text.as_str(), "=" | "!=") && next.text == "ip" && next.kind == Kind::Sign
        {
            self.take();
            self.take();
            return self.ip_filter(name, sign.text == "!=");
        }
        if next.kind == Kind::Str {
            if matches!(sign.text.as_str(), ">" | ">=" | "<" | "<=" | "==") {
                self.take();
                return Err(self.unexpected(&[]));
            }
            return Ok(LabelFilter::Text(self.matcher(name)?));
        }
        self.take();
        let op = match sign.text.as_str() {
            "=" | "==" => CompareOp::Equal,
            "!=" => CompareOp::NotEqual,
            ">" => CompareOp::Greater,
            ">=" => CompareOp::GreaterEqual,
            "<" => CompareOp::Less,
            "<=" => CompareOp::LessEqual,
            _ => return Err(self.unexpected(&["STRING"])),
        };
        let negative = self.eat("-");
        let factor = if negative { -1.0 } else { 1.0 };
        let token = self.peek().clone();
        let test = match token.kind {
            Kind::Number(n) => FilterTest::Number(n * factor),
            Kind::Duration(n) => FilterTest::Duration(n as f64 / 1e9 * factor),
            Kind::Bytes(n) if !negative => FilterTest::Bytes(n),
            _ => return Err(self.unexpected(&[])),
        };
        self.take();
        Ok(LabelFilter::Compare { name, op, test })
    }

    fn ip_filter(&mut self, name: String, negated: bool) -> Result<LabelFilter, ParseError> {
        self.expect("(", &["("])?;
        let source = self.string(&["STRING"])?;
        self.expect(")", &[")"])?;
        let range = build::ip_range(&source).map_err(|message| {
            let op = if negated { "!=" } else { "=" };
            let source = crate::logs::labels::quote(&source);
            ParseError::stage(&format!("| {name}{op}ip({source})"), &message)
        })?;
        Ok(LabelFilter::Ip {
            name,
            negated,
            range,
            source,
        })
    }
}

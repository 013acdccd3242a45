//! Where in a query of PromQL or LogQL something is written: the two have
//! selectors, calls and groupings alike, and LogQL has pipelines besides.

use super::scan::{Cursor, Piece, Shape};
use super::{Language, promql};

/// The innermost thing that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Nothing, or the parenthesis of a call or of an expression.
    Expression,
    /// `{`
    Selector,
    /// `[`
    Range,
    /// The parenthesis of `by`, `on` and the like.
    Names,
    /// What follows a selector of LogQL.
    Pipeline,
}

/// What stands before the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After<'a> {
    /// Something begins: the query, a parenthesis, a part after a comma.
    Nothing,
    /// An operator between two expressions.
    Operator,
    /// One that compares.
    Comparison,
    /// `on (...)` or `ignoring (...)`.
    Matching,
    /// An expression that is complete.
    Operand,
    /// The name of an aggregation.
    Aggregation,
    /// An aggregation with its arguments.
    Aggregated,
    /// `by` or `without`, and where it stands.
    Grouping(Grouped),
    /// A word after which nothing can be offered.
    Keyword(&'a str),
    /// A name: of a metric, a function or a label.
    Name(&'a str),
    /// A label and the operator that compares it.
    Compared(&'a str, &'a str),
    /// A label that is compared with a value.
    Value,
    /// The `|` of a pipeline, with its place in bytes.
    Pipe(usize),
    /// A selector of LogQL, or a stage of its pipeline.
    Stage,
    /// A word that wants names of labels: `and`, `unwrap`, `drop`.
    Labels(Wanting),
}

/// Where an aggregation is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grouped {
    /// Before its arguments: `sum by (x) (y)`.
    Before,
    /// Behind them: `sum(y) by (x)`.
    Behind,
}

/// What labels are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanting {
    /// To compare them.
    Filter,
    /// To do something with them.
    Stage,
}

/// Where something is written.
#[derive(Debug)]
pub(super) struct Place<'a> {
    language: Language,
    /// What is open, with what its bracket's closing leaves behind.
    open: Vec<(Inside, After<'a>)>,
    pub(super) after: After<'a>,
}

impl<'a> Place<'a> {
    /// Where `cursor` stands.
    pub(super) fn of(language: Language, cursor: &Cursor<'a>) -> Self {
        let mut place = Self {
            language,
            open: Vec::new(),
            after: After::Nothing,
        };
        for piece in &cursor.pieces {
            place.step(*piece);
        }
        place
    }

    /// The innermost thing that is open.
    pub(super) fn inside(&self) -> Inside {
        self.open
            .last()
            .map_or(Inside::Expression, |(inside, _)| *inside)
    }

    fn step(&mut self, piece: Piece<'a>) {
        self.after = match piece.kind {
            Shape::Open(_) => self.after,
            Shape::Text | Shape::Number => self.literal(),
            Shape::Word => self.word(piece.text),
            Shape::Sign => self.sign(piece),
        };
    }

    fn literal(&self) -> After<'a> {
        match (self.inside(), self.after) {
            (_, After::Compared(..)) => After::Value,
            (Inside::Pipeline, After::Keyword("==" | ">" | "<" | ">=" | "<=")) => After::Value,
            (Inside::Pipeline, _) => After::Stage,
            (Inside::Range | Inside::Names, _) => After::Keyword(""),
            _ => After::Operand,
        }
    }

    fn word(&self, word: &'a str) -> After<'a> {
        match self.inside() {
            Inside::Selector | Inside::Names | Inside::Range => After::Name(word),
            Inside::Pipeline => self.word_of_pipeline(word),
            Inside::Expression => match word.to_ascii_lowercase().as_str() {
                "and" | "or" | "unless" | "atan2" => After::Operator,
                "bool" => After::Matching,
                "by" | "without" if self.after == After::Aggregated => {
                    After::Grouping(Grouped::Behind)
                }
                "by" | "without" => After::Grouping(Grouped::Before),
                "group_left" | "group_right" | "on" | "ignoring" | "offset" => After::Keyword(word),
                _ if promql::AGGREGATIONS.contains(&word) => After::Aggregation,
                _ => After::Name(word),
            },
        }
    }

    fn word_of_pipeline(&self, word: &'a str) -> After<'a> {
        match (self.after, word) {
            (After::Pipe(_), "json" | "logfmt" | "unpack" | "decolorize") => After::Stage,
            (After::Pipe(_), "regexp" | "pattern" | "line_format" | "label_format") => {
                After::Keyword(word)
            }
            (After::Pipe(_), "drop" | "keep" | "unwrap") => After::Labels(Wanting::Stage),
            (After::Value, "and" | "or") => After::Labels(Wanting::Filter),
            (After::Labels(Wanting::Stage), _) => After::Stage,
            (After::Pipe(_) | After::Labels(Wanting::Filter), _) => After::Name(word),
            _ => After::Keyword(word),
        }
    }

    fn sign(&mut self, piece: Piece<'a>) -> After<'a> {
        match piece.text {
            "{" => self.push(Inside::Selector, After::Operand),
            "[" => self.push(Inside::Range, After::Operand),
            "(" => self.parenthesis(),
            "}" | "]" | ")" => self.close(piece.text),
            "," => self.comma(),
            "|" => After::Pipe(piece.from),
            operator => match (self.inside(), self.after) {
                (Inside::Selector | Inside::Pipeline, After::Name(label))
                    if matches!(operator, "=" | "!=" | "=~" | "!~") =>
                {
                    After::Compared(label, operator)
                }
                (Inside::Pipeline, _) => After::Keyword(operator),
                (Inside::Expression, _) => match operator {
                    "==" | "!=" | ">" | "<" | ">=" | "<=" => After::Comparison,
                    "@" => After::Keyword(operator),
                    _ => After::Operator,
                },
                _ => After::Keyword(operator),
            },
        }
    }

    fn push(&mut self, inside: Inside, left: After<'a>) -> After<'a> {
        self.open.push((inside, left));
        After::Nothing
    }

    fn parenthesis(&mut self) -> After<'a> {
        match self.after {
            After::Grouping(Grouped::Before) => self.push(Inside::Names, After::Keyword("")),
            After::Grouping(Grouped::Behind) => self.push(Inside::Names, After::Operand),
            After::Keyword("on" | "ignoring") => self.push(Inside::Names, After::Matching),
            After::Keyword("group_left" | "group_right") => {
                self.push(Inside::Names, After::Operator)
            }
            After::Aggregation => self.push(Inside::Expression, After::Aggregated),
            after if self.inside() == Inside::Pipeline => {
                let left = match after {
                    After::Labels(Wanting::Stage) | After::Stage => After::Stage,
                    _ => After::Value,
                };
                self.push(Inside::Pipeline, left);
                match left {
                    After::Stage => After::Labels(Wanting::Stage),
                    _ => After::Labels(Wanting::Filter),
                }
            }
            _ => self.push(Inside::Expression, After::Operand),
        }
    }

    fn close(&mut self, bracket: &str) -> After<'a> {
        // A pipeline has no bracket of its own; what is around it ends it.
        if bracket == ")" && self.pipeline_of_selector() {
            self.open.pop();
        }
        let Some((inside, left)) = self.open.pop() else {
            return After::Operand;
        };
        match (inside, bracket) {
            (Inside::Selector, _) if self.language == Language::LogQl => {
                self.open.push((Inside::Pipeline, After::Operand));
                After::Stage
            }
            (Inside::Range, _) if self.pipeline_of_selector() => {
                self.open.pop();
                After::Operand
            }
            _ => left,
        }
    }

    /// Whether the innermost thing is the pipeline behind a selector, and no
    /// parenthesis within one.
    fn pipeline_of_selector(&self) -> bool {
        self.open.last() == Some(&(Inside::Pipeline, After::Operand))
    }

    fn comma(&self) -> After<'a> {
        match (self.inside(), self.after) {
            (Inside::Pipeline, After::Stage) => After::Labels(Wanting::Stage),
            (Inside::Pipeline, _) => After::Labels(Wanting::Filter),
            _ => After::Nothing,
        }
    }
}

//! Reads a template into its nodes.

use std::collections::BTreeMap;

use super::functions;
use super::value::Value;

mod words;

use words::{Word, words};

/// A template and those that it defines.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) body: Vec<Node>,
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Pipe, Vec<Self>, Vec<Self>),
    With(Pipe, Vec<Self>, Vec<Self>),
    Range(Pipe, Vec<Self>, Vec<Self>),
    Template(String, Option<Pipe>),
    Break,
    Continue,
}

/// Commands whose results go from one to the next, and the variables that take the last.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    pub(super) variables: Vec<String>,
    /// The variables are there already.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// A word of a command.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// `.`, or fields of it.
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Literal(Value),
    Function(String),
    Pipe(Box<Pipe>, Vec<String>),
}

/// How deep blocks and parentheses may be nested together. Go allows 10,000 parentheses, for its
/// stack grows.
const MAX_DEPTH: usize = 100;

/// Reads a whole template.
pub(super) fn parse(source: &str) -> Result<Parsed, String> {
    let mut reader = Reader {
        pieces: pieces(source)?.into_iter(),
        variables: ["$", "$labels", "$externalLabels", "$externalURL", "$value"]
            .map(str::to_owned)
            .to_vec(),
        defined: BTreeMap::new(),
        depth: 0,
    };
    let (body, end) = reader.block()?;
    match end {
        None => Ok(Parsed {
            body,
            defined: reader.defined,
        }),
        Some((word, _)) => Err(format!("unexpected {{{{{word}}}}}")),
    }
}

enum Piece {
    Text(String),
    Action(Vec<Word>),
}

fn pieces(source: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (trim, after) = match after.strip_prefix('-') {
            Some(inner) if inner.starts_with(char::is_whitespace) => (true, inner),
            _ => (false, after),
        };
        let before = if trim { before.trim_end() } else { before };
        if !before.is_empty() {
            out.push(Piece::Text(before.to_owned()));
        }
        let inner = after.trim_start();
        let read = if let Some(comment) = inner.strip_prefix("/*") {
            let (_, after) = comment.split_once("*/").ok_or("unclosed comment")?;
            (Vec::new(), after)
        } else {
            words(after)?
        };
        let (read, after) = read;
        if !read.is_empty() {
            out.push(Piece::Action(read));
        } else if !inner.starts_with("/*") {
            return Err("missing value for command".to_owned());
        }
        let after = after.trim_start();
        rest = match after.strip_prefix("-}}") {
            Some(after) => after.trim_start(),
            None => after.strip_prefix("}}").ok_or("unclosed action")?,
        };
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest.to_owned()));
    }
    Ok(out)
}

struct Reader {
    pieces: std::vec::IntoIter<Piece>,
    variables: Vec<String>,
    defined: BTreeMap<String, Vec<Node>>,
    depth: usize,
}

/// `end` or `else`, and what follows it.
type End = Option<(String, Vec<Word>)>;

impl Reader {
    /// Reads what is nested one deeper.
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == MAX_DEPTH {
            return Err("max expression depth exceeded".to_owned());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Nodes up to the end of the block or of the template.
    fn block(&mut self) -> Result<(Vec<Node>, End), String> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let words = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(words) => words,
            };
            let keyword = match words.first() {
                Some(Word::Name(name)) => name.clone(),
                _ => String::new(),
            };
            let rest = words.get(1..).unwrap_or(&[]);
            match keyword.as_str() {
                "end" | "else" => return Ok((nodes, Some((keyword, rest.to_vec())))),
                "if" | "with" | "range" => {
                    nodes.push(self.nested(|reader| reader.control(&keyword, rest))?);
                }
                "define" => {
                    let name = name_of(rest)?;
                    let body = self.closed()?;
                    self.defined.insert(name, body);
                }
                "block" => {
                    let name = name_of(rest)?;
                    let pipe = self.pipe(rest.get(1..).unwrap_or(&[]))?;
                    let body = self.closed()?;
                    self.defined.insert(name.clone(), body);
                    nodes.push(Node::Template(name, Some(pipe)));
                }
                "template" => {
                    let name = name_of(rest)?;
                    let pipe = match rest.get(1..) {
                        None | Some([]) => None,
                        Some(words) => Some(self.pipe(words)?),
                    };
                    nodes.push(Node::Template(name, pipe));
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                _ => nodes.push(Node::Action(self.pipe(&words)?)),
            }
        }
        Ok((nodes, None))
    }

    /// A block that ends with `end`.
    fn closed(&mut self) -> Result<Vec<Node>, String> {
        match self.nested(Self::block)? {
            (body, Some((word, _))) if word == "end" => Ok(body),
            (_, Some((word, _))) => Err(format!("unexpected {{{{{word}}}}}")),
            (_, None) => Err("unexpected EOF".to_owned()),
        }
    }

    fn control(&mut self, keyword: &str, words: &[Word]) -> Result<Node, String> {
        let known = self.variables.len();
        let pipe = self.pipe(words)?;
        let (body, end) = self.block()?;
        let otherwise = match end {
            None => return Err("unexpected EOF".to_owned()),
            Some((word, _)) if word == "end" => Vec::new(),
            Some((_, words)) => match words.split_first() {
                None => self.closed()?,
                // `else if` and `else with` are blocks that end where this one does.
                Some((Word::Name(inner), rest)) if inner == "if" || inner == "with" => {
                    vec![self.nested(|reader| reader.control(inner, rest))?]
                }
                Some((word, _)) => return Err(format!("unexpected {word:?} in else")),
            },
        };
        self.variables.truncate(known);
        Ok(match keyword {
            "if" => Node::If(pipe, body, otherwise),
            "with" => Node::With(pipe, body, otherwise),
            _ => Node::Range(pipe, body, otherwise),
        })
    }

    fn pipe(&mut self, words: &[Word]) -> Result<Pipe, String> {
        let (variables, assigns, words) = declared(words);
        let mut commands = Vec::new();
        let mut at = 0;
        while at <= words.len() {
            let (command, next) = self.command(words, at)?;
            if command.is_empty() {
                return Err("missing value for command".to_owned());
            }
            commands.push(command);
            at = next;
        }
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe {
            variables,
            assigns,
            commands,
        })
    }

    /// The operands from `at` to the next `|`; tells where to go on, beyond the end at last.
    fn command(&mut self, words: &[Word], at: usize) -> Result<(Vec<Operand>, usize), String> {
        let mut operands = Vec::new();
        let mut at = at;
        loop {
            let Some(word) = words.get(at) else {
                return Ok((operands, words.len() + 1));
            };
            at += 1;
            operands.push(match word {
                Word::Pipe => return Ok((operands, at)),
                Word::Open => {
                    let close = closing(words, at).ok_or("unclosed left paren")?;
                    let inner = words.get(at..close).unwrap_or(&[]);
                    let pipe = Box::new(self.nested(|reader| reader.pipe(inner))?);
                    let fields = match words.get(close) {
                        Some(Word::Close(fields)) => fields.clone(),
                        _ => Vec::new(),
                    };
                    at = close + 1;
                    Operand::Pipe(pipe, fields)
                }
                Word::Dot(fields) => Operand::Dot(fields.clone()),
                Word::Variable(name, fields) => {
                    if !self.variables.contains(name) {
                        return Err(format!("undefined variable \"{name}\""));
                    }
                    Operand::Variable(name.clone(), fields.clone())
                }
                Word::Literal(value) => Operand::Literal(value.clone()),
                Word::Name(name) if functions::is_known(name) => Operand::Function(name.clone()),
                Word::Name(name) => return Err(format!("function \"{name}\" not defined")),
                other => return Err(format!("unexpected {other:?} in operand")),
            });
        }
    }
}

fn name_of(words: &[Word]) -> Result<String, String> {
    match words.first() {
        Some(Word::Literal(Value::Text(name))) => Ok(name.clone()),
        _ => Err("a template's name must be a string".to_owned()),
    }
}

/// `$a, $b :=` at the beginning, and what follows.
fn declared(words: &[Word]) -> (Vec<String>, bool, &[Word]) {
    let end = words
        .iter()
        .position(|w| matches!(w, Word::Declare | Word::Assign));
    let Some(end) = end else {
        return (Vec::new(), false, words);
    };
    let names = words.iter().take(end).filter_map(|word| match word {
        Word::Variable(name, _) => Some(name.clone()),
        _ => None,
    });
    let assigns = matches!(words.get(end), Some(Word::Assign));
    (
        names.collect(),
        assigns,
        words.get(end + 1..).unwrap_or(&[]),
    )
}

/// Where the parenthesis that was opened before `at` is closed.
fn closing(words: &[Word], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (n, word) in words.iter().enumerate().skip(at) {
        match word {
            Word::Open => depth += 1,
            Word::Close(_) if depth == 0 => return Some(n),
            Word::Close(_) => depth -= 1,
            _ => {}
        }
    }
    None
}

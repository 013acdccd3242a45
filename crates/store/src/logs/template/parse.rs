//! Reads a template into its nodes.

use super::functions;
use super::{Command, Node, Operand, Pipe, Val};
use crate::logs::logql::units;

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Dot,
    Literal(Val),
    Open,
    Close(Vec<String>),
    Pipe,
    Assign,
    Comma,
}

/// How deep blocks and parentheses may be nested, each. Go allows 10,000, for its stack grows.
const MAX_DEPTH: usize = 100;
/// What Go says of what is deeper.
const TOO_DEEP: &str = "max expression depth exceeded";

/// A word, where it stands in the template, and as it was written.
struct Item {
    word: Word,
    at: usize,
    raw: String,
}

enum Piece {
    Text(String),
    Action(Action),
}

/// What stands between braces, and where.
#[derive(Clone)]
struct Action {
    text: String,
    at: usize,
}

impl Action {
    /// What follows the first `skip` bytes.
    fn from(&self, skip: usize) -> Self {
        Self {
            text: self.text[skip..].to_owned(),
            at: self.at + skip,
        }
    }
}

/// Reads a whole template.
pub(super) fn parse(source: &str) -> Result<Vec<Node>, String> {
    let pieces = split(source)?;
    let mut reader = Reader {
        pieces,
        at: 0,
        depth: 0,
    };
    let (nodes, end) = reader.block()?;
    match end {
        None => Ok(nodes),
        Some(word) => Err(format!("unexpected {{{{{}}}}}", word.text)),
    }
}

fn split(source: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = source;
    let mut trim = false;
    while let Some(open) = rest.find("{{") {
        let mut text = &rest[..open];
        if trim {
            text = text.trim_start();
        }
        let mut inner = &rest[open + 2..];
        if let Some(after) = inner.strip_prefix("- ") {
            text = text.trim_end();
            inner = after;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let close = end_of_action(inner).ok_or("unclosed action")?;
        let mut action = &inner[..close];
        trim = action.ends_with(" -");
        if trim {
            action = &action[..action.len() - 2];
        }
        let text = action.trim_start();
        if !text.starts_with("/*") {
            let at = source.len() - inner.len() + (action.len() - text.len());
            let text = text.trim_end().to_owned();
            pieces.push(Piece::Action(Action { text, at }));
        }
        rest = &inner[close + 2..];
    }
    let text = if trim { rest.trim_start() } else { rest };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}

/// Where `}}` stands outside of quotes.
fn end_of_action(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(q), b) if q == b => quote = None,
            (None, b'"' | b'`') => quote = Some(bytes[at]),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

struct Reader {
    pieces: Vec<Piece>,
    at: usize,
    depth: usize,
}

impl Reader {
    /// Nodes up to `end` or `else ...`; says which.
    fn block(&mut self) -> Result<(Vec<Node>, Option<Action>), String> {
        if self.depth > MAX_DEPTH {
            return Err(TOO_DEEP.to_owned());
        }
        self.depth += 1;
        let read = self.nodes();
        self.depth -= 1;
        read
    }

    fn nodes(&mut self) -> Result<(Vec<Node>, Option<Action>), String> {
        let mut nodes = Vec::new();
        while self.at < self.pieces.len() {
            let piece = match &self.pieces[self.at] {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.clone()));
                    self.at += 1;
                    continue;
                }
                Piece::Action(action) => action.clone(),
            };
            self.at += 1;
            let word = piece.text.split_whitespace().next().unwrap_or("");
            let rest = piece.from(word.len().min(piece.text.len()));
            match word {
                "end" | "else" => return Ok((nodes, Some(piece))),
                "if" => nodes.push(self.condition(&rest)?),
                "with" => {
                    let pipe = pipe(&rest)?;
                    let (inner, other) = self.two_blocks("with")?;
                    nodes.push(Node::With(pipe, inner, other));
                }
                "range" => nodes.push(self.range(&rest)?),
                _ => nodes.push(action(&piece)?),
            }
        }
        Ok((nodes, None))
    }

    fn condition(&mut self, first: &Action) -> Result<Node, String> {
        let mut branches = Vec::new();
        let mut test = pipe(first)?;
        loop {
            let (nodes, end) = self.block()?;
            branches.push((test, nodes));
            let Some(end) = end else {
                return Err("unexpected EOF".to_owned());
            };
            match end.text.as_str() {
                "end" => return Ok(Node::If(branches, Vec::new())),
                "else" => {
                    let (other, end) = self.block()?;
                    if !ends(end.as_ref()) {
                        return Err("unexpected EOF".to_owned());
                    }
                    return Ok(Node::If(branches, other));
                }
                word => {
                    let next = word
                        .strip_prefix("else")
                        .and_then(|w| w.trim_start().strip_prefix("if"))
                        .ok_or_else(|| format!("unexpected <{word}> in else"))?;
                    test = pipe(&end.from(word.len() - next.len()))?;
                }
            }
        }
    }

    fn range(&mut self, rest: &Action) -> Result<Node, String> {
        let (names, source) = match rest.text.split_once(":=") {
            Some((names, _)) => {
                let mut parts: Vec<String> = names
                    .split(',')
                    .map(|n| n.trim().trim_start_matches('$').to_owned())
                    .collect();
                let value = parts.pop().unwrap_or_default();
                (Some((parts.pop(), value)), rest.from(names.len() + 2))
            }
            None => (None, rest.clone()),
        };
        let pipe = pipe(&source)?;
        let (inner, other) = self.two_blocks("range")?;
        Ok(Node::Range(names, pipe, inner, other))
    }

    fn two_blocks(&mut self, what: &str) -> Result<(Vec<Node>, Vec<Node>), String> {
        let (inner, end) = self.block()?;
        match end {
            Some(end) if end.text == "end" => Ok((inner, Vec::new())),
            Some(end) if end.text == "else" => {
                let (other, end) = self.block()?;
                if ends(end.as_ref()) {
                    Ok((inner, other))
                } else {
                    Err("unexpected EOF".to_owned())
                }
            }
            _ => Err(format!("unexpected EOF in {what}")),
        }
    }
}

fn ends(action: Option<&Action>) -> bool {
    action.is_some_and(|action| action.text == "end")
}

fn action(action: &Action) -> Result<Node, String> {
    if let Some(rest) = action.text.strip_prefix('$')
        && let Some((name, value)) = rest.split_once(":=").or_else(|| rest.split_once(" ="))
        && name.trim().chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        let value = action.from(action.text.len() - value.len());
        return Ok(Node::Set(name.trim().to_owned(), pipe(&value)?));
    }
    if action.text.is_empty() {
        return Err("missing value for command".to_owned());
    }
    Ok(Node::Print(pipe(action)?))
}

fn pipe(action: &Action) -> Result<Pipe, String> {
    let items = words(&action.text, action.at)?;
    let mut at = 0;
    let pipe = commands(&items, &mut at, 0)?;
    if at < items.len() {
        return Err("unexpected right paren".to_owned());
    }
    if pipe.is_empty() {
        return Err("missing value for command".to_owned());
    }
    Ok(pipe)
}

/// Commands up to the parenthesis that closes them; `depth` are open around it.
fn commands(items: &[Item], at: &mut usize, depth: usize) -> Result<Pipe, String> {
    if depth > MAX_DEPTH {
        return Err(TOO_DEEP.to_owned());
    }
    let mut pipe = Vec::new();
    let mut operands: Vec<Operand> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut begins = 0;
    loop {
        let item = items.get(*at);
        let word = item.map(|item| &item.word);
        if operands.is_empty() {
            begins = item.map_or(begins, |item| item.at);
        }
        match word {
            None | Some(Word::Close(_) | Word::Pipe) => {
                if operands.is_empty() {
                    return Err("missing value for command".to_owned());
                }
                let head = operands.remove(0);
                if !operands.is_empty() && !matches!(head, Operand::Function(_)) {
                    return Err("can't give argument to non-function".to_owned());
                }
                pipe.push(Command {
                    head,
                    args: std::mem::take(&mut operands),
                    at: begins,
                    text: std::mem::take(&mut texts).join(" "),
                });
                if word == Some(&Word::Pipe) {
                    *at += 1;
                    continue;
                }
                return Ok(pipe);
            }
            Some(Word::Open) => {
                *at += 1;
                let inner = commands(items, at, depth + 1)?;
                let Some(Item {
                    word: Word::Close(path),
                    raw,
                    ..
                }) = items.get(*at)
                else {
                    return Err("unclosed left paren".to_owned());
                };
                let text: Vec<&str> = inner.iter().map(|c| c.text.as_str()).collect();
                texts.push(format!("({}{raw}", text.join(" | ")));
                operands.push(Operand::Group(inner, path.clone()));
            }
            Some(Word::Name(name)) => {
                if !functions::known(name) {
                    return Err(format!("function \"{name}\" not defined"));
                }
                operands.push(Operand::Function(name.clone()));
            }
            Some(Word::Field(path)) => operands.push(Operand::Field(path.clone())),
            Some(Word::Variable(name, path)) => {
                operands.push(Operand::Variable(name.clone(), path.clone()));
            }
            Some(Word::Dot) => operands.push(Operand::Dot),
            Some(Word::Literal(value)) => operands.push(Operand::Literal(value.clone())),
            Some(Word::Assign | Word::Comma) => {
                return Err("unexpected \",\" in operand".to_owned());
            }
        }
        if texts.len() < operands.len() {
            texts.extend(item.map(|item| item.raw.clone()));
        }
        *at += 1;
    }
}

fn words(text: &str, begins: usize) -> Result<Vec<Item>, String> {
    let mut out: Vec<Item> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let (word, len) = match c {
            '"' | '`' => {
                let (value, size) =
                    crate::logs::logql::string_literal(rest).ok_or("unterminated quoted string")?;
                (Word::Literal(Val::Text(value)), size)
            }
            '(' => (Word::Open, 1),
            ')' => {
                let (path, size) = path(&rest[1..]);
                (Word::Close(path), size + 1)
            }
            '|' => (Word::Pipe, 1),
            ',' => (Word::Comma, 1),
            ':' if rest.starts_with(":=") => (Word::Assign, 2),
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let (path, size) = path(rest);
                let word = match path.is_empty() {
                    true => Word::Dot,
                    false => Word::Field(path),
                };
                (word, size.max(1))
            }
            '$' => {
                let name_len = name_len(&rest[1..]);
                let (path, size) = path(&rest[1 + name_len..]);
                let name = rest[1..1 + name_len].to_owned();
                (Word::Variable(name, path), 1 + name_len + size)
            }
            c if c.is_ascii_digit() || "-+.".contains(c) => {
                let len = rest
                    .find(|c: char| c.is_whitespace() || "()|,".contains(c))
                    .unwrap_or(rest.len());
                (Word::Literal(number(&rest[..len])?), len)
            }
            c if c.is_alphabetic() || c == '_' => {
                let len = name_len(rest);
                let word = match &rest[..len] {
                    "true" => Word::Literal(Val::Bool(true)),
                    "false" => Word::Literal(Val::Bool(false)),
                    "nil" => Word::Literal(Val::Nil),
                    name => Word::Name(name.to_owned()),
                };
                (word, len)
            }
            c => return Err(format!("unexpected {c:?} in operand")),
        };
        out.push(Item {
            word,
            at: begins + text.len() - rest.len(),
            raw: rest[..len].to_owned(),
        });
        rest = rest[len..].trim_start();
    }
    Ok(out)
}

fn number(text: &str) -> Result<Val, String> {
    if let Ok(n) = text.parse::<i64>() {
        return Ok(Val::Int(n));
    }
    text.parse::<f64>()
        .map(Val::Float)
        .or_else(|_| units::go_duration(text).map(Val::Int).ok_or(()))
        .map_err(|()| format!("bad number syntax: {text:?}"))
}

fn name_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

/// `.a.b` at the start of `text`.
fn path(text: &str) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(after) = text[at..].strip_prefix('.') {
        let len = name_len(after);
        if len == 0 {
            break;
        }
        names.push(after[..len].to_owned());
        at += len + 1;
    }
    (names, at)
}

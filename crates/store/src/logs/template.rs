//! Templates of `line_format` and `label_format`: the part of Go's text/template that they use.
//!
//! Sources: <https://pkg.go.dev/text/template>,
//! <https://grafana.com/docs/loki/latest/query/template_functions/>.

mod decimal;
mod functions;
mod parse;
mod text;
mod time;
mod value;

use std::collections::HashMap;

pub(crate) use text::title;
pub(crate) use value::Val;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {
    nodes: Vec<Node>,
    name: String,
    source: String,
}

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Print(Pipe),
    Set(String, Pipe),
    If(Vec<(Pipe, Vec<Node>)>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    Range(Option<(Option<String>, String)>, Pipe, Vec<Node>, Vec<Node>),
}

/// Commands joined by `|`.
type Pipe = Vec<Command>;

#[derive(Clone, Debug)]
struct Command {
    head: Operand,
    args: Vec<Operand>,
    /// Where it stands in the template, in bytes.
    at: usize,
    /// As written, for messages.
    text: String,
}

#[derive(Clone, Debug)]
enum Operand {
    Function(String),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Dot,
    Literal(Val),
    Group(Pipe, Vec<String>),
}

/// What a template can see of a line.
pub trait Scope {
    /// The value of a label, if it is there.
    fn label(&self, name: &str) -> Option<String>;
    /// All labels, for `.`.
    fn labels(&self) -> Vec<(String, String)>;
    /// The line as it is now.
    fn line(&self) -> &str;
    /// The line's time, in nanoseconds.
    fn timestamp(&self) -> i64;
}

impl Template {
    /// Reads a template; `name` is what errors call it.
    ///
    /// # Errors
    /// What is wrong, in Go's words.
    pub fn parse(name: &str, source: &str) -> Result<Self, String> {
        let nodes =
            parse::parse(source).map_err(|message| format!("template: {name}:1: {message}"))?;
        Ok(Self {
            nodes,
            name: name.to_owned(),
            source: source.to_owned(),
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the labels it reads.
    pub fn fields(&self) -> Vec<String> {
        let mut out = Vec::new();
        collect(&self.nodes, &mut out);
        out
    }

    /// What it says of a line.
    ///
    /// # Errors
    /// What a function could not do, in Go's words.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, String> {
        let mut run = Run {
            template: self,
            scope,
            variables: HashMap::new(),
            dot: None,
            out: String::new(),
            rounds: 0,
        };
        run.nodes(&self.nodes)?;
        Ok(run.out)
    }
}

impl Template {
    /// What Go says of a function that could not do its work.
    fn fault(&self, command: &Command, function: &str, message: &str) -> String {
        const MAX_SHOWN: usize = 20;
        let before = &self.source[..command.at.min(self.source.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let mut shown: String = command.text.chars().take(MAX_SHOWN).collect();
        if command.text.chars().count() > MAX_SHOWN {
            shown.push_str("...");
        }
        let name = &self.name;
        format!(
            "template: {name}:{line}:{column}: executing \"{name}\" at <{shown}>: error calling {function}: {message}"
        )
    }
}

fn collect(nodes: &[Node], out: &mut Vec<String>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Print(pipe) | Node::Set(_, pipe) => collect_pipe(pipe, out),
            Node::If(branches, other) => {
                for (pipe, nodes) in branches {
                    collect_pipe(pipe, out);
                    collect(nodes, out);
                }
                collect(other, out);
            }
            Node::With(pipe, nodes, other) | Node::Range(_, pipe, nodes, other) => {
                collect_pipe(pipe, out);
                collect(nodes, out);
                collect(other, out);
            }
        }
    }
}

fn collect_pipe(pipe: &Pipe, out: &mut Vec<String>) {
    for command in pipe {
        for operand in std::iter::once(&command.head).chain(&command.args) {
            match operand {
                Operand::Field(path) => out.extend(path.first().cloned()),
                Operand::Group(pipe, _) => collect_pipe(pipe, out),
                _ => {}
            }
        }
    }
}

struct Run<'a> {
    template: &'a Template,
    scope: &'a dyn Scope,
    variables: HashMap<String, Val>,
    dot: Option<Val>,
    out: String,
    rounds: usize,
}

/// Rounds of all `range` of a template over one line. A line has not many more items, but ranges
/// within ranges can go over them again and again, and no query waits for that.
const MAX_ROUNDS: usize = 100_000;

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node]) -> Result<(), String> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Print(pipe) => {
                    let text = self.pipe(pipe)?.show();
                    self.out.push_str(&text);
                    if self.out.len() > text::MAX_TEXT {
                        return Err(text::TOO_LONG.to_owned());
                    }
                }
                Node::Set(name, pipe) => {
                    let value = self.pipe(pipe)?;
                    self.variables.insert(name.clone(), value);
                }
                Node::If(branches, other) => self.branch(branches, other)?,
                Node::With(pipe, nodes, other) => {
                    let value = self.pipe(pipe)?;
                    if value.truth() {
                        let before = self.dot.replace(value);
                        self.nodes(nodes)?;
                        self.dot = before;
                    } else {
                        self.nodes(other)?;
                    }
                }
                Node::Range(names, pipe, nodes, other) => {
                    self.range(names.as_ref(), pipe, nodes, other)?;
                }
            }
        }
        Ok(())
    }

    fn branch(&mut self, branches: &[(Pipe, Vec<Node>)], other: &[Node]) -> Result<(), String> {
        for (condition, nodes) in branches {
            if self.pipe(condition)?.truth() {
                return self.nodes(nodes);
            }
        }
        self.nodes(other)
    }

    fn range(
        &mut self,
        names: Option<&(Option<String>, String)>,
        pipe: &Pipe,
        nodes: &[Node],
        other: &[Node],
    ) -> Result<(), String> {
        let items: Vec<(Val, Val)> = match self.pipe(pipe)? {
            Val::List(list) => list
                .into_iter()
                .enumerate()
                .map(|(at, v)| (Val::Int(at as i64), v))
                .collect(),
            Val::Map(map) => map.into_iter().map(|(k, v)| (Val::Text(k), v)).collect(),
            _ => Vec::new(),
        };
        if items.is_empty() {
            return self.nodes(other);
        }
        for (key, value) in items {
            self.rounds += 1;
            if self.rounds > MAX_ROUNDS {
                return Err(format!("range over more than {MAX_ROUNDS} items"));
            }
            if let Some((key_name, value_name)) = names {
                if let Some(name) = key_name {
                    self.variables.insert(name.clone(), key);
                }
                self.variables.insert(value_name.clone(), value.clone());
            }
            let before = self.dot.replace(value);
            self.nodes(nodes)?;
            self.dot = before;
        }
        Ok(())
    }

    fn pipe(&mut self, pipe: &Pipe) -> Result<Val, String> {
        let mut last: Option<Val> = None;
        for command in pipe {
            last = Some(self.command(command, last)?);
        }
        Ok(last.unwrap_or(Val::Nil))
    }

    fn command(&mut self, command: &Command, piped: Option<Val>) -> Result<Val, String> {
        let Operand::Function(name) = &command.head else {
            return self.operand(&command.head);
        };
        let mut args = Vec::with_capacity(command.args.len() + 1);
        for operand in &command.args {
            args.push(self.operand(operand)?);
        }
        args.extend(piped);
        functions::call(name, args, self.scope)
            .map_err(|message| self.template.fault(command, name, &message))
    }

    fn operand(&mut self, operand: &Operand) -> Result<Val, String> {
        Ok(match operand {
            Operand::Function(name) => functions::call(name, Vec::new(), self.scope)?,
            Operand::Field(path) => match &self.dot {
                Some(dot) => dot.walk(path),
                None => {
                    let name = path.first().map_or("", String::as_str);
                    Val::Text(self.scope.label(name).unwrap_or_default())
                }
            },
            Operand::Variable(name, path) => self
                .variables
                .get(name)
                .map_or(Val::Nil, |value| value.walk(path)),
            Operand::Dot => self.dot.clone().unwrap_or_else(|| {
                Val::Map(
                    self.scope
                        .labels()
                        .into_iter()
                        .map(|(k, v)| (k, Val::Text(v)))
                        .collect(),
                )
            }),
            Operand::Literal(value) => value.clone(),
            Operand::Group(pipe, path) => self.pipe(pipe)?.walk(path),
        })
    }
}

#[cfg(test)]
mod tests;

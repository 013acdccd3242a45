//! Fills a template in.

use super::Template;
use super::functions::{self, Call, MAX_TEXT, TOO_LONG};
use super::parse::{Node, Operand, Parsed, Pipe};
use super::value::Value;

/// How deep templates may call each other.
const MAX_DEPTH: usize = 100;
/// How many nodes may be filled in, and items gone over at once: nor must it take all time.
const MAX_STEPS: u32 = 100_000;
/// What is said of more.
const TOO_MANY: &str = "template takes too many steps";

/// Fills in a template whose dot is `root`.
pub(super) fn run(parsed: &Parsed, root: Value, data: &Template<'_>) -> Result<String, String> {
    let mut run = Run {
        parsed,
        data,
        out: String::new(),
        variables: Vec::new(),
        depth: 0,
        steps: 0,
    };
    run.template(&parsed.body, &root)?;
    Ok(run.out)
}

struct Run<'a> {
    parsed: &'a Parsed,
    data: &'a Template<'a>,
    out: String,
    variables: Vec<(String, Value)>,
    depth: usize,
    steps: u32,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl Run<'_> {
    fn template(&mut self, body: &[Node], dot: &Value) -> Result<(), String> {
        if self.depth >= MAX_DEPTH {
            return Err("exceeded maximum template depth".to_owned());
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.variables);
        self.variables.push(("$".to_owned(), dot.clone()));
        for (name, field) in [
            ("$labels", "Labels"),
            ("$externalLabels", "ExternalLabels"),
            ("$externalURL", "ExternalURL"),
            ("$value", "Value"),
        ] {
            if let Value::Map(map) = dot
                && let Some(value) = map.get(field)
            {
                self.variables.push((name.to_owned(), value.clone()));
            }
        }
        self.nodes(body, dot)?;
        self.variables = outer;
        self.depth -= 1;
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        match self.steps > MAX_STEPS {
            true => Err(TOO_MANY.to_owned()),
            false => Ok(()),
        }
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, String> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.write(&value.text())?;
                }
            }
            Node::If(pipe, body, otherwise) => {
                return self.scoped(|run| {
                    let taken = run.pipe(pipe, dot)?.truth();
                    run.nodes(if taken { body } else { otherwise }, dot)
                });
            }
            Node::With(pipe, body, otherwise) => {
                return self.scoped(|run| {
                    let value = run.pipe(pipe, dot)?;
                    if value.truth() {
                        run.nodes(body, &value)
                    } else {
                        run.nodes(otherwise, dot)
                    }
                });
            }
            Node::Range(pipe, body, otherwise) => {
                return self.scoped(|run| run.range(pipe, body, otherwise, dot));
            }
            Node::Template(name, pipe) => {
                let inner = match pipe {
                    Some(pipe) => self.pipe(pipe, dot)?,
                    None => Value::Nil,
                };
                let parsed = self.parsed;
                let body = parsed.defined.get(name);
                let body = body.ok_or_else(|| format!("template \"{name}\" not defined"))?;
                self.template(body, &inner)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(
        &mut self,
        pipe: &Pipe,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<Flow, String> {
        let bare = Pipe {
            variables: Vec::new(),
            ..pipe.clone()
        };
        let items: Vec<(Value, Value)> = match self.pipe(&bare, dot)? {
            Value::List(items) => (0..).map(Value::Int).zip(items).collect(),
            Value::Map(map) => map.into_iter().map(|(n, v)| (Value::Text(n), v)).collect(),
            Value::Int(n) if n > i64::from(MAX_STEPS) => return Err(TOO_MANY.to_owned()),
            Value::Int(n) => (0..n).map(|i| (Value::Int(i), Value::Int(i))).collect(),
            Value::Nil => Vec::new(),
            other => return Err(format!("range can't iterate over {}", other.text())),
        };
        if items.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, item) in items {
            self.step()?;
            let flow = self.scoped(|run| {
                match pipe.variables.as_slice() {
                    [] => {}
                    [one] => run.set(one, item.clone(), pipe.assigns),
                    [first, second, ..] => {
                        run.set(first, key, pipe.assigns);
                        run.set(second, item.clone(), pipe.assigns);
                    }
                }
                run.nodes(body, &item)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    /// Variables that `inner` makes end with it.
    fn scoped(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Flow, String>,
    ) -> Result<Flow, String> {
        let known = self.variables.len();
        let flow = inner(self);
        self.variables.truncate(known);
        flow
    }

    fn set(&mut self, name: &str, value: Value, assigns: bool) {
        if assigns
            && let Some((_, known)) = self.variables.iter_mut().rev().find(|(n, _)| n == name)
        {
            *known = value;
            return;
        }
        self.variables.push((name.to_owned(), value));
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, String> {
        let mut piped: Option<Value> = None;
        for command in &pipe.commands {
            piped = Some(self.command(command, piped, dot)?);
        }
        let value = piped.unwrap_or(Value::Nil);
        for name in &pipe.variables {
            self.set(name, value.clone(), pipe.assigns);
        }
        Ok(value)
    }

    fn command(
        &mut self,
        command: &[Operand],
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, String> {
        let (first, rest) = command.split_first().ok_or("missing value for command")?;
        let Operand::Function(name) = first else {
            if !rest.is_empty() || piped.is_some() {
                return Err("can't give argument to non-function".to_owned());
            }
            return self.operand(first, dot);
        };
        let mut args = Vec::with_capacity(rest.len() + 1);
        for operand in rest {
            let value = self.operand(operand, dot)?;
            let decided = match name.as_str() {
                "and" => !value.truth(),
                "or" => value.truth(),
                _ => false,
            };
            args.push(value);
            if decided {
                return args.pop().ok_or_else(String::new);
            }
        }
        args.extend(piped);
        if name == "tmpl" {
            return self.call_template(&args);
        }
        let call = Call {
            data: self.data,
            args,
        };
        functions::call(name, &call).map_err(|why| format!("error calling {name}: {why}"))
    }

    /// `tmpl "name" data`: a template whose name is computed.
    fn call_template(&mut self, args: &[Value]) -> Result<Value, String> {
        let [name, data] = args else {
            return Err("wrong number of args for tmpl: want 2".to_owned());
        };
        let parsed = self.parsed;
        let name = name.text();
        let body = parsed.defined.get(&name);
        let body = body.ok_or_else(|| format!("template \"{name}\" not defined"))?;
        let outer = std::mem::take(&mut self.out);
        self.template(body, data)?;
        let inner = std::mem::replace(&mut self.out, outer);
        Ok(Value::Text(inner))
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, String> {
        let (value, fields) = match operand {
            Operand::Dot(fields) => (dot.clone(), fields),
            Operand::Variable(name, fields) => {
                let found = self.variables.iter().rev().find(|(n, _)| n == name);
                let found = found.ok_or_else(|| format!("undefined variable: {name}"))?;
                (found.1.clone(), fields)
            }
            Operand::Literal(value) => return Ok(value.clone()),
            Operand::Function(name) => {
                let call = Call {
                    data: self.data,
                    args: Vec::new(),
                };
                return functions::call(name, &call);
            }
            Operand::Pipe(pipe, fields) => (self.pipe(pipe, dot)?, fields),
        };
        fields.iter().try_fold(value, |v, name| v.field(name))
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        if self.out.len() + text.len() > MAX_TEXT {
            return Err(TOO_LONG.to_owned());
        }
        self.out.push_str(text);
        Ok(())
    }
}

//! The syntax tree as JSON, as `/api/v1/parse_query` gives it.

use serde_json::{Value, json};

use super::ast::Type;
use super::ast::{
    At, Binary, Card, Expr, Function, Grouping, MatchMode, Node, Returns, Selector, Sign, When,
};

/// The tree of a query.
#[must_use]
pub fn tree(expr: &Expr) -> Value {
    match &expr.node {
        Node::Number(n) => json!({
            "type": "numberLiteral",
            "val": crate::metrics::text::plain(n.value),
        }),
        Node::Text(t) => json!({"type": "stringLiteral", "val": t}),
        Node::Paren(e) => json!({"type": "parenExpr", "expr": tree(e)}),
        Node::Unary(sign, e) => json!({
            "type": "unaryExpr",
            "op": match sign { Sign::Plus => "+", Sign::Minus => "-" },
            "expr": tree(e),
        }),
        Node::Selector(s) => selector("vectorSelector", s),
        Node::Matrix(s, range) => {
            let mut out = selector("matrixSelector", s);
            out["range"] = json!(range);
            out["rangeExpr"] = Value::Null;
            out
        }
        Node::Subquery(s) => {
            let mut out = json!({
                "type": "subquery",
                "expr": tree(&s.expr),
                "range": s.range,
                "rangeExpr": null,
                "step": s.step.unwrap_or(0),
                "stepExpr": null,
            });
            add_when(&mut out, s.when);
            out
        }
        Node::Call(f, args) => json!({
            "type": "call",
            "func": function(f),
            "args": args.iter().map(tree).collect::<Vec<_>>(),
        }),
        Node::Aggregate(a) => {
            let (labels, without) = match &a.grouping {
                Grouping::By(labels) => (labels, false),
                Grouping::Without(labels) => (labels, true),
            };
            json!({
                "type": "aggregation",
                "op": a.op.as_str(),
                "expr": tree(&a.expr),
                "param": a.param.as_ref().map(tree),
                "grouping": labels,
                "without": without,
            })
        }
        Node::Binary(b) => binary(b),
    }
}

fn binary(b: &Binary) -> Value {
    let vectors = [&b.lhs, &b.rhs]
        .iter()
        .all(|e| e.value_type() == Type::Vector);
    let matching = b.matching.as_ref().filter(|_| vectors).map(|m| {
        json!({
            "card": match m.card {
                Card::OneToOne => "one-to-one",
                Card::ManyToOne => "many-to-one",
                Card::OneToMany => "one-to-many",
                Card::ManyToMany => "many-to-many",
            },
            "labels": m.labels,
            "on": m.mode == MatchMode::On,
            "include": m.include,
            "fillValues": {"lhs": null, "rhs": null},
        })
    });
    json!({
        "type": "binaryExpr",
        "op": b.op.as_str(),
        "lhs": tree(&b.lhs),
        "rhs": tree(&b.rhs),
        "matching": matching,
        "bool": b.returns == Returns::Bool,
    })
}

fn function(f: &Function) -> Value {
    let args: Vec<&str> = f.args.iter().map(|t| t.as_str()).collect();
    json!({
        "name": f.name,
        "argTypes": args,
        "variadic": f.variadic,
        "returnType": f.returns.as_str(),
    })
}

fn selector(kind: &str, s: &Selector) -> Value {
    let matchers: Vec<Value> = s
        .matchers
        .iter()
        .map(|m| json!({"name": m.name, "type": m.op.as_str(), "value": m.value}))
        .collect();
    let mut out = json!({
        "type": kind,
        "name": s.name,
        "matchers": matchers,
        "anchored": false,
        "smoothed": false,
    });
    add_when(&mut out, s.when);
    out
}

fn add_when(out: &mut Value, when: When) {
    let (start_or_end, timestamp) = match when.at {
        None => (None, None),
        Some(At::Time(t)) => (None, Some(t)),
        Some(At::Start) => (Some("start"), None),
        Some(At::End) => (Some("end"), None),
    };
    out["offset"] = json!(when.offset);
    out["offsetExpr"] = Value::Null;
    out["startOrEnd"] = json!(start_or_end);
    out["timestamp"] = json!(timestamp);
}

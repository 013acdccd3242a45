//! Rewrites statements that define tables and indexes into SQLite's.

use pgwire::api::Type;
use pgwire::error::{PgWireError, PgWireResult};

use super::casts::type_at;
use super::errors::refuse;
use super::lexer::{Kind, Token, closing, split_commas};
use super::translate::{render, rewrite};
use super::types::declared;

/// What a statement of definition does in SQLite.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Definition {
    /// Run these.
    Run(Vec<String>),
    /// Add a column unless the table has it.
    AddColumn {
        table: String,
        column: String,
        sql: String,
    },
    /// Nothing to do here.
    Nothing,
}

/// Translates CREATE, ALTER, DROP and TRUNCATE; the tokens are the whole statement.
pub(super) fn define(tokens: &[Token]) -> PgWireResult<Definition> {
    let word = |at: usize| {
        tokens
            .get(at)
            .filter(|token| token.kind == Kind::Word)
            .map_or("", |token| token.text.as_str())
    };
    match (word(0), word(1)) {
        ("create", "table" | "unlogged" | "temp" | "temporary") => {
            create_table(tokens).map(|sql| Definition::Run(vec![sql]))
        }
        ("create", "index" | "unique") => Ok(Definition::Run(vec![create_index(tokens)])),
        ("create" | "drop", "view") => Ok(Definition::Run(vec![render(&rewrite(tokens))])),
        (
            "create" | "drop" | "alter",
            "extension" | "schema" | "role" | "user" | "database" | "sequence" | "type",
        ) => Ok(Definition::Nothing),
        ("alter", "table") => alter_table(tokens),
        ("drop", "table" | "index") => Ok(Definition::Run(drop_each(tokens))),
        ("truncate", _) => Ok(Definition::Run(truncate(tokens))),
        (first, second) => Err(unsupported(&format!(
            "{} {}",
            first.to_uppercase(),
            second.to_uppercase()
        ))),
    }
}

fn unsupported(what: &str) -> PgWireError {
    refuse("0A000", &format!("{what} is not supported by this server"))
}

fn syntax_at(token: Option<&Token>) -> PgWireError {
    match token {
        Some(token) => refuse(
            "42601",
            &format!("syntax error at or near \"{}\"", token.text),
        ),
        None => refuse("42601", "syntax error at end of input"),
    }
}

fn create_table(tokens: &[Token]) -> PgWireResult<String> {
    let open = tokens.iter().position(|token| token.is_mark("("));
    let as_query = tokens.iter().position(|token| token.is_word("as"));
    let open = match (open, as_query) {
        (Some(open), None) => open,
        (Some(open), Some(query)) if open < query => open,
        (None, None) => return Err(syntax_at(None)),
        _ => return Ok(render(&rewrite(tokens))),
    };
    let head: Vec<Token> = tokens[..open]
        .iter()
        .filter(|token| !token.is_word("unlogged"))
        .cloned()
        .collect();
    let items = split_commas(&tokens[open + 1..closing(tokens, open)]);
    let key = items.iter().find_map(|item| single_primary_key(item));
    let mut parts = Vec::new();
    let mut merged = false;
    for item in &items {
        if single_primary_key(item).is_some() && merged {
            continue;
        }
        if is_constraint(item) {
            parts.push(render(&rewrite(item)));
        } else {
            let column = Column::parse(item)?;
            let keyed = key.as_deref() == Some(column.name.text.as_str());
            merged |= keyed && column.serial;
            parts.push(column.render(keyed)?);
        }
    }
    Ok(format!(
        "{} ( {} )",
        render(&rewrite(&head)),
        parts.join(", ")
    ))
}

fn is_constraint(item: &[Token]) -> bool {
    let first = item
        .first()
        .filter(|token| token.kind == Kind::Word)
        .map_or("", |token| token.text.as_str());
    matches!(
        first,
        "constraint" | "unique" | "check" | "foreign" | "exclude" | "like"
    ) || (first == "primary" && item.get(1).is_some_and(|token| token.is_word("key")))
}

/// The column of a table constraint `PRIMARY KEY (column)`.
fn single_primary_key(item: &[Token]) -> Option<String> {
    let at = item
        .windows(2)
        .position(|pair| pair[0].is_word("primary") && pair[1].is_word("key"))?;
    match item.get(at + 2..) {
        Some([open, column, close])
            if is_constraint(item) && open.is_mark("(") && close.is_mark(")") =>
        {
            Some(column.text.clone())
        }
        _ => None,
    }
}

/// One column's definition.
struct Column {
    name: Token,
    ty: Type,
    length: Option<String>,
    serial: bool,
    /// Constraints and the default, rewritten.
    rest: Vec<Token>,
}

impl Column {
    fn parse(item: &[Token]) -> PgWireResult<Self> {
        let name = item
            .first()
            .filter(|token| token.is_name())
            .ok_or_else(|| syntax_at(item.first()))?
            .clone();
        let (ty, end, length) = type_at(item, 1).ok_or_else(|| syntax_at(item.get(1)))?;
        let written = &item[1].text;
        let ty =
            ty.ok_or_else(|| refuse("42704", &format!("type \"{written}\" does not exist")))?;
        let rest = &item[end..];
        let identity = rest.iter().position(|token| token.is_word("generated"));
        let serial = written.contains("serial") || identity.is_some();
        let rest = match identity {
            // GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY [( options )]
            Some(at) => {
                let identity = rest
                    .iter()
                    .position(|token| token.is_word("identity"))
                    .unwrap_or(at);
                let options = rest
                    .get(identity + 1)
                    .is_some_and(|token| token.is_mark("("));
                let after = if options {
                    closing(rest, identity + 1) + 1
                } else {
                    identity + 1
                };
                [&rest[..at], &rest[after.min(rest.len())..]].concat()
            }
            None => rest.to_vec(),
        };
        Ok(Self {
            name,
            ty,
            length,
            serial,
            rest: defaults(&rest),
        })
    }

    /// `keyed`: a constraint of the table makes this column the primary key.
    fn render(&self, keyed: bool) -> PgWireResult<String> {
        let name = self.name.sqlite();
        let primary = self
            .rest
            .windows(2)
            .position(|pair| pair[0].is_word("primary") && pair[1].is_word("key"));
        if self.serial {
            if primary.is_none() && !keyed {
                return Err(unsupported(&format!(
                    "serial column \"{}\" that is not the primary key",
                    self.name.text
                )));
            }
            let mut rest = self.rest.clone();
            if let Some(at) = primary {
                rest.drain(at..at + 2);
            }
            let bound = match self.ty {
                Type::INT8 => String::new(),
                _ => format!(" CONSTRAINT pg_int4 CHECK ({name} <= 2147483647)"),
            };
            return Ok(format!(
                "{name} INTEGER PRIMARY KEY AUTOINCREMENT{bound} {}",
                render(&rest)
            ));
        }
        let mut sql = format!("{name} {}", declared(&self.ty));
        if let Some(length) = &self.length {
            sql.push_str(&format!("({length})"));
            if self.ty == Type::VARCHAR {
                sql.push_str(&format!(
                    " CONSTRAINT pg_varchar_{length} CHECK (length({name}) <= {length})"
                ));
            }
        }
        if primary.is_some() || keyed {
            // SQLite lets nulls into a primary key that is not its row id.
            sql.push_str(" NOT NULL");
        }
        sql.push(' ');
        sql.push_str(&render(&self.rest));
        Ok(sql)
    }
}

/// Puts the expression after DEFAULT into parentheses, as SQLite wants it.
fn defaults(rest: &[Token]) -> Vec<Token> {
    let Some(at) = rest.iter().position(|token| token.is_word("default")) else {
        return rewrite(rest);
    };
    const NEXT: [&str; 8] = [
        "not",
        "null",
        "primary",
        "unique",
        "check",
        "references",
        "constraint",
        "generated",
    ];
    let mut end = at + 2;
    while end < rest.len() {
        if rest[end].is_mark("(") {
            end = closing(rest, end) + 1;
        } else if rest[end].kind == Kind::Word && NEXT.contains(&rest[end].text.as_str()) {
            break;
        } else {
            end += 1;
        }
    }
    let end = end.min(rest.len());
    let mut out = rewrite(&rest[..at]);
    out.extend([Token::word("default"), Token::mark("(")]);
    out.extend(rewrite(&rest[(at + 1).min(end)..end]));
    out.push(Token::mark(")"));
    out.extend(rewrite(&rest[end..]));
    out
}

fn create_index(tokens: &[Token]) -> String {
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_word("concurrently") {
            at += 1;
        } else if tokens[at].is_word("using") {
            at += 2;
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    // CREATE INDEX ON t (a) names itself.
    if let Some(on) = out.iter().position(|token| token.is_word("on"))
        && out
            .get(on.wrapping_sub(1))
            .is_some_and(|token| token.is_word("index"))
    {
        let columns: Vec<&str> = out[on + 2..]
            .iter()
            .filter(|token| token.is_name())
            .map(|token| token.text.as_str())
            .collect();
        let name = format!("{}_{}_idx", out[on + 1].text, columns.join("_"));
        out.insert(on, Token::word(&name));
    }
    render(&rewrite(&out))
}

fn alter_table(tokens: &[Token]) -> PgWireResult<Definition> {
    let mut at = 2;
    let skip = |at: &mut usize, words: &[&str]| {
        let all = words
            .iter()
            .enumerate()
            .all(|(i, word)| tokens.get(*at + i).is_some_and(|token| token.is_word(word)));
        if all {
            *at += words.len();
        }
        all
    };
    skip(&mut at, &["if", "exists"]);
    skip(&mut at, &["only"]);
    if tokens.get(at + 1).is_some_and(|token| token.is_mark(".")) {
        at += 2;
    }
    let table = tokens.get(at).ok_or_else(|| syntax_at(None))?.clone();
    at += 1;
    if skip(&mut at, &["add", "constraint"]) {
        let name = tokens.get(at).ok_or_else(|| syntax_at(None))?;
        let columns = tokens.get(at + 2..).unwrap_or_default();
        if tokens
            .get(at + 1)
            .is_some_and(|token| token.is_word("unique"))
        {
            let sql = format!(
                "CREATE UNIQUE INDEX {} ON {} {}",
                name.sqlite(),
                table.sqlite(),
                render(columns)
            );
            return Ok(Definition::Run(vec![sql]));
        }
        return Err(unsupported("ALTER TABLE ... ADD CONSTRAINT of this kind"));
    }
    if skip(&mut at, &["add"]) {
        skip(&mut at, &["column"]);
        let lenient = skip(&mut at, &["if", "not", "exists"]);
        let column = Column::parse(&tokens[at..])?;
        let sql = format!(
            "ALTER TABLE {} ADD COLUMN {}",
            table.sqlite(),
            column.render(false)?
        );
        return Ok(if lenient {
            Definition::AddColumn {
                table: table.text,
                column: column.name.text,
                sql,
            }
        } else {
            Definition::Run(vec![sql])
        });
    }
    if tokens
        .get(at)
        .is_some_and(|token| token.is_word("rename") || token.is_word("drop"))
    {
        let kept: Vec<Token> = tokens
            .iter()
            .filter(|token| !token.is_word("cascade") && !token.is_word("only"))
            .cloned()
            .collect();
        return Ok(Definition::Run(vec![render(&rewrite(&kept))]));
    }
    Err(unsupported("this form of ALTER TABLE"))
}

fn drop_each(tokens: &[Token]) -> Vec<String> {
    let lenient = tokens.get(2).is_some_and(|token| token.is_word("if"));
    let head = if lenient { 4 } else { 2 };
    let names: Vec<Token> = tokens
        .iter()
        .skip(head)
        .filter(|token| {
            !["cascade", "restrict", "concurrently"]
                .iter()
                .any(|word| token.is_word(word))
        })
        .cloned()
        .collect();
    split_commas(&names)
        .iter()
        .map(|name| format!("{} {}", render(&tokens[..head]), render(&rewrite(name))))
        .collect()
}

fn truncate(tokens: &[Token]) -> Vec<String> {
    let names: Vec<Token> = tokens[1..]
        .iter()
        .filter(|token| {
            ![
                "table", "only", "cascade", "restrict", "restart", "continue", "identity",
            ]
            .iter()
            .any(|word| token.is_word(word))
        })
        .cloned()
        .collect();
    let restart = tokens.iter().any(|token| token.is_word("restart"));
    let mut all = Vec::new();
    for name in split_commas(&names) {
        let name = rewrite(name);
        all.push(format!("DELETE FROM {}", render(&name)));
        if restart && let Some(last) = name.last() {
            all.push(format!(
                "DELETE FROM sqlite_sequence WHERE name = {}",
                Token::text(&last.text).sqlite()
            ));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::lexer::statements;
    use super::*;

    fn run(sql: &str) -> Vec<String> {
        match define(&statements(sql).unwrap().concat()).unwrap() {
            Definition::Run(all) => all,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definitions_are_understood_by_sqlite() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for sql in [
            "CREATE TABLE IF NOT EXISTS customer (id BIGSERIAL PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, \
             paid BOOLEAN DEFAULT false NOT NULL, price DOUBLE PRECISION, doc JSONB NOT NULL DEFAULT '{}'::jsonb, \
             count INTEGER DEFAULT 1 + 2 CHECK (count > 0), at TIMESTAMP WITH TIME ZONE DEFAULT CURRENT_DATE)",
            "create table public.tag (id serial, n numeric(10, 2), constraint tag_pk primary key (id), unique (n, id))",
            "CREATE TABLE link (a varchar(4) REFERENCES tag(id) ON DELETE CASCADE, b uuid, PRIMARY KEY (a, b))",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS link_b ON link USING btree (b DESC)",
            "CREATE UNIQUE INDEX ON link (a)",
            "ALTER TABLE link ADD COLUMN c int NOT NULL DEFAULT 7",
            "ALTER TABLE link ADD CONSTRAINT one_c UNIQUE (c, a)",
            "DROP TABLE IF EXISTS link, tag CASCADE",
            "TRUNCATE TABLE customer RESTART IDENTITY",
        ] {
            for translated in run(sql) {
                let translated = translated
                    .replace("pg_cast ( '{}' , 'JSONB_TEXT' )", "'{}'")
                    .replace("pg_today ( )", "1");
                conn.execute(&translated, [])
                    .unwrap_or_else(|e| panic!("{translated}: {e}"));
            }
        }
    }

    #[test]
    fn unknown_types_and_lost_serials_are_refused() {
        for (sql, code) in [
            ("create table t (a strange)", "42704"),
            ("create table t (a serial)", "0A000"),
            ("create table t", "42601"),
        ] {
            assert_eq!(
                define(&statements(sql).unwrap().concat())
                    .unwrap_err()
                    .code(),
                code,
                "{sql}"
            );
        }
    }
}

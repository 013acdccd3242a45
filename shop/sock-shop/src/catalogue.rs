//! catalogue: the socks, their tags and their pictures.

mod api;
mod breaker;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, include_dir};
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context, Database, DbError, Migration, Row};

use crate::durations;
use crate::health::{self, JSON, Status};
use crate::number::go_float;
use crate::openapi;
use crate::query;
use crate::releases::{BREAKER_COUNTS_NOT_FOUND, FAILURE_IS_NOT_FOUND, LEAKS, READS_ONE_BY_ONE};
use breaker::Breaker;

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_catalogue",
    sql: include_str!("../migrations/0001_catalogue.sql"),
}];
const IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/images");
/// Every sock with every tag of it, a row each; a sock without tags has none.
const LISTING: &str = "SELECT sock.sock_id, sock.name, sock.description, sock.price, sock.count, \
     sock.image_url_1, sock.image_url_2, tag.name AS tag_name FROM sock \
     LEFT JOIN sock_tag ON sock.sock_id = sock_tag.sock_id \
     LEFT JOIN tag ON sock_tag.tag_id = tag.tag_id ORDER BY sock.sock_id, sock_tag.place";
const ONE: &str = "SELECT sock.sock_id, sock.name, sock.description, sock.price, sock.count, \
     sock.image_url_1, sock.image_url_2, tag.name AS tag_name FROM sock \
     LEFT JOIN sock_tag ON sock.sock_id = sock_tag.sock_id \
     LEFT JOIN tag ON sock_tag.tag_id = tag.tag_id WHERE sock.sock_id = $1 ORDER BY sock_tag.place";

/// What a request leaves behind in a release that [`LEAKS`], in bytes.
const LEFT_BEHIND: usize = 512 * 1024;

#[derive(Clone)]
struct Catalogue {
    db: Database,
    list: Breaker,
    count: Breaker,
    get: Breaker,
    tags: Breaker,
    health: Breaker,
    bugs: Bugs,
}

/// What the running release does wrong.
#[derive(Clone)]
struct Bugs {
    counts_not_found: bool,
    failure_is_not_found: bool,
    reads_one_by_one: bool,
    /// What requests left behind; `None` when they leave nothing.
    left: Option<Arc<Mutex<Vec<Vec<u8>>>>>,
}

impl Bugs {
    fn of(ctx: &Context) -> Self {
        Self {
            counts_not_found: ctx.has(BREAKER_COUNTS_NOT_FOUND),
            failure_is_not_found: ctx.has(FAILURE_IS_NOT_FOUND),
            reads_one_by_one: ctx.has(READS_ONE_BY_ONE),
            left: ctx.has(LEAKS).then(Arc::default),
        }
    }

    fn leave_behind(&self) {
        if let Some(left) = &self.left {
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            // Written to, so that the memory is really used.
            left.push(vec![1; LEFT_BEHIND]);
        }
    }
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    durations::go(&ctx)?;
    let open = ctx.metrics().gauges(
        "circuit_breaker_open",
        "Whether a circuit breaker turns requests away.",
        &["breaker"],
    )?;
    let catalogue = Catalogue {
        db: ctx.database("catalogue-db", MIGRATIONS)?,
        list: Breaker::new("List", &open),
        count: Breaker::new("Count", &open),
        get: Breaker::new("Get", &open),
        tags: Breaker::new("Tags", &open),
        health: Breaker::new("Health", &open),
        bugs: Bugs::of(&ctx),
    };
    Ok(Router::new()
        .route("/catalogue", get(list))
        .route("/catalogue/size", get(size))
        .route("/catalogue/{id}", get(one))
        .route("/catalogue/images/{file}", get(image))
        .route("/tags", get(tags))
        .route("/health", get(health))
        .merge(openapi::served("catalogue", api::operations))
        .fallback(|| async { AppError::new(StatusCode::NOT_FOUND, "not found") })
        .with_state(catalogue))
}

/// A sock as it is listed.
#[derive(Clone, Debug, PartialEq)]
struct Sock {
    id: String,
    name: String,
    description: String,
    images: [String; 2],
    price: f32,
    count: i64,
    tags: Vec<String>,
}

impl Sock {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "imageUrl": self.images,
            "price": go_float(self.price),
            "count": self.count,
            "tag": self.tags,
        })
    }
}

/// Groups the rows of a listing by sock; they come ordered by sock.
fn socks(rows: &[Row]) -> Result<Vec<Sock>, DbError> {
    let mut socks: Vec<Sock> = Vec::new();
    for row in rows {
        let (id, tag) = (row.text("sock_id")?, row.maybe_text("tag_name")?);
        match socks.last_mut().filter(|last| last.id == id) {
            Some(last) => last.tags.extend(tag),
            None => socks.push(Sock {
                id,
                name: row.text("name")?,
                description: row.text("description")?,
                images: [row.text("image_url_1")?, row.text("image_url_2")?],
                price: row.float("price")? as f32,
                count: row.int("count")?,
                tags: tag.into_iter().collect(),
            }),
        }
    }
    Ok(socks)
}

/// The socks that have any of the tags, each with the matching tags alone; all without tags.
fn tagged(socks: Vec<Sock>, tags: &[&str]) -> Vec<Sock> {
    if tags.is_empty() {
        return socks;
    }
    let matching = socks.into_iter().map(|mut sock| {
        sock.tags.retain(|tag| tags.contains(&tag.as_str()));
        sock
    });
    matching.filter(|sock| !sock.tags.is_empty()).collect()
}

/// One page; `null` when there is nothing at all, `[]` for a page that does not exist.
fn page(socks: &[Sock], page: usize, size: usize) -> Value {
    if page == 0 || size == 0 {
        return json!([]);
    }
    let start = (page - 1).saturating_mul(size);
    if start == 0 && socks.is_empty() {
        return Value::Null;
    }
    let shown = socks.iter().skip(start).take(size);
    shown.map(Sock::json).collect::<Vec<_>>().into()
}

/// The tags of a query, which are separated by commas.
fn tags_of(tags: Option<&str>) -> Vec<&str> {
    let tags = tags.unwrap_or_default();
    tags.split(',').filter(|tag| !tag.is_empty()).collect()
}

/// A number of the query; what is no number counts as zero.
fn number_or(text: Option<&str>, default: usize) -> usize {
    match text {
        None | Some("") => default,
        Some(text) => text.parse().unwrap_or(0),
    }
}

async fn list(
    State(catalogue): State<Catalogue>,
    RawQuery(query): RawQuery,
) -> Result<Response, AppError> {
    let socks = catalogue.listing(&catalogue.list).await?;
    let of = |name| query::value(query.as_deref(), name);
    let number = number_or(of("page").as_deref(), 1);
    let size = number_or(of("size").as_deref(), 10);
    let tags = of("tags");
    let socks = tagged(socks, &tags_of(tags.as_deref()));
    Ok(answer(page(&socks, number, size)))
}

async fn size(
    State(catalogue): State<Catalogue>,
    RawQuery(query): RawQuery,
) -> Result<Response, AppError> {
    let socks = catalogue.listing(&catalogue.count).await?;
    let tags = query::value(query.as_deref(), "tags");
    let size = tagged(socks, &tags_of(tags.as_deref())).len();
    Ok(answer(json!({ "size": size, "err": null })))
}

async fn one(
    State(catalogue): State<Catalogue>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    catalogue.bugs.leave_behind();
    catalogue.get.enter()?;
    let rows = catalogue.db.rows(ONE, &[id.into()]).await;
    let found = rows.and_then(|rows| socks(&rows));
    let failed = match &found {
        Ok(found) => found.is_empty() && catalogue.bugs.counts_not_found,
        Err(_) => true,
    };
    catalogue.get.leave(failed);
    let found = match found {
        Err(_) if catalogue.bugs.failure_is_not_found => Vec::new(),
        found => found.map_err(|error| unreachable(&error))?,
    };
    let sock = found
        .first()
        .ok_or_else(|| AppError::new(StatusCode::NOT_FOUND, "not found"))?;
    Ok(answer(sock.json()))
}

async fn tags(State(catalogue): State<Catalogue>) -> Result<Response, AppError> {
    catalogue.tags.enter()?;
    let rows = catalogue
        .db
        .rows("SELECT name FROM tag ORDER BY tag_id", &[])
        .await;
    let names = rows.and_then(|rows| {
        rows.iter()
            .map(|row| row.text("name"))
            .collect::<Result<Vec<_>, _>>()
    });
    catalogue.tags.leave(names.is_err());
    let names = names.map_err(|error| unreachable(&error))?;
    Ok(answer(json!({ "tags": names, "err": null })))
}

impl Catalogue {
    async fn listing(&self, breaker: &Breaker) -> Result<Vec<Sock>, AppError> {
        self.bugs.leave_behind();
        breaker.enter()?;
        let listed = if self.bugs.reads_one_by_one {
            self.one_by_one().await
        } else {
            let rows = self.db.rows(LISTING, &[]).await;
            rows.and_then(|rows| socks(&rows))
        };
        breaker.leave(listed.is_err());
        listed.map_err(|error| unreachable(&error))
    }

    /// The same listing, by a statement for each sock and one for each of its tags.
    async fn one_by_one(&self) -> Result<Vec<Sock>, DbError> {
        const ALL: &str = "SELECT sock_id FROM sock ORDER BY sock_id";
        const NAME: &str = "SELECT name FROM tag WHERE tag_id IN \
             (SELECT tag_id FROM sock_tag WHERE sock_id = $1 AND place = $2)";
        let mut listed = Vec::new();
        for row in self.db.rows(ALL, &[]).await? {
            let id = row.text("sock_id")?;
            let mut found = socks(&self.db.rows(ONE, &[(&id).into()]).await?)?;
            for sock in &mut found {
                for (tag, place) in sock.tags.iter_mut().zip(1_i64..) {
                    let row = self.db.row(NAME, &[(&id).into(), place.into()]).await?;
                    *tag = row.map_or(Ok(String::new()), |row| row.text("name"))?;
                }
            }
            listed.append(&mut found);
        }
        Ok(listed)
    }
}

async fn image(Path(file): Path<String>) -> Response {
    let Some(file) = IMAGES.get_file(&file) else {
        return AppError::new(StatusCode::NOT_FOUND, "not found").into_response();
    };
    let bytes = Bytes::from_static(file.contents());
    ([(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response()
}

/// A database that is away is no failure of this: its breaker stays closed.
async fn health(State(catalogue): State<Catalogue>) -> Result<Response, AppError> {
    catalogue.health.enter()?;
    let db = Status::from(catalogue.db.ping().await);
    catalogue.health.leave(false);
    let parts = [("catalogue", Status::Ok), ("catalogue-db", db)];
    Ok(health::with_time(JSON, &parts))
}

fn answer(body: Value) -> Response {
    ([(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

fn unreachable(error: &DbError) -> AppError {
    AppError::internal("database connection error").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sock(id: &str, tags: &[&str]) -> Sock {
        Sock {
            id: id.into(),
            name: id.into(),
            description: String::new(),
            images: [
                "/catalogue/images/a.jpg".into(),
                "/catalogue/images/b.jpg".into(),
            ],
            price: 15.0,
            count: 1,
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        }
    }

    #[test]
    fn a_tag_filter_keeps_the_socks_that_match_with_the_matching_tags_alone() {
        let all = vec![
            sock("a", &["blue", "red"]),
            sock("b", &["green"]),
            sock("c", &["red"]),
        ];
        for (tags, expected) in [
            (
                vec![],
                vec![
                    ("a", vec!["blue", "red"]),
                    ("b", vec!["green"]),
                    ("c", vec!["red"]),
                ],
            ),
            (vec!["red"], vec![("a", vec!["red"]), ("c", vec!["red"])]),
            (
                vec!["green", "blue"],
                vec![("a", vec!["blue"]), ("b", vec!["green"])],
            ),
            (vec!["pink"], vec![]),
        ] {
            let found = tagged(all.clone(), &tags);
            let found: Vec<_> = found
                .iter()
                .map(|s| (s.id.as_str(), s.tags.iter().map(String::as_str).collect()))
                .collect();
            assert_eq!(found, expected, "{tags:?}");
        }
    }

    #[test]
    fn a_page_that_does_not_exist_is_empty_and_no_hits_at_all_are_null() {
        let three = [sock("a", &[]), sock("b", &[]), sock("c", &[])];
        for (socks, number, size, expected) in [
            (&three[..], 1, 10, Some(3)),
            (&three[..], 1, 2, Some(2)),
            (&three[..], 2, 2, Some(1)),
            (&three[..], 3, 2, Some(0)),
            (&three[..], 0, 2, Some(0)),
            (&three[..], 1, 0, Some(0)),
            (&[][..], 1, 10, None),
            (&[][..], 2, 10, Some(0)),
        ] {
            let found = page(socks, number, size);
            assert_eq!(
                found.as_array().map(Vec::len),
                expected,
                "page {number} of {size}"
            );
        }
        for (text, expected) in [
            (None, 7),
            (Some(""), 7),
            (Some("3"), 3),
            (Some("x"), 0),
            (Some("-1"), 0),
        ] {
            assert_eq!(number_or(text, 7), expected, "{text:?}");
        }
    }
}

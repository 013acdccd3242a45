//! user: customers with their addresses and cards, and who they say they are.

mod api;
mod call;
mod metrics;
mod password;
mod store;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use base64::Engine;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context, DbError};

use crate::durations;
use crate::errors::DATABASE_ERROR;
use crate::health::{self, Status};
use crate::object_id;
use crate::openapi;
use crate::releases::LOGIN_TRIES_ALL;
use call::{Call, masked};
use metrics::{Requests, counted};
use password::Passwords;
use store::{Address, Card, Customer, MIGRATIONS, Store};

const HAL: &str = "application/hal+json";
/// What stands in the log for the id when all are asked for.
const ALL: &str = "all";

#[derive(Clone)]
struct Users {
    store: Store,
    passwords: Passwords,
    /// The host of links, `user` unless `LINK_DOMAIN` says otherwise.
    domain: String,
    /// Whether a login compares the password with every customer's; a bug of one release.
    tries_all: bool,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    durations::go_by_first_segment(&ctx)?;
    let requests = Requests::new(&ctx)?;
    let users = Users {
        store: Store::new(ctx.database("user-db", MIGRATIONS)?),
        passwords: Passwords::new(ctx.metrics())?,
        tries_all: ctx.has(LOGIN_TRIES_ALL),
        domain: ctx.env().get("LINK_DOMAIN").unwrap_or("user").to_owned(),
    };
    Ok(Router::new()
        .route("/login", get(login))
        .route("/register", post(register))
        .route("/customers", get(customers).post(add_customer))
        .route("/customers/{id}", get(customer).delete(remove_customer))
        .route("/customers/{id}/addresses", get(customer_addresses))
        .route("/customers/{id}/cards", get(customer_cards))
        .route("/addresses", get(addresses).post(add_address))
        .route(
            "/addresses/{id}",
            get(address).merge(delete(remove_address)),
        )
        .route("/cards", get(cards).post(add_card))
        .route("/cards/{id}", get(card).merge(delete(remove_card)))
        .route("/health", get(health))
        .route_layer(from_fn_with_state(requests, counted))
        .merge(openapi::served("user", api::operations))
        .fallback(|| async { AppError::new(StatusCode::NOT_FOUND, "not found") })
        .with_state(users))
}

type Answer = Result<Response, AppError>;

async fn login(State(users): State<Users>, headers: HeaderMap) -> Answer {
    let (name, password) = credentials(&headers).ok_or_else(unauthorised)?;
    let call = Call::of("Login").with("username", &name);
    let customer = if users.tries_all {
        call.done(users.trying_all(&name, &password)).await?
    } else {
        call.done(users.known(&name, &password)).await?
    };
    Ok(hal(json!({ "user": users.view(&customer) })))
}

/// Name and password of Basic authentication.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Registration {
    username: String,
    password: String,
    email: String,
    first_name: String,
    last_name: String,
}

async fn register(State(users): State<Users>, body: Bytes) -> Answer {
    let sent: Registration = read(&body)?;
    let call = Call::of("Register")
        .with("username", &sent.username)
        .with("email", &sent.email);
    let registered = async {
        let hash = users.passwords.hash(sent.password).await?;
        let names = [sent.first_name, sent.last_name];
        users.add(sent.username, hash, sent.email, names).await
    };
    call.done(registered).await
}

/// As the first system: a password in the body is ignored, and the empty one logs in.
async fn add_customer(State(users): State<Users>, body: Bytes) -> Answer {
    let sent: Registration = read(&body)?;
    let call = Call::of("PostUser").with("username", &sent.username);
    let names = [sent.first_name, sent.last_name];
    let added = users.add(sent.username, String::new(), String::new(), names);
    call.done(added).await
}

impl Users {
    /// The customer of that id.
    async fn find(&self, id: &str) -> Result<Customer, AppError> {
        let found = self.store.customer(valid(id)?).await;
        found.map_err(|e| failed(&e))?.ok_or_else(not_found)
    }

    /// The customer of that name, if the password is right.
    async fn known(&self, name: &str, password: &str) -> Result<Customer, AppError> {
        let found = self.store.by_username(name).await;
        let (customer, hash) = found.map_err(|e| failed(&e))?.ok_or_else(not_found)?;
        if self.passwords.verify(password, &hash).await? {
            return Ok(customer);
        }
        Err(unauthorised())
    }

    /// The same, found by comparing the password with every customer's.
    async fn trying_all(&self, name: &str, password: &str) -> Result<Customer, AppError> {
        let all = self.store.with_hashes().await.map_err(|e| failed(&e))?;
        let mut found = Err(not_found());
        for (customer, hash) in all {
            let right = self.passwords.compare(password, &hash).await?;
            if customer.username == name {
                found = right.then_some(customer).ok_or_else(unauthorised);
            }
        }
        found
    }

    async fn add(
        &self,
        username: String,
        hash: String,
        email: String,
        [first_name, last_name]: [String; 2],
    ) -> Answer {
        let customer = Customer {
            id: object_id::new(),
            username,
            first_name,
            last_name,
        };
        match self.store.add_customer(&customer, hash, email).await {
            Ok(()) => Ok(hal(json!({ "id": customer.id }))),
            Err(DbError::Duplicate { .. }) => {
                let message = "User already exists. Please choose a different username.";
                Err(AppError::new(StatusCode::CONFLICT, message))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn view(&self, customer: &Customer) -> Value {
        let base = format!("http://{}/customers/{}", self.domain, customer.id);
        json!({
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "username": customer.username,
            "id": customer.id,
            "_links": {
                "addresses": { "href": format!("{base}/addresses") },
                "cards": { "href": format!("{base}/cards") },
                "customer": { "href": base },
                "self": { "href": base },
            },
        })
    }

    fn links(&self, kind: &str, plural: &str, id: &str) -> Value {
        let href = format!("http://{}/{plural}/{id}", self.domain);
        json!({ kind: { "href": href }, "self": { "href": href } })
    }

    fn address_view(&self, address: &Address) -> Value {
        let mut json = json!(address);
        json["_links"] = self.links("address", "addresses", &address.id);
        json
    }

    fn card_view(&self, card: &Card) -> Value {
        let mut json = json!(card);
        json["_links"] = self.links("card", "cards", &card.id);
        json
    }

    fn address_list(&self, found: &[Address]) -> Response {
        let views = found.iter().map(|address| self.address_view(address));
        hal(json!({ "_embedded": { "address": views.collect::<Vec<_>>() } }))
    }

    fn card_list(&self, found: &[Card]) -> Response {
        let views = found.iter().map(|card| self.card_view(card));
        hal(json!({ "_embedded": { "card": views.collect::<Vec<_>>() } }))
    }
}

async fn customers(State(users): State<Users>) -> Answer {
    let call = Call::of("GetUsers").with("id", ALL);
    let found = async { users.store.customers().await.map_err(|e| failed(&e)) };
    let found = call.many(found).await?;
    let views: Vec<_> = found.iter().map(|customer| users.view(customer)).collect();
    Ok(hal(json!({ "_embedded": { "customer": views } })))
}

async fn customer(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("GetUsers").with("id", &id);
    let found = call.one(users.find(&id)).await?;
    Ok(hal(users.view(&found)))
}

async fn customer_addresses(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("GetUsers").with("id", &id);
    let Customer { id, .. } = call.one(users.find(&id)).await?;
    let found = users.store.addresses_of(&id).await;
    Ok(users.address_list(&found.map_err(|e| failed(&e))?))
}

async fn customer_cards(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("GetUsers").with("id", &id);
    let Customer { id, .. } = call.one(users.find(&id)).await?;
    let found = users.store.cards_of(&id).await;
    Ok(users.card_list(&found.map_err(|e| failed(&e))?))
}

async fn addresses(State(users): State<Users>) -> Answer {
    let call = Call::of("GetAddresses").with("id", ALL);
    let found = async { users.store.addresses().await.map_err(|e| failed(&e)) };
    Ok(users.address_list(&call.many(found).await?))
}

async fn cards(State(users): State<Users>) -> Answer {
    let call = Call::of("GetCards").with("id", ALL);
    let found = async { users.store.cards().await.map_err(|e| failed(&e)) };
    Ok(users.card_list(&call.many(found).await?))
}

async fn address(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("GetAddresses").with("id", &id);
    let found = async {
        let found = users.store.address(valid(&id)?).await;
        found.map_err(|e| failed(&e))?.ok_or_else(not_found)
    };
    Ok(hal(users.address_view(&call.one(found).await?)))
}

async fn card(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("GetCards").with("id", &id);
    let found = async {
        let found = users.store.card(valid(&id)?).await;
        found.map_err(|e| failed(&e))?.ok_or_else(not_found)
    };
    Ok(hal(users.card_view(&call.one(found).await?)))
}

/// Whose an address or card is; nobody's without it.
#[derive(Debug, Default, Deserialize)]
struct Owner {
    #[serde(default, rename = "userID")]
    user_id: String,
}

impl Owner {
    fn id(&self) -> Result<Option<String>, AppError> {
        if self.user_id.is_empty() {
            return Ok(None);
        }
        valid(&self.user_id).map(|id| Some(id.to_owned()))
    }
}

async fn add_address(State(users): State<Users>, body: Bytes) -> Answer {
    let (mut address, owner): (Address, Owner) = (read(&body)?, read(&body)?);
    address.id = object_id::new();
    let call = Call::of("PostAddress")
        .with("street", &address.street)
        .with("number", &address.number)
        .with("user", &owner.user_id);
    let added = async {
        let added = users.store.add_address(&address, owner.id()?).await;
        added.map_err(|e| failed(&e))
    };
    call.done(added).await?;
    Ok(hal(json!({ "id": address.id })))
}

async fn add_card(State(users): State<Users>, body: Bytes) -> Answer {
    let (mut card, owner): (Card, Owner) = (read(&body)?, read(&body)?);
    card.id = object_id::new();
    let call = Call::of("PostCard")
        .with("card", &masked(&card.long_num))
        .with("user", &owner.user_id);
    let added = async {
        let added = users.store.add_card(&card, owner.id()?).await;
        added.map_err(|e| failed(&e))
    };
    call.done(added).await?;
    Ok(hal(json!({ "id": card.id })))
}

async fn remove_customer(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("Delete")
        .with("entity", "customers")
        .with("id", &id);
    let removed = async { removed(users.store.remove_customer(valid(&id)?).await) };
    call.done(removed).await
}

async fn remove_address(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("Delete")
        .with("entity", "addresses")
        .with("id", &id);
    let removed = async { removed(users.store.remove_address(valid(&id)?).await) };
    call.done(removed).await
}

async fn remove_card(State(users): State<Users>, Path(id): Path<String>) -> Answer {
    let call = Call::of("Delete").with("entity", "cards").with("id", &id);
    let removed = async { removed(users.store.remove_card(valid(&id)?).await) };
    call.done(removed).await
}

fn removed(touched: Result<u64, DbError>) -> Answer {
    match touched.map_err(|e| failed(&e))? {
        0 => Err(not_found()),
        _ => Ok(hal(json!({ "status": true }))),
    }
}

async fn health(State(users): State<Users>) -> Response {
    let db = Status::from(users.store.ping().await);
    health::with_time(HAL, &[("user", Status::Ok), ("user-db", db)])
}

fn hal(body: Value) -> Response {
    ([(header::CONTENT_TYPE, HAL)], body.to_string()).into_response()
}

/// The fields of a body; one that is null counts as not sent.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    let unreadable = |error: serde_json::Error| AppError::internal(error.to_string());
    let mut sent: Value = serde_json::from_slice(body).map_err(unreadable)?;
    if let Some(fields) = sent.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::from_value(sent).map_err(unreadable)
}

fn valid(id: &str) -> Result<&str, AppError> {
    if object_id::is_valid(id) {
        Ok(id)
    } else {
        Err(AppError::internal("Invalid Id Hex"))
    }
}

fn not_found() -> AppError {
    AppError::internal("not found")
}

fn unauthorised() -> AppError {
    AppError::new(StatusCode::UNAUTHORIZED, "Unauthorized")
}

fn failed(error: &DbError) -> AppError {
    AppError::internal(DATABASE_ERROR).because(error)
}

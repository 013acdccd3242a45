//! What user keeps in its database.

use serde::{Deserialize, Serialize};
use shop_kit::{Database, DbError, Migration, Row};

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_user",
    sql: include_str!("../../migrations/0001_user.sql"),
}];

/// A customer, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
}

/// An address, as it is sent and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) number: String,
    pub(super) country: String,
    pub(super) city: String,
    pub(super) postcode: String,
    #[serde(skip_deserializing)]
    pub(super) id: String,
}

/// A payment card, as it is sent and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Card {
    pub(super) long_num: String,
    pub(super) expires: String,
    pub(super) ccv: String,
    #[serde(skip_deserializing)]
    pub(super) id: String,
}

/// The database of customers.
#[derive(Clone, Debug)]
pub(super) struct Store(Database);

impl Store {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    pub(super) async fn ping(&self) -> Result<(), DbError> {
        self.0.ping().await
    }

    /// The customer with that name, and the hash of the password.
    pub(super) async fn by_username(
        &self,
        name: &str,
    ) -> Result<Option<(Customer, String)>, DbError> {
        let sql = "SELECT id, username, first_name, last_name, password FROM customer WHERE username = $1";
        let row = self.0.row(sql, &[name.into()]).await?;
        row.map(|row| Ok((customer(&row)?, row.text("password")?)))
            .transpose()
    }

    /// All customers, each with the hash of the password.
    pub(super) async fn with_hashes(&self) -> Result<Vec<(Customer, String)>, DbError> {
        let sql =
            "SELECT id, username, first_name, last_name, password FROM customer ORDER BY added, id";
        let rows = self.0.rows(sql, &[]).await?;
        let pairs = rows
            .iter()
            .map(|row| Ok((customer(row)?, row.text("password")?)));
        pairs.collect()
    }

    pub(super) async fn customers(&self) -> Result<Vec<Customer>, DbError> {
        let sql = "SELECT id, username, first_name, last_name FROM customer ORDER BY added, id";
        self.0.rows(sql, &[]).await?.iter().map(customer).collect()
    }

    pub(super) async fn customer(&self, id: &str) -> Result<Option<Customer>, DbError> {
        let sql = "SELECT id, username, first_name, last_name FROM customer WHERE id = $1";
        self.0
            .row(sql, &[id.into()])
            .await?
            .as_ref()
            .map(customer)
            .transpose()
    }

    pub(super) async fn add_customer(
        &self,
        new: &Customer,
        hash: String,
        email: String,
    ) -> Result<(), DbError> {
        let sql = "INSERT INTO customer (id, username, password, email, first_name, last_name, added) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = [
            (&new.id).into(),
            (&new.username).into(),
            hash.into(),
            email.into(),
            (&new.first_name).into(),
            (&new.last_name).into(),
            now().into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Removes a customer with all addresses and cards; answers how many customers that were.
    pub(super) async fn remove_customer(&self, id: &str) -> Result<u64, DbError> {
        let touched = self
            .0
            .all(&[
                (
                    "DELETE FROM address WHERE customer_id = $1",
                    vec![id.into()],
                ),
                ("DELETE FROM card WHERE customer_id = $1", vec![id.into()]),
                ("DELETE FROM customer WHERE id = $1", vec![id.into()]),
            ])
            .await?;
        Ok(touched.last().copied().unwrap_or_default())
    }

    pub(super) async fn addresses(&self) -> Result<Vec<Address>, DbError> {
        let sql =
            "SELECT id, street, number, country, city, postcode FROM address ORDER BY added, id";
        self.0.rows(sql, &[]).await?.iter().map(address).collect()
    }

    pub(super) async fn addresses_of(&self, customer: &str) -> Result<Vec<Address>, DbError> {
        let sql = "SELECT id, street, number, country, city, postcode FROM address WHERE customer_id = $1 ORDER BY added, id";
        self.0
            .rows(sql, &[customer.into()])
            .await?
            .iter()
            .map(address)
            .collect()
    }

    pub(super) async fn address(&self, id: &str) -> Result<Option<Address>, DbError> {
        let sql = "SELECT id, street, number, country, city, postcode FROM address WHERE id = $1";
        self.0
            .row(sql, &[id.into()])
            .await?
            .as_ref()
            .map(address)
            .transpose()
    }

    pub(super) async fn add_address(
        &self,
        new: &Address,
        owner: Option<String>,
    ) -> Result<(), DbError> {
        let sql = "INSERT INTO address (id, customer_id, street, number, country, city, postcode, added) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = [
            (&new.id).into(),
            owner.into(),
            (&new.street).into(),
            (&new.number).into(),
            (&new.country).into(),
            (&new.city).into(),
            (&new.postcode).into(),
            now().into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    pub(super) async fn remove_address(&self, id: &str) -> Result<u64, DbError> {
        self.0
            .execute("DELETE FROM address WHERE id = $1", &[id.into()])
            .await
    }

    pub(super) async fn cards(&self) -> Result<Vec<Card>, DbError> {
        let sql = "SELECT id, long_num, expires, ccv FROM card ORDER BY added, id";
        self.0.rows(sql, &[]).await?.iter().map(card).collect()
    }

    pub(super) async fn cards_of(&self, customer: &str) -> Result<Vec<Card>, DbError> {
        let sql =
            "SELECT id, long_num, expires, ccv FROM card WHERE customer_id = $1 ORDER BY added, id";
        self.0
            .rows(sql, &[customer.into()])
            .await?
            .iter()
            .map(card)
            .collect()
    }

    pub(super) async fn card(&self, id: &str) -> Result<Option<Card>, DbError> {
        let sql = "SELECT id, long_num, expires, ccv FROM card WHERE id = $1";
        self.0
            .row(sql, &[id.into()])
            .await?
            .as_ref()
            .map(card)
            .transpose()
    }

    pub(super) async fn add_card(&self, new: &Card, owner: Option<String>) -> Result<(), DbError> {
        let sql = "INSERT INTO card (id, customer_id, long_num, expires, ccv, added) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = [
            (&new.id).into(),
            owner.into(),
            (&new.long_num).into(),
            (&new.expires).into(),
            (&new.ccv).into(),
            now().into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    pub(super) async fn remove_card(&self, id: &str) -> Result<u64, DbError> {
        self.0
            .execute("DELETE FROM card WHERE id = $1", &[id.into()])
            .await
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn customer(row: &Row) -> Result<Customer, DbError> {
    Ok(Customer {
        id: row.text("id")?,
        username: row.text("username")?,
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
    })
}

fn address(row: &Row) -> Result<Address, DbError> {
    Ok(Address {
        street: row.text("street")?,
        number: row.text("number")?,
        country: row.text("country")?,
        city: row.text("city")?,
        postcode: row.text("postcode")?,
        id: row.text("id")?,
    })
}

fn card(row: &Row) -> Result<Card, DbError> {
    Ok(Card {
        long_num: row.text("long_num")?,
        expires: row.text("expires")?,
        ccv: row.text("ccv")?,
        id: row.text("id")?,
    })
}

//! What the shops rely on in PostgreSQL, held against the embedded server and against PostgreSQL itself.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{Column, ConnectOptions, Connection, Executor, PgPool, Row, TypeInfo};

use crate::servers::postgres::Server;
use crate::servers::{program, skipped};

pub(crate) const USER: &str = "shop";
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const DATABASE: &str = "shopdb";

/// Each part of the contract against an embedded server, and all of them against PostgreSQL, each on an empty database.
macro_rules! contract {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let server = super::Server::embedded(|_| {}).await;
                super::$name(&server).await;
                server.stop().await;
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_itself_keeps_the_contract() {
            let Some(mut server) = Server::real().await else { return };
            $(
                eprintln!("{}", stringify!($name));
                server.renew(stringify!($name)).await;
                $name(&server).await;
            )*
            server.stop().await;
        }
    };
}

contract! {
    values_of_every_type_come_back_as_they_went
    a_duplicate_key_is_23505_with_the_constraint
    broken_rules_have_their_codes
    a_transaction_is_all_or_nothing
    a_failed_transaction_refuses_until_it_ends
    a_savepoint_saves_a_failed_transaction
    returning_and_upsert_work
    result_columns_have_names_and_types
    scripts_run_as_one_transaction
    nulls_sort_last_and_like_minds_case
    writers_take_turns_and_lose_nothing
    a_statement_that_takes_too_long_is_57014
    wrong_credentials_are_refused
    rows_are_streamed_and_counted
    times_and_json_pass_as_text
    the_server_tells_its_settings
}

async fn one(server: &Server) -> PgConnection {
    server.options().connect().await.expect("connect")
}

fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .map(|code| code.into_owned())
        .unwrap_or_else(|| format!("{error:?}"))
}

async fn refused(conn: &mut PgConnection, sql: &'static str) -> String {
    code(&conn.execute(sqlx::query(sql)).await.expect_err(sql))
}

async fn values_of_every_type_come_back_as_they_went(server: &Server) {
    let mut conn = one(server).await;
    conn.execute(
        "CREATE TABLE kinds (id BIGSERIAL PRIMARY KEY, a SMALLINT, b INTEGER, c BIGINT, d REAL, e DOUBLE PRECISION, f BOOLEAN, \
         g TEXT, h VARCHAR(40), i BYTEA)",
    )
    .await
    .unwrap();
    let insert = "INSERT INTO kinds (a, b, c, d, e, f, g, h, i) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    let id: i64 = sqlx::query(insert)
        .bind(-7_i16)
        .bind(i32::MAX)
        .bind(i64::MIN)
        .bind(99.99_f32)
        .bind(0.1_f64)
        .bind(true)
        .bind("it's ü")
        .bind("short")
        .bind(vec![0_u8, 255])
        .fetch_one(&mut conn)
        .await
        .unwrap()
        .get(0);
    assert_eq!(id, 1);
    let row = sqlx::query("SELECT * FROM kinds WHERE id = $1")
        .bind(id)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<i16, _>("a"),
            row.get::<i32, _>("b"),
            row.get::<i64, _>("c")
        ),
        (-7, i32::MAX, i64::MIN)
    );
    assert_eq!(
        (
            row.get::<f32, _>("d"),
            row.get::<f64, _>("e"),
            row.get::<bool, _>("f")
        ),
        (99.99, 0.1, true)
    );
    assert_eq!(
        (
            row.get::<&str, _>("g"),
            row.get::<&str, _>("h"),
            row.get::<&[u8], _>("i")
        ),
        ("it's ü", "short", &[0_u8, 255][..])
    );
    let nothing = sqlx::query(insert)
        .bind(None::<i16>)
        .bind(None::<i32>)
        .bind(None::<i64>)
        .bind(None::<f32>)
        .bind(None::<f64>)
        .bind(None::<bool>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(None::<Vec<u8>>)
        .fetch_one(&mut conn)
        .await
        .unwrap()
        .get::<i64, _>(0);
    let row = sqlx::query("SELECT a, f, g, i FROM kinds WHERE id = $1")
        .bind(nothing)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(row.get::<Option<i16>, _>(0), None);
    assert_eq!(row.get::<Option<bool>, _>(1), None);
    assert_eq!(row.get::<Option<String>, _>(2), None);
    assert_eq!(row.get::<Option<Vec<u8>>, _>(3), None);
}

async fn a_duplicate_key_is_23505_with_the_constraint(server: &Server) {
    let mut conn = one(server).await;
    conn.execute(
        "CREATE TABLE customer (id VARCHAR(24) PRIMARY KEY, username TEXT NOT NULL UNIQUE, a INT, b INT, c INT, CONSTRAINT a_and_b UNIQUE (a, b)); \
         CREATE UNIQUE INDEX only_c ON customer (c); \
         INSERT INTO customer VALUES ('1', 'eve', 1, 1, 1)",
    )
    .await
    .unwrap();
    for (row, constraint) in [
        ("'1', 'bob', 2, 2, 2", "customer_pkey"),
        ("'2', 'eve', 2, 2, 2", "customer_username_key"),
        ("'2', 'bob', 1, 1, 2", "a_and_b"),
        ("'2', 'bob', 2, 2, 1", "only_c"),
    ] {
        let sql = sqlx::AssertSqlSafe(format!("INSERT INTO customer VALUES ({row})"));
        let error = sqlx::query(sql).execute(&mut conn).await.unwrap_err();
        let error = error.as_database_error().unwrap();
        assert!(error.is_unique_violation(), "{error}");
        assert_eq!(error.constraint(), Some(constraint));
        assert_eq!(error.table(), Some("customer"));
        assert_eq!(
            error.message(),
            format!("duplicate key value violates unique constraint \"{constraint}\"")
        );
    }
}

async fn broken_rules_have_their_codes(server: &Server) {
    let mut conn = one(server).await;
    conn.execute(
        "CREATE TABLE parent (id INT PRIMARY KEY); INSERT INTO parent VALUES (1); \
         CREATE TABLE child (id INT PRIMARY KEY, parent_id INT NOT NULL REFERENCES parent(id), short VARCHAR(3), n INT CHECK (n > 0)); \
         INSERT INTO child VALUES (1, 1, 'abc', 1)",
    )
    .await
    .unwrap();
    for (sql, expected) in [
        ("INSERT INTO child VALUES (2, 9, 'a', 1)", "23503"),
        ("DELETE FROM parent WHERE id = 1", "23503"),
        ("INSERT INTO child VALUES (2, NULL, 'a', 1)", "23502"),
        ("INSERT INTO child VALUES (2, 1, 'a', 0)", "23514"),
        ("INSERT INTO child VALUES (2, 1, 'abcd', 1)", "22001"),
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT nothing FROM child", "42703"),
        ("INSERT INTO child (nothing) VALUES (1)", "42703"),
        ("SELEC 1", "42601"),
        ("SELECT 1 FROM WHERE", "42601"),
        ("CREATE TABLE child (id INT)", "42P07"),
        ("SELECT no_such_function(1)", "42883"),
        (
            "SELECT id FROM child c JOIN parent p ON p.id = c.parent_id",
            "42702",
        ),
        ("SELECT CAST('ten' AS INTEGER)", "22P02"),
    ] {
        assert_eq!(refused(&mut conn, sql).await, expected, "{sql}");
    }
    let error = conn
        .execute(sqlx::query("DELETE FROM parent WHERE id = 1"))
        .await
        .unwrap_err();
    let expected = "update or delete on table \"parent\" violates foreign key constraint \"child_parent_id_fkey\" on table \"child\"";
    assert_eq!(error.as_database_error().unwrap().message(), expected);
    let error = conn
        .execute(sqlx::query("SELECT * FROM nowhere"))
        .await
        .unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().message(),
        "relation \"nowhere\" does not exist"
    );
}

async fn a_transaction_is_all_or_nothing(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE account (id INT PRIMARY KEY, amount BIGINT NOT NULL)")
        .await
        .unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute("INSERT INTO account VALUES (1, 10)")
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute(
        sqlx::query("INSERT INTO account VALUES ($1, $2)")
            .bind(2)
            .bind(20_i64),
    )
    .await
    .unwrap();
    let mut other = one(server).await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM account")
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(seen, 0, "nobody sees what is not committed");
    tx.commit().await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM account")
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(seen, 1);
}

async fn a_failed_transaction_refuses_until_it_ends(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        .await
        .unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute(sqlx::query("INSERT INTO t VALUES (1)"))
        .await
        .unwrap();
    assert_eq!(refused(&mut tx, "INSERT INTO t VALUES (1)").await, "23505");
    assert_eq!(refused(&mut tx, "SELECT 1").await, "25P02");
    tx.commit().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(
        left, 0,
        "a failed transaction is rolled back even by COMMIT"
    );
}

async fn a_savepoint_saves_a_failed_transaction(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        .await
        .unwrap();
    let mut tx = conn.begin().await.unwrap();
    tx.execute(sqlx::query("INSERT INTO t VALUES (1)"))
        .await
        .unwrap();
    let mut inner = tx.begin().await.unwrap();
    assert_eq!(
        refused(&mut inner, "INSERT INTO t VALUES (1)").await,
        "23505"
    );
    inner.rollback().await.unwrap();
    tx.execute(sqlx::query("INSERT INTO t VALUES (2)"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(left, 2);
}

async fn returning_and_upsert_work(server: &Server) {
    let mut conn = one(server).await;
    conn.execute(
        "CREATE TABLE stock (sku TEXT PRIMARY KEY, count INT NOT NULL DEFAULT 0, note TEXT)",
    )
    .await
    .unwrap();
    let upsert = "INSERT INTO stock (sku, count) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET count = stock.count + EXCLUDED.count RETURNING count";
    for expected in [5, 10] {
        let count: i32 = sqlx::query_scalar(upsert)
            .bind("holy")
            .bind(5)
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(count, expected);
    }
    let ignored = sqlx::query("INSERT INTO stock (sku) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind("holy")
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(ignored.rows_affected(), 0);
    let updated = sqlx::query("UPDATE stock SET note = $1 WHERE sku = $2")
        .bind("x")
        .bind("holy")
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(updated.rows_affected(), 1);
    let gone = sqlx::query("DELETE FROM stock WHERE sku = $1 RETURNING sku, note")
        .bind("holy")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].get::<String, _>("note"), "x");
}

async fn result_columns_have_names_and_types(server: &Server) {
    let mut conn = one(server).await;
    conn.execute(
        "CREATE TABLE item (id SERIAL PRIMARY KEY, order_id BIGINT, qty INT, price REAL, name VARCHAR(20), paid BOOLEAN, doc JSONB, at TIMESTAMPTZ DEFAULT now())",
    )
    .await
    .unwrap();
    conn.execute("INSERT INTO item (order_id, qty, price, name, paid) VALUES (1, 2, 1.5, 'a', true), (1, 3, 2.5, 'b', false)").await.unwrap();
    for (sql, expected) in [
        (
            "SELECT * FROM item",
            "id:INT4 order_id:INT8 qty:INT4 price:FLOAT4 name:VARCHAR paid:BOOL doc:JSONB at:TIMESTAMPTZ",
        ),
        (
            "SELECT count(*), sum(qty), max(price), min(name) FROM item",
            "count:INT8 sum:INT8 max:FLOAT4 min:TEXT",
        ),
        (
            "SELECT i.id AS item, i.qty + 1 AS more, NOT paid AS open FROM item i",
            "item:INT4 more:INT4 open:BOOL",
        ),
        (
            "SELECT 1 AS one, 'x' AS x, 1 = 1 AS yes, CAST(2 AS BIGINT) AS two",
            "one:INT4 x:TEXT yes:BOOL two:INT8",
        ),
        (
            "SELECT COALESCE(qty, 0), lower(name), name || '!' FROM item",
            "coalesce:INT4 lower:TEXT ?column?:TEXT",
        ),
        (
            "SELECT EXISTS(SELECT 1 FROM item WHERE qty > 9)",
            "exists:BOOL",
        ),
        (
            "SELECT CAST(sum(order_id) AS BIGINT) AS total, CAST(sum(qty * price) AS DOUBLE PRECISION) FROM item",
            "total:INT8 sum:FLOAT8",
        ),
        (
            "WITH t AS (SELECT order_id, count(*) AS n FROM item GROUP BY order_id) SELECT n, order_id FROM t",
            "n:INT8 order_id:INT8",
        ),
        (
            "SELECT CASE WHEN paid THEN 'yes' ELSE 'no' END FROM item",
            "case:TEXT",
        ),
        (
            "SELECT CAST(at AS TEXT), CAST(doc AS TEXT) AS doc FROM item",
            "at:TEXT doc:TEXT",
        ),
    ] {
        let rows = conn
            .fetch_all(sqlx::query(sql))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns: Vec<String> = rows[0]
            .columns()
            .iter()
            .map(|column| format!("{}:{}", column.name(), column.type_info().name()))
            .collect();
        assert_eq!(columns.join(" "), expected, "{sql}");
    }
    let row = conn
        .fetch_one(sqlx::query(
            "SELECT sum(qty), max(price), CAST(sum(qty * price) AS DOUBLE PRECISION) FROM item",
        ))
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<i64, _>(0),
            row.get::<f32, _>(1),
            row.get::<f64, _>(2)
        ),
        (5, 2.5, 10.5)
    );
}

async fn scripts_run_as_one_transaction(server: &Server) {
    let mut conn = one(server).await;
    let broken =
        "CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1); INSERT INTO a VALUES (1)";
    assert_eq!(code(&conn.execute(broken).await.unwrap_err()), "23505");
    assert_eq!(
        refused(&mut conn, "SELECT * FROM a").await,
        "42P01",
        "the table went with the script"
    );
    let script = "-- a comment; with a semicolon\nCREATE TABLE a (id INT PRIMARY KEY, t TEXT DEFAULT 'x;y'); /* and */ \
                  INSERT INTO a (id) VALUES (1), (2); CREATE INDEX IF NOT EXISTS a_t ON a (t);";
    conn.execute(script).await.unwrap();
    conn.execute("CREATE TABLE IF NOT EXISTS a (id INT PRIMARY KEY); ALTER TABLE a ADD COLUMN IF NOT EXISTS t TEXT;").await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM a WHERE t = 'x;y'")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(count, 2);
}

async fn nulls_sort_last_and_like_minds_case(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE s (id INT PRIMARY KEY, name TEXT)")
        .await
        .unwrap();
    conn.execute("INSERT INTO s VALUES (1, 'Holy'), (2, NULL), (3, 'holy sock'), (4, 'Crossed')")
        .await
        .unwrap();
    for (sql, expected) in [
        ("SELECT id FROM s ORDER BY name, id OFFSET 2", vec![3, 2]),
        ("SELECT id FROM s ORDER BY name DESC LIMIT 1", vec![2]),
        (
            "SELECT id FROM s WHERE name LIKE 'holy%' ORDER BY id",
            vec![3],
        ),
        (
            "SELECT id FROM s WHERE name ILIKE 'HOLY%' ORDER BY id",
            vec![1, 3],
        ),
        (
            "SELECT id FROM s WHERE name IS DISTINCT FROM 'Holy' ORDER BY id",
            vec![2, 3, 4],
        ),
        (
            "SELECT id FROM s WHERE id IN (1, 4) ORDER BY id FOR UPDATE",
            vec![1, 4],
        ),
    ] {
        let ids: Vec<i32> = sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap();
        assert_eq!(ids, expected, "{sql}");
    }
}

async fn writers_take_turns_and_lose_nothing(server: &Server) {
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(8)
        .connect_with(server.options())
        .await
        .unwrap();
    pool.execute("CREATE TABLE counter (id INT PRIMARY KEY, n BIGINT NOT NULL); INSERT INTO counter VALUES (1, 0)").await.unwrap();
    let add = |pool: PgPool| async move {
        for _ in 0..25 {
            let mut tx = pool.begin().await.unwrap();
            let n: i64 = sqlx::query_scalar("SELECT n FROM counter WHERE id = $1 FOR UPDATE")
                .bind(1)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            sqlx::query("UPDATE counter SET n = $1 WHERE id = 1")
                .bind(n + 1)
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    };
    let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(add(pool.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let n: i64 = sqlx::query_scalar("SELECT n FROM counter")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(n, 200);
    pool.close().await;
}

async fn a_statement_that_takes_too_long_is_57014(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("SET statement_timeout = '50ms'")
        .await
        .unwrap();
    assert_eq!(refused(&mut conn, "SELECT pg_sleep(30)").await, "57014");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n";
    assert_eq!(refused(&mut conn, endless).await, "57014");
    conn.execute("RESET statement_timeout").await.unwrap();
    conn.execute("SELECT pg_sleep(0.001)").await.unwrap();
}

async fn wrong_credentials_are_refused(server: &Server) {
    for (options, expected) in [
        (server.options().password("wrong"), "28P01"),
        (server.options().username("nobody"), "28P01"),
        (server.options().database("nowhere"), "3D000"),
    ] {
        let error = options.connect().await.expect_err(expected);
        assert_eq!(code(&error), expected);
    }
}

async fn rows_are_streamed_and_counted(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE many (id BIGSERIAL PRIMARY KEY, t TEXT NOT NULL)")
        .await
        .unwrap();
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO many (t) SELECT 'row' FROM n";
    assert_eq!(
        conn.execute(sqlx::query(insert))
            .await
            .unwrap()
            .rows_affected(),
        5000
    );
    let page = sqlx::query("SELECT id FROM many ORDER BY id LIMIT $1 OFFSET $2")
        .bind(10_i64)
        .bind(4995_i64)
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(page.len(), 5);
    assert_eq!(
        conn.fetch_all("SELECT id, t FROM many")
            .await
            .unwrap()
            .len(),
        5000
    );
    conn.execute("TRUNCATE TABLE many RESTART IDENTITY")
        .await
        .unwrap();
    let id: i64 = sqlx::query_scalar("INSERT INTO many (t) VALUES ('x') RETURNING id")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(id, 1);
}

async fn times_and_json_pass_as_text(server: &Server) {
    let mut conn = one(server).await;
    conn.execute("CREATE TABLE doc (id INT PRIMARY KEY, body JSONB NOT NULL DEFAULT '{}', at TIMESTAMPTZ NOT NULL DEFAULT now())").await.unwrap();
    conn.execute("SET TIME ZONE 'UTC'").await.unwrap();
    let insert =
        "INSERT INTO doc (id, body, at) VALUES ($1, CAST($2 AS JSONB), CAST($3 AS TIMESTAMPTZ))";
    sqlx::query(insert)
        .bind(1)
        .bind(r#"{"a": [1, "x"]}"#)
        .bind("2025-10-18T11:24:28.84+02:00")
        .execute(&mut conn)
        .await
        .unwrap();
    let row = sqlx::query("SELECT CAST(body AS TEXT), CAST(at AS TEXT), body->>'a' FROM doc")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(row.get(0)).unwrap();
    assert_eq!(body, serde_json::json!({"a": [1, "x"]}));
    assert_eq!(row.get::<&str, _>(1), "2025-10-18 09:24:28.84+00");
    let epoch: i64 =
        sqlx::query_scalar("SELECT CAST(EXTRACT(EPOCH FROM at) * 1000 AS BIGINT) FROM doc")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(epoch, 1_760_779_468_840);
    conn.execute("INSERT INTO doc (id) VALUES (2)")
        .await
        .unwrap();
    let recent: i64 =
        sqlx::query_scalar("SELECT count(*) FROM doc WHERE at > now() - INTERVAL '5 minutes'")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(recent, 1);
    let bad = sqlx::query(insert)
        .bind(3)
        .bind("{")
        .bind("now")
        .execute(&mut conn)
        .await
        .unwrap_err();
    assert_eq!(code(&bad), "22P02");
}

async fn the_server_tells_its_settings(server: &Server) {
    let mut conn = one(server).await;
    let version: String = sqlx::query_scalar("SELECT version()")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert!(version.starts_with("PostgreSQL "), "{version}");
    let encoding: String = sqlx::query_scalar("SHOW server_encoding")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(encoding, "UTF8");
    let name: String = sqlx::query_scalar("SELECT CAST(current_database() AS TEXT)")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(name, server.database());
    assert_eq!(refused(&mut conn, "SHOW no_such_setting").await, "42704");
    let tables: Vec<String> = sqlx::query_scalar("SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'")
        .fetch_all(&mut conn).await.unwrap();
    assert_eq!(tables, Vec::<String>::new());
    conn.ping().await.unwrap();
}

// What only the embedded server can be told.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_answer_with_their_codes() {
    let server = Server::embedded(|config| config.max_connections = 1).await;
    let first = one(&server).await;
    let error = server.options().connect().await.unwrap_err();
    assert_eq!(code(&error), "53300");
    assert_eq!(
        error.as_database_error().unwrap().message(),
        "sorry, too many clients already"
    );
    first.close().await.unwrap();
    server.stop().await;

    let server = Server::embedded(|config| config.faults.startup = Duration::from_secs(60)).await;
    assert_eq!(
        code(&server.options().connect().await.unwrap_err()),
        "57P03"
    );
    server.stop().await;

    let server = Server::embedded(|config| config.faults.read_only = true).await;
    assert_eq!(
        refused(&mut one(&server).await, "CREATE TABLE t (id INT)").await,
        "25006"
    );
    server.stop().await;

    let server = Server::embedded(|config| config.faults.max_bytes = Some(200_000)).await;
    let mut conn = one(&server).await;
    conn.execute("CREATE TABLE t (x TEXT)").await.unwrap();
    let fill =
        "INSERT INTO t SELECT '0123456789012345678901234567890123456789' FROM generate_numbers";
    let fill = fill.replace("generate_numbers", "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n) AS n");
    assert_eq!(
        code(
            &sqlx::query(sqlx::AssertSqlSafe(fill))
                .execute(&mut conn)
                .await
                .unwrap_err()
        ),
        "53100"
    );
    conn.execute("INSERT INTO t VALUES ('small')")
        .await
        .unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_outlives_the_server_and_metrics_count() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let server = Server::embedded(|config| config.data.clone_from(&data)).await;
    let mut conn = one(&server).await;
    conn.execute("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    let metrics = reqwest::get(server.metrics.clone().unwrap())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "pg_up 1",
        "pg_stat_database_numbackends{datname=\"shopdb\"} 1",
        "pg_settings_max_connections 100",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    server.stop().await;
    let server = Server::embedded(|config| config.data.clone_from(&data)).await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&mut one(&server).await)
        .await
        .unwrap();
    assert_eq!(count, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_works() {
    let Some(psql) = program("psql", &[]) else {
        return skipped("psql", "postgresql-client");
    };
    let server = Server::embedded(|_| {}).await;
    let run = async |command: &str| {
        let output = tokio::process::Command::new(&psql)
            .arg(server.url())
            .args(["-X", "-c", command])
            .output()
            .await
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    assert_eq!(
        run("CREATE TABLE sock (id INT PRIMARY KEY, name TEXT)").await,
        "CREATE TABLE\n"
    );
    assert_eq!(
        run("INSERT INTO sock VALUES (1, 'Holy'), (2, NULL)").await,
        "INSERT 0 2\n"
    );
    assert_eq!(
        run("SELECT * FROM sock ORDER BY id").await,
        " id | name \n----+------\n  1 | Holy\n  2 | \n(2 rows)\n\n"
    );
    let tables = run(r"\dt").await;
    assert!(tables.contains(" public | sock | table | shop"), "{tables}");
    let error = run("SELECT * FROM shoes").await;
    assert!(
        error.contains("ERROR:  relation \"shoes\" does not exist"),
        "{error}"
    );
    server.stop().await;
}

//! Migrations: our own ordered files, each applied once.

use std::time::Duration;

use sqlx::Executor;

use super::{Database, DbError};
use crate::readiness::Readiness;

/// Waits between two attempts.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// One migration: a name, and statements that each end with `;` at the end of a line.
///
/// Statements must bear being applied twice (`IF NOT EXISTS`, `ON CONFLICT DO NOTHING`):
/// two instances may start at once.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The file's name, which orders the migrations.
    pub name: &'static str,
    /// The file's text.
    pub sql: &'static str,
}

impl Database {
    /// Applies what has not been applied, trying again until the database answers.
    pub(crate) async fn migrate(&self, migrations: &[Migration], readiness: &Readiness) {
        let mut wait = FIRST_WAIT;
        let mut said = String::new();
        loop {
            let Err(error) = self.apply(migrations).await else {
                tracing::info!("{} is migrated", self.peer);
                return readiness.done(self.peer);
            };
            let error = error.to_string();
            if error != said {
                tracing::warn!("waiting for {}: {error}", self.peer);
                readiness.wait(self.peer, error.clone());
                said = error;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn apply(&self, migrations: &[Migration]) -> Result<(), DbError> {
        self.plain("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)")
            .await?;
        let applied = self.rows("SELECT name FROM schema_migrations", &[]).await?;
        let applied: Vec<_> = applied
            .iter()
            .filter_map(|row| row.text("name").ok())
            .collect();
        for migration in migrations {
            if applied.iter().any(|name| name == migration.name) {
                continue;
            }
            for statement in statements(migration.sql) {
                self.plain(statement).await?;
            }
            let insert =
                "INSERT INTO schema_migrations (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
            self.execute(insert, &[migration.name.into()]).await?;
        }
        Ok(())
    }

    async fn plain(&self, sql: &'static str) -> Result<(), DbError> {
        let work = async |connection: &mut sqlx::PgConnection| {
            connection.execute(sqlx::raw_sql(sql)).await
        };
        self.measured(sql, work).await.map(drop)
    }
}

/// The statements of a file: each ends with `;` at the end of a line; lines that start
/// with `--` before a statement are comments.
fn statements(sql: &'static str) -> impl Iterator<Item = &'static str> {
    sql.split(";\n")
        .map(without_comments)
        .filter(|statement| !statement.is_empty())
}

fn without_comments(statement: &'static str) -> &'static str {
    let mut rest = statement.trim();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after).trim();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_split_at_semicolons_that_end_a_line() {
        let sql = "-- socks\nCREATE TABLE a (b TEXT);\n\nINSERT INTO a VALUES ('x;y'),\n ('z');\n-- end\n";
        let found: Vec<_> = statements(sql).collect();
        assert_eq!(
            found,
            [
                "CREATE TABLE a (b TEXT)",
                "INSERT INTO a VALUES ('x;y'),\n ('z')"
            ]
        );
    }
}

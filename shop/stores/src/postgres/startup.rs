//! How a session begins: who may log in, to which database, with which settings; and how it is told to end.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::auth::md5pass::{Md5PasswordAuthStartupHandler, hash_md5_password};
use pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler,
};
use pgwire::api::{ClientInfo, METADATA_DATABASE, METADATA_USER};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use super::VERSION;
use super::errors::fatal;
use super::handlers::Connection;
use super::server::Shared;

/// The exchange of passwords.
pub(super) type Login = Md5PasswordAuthStartupHandler<Credentials, DefaultServerParameterProvider>;

pub(super) fn login(shared: Arc<Shared>) -> Login {
    let mut parameters = DefaultServerParameterProvider::default();
    parameters.server_version = VERSION.to_owned();
    parameters.time_zone = "UTC".to_owned();
    Login::new(Arc::new(Credentials { shared }), Arc::new(parameters))
}

/// The one user that may log in.
pub(super) struct Credentials {
    shared: Arc<Shared>,
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "async_trait needs the signature as the trait has it"
)]
#[async_trait]
impl AuthSource for Credentials {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let salt: [u8; 4] = rand::random();
        let user = login.user().unwrap_or_default();
        let config = &self.shared.config;
        let password = if user == config.user {
            config.password.clone()
        } else {
            uuid::Uuid::new_v4().to_string()
        };
        Ok(Password::new(
            Some(salt.to_vec()),
            hash_md5_password(user, &password, &salt).into_bytes(),
        ))
    }
}

#[async_trait]
impl StartupHandler for Connection {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if let PgWireFrontendMessage::Startup(startup) = &message {
            self.shared.ready()?;
            let slot = self.shared.clone().slot()?;
            // The first startup message of a connection is the only one.
            let _ = self.slot.set(slot);
            if startup
                .parameters
                .get(METADATA_USER)
                .is_none_or(String::is_empty)
            {
                return Err(fatal(
                    "28000",
                    "no PostgreSQL user name specified in startup packet",
                ));
            }
        }
        let answer = matches!(message, PgWireFrontendMessage::PasswordMessageFamily(_));
        if answer {
            self.check_database(client)?;
        }
        self.login
            .on_startup(client, message)
            .await
            .map_err(|error| match error {
                PgWireError::InvalidPassword(user) => fatal(
                    "28P01",
                    &format!("password authentication failed for user \"{user}\""),
                ),
                other => other,
            })?;
        if answer {
            self.apply_startup_settings(client).await?;
        }
        Ok(())
    }
}

impl Connection {
    fn check_database<C: ClientInfo>(&self, client: &C) -> PgWireResult<()> {
        let metadata = client.metadata();
        let asked = metadata
            .get(METADATA_DATABASE)
            .or_else(|| metadata.get(METADATA_USER))
            .map_or("", String::as_str);
        if asked == self.shared.config.database || asked == "postgres" {
            return Ok(());
        }
        Err(fatal(
            "3D000",
            &format!("database \"{asked}\" does not exist"),
        ))
    }

    /// `-c name=value` pairs that clients send when they connect.
    async fn apply_startup_settings<C: ClientInfo>(&self, client: &C) -> PgWireResult<()> {
        let mut session = self.session().await?.lock().await;
        for (name, value) in client.metadata() {
            if name == "options" {
                for pair in value
                    .split("-c")
                    .filter_map(|option| option.trim().trim_start_matches("--").split_once('='))
                {
                    session.settings().set(pair.0.trim(), pair.1.trim());
                }
            } else if !matches!(name.as_str(), "user" | "database" | "client_encoding") {
                session.settings().set(name, value);
            }
        }
        Ok(())
    }
}

/// The message with which the server ends a session.
pub(super) fn goodbye() -> PgWireBackendMessage {
    let error = fatal(
        "57P01",
        "terminating connection due to administrator command",
    );
    PgWireBackendMessage::ErrorResponse(ErrorInfo::from(error).into())
}

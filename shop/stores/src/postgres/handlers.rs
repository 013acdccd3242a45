//! The wire protocol's handlers for simple and extended queries.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{Sink, SinkExt, stream};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_execution_response, send_query_response,
    send_ready_for_query,
};
use pgwire::api::results::{
    DescribePortalResponse, DescribeStatementResponse, FieldInfo, QueryResponse, Response, Tag,
};
use pgwire::api::stmt::{QueryParser, StoredStatement};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireConnectionState, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::Execute;
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use pgwire::messages::simplequery::Query;
use rusqlite::types::Value;
use tokio::sync::{Mutex, OnceCell};

use super::errors::fatal;
use super::lexer::Token;
use super::plan::{Action, Plan, split};
use super::server::{Shared, Slot};
use super::session::{Outcome, Session};
use super::startup::{Login, login};
use super::types;

/// All handlers of one connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) login: Login,
    /// Opened when the client has shown who it is.
    session: OnceCell<Mutex<Session>>,
    pub(super) slot: OnceCell<Slot>,
}

/// A statement of the extended protocol: its text until it runs with known types.
pub(super) type Statement = Arc<Plan>;

impl Connection {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            login: login(shared.clone()),
            shared,
            session: OnceCell::new(),
            slot: OnceCell::new(),
        })
    }

    pub(super) async fn session(&self) -> PgWireResult<&Mutex<Session>> {
        self.session
            .get_or_try_init(|| async {
                let session = Session::open(self.shared.clone());
                session.map(Mutex::new).map_err(|error| {
                    fatal("58030", &format!("could not open the database: {error}"))
                })
            })
            .await
    }

    /// Runs one statement of a simple query, and sends what it came to.
    async fn simple<C>(
        &self,
        client: &mut C,
        session: &mut Session,
        tokens: &[Token],
        status: TransactionStatus,
    ) -> PgWireResult<TransactionStatus>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let plan = session.plan(tokens, &[], status)?;
        let outcome = session
            .run(&plan, &[], &Format::UnifiedText, status)
            .await?;
        let next = next_status(&outcome, status);
        match respond(outcome, &plan, &Format::UnifiedText) {
            Response::Query(rows) => send_query_response(client, rows, true).await?,
            Response::Execution(tag) => send_execution_response(client, tag).await?,
            _ => {}
        }
        Ok(next)
    }

    async fn script<C>(&self, client: &mut C, sql: &str) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let statements = split(sql)?;
        if statements.is_empty() {
            client
                .feed(PgWireBackendMessage::EmptyQueryResponse(
                    EmptyQueryResponse::new(),
                ))
                .await?;
        }
        let mut session = self.session().await?.lock().await;
        let mut status = client.transaction_status();
        let explicit = statements
            .iter()
            .flatten()
            .any(|token| token.is_word("begin") || token.is_word("commit"));
        let implicit = statements.len() > 1 && status == TransactionStatus::Idle && !explicit;
        if implicit {
            session.begin_implicit().await?;
        }
        for tokens in &statements {
            let seen = if implicit {
                TransactionStatus::Transaction
            } else {
                status
            };
            match self.simple(client, &mut session, tokens, seen).await {
                Ok(next) if !implicit => status = next,
                Ok(_) => {}
                Err(error) => {
                    if implicit {
                        session.end_implicit(true)?;
                    }
                    client.set_transaction_status(status);
                    return Err(error);
                }
            }
        }
        if implicit {
            session.end_implicit(false)?;
        }
        client.set_transaction_status(status);
        Ok(())
    }
}

fn next_status(outcome: &Outcome, status: TransactionStatus) -> TransactionStatus {
    match outcome {
        Outcome::Began | Outcome::Resumed => TransactionStatus::Transaction,
        Outcome::Ended(_) => TransactionStatus::Idle,
        _ => status,
    }
}

fn respond(outcome: Outcome, plan: &Plan, format: &Format) -> Response {
    match outcome {
        Outcome::Rows(rows) => {
            let mut response = QueryResponse::new(
                Arc::new(fields(plan, format)),
                stream::iter(rows.into_iter().map(Ok)),
            );
            let tag = if matches!(plan.action, Action::Show(_)) {
                "SHOW"
            } else {
                &plan.tag
            };
            response.set_command_tag(tag);
            Response::Query(response)
        }
        Outcome::Count(rows) => {
            let tag = Tag::new(&plan.tag);
            let counted = plan.tag.starts_with("INSERT")
                || matches!(plan.tag.as_str(), "UPDATE" | "DELETE" | "SELECT");
            Response::Execution(if counted { tag.with_rows(rows) } else { tag })
        }
        Outcome::Done(tag) => Response::Execution(Tag::new(tag.unwrap_or(&plan.tag))),
        Outcome::Began | Outcome::Resumed => Response::Execution(Tag::new(&plan.tag)),
        Outcome::Ended(tag) => Response::Execution(Tag::new(tag)),
    }
}

fn fields(plan: &Plan, format: &Format) -> Vec<FieldInfo> {
    let field = |(at, column): (usize, &super::plan::Column)| {
        FieldInfo::new(
            column.name.clone(),
            None,
            None,
            column.ty.clone(),
            format.format_for(at),
        )
        .with_type_size(types::width(&column.ty))
    };
    plan.columns.iter().enumerate().map(field).collect()
}

#[async_trait]
impl SimpleQueryHandler for Connection {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        self.script(client, &query.query).await?;
        let status = client.transaction_status();
        send_ready_for_query(client, status).await
    }

    async fn do_query<C>(&self, _client: &mut C, _query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Ok(Vec::new())
    }
}

/// Plans statements for [`ExtendedQueryHandler`].
pub(super) struct Planner(Arc<Connection>);

#[async_trait]
impl QueryParser for Planner {
    type Statement = Statement;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let status = client.transaction_status();
        let mut statements = split(sql)?;
        let Some(tokens) = statements.pop() else {
            return Ok(None);
        };
        if !statements.is_empty() {
            return Err(super::errors::refuse(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let session = self.0.session().await?.lock().await;
        session
            .plan(&tokens, types, status)
            .map(|plan| Some(Arc::new(plan)))
    }

    fn get_parameter_types(&self, plan: &Statement) -> PgWireResult<Vec<Type>> {
        Ok(plan.params.clone())
    }

    fn get_result_schema(
        &self,
        plan: &Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        Ok(fields(plan, format.unwrap_or(&Format::UnifiedText)))
    }
}

/// The extended protocol over the same session.
pub(super) struct Extended(pub(super) Arc<Connection>);

#[async_trait]
impl ExtendedQueryHandler for Extended {
    type Statement = Statement;
    type QueryParser = Planner;

    fn query_parser(&self) -> Arc<Planner> {
        Arc::new(Planner(self.0.clone()))
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.clone();
        self._on_execute(client, message).await?;
        // The library knows BEGIN and COMMIT; the way back from a failure to a savepoint is told here.
        let session = client
            .session_extensions()
            .get::<Mutex<Option<TransactionStatus>>>();
        if let Some(status) = match session {
            Some(told) => told.lock().await.take(),
            None => None,
        } {
            client.set_transaction_status(status);
            if status == TransactionStatus::Idle && name.is_none() {
                client.portal_store().rm_portal(pgwire::api::DEFAULT_NAME);
            }
        }
        Ok(())
    }

    async fn do_describe_statement<C>(
        &self,
        _client: &mut C,
        target: &StoredStatement<Statement>,
    ) -> PgWireResult<DescribeStatementResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let plan = &target.statement;
        Ok(DescribeStatementResponse::new(
            plan.params.clone(),
            fields(plan, &Format::UnifiedText),
        ))
    }

    async fn do_describe_portal<C>(
        &self,
        _client: &mut C,
        target: &Portal<Statement>,
    ) -> PgWireResult<DescribePortalResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Ok(DescribePortalResponse::new(fields(
            &target.statement.statement,
            &target.result_column_format,
        )))
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let plan = &portal.statement.statement;
        let params = parameters(portal)?;
        let status = client.transaction_status();
        let format = &portal.result_column_format;
        let outcome = self
            .0
            .session()
            .await?
            .lock()
            .await
            .run(plan, &params, format, status)
            .await?;
        let next = next_status(&outcome, status);
        let told = client
            .session_extensions()
            .get_or_insert_with(|| Mutex::new(None::<TransactionStatus>));
        *told.lock().await = Some(next);
        Ok(respond(outcome, plan, format))
    }
}

fn parameters(portal: &Portal<Statement>) -> PgWireResult<Vec<Value>> {
    let plan = &portal.statement.statement;
    let wanted = plan.params.len();
    if portal.parameters.len() != wanted {
        let given = portal.parameters.len();
        return Err(super::errors::refuse(
            "08P01",
            &format!(
                "bind message supplies {given} parameters, but prepared statement \"\" requires {wanted}"
            ),
        ));
    }
    let decode = |(at, raw): (usize, &Option<bytes::Bytes>)| {
        types::decode(
            &plan.params[at],
            portal.parameter_format.format_for(at),
            raw.as_deref(),
        )
    };
    portal.parameters.iter().enumerate().map(decode).collect()
}

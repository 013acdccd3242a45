//! One client: who it is, its transaction, and the commands about it and the server.

use std::sync::Arc;

use bytes::Bytes;

use super::commands::{COMMANDS, Command, Effect, Group, SYNTAX, find, integer, run, text, upper};
use super::data::{DATABASES, glob, now};
use super::resp::{Reply, Version};
use super::server::{Shared, State};
use super::{VERSION, bytes};

/// What the server knows of one client.
#[derive(Debug)]
pub(super) struct Client {
    id: u64,
    name: Bytes,
    database: usize,
    trusted: bool,
    pub(super) version: Version,
    /// The commands after MULTI; `Err` when one of them was refused.
    queued: Option<Result<Vec<Vec<Bytes>>, ()>>,
    /// It said QUIT.
    pub(super) leaves: bool,
}

impl Client {
    pub(super) fn new(id: u64, trusted: bool) -> Self {
        Self {
            id,
            name: Bytes::new(),
            database: 0,
            trusted,
            version: Version::Two,
            queued: None,
            leaves: false,
        }
    }

    /// Answers one command.
    pub(super) fn answer(&mut self, args: &[Bytes], shared: &Arc<Shared>) -> Reply {
        let command = match find(args) {
            Ok(command) => command,
            Err(error) => {
                self.spoil();
                return error;
            }
        };
        if !self.trusted && !matches!(command.name, "AUTH" | "HELLO" | "QUIT" | "RESET") {
            return Reply::error("NOAUTH Authentication required.");
        }
        let mut state = shared.state();
        state.commands += 1;
        if let Some(error) = refused(command, shared, &mut state) {
            self.spoil();
            return error;
        }
        if let Some(queue) = &mut self.queued
            && !matches!(
                command.name,
                "EXEC" | "DISCARD" | "MULTI" | "QUIT" | "RESET"
            )
        {
            if let Ok(queue) = queue {
                // A copy, so that the queue does not hold on to the receive buffer.
                queue.push(args.iter().map(|arg| Bytes::copy_from_slice(arg)).collect());
            }
            return Reply::Simple("QUEUED");
        }
        self.perform(command, args, shared, &mut state)
    }

    fn perform(
        &mut self,
        command: &Command,
        args: &[Bytes],
        shared: &Arc<Shared>,
        state: &mut State,
    ) -> Reply {
        if command.group == Group::Session {
            self.session(command.name, args, shared, state)
                .unwrap_or_else(|error| error)
        } else {
            run(command, &mut state.keys, self.database, args)
        }
    }

    /// A transaction with a refused command cannot be executed.
    fn spoil(&mut self) {
        if let Some(queue) = &mut self.queued {
            *queue = Err(());
        }
    }

    fn session(
        &mut self,
        name: &str,
        args: &[Bytes],
        shared: &Arc<Shared>,
        state: &mut State,
    ) -> Result<Reply, Reply> {
        Ok(match name {
            "PING" => args
                .get(1)
                .map_or(Reply::Simple("PONG"), |text| Reply::Bulk(text.clone())),
            "ECHO" => Reply::Bulk(args[1].clone()),
            "AUTH" => {
                let password = args.last().cloned().unwrap_or_default();
                self.log_in(&password, state)?;
                Reply::OK
            }
            "HELLO" => self.hello(args, state)?,
            "SELECT" => {
                let database = integer(&args[1])?;
                let known = usize::try_from(database)
                    .ok()
                    .filter(|database| *database < DATABASES);
                self.database =
                    known.ok_or_else(|| Reply::error("ERR DB index is out of range"))?;
                Reply::OK
            }
            "CLIENT" => self.client(args, state)?,
            "QUIT" => {
                self.leaves = true;
                Reply::OK
            }
            "RESET" => {
                let trusted = state.password.is_none();
                *self = Self::new(self.id, trusted);
                Reply::Simple("RESET")
            }
            "COMMAND" => commands(args),
            "CONFIG" => config(args, shared, state)?,
            "INFO" => Reply::text(&info(shared, state)),
            "TIME" => {
                let now = now();
                Reply::Array(vec![
                    Reply::text(&(now / 1000).to_string()),
                    Reply::text(&(now % 1000 * 1000).to_string()),
                ])
            }
            "ROLE" => Reply::Array(vec![
                Reply::text("master"),
                Reply::Int(0),
                Reply::Array(Vec::new()),
            ]),
            "DBSIZE" => Reply::Int(state.keys.keys(self.database).len() as i64),
            "FLUSHALL" => {
                state.keys.clear(None);
                Reply::OK
            }
            "FLUSHDB" => {
                state.keys.clear(Some(self.database));
                Reply::OK
            }
            "MULTI" => {
                if self.queued.is_some() {
                    return Err(Reply::error("ERR MULTI calls can not be nested"));
                }
                self.queued = Some(Ok(Vec::new()));
                Reply::OK
            }
            "DISCARD" => {
                if self.queued.take().is_none() {
                    return Err(Reply::error("ERR DISCARD without MULTI"));
                }
                Reply::OK
            }
            "EXEC" => {
                let queued = self
                    .queued
                    .take()
                    .ok_or_else(|| Reply::error("ERR EXEC without MULTI"))?;
                let queued = queued.map_err(|()| {
                    Reply::error("EXECABORT Transaction discarded because of previous errors.")
                })?;
                let each = |args: &Vec<Bytes>| {
                    find(args).map_or_else(
                        |error| error,
                        |command| self.perform(command, args, shared, state),
                    )
                };
                Reply::Array(queued.iter().map(each).collect())
            }
            other => Reply::Error(format!("ERR unknown command '{other}'")),
        })
    }

    fn log_in(&mut self, password: &[u8], state: &State) -> Result<(), Reply> {
        match &state.password {
            None => Err(Reply::error(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
            )),
            Some(wanted) if wanted.as_bytes() == password => {
                self.trusted = true;
                Ok(())
            }
            Some(_) => {
                tracing::warn!(client = self.id, "invalid password");
                Err(Reply::error(
                    "WRONGPASS invalid username-password pair or user is disabled.",
                ))
            }
        }
    }

    /// HELLO [2 | 3 [AUTH user password] [SETNAME name]]
    fn hello(&mut self, args: &[Bytes], state: &State) -> Result<Reply, Reply> {
        let version = match args.get(1).map(|version| text(version)).as_deref() {
            None => self.version,
            Some("2") => Version::Two,
            Some("3") => Version::Three,
            Some(_) => return Err(Reply::error("NOPROTO unsupported protocol version")),
        };
        let mut options = args.iter().skip(2);
        while let Some(option) = options.next() {
            match upper(option).as_str() {
                "AUTH" => {
                    let password = options.nth(1).ok_or_else(|| Reply::error(SYNTAX))?;
                    self.log_in(password, state)?;
                }
                "SETNAME" => {
                    self.name = options
                        .next()
                        .cloned()
                        .ok_or_else(|| Reply::error(SYNTAX))?;
                }
                _ => return Err(Reply::error(SYNTAX)),
            }
        }
        if !self.trusted {
            return Err(Reply::error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
            ));
        }
        self.version = version;
        let proto = if version == Version::Three { 3 } else { 2 };
        Ok(Reply::Map(vec![
            (Reply::text("server"), Reply::text("redis")),
            (Reply::text("version"), Reply::text(VERSION)),
            (Reply::text("proto"), Reply::Int(proto)),
            (
                Reply::text("id"),
                Reply::Int(i64::try_from(self.id).unwrap_or(i64::MAX)),
            ),
            (Reply::text("mode"), Reply::text("standalone")),
            (Reply::text("role"), Reply::text("master")),
            (Reply::text("modules"), Reply::Array(Vec::new())),
        ]))
    }

    fn client(&mut self, args: &[Bytes], state: &State) -> Result<Reply, Reply> {
        Ok(match upper(&args[1]).as_str() {
            "SETNAME" => {
                self.name = args
                    .get(2)
                    .map(|name| Bytes::copy_from_slice(name))
                    .ok_or_else(|| Reply::error(SYNTAX))?;
                Reply::OK
            }
            "GETNAME" if self.name.is_empty() => Reply::Nil,
            "GETNAME" => Reply::Bulk(self.name.clone()),
            "SETINFO" | "NO-EVICT" | "NO-TOUCH" => Reply::OK,
            "ID" => Reply::Int(i64::try_from(self.id).unwrap_or(i64::MAX)),
            "LIST" | "INFO" => {
                let name = text(&self.name);
                Reply::text(&format!(
                    "id={} name={name} db={} clients={}\n",
                    self.id, self.database, state.clients
                ))
            }
            other => {
                return Err(Reply::Error(format!(
                    "ERR unknown subcommand '{other}'. Try CLIENT HELP."
                )));
            }
        })
    }
}

/// Why a command cannot run now.
fn refused(command: &Command, shared: &Shared, state: &mut State) -> Option<Reply> {
    let faults = &shared.config.faults;
    if shared.started.elapsed() < faults.loading && command.group != Group::Session {
        return Some(Reply::error(
            "LOADING Redis is loading the dataset in memory",
        ));
    }
    if faults.read_only && command.effect != Effect::Reads {
        return Some(Reply::error(
            "READONLY You can't write against a read only replica.",
        ));
    }
    if command.effect != Effect::Grows
        || state.max_memory == 0
        || state.keys.memory <= state.max_memory
    {
        return None;
    }
    state.keys.expire_all();
    let evicts = state.eviction == super::Eviction::LeastRecentlyUsed;
    if state.keys.memory <= state.max_memory || (evicts && state.keys.evict_to(state.max_memory)) {
        return None;
    }
    Some(Reply::error(
        "OOM command not allowed when used memory > 'maxmemory'.",
    ))
}

fn commands(args: &[Bytes]) -> Reply {
    let each = |command: &Command| {
        let flag = if command.effect == Effect::Reads {
            "readonly"
        } else {
            "write"
        };
        Reply::Array(vec![
            Reply::text(&command.name.to_lowercase()),
            Reply::Int(command.arity),
            Reply::Array(vec![Reply::Simple(flag)]),
            Reply::Int(i64::from(command.group != Group::Session)),
            Reply::Int(i64::from(command.group != Group::Session)),
            Reply::Int(i64::from(command.group != Group::Session)),
        ])
    };
    match args.get(1).map(|sub| upper(sub)).as_deref() {
        Some("COUNT") => Reply::Int(COMMANDS.len() as i64),
        Some("DOCS") => Reply::Map(Vec::new()),
        _ => Reply::Array(COMMANDS.iter().map(each).collect()),
    }
}

fn config(args: &[Bytes], shared: &Shared, state: &mut State) -> Result<Reply, Reply> {
    let subcommand = upper(&args[1]);
    if subcommand == "RESETSTAT" {
        state.commands = 0;
        return Ok(Reply::OK);
    }
    if subcommand == "GET" {
        let all = [
            ("maxmemory", state.max_memory.to_string()),
            ("maxmemory-policy", state.eviction.name().to_owned()),
            ("maxclients", shared.config.max_clients.to_string()),
            ("requirepass", state.password.clone().unwrap_or_default()),
            ("databases", DATABASES.to_string()),
            ("save", String::new()),
            ("appendonly", "no".to_owned()),
            ("timeout", "0".to_owned()),
        ];
        let wanted = |name: &str| {
            args[2..]
                .iter()
                .any(|pattern| glob(&pattern.to_ascii_lowercase(), name.as_bytes()))
        };
        let found = all.iter().filter(|(name, _)| wanted(name));
        return Ok(Reply::Map(
            found
                .map(|(name, value)| (Reply::text(name), Reply::text(value)))
                .collect(),
        ));
    }
    if subcommand != "SET" || args.len() < 4 {
        return Err(Reply::Error(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try CONFIG HELP.",
            text(&args[1])
        )));
    }
    let (name, value) = (text(&args[2]).to_lowercase(), text(&args[3]));
    let invalid = || {
        Reply::Error(format!(
            "ERR CONFIG SET failed (possibly related to argument '{name}') - argument couldn't be parsed"
        ))
    };
    match name.as_str() {
        "maxmemory" => state.max_memory = bytes(&value).ok_or_else(invalid)?,
        "maxmemory-policy" => state.eviction = value.parse().map_err(|_| invalid())?,
        "requirepass" => state.password = Some(value).filter(|value| !value.is_empty()),
        _ => {
            return Err(Reply::Error(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )));
        }
    }
    Ok(Reply::OK)
}

fn info(shared: &Shared, state: &State) -> String {
    let keys = &state.keys;
    let mut text = format!(
        "# Server\r\nredis_version:{VERSION}\r\nredis_mode:standalone\r\nprocess_id:{}\r\ntcp_port:{}\r\nuptime_in_seconds:{}\r\n\r\n\
         # Clients\r\nconnected_clients:{}\r\nmaxclients:{}\r\n\r\n\
         # Memory\r\nused_memory:{}\r\nmaxmemory:{}\r\nmaxmemory_policy:{}\r\n\r\n\
         # Persistence\r\nloading:{}\r\n\r\n\
         # Stats\r\ntotal_connections_received:{}\r\ntotal_commands_processed:{}\r\nrejected_connections:{}\r\nexpired_keys:{}\r\n\
         evicted_keys:{}\r\nkeyspace_hits:{}\r\nkeyspace_misses:{}\r\n\r\n\
         # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n# Keyspace\r\n",
        std::process::id(),
        shared.port,
        shared.started.elapsed().as_secs(),
        state.clients,
        shared.config.max_clients,
        keys.memory,
        state.max_memory,
        state.eviction.name(),
        u8::from(shared.started.elapsed() < shared.config.faults.loading),
        state.accepted,
        state.commands,
        state.rejected,
        keys.expired,
        keys.evicted,
        keys.hits,
        keys.misses,
    );
    for database in 0..DATABASES {
        let (count, expiring) = keys.size(database);
        if count > 0 {
            text.push_str(&format!(
                "db{database}:keys={count},expires={expiring},avg_ttl=0\r\n"
            ));
        }
    }
    text
}

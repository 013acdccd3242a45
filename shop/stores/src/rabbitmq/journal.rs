//! What outlives the server: durable exchanges and queues, bindings, and persistent messages, in a file that is only appended to.
//!
//! A line is one record in JSON. A record is written in one call before it is confirmed, so a killed server loses nothing that it confirmed; a
//! torn last line (a power cut) is left out. The file is written anew with what is alive at the start, and when most of it is about the past.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::FieldTable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::queue::Message;
use super::routing::Kind;

/// Records after which the file may be written anew.
const MANY: u64 = 50_000;

/// One change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    Exchange {
        name: String,
        kind: Kind,
    },
    DeleteExchange {
        name: String,
    },
    Queue {
        name: String,
        arguments: FieldTable,
    },
    DeleteQueue {
        name: String,
    },
    Bind {
        exchange: String,
        key: String,
        queue: String,
    },
    Unbind {
        exchange: String,
        key: String,
        queue: String,
    },
    Policy {
        name: String,
        policy: Policy,
    },
    DeletePolicy {
        name: String,
    },
    Message {
        queue: String,
        id: u64,
        exchange: String,
        key: String,
        properties: Box<AMQPProperties>,
        body: String,
    },
    Gone {
        queue: String,
        id: u64,
    },
}

impl Record {
    pub(super) fn message(queue: &str, id: u64, message: &Message) -> Self {
        Self::Message {
            queue: queue.to_owned(),
            id,
            exchange: message.exchange.clone(),
            key: message.routing_key.clone(),
            properties: Box::new(message.properties.clone()),
            body: STANDARD_NO_PAD.encode(&message.body),
        }
    }
}

/// What the file says is alive.
#[derive(Debug, Default)]
pub(super) struct Alive {
    pub(super) exchanges: BTreeMap<String, Kind>,
    pub(super) queues: BTreeMap<String, FieldTable>,
    /// Exchange, key, queue.
    pub(super) bindings: Vec<(String, String, String)>,
    pub(super) policies: BTreeMap<String, Policy>,
    /// By queue, in order.
    pub(super) messages: BTreeMap<String, BTreeMap<u64, Message>>,
}

impl Alive {
    fn apply(&mut self, record: Record) {
        match record {
            Record::Exchange { name, kind } => {
                self.exchanges.insert(name, kind);
            }
            Record::DeleteExchange { name } => {
                self.exchanges.remove(&name);
                self.bindings.retain(|(exchange, _, _)| *exchange != name);
            }
            Record::Queue { name, arguments } => {
                self.queues.insert(name, arguments);
            }
            Record::DeleteQueue { name } => {
                self.queues.remove(&name);
                self.messages.remove(&name);
                self.bindings.retain(|(_, _, queue)| *queue != name);
            }
            Record::Bind {
                exchange,
                key,
                queue,
            } => self.bindings.push((exchange, key, queue)),
            Record::Unbind {
                exchange,
                key,
                queue,
            } => {
                self.bindings
                    .retain(|binding| *binding != (exchange.clone(), key.clone(), queue.clone()));
            }
            Record::Policy { name, policy } => {
                self.policies.insert(name, policy);
            }
            Record::DeletePolicy { name } => {
                self.policies.remove(&name);
            }
            Record::Message {
                queue,
                id,
                exchange,
                key,
                properties,
                body,
            } => {
                let body = STANDARD_NO_PAD.decode(body).unwrap_or_default().into();
                let message = Message {
                    exchange,
                    routing_key: key,
                    properties: *properties,
                    body,
                };
                self.messages.entry(queue).or_default().insert(id, message);
            }
            Record::Gone { queue, id } => {
                if let Some(messages) = self.messages.get_mut(&queue) {
                    messages.remove(&id);
                }
            }
        }
    }

    fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let exchanges = self.exchanges.iter().map(|(name, kind)| Record::Exchange {
            name: name.clone(),
            kind: *kind,
        });
        let queues = self.queues.iter().map(|(name, arguments)| Record::Queue {
            name: name.clone(),
            arguments: arguments.clone(),
        });
        let bindings = self
            .bindings
            .iter()
            .map(|(exchange, key, queue)| Record::Bind {
                exchange: exchange.clone(),
                key: key.clone(),
                queue: queue.clone(),
            });
        let policies = self.policies.iter().map(|(name, policy)| Record::Policy {
            name: name.clone(),
            policy: policy.clone(),
        });
        let messages = self.messages.iter().flat_map(|(queue, messages)| {
            messages
                .iter()
                .map(move |(id, message)| Record::message(queue, *id, message))
        });
        exchanges
            .chain(queues)
            .chain(bindings)
            .chain(policies)
            .chain(messages)
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Records since the file was written anew.
    records: u64,
}

impl Journal {
    /// Reads what is alive, and writes the file anew.
    pub(super) fn open(folder: &Path) -> std::io::Result<(Self, Alive)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("journal.jsonl");
        let alive = read(&path)?;
        let file = rewrite(&path, &alive)?;
        Ok((
            Self {
                path,
                file,
                records: 0,
            },
            alive,
        ))
    }

    /// Writes one record.
    pub(super) fn append(&mut self, record: &Record) {
        if let Err(error) = self.write(record) {
            tracing::error!(%error, path = %self.path.display(), "could not write to the journal");
        }
    }

    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.records += 1;
        // Most records are about messages that are gone, unless a queue has grown as long as the file.
        if self.records >= MANY {
            let alive = read(&self.path)?;
            self.file = rewrite(&self.path, &alive)?;
            self.records = 0;
        }
        Ok(())
    }
}

fn read(path: &Path) -> std::io::Result<Alive> {
    let mut alive = Alive::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(alive),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(record) => alive.apply(record),
            Err(error) => tracing::warn!(%error, "a line of the journal is torn and left out"),
        }
    }
    Ok(alive)
}

/// The new file takes the old one's place in one step.
fn rewrite(path: &Path, alive: &Alive) -> std::io::Result<File> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&fresh)?;
    let mut lines = Vec::new();
    for record in alive.records() {
        serde_json::to_writer(&mut lines, &record)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alive_is_read_back_and_torn_lines_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let message = |body: &'static str| Message {
            exchange: String::new(),
            routing_key: "q".to_owned(),
            properties: AMQPProperties::default()
                .with_delivery_mode(2)
                .with_content_type("application/json".into()),
            body: body.into(),
        };
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        journal.append(&Record::Queue {
            name: "q".to_owned(),
            arguments: FieldTable::default(),
        });
        for (id, body) in [(1, "a"), (2, "b"), (3, "c")] {
            journal.append(&Record::message("q", id, &message(body)));
        }
        journal.append(&Record::Gone {
            queue: "q".to_owned(),
            id: 2,
        });
        journal
            .file
            .write_all(b"{\"message\":{\"queue\":\"q\",\"id\":4")
            .unwrap();
        drop(journal);
        let (_, alive) = Journal::open(folder.path()).unwrap();
        assert_eq!(alive.queues.len(), 1);
        let left: Vec<_> = alive.messages["q"]
            .iter()
            .map(|(id, message)| (*id, message.clone()))
            .collect();
        assert_eq!(left, [(1, message("a")), (3, message("c"))]);
    }
}

//! Starting one container: image, environment, volumes, edge, process.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::environment::{self, Environment, Facts};
use super::super::image::{self, Image};
use super::super::lifecycle::{Note, Termination};
use super::super::log::ContainerLog;
use super::super::pod_edge::HOOK_PORT;
use super::super::runtime::{ProcessSpec, StartError};
use super::super::sources::ObjectSources;
use super::super::spec::Container;
use super::super::volume;
use super::unit::{Instance, Surroundings};
use super::{Sandbox, Worker};

/// Why a container's process cannot be described.
#[derive(Debug, thiserror::Error)]
enum PrepareError {
    #[error(transparent)]
    Environment(#[from] environment::EnvError),
    #[error(transparent)]
    Edge(#[from] edge::EdgeError),
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Worker {
    /// Starts the next instance of a container, or notes why it cannot be.
    pub(super) async fn start(&mut self, unit: usize, sandbox: &mut Sandbox) {
        let now = Instant::now();
        let Some(image) = self.pull(unit, now) else {
            return;
        };
        let spec = self.units[unit].spec.clone();
        let process = match self.prepare(&spec, image, unit == self.main, sandbox).await {
            Ok(process) => process,
            Err(error) => {
                let notes = self.units[unit].life.config_failed(error.to_string(), now);
                self.tell(unit, notes);
                return;
            }
        };
        self.launch(unit, process, sandbox).await;
    }

    /// The image of a container, with the Events of a pull.
    fn pull(&mut self, unit: usize, now: Instant) -> Option<Image> {
        let one = &mut self.units[unit];
        let name = one.spec.image.clone();
        let found = image::find(&self.node.images, &name);
        let always = match one.spec.image_pull_policy.as_deref() {
            Some(policy) => policy == "Always",
            None => image::is_latest(&name),
        };
        let mut notes = Vec::new();
        if always || found.is_err() {
            notes.push(Note::normal("Pulling", format!("Pulling image \"{name}\"")));
        }
        let image = match found {
            Ok(image) => {
                notes.push(Note::normal(
                    "Pulled",
                    if always {
                        format!("Successfully pulled image \"{name}\" in 1ms (1ms including waiting). Image size: 0 bytes.")
                    } else {
                        format!("Container image \"{name}\" already present on machine")
                    },
                ));
                Some(image)
            }
            Err(error) => {
                notes.extend(one.life.pull_failed(error, now));
                None
            }
        };
        self.tell(unit, notes);
        image
    }

    /// Everything that a process needs, resolved.
    async fn prepare(
        &self,
        container: &Container,
        image: Image,
        is_main: bool,
        sandbox: &mut Sandbox,
    ) -> Result<ProcessSpec, PrepareError> {
        let metadata = &self.pod.metadata;
        let facts = Facts {
            metadata: metadata.clone(),
            node_name: self.pod.spec.node_name.clone(),
            service_account: self.pod.spec.service_account_name.clone(),
            pod_ip: sandbox.address.ip().to_string(),
            host_ip: self.node.host_ip.to_string(),
        };
        let sources = ObjectSources {
            objects: &self.node.objects,
            namespace: &metadata.namespace,
        };
        let own = environment::environment(container, &facts, &sources)?;
        let mut env = Environment::from([("HOSTNAME".to_owned(), metadata.name.clone())]);
        if is_main {
            environment::set(&mut env, "CONTROL_PORT".into(), HOOK_PORT.to_string());
            if let Some(hash) = &self.node.key_hash {
                environment::set(&mut env, "CONTROL_KEY_SHA256".into(), hash.clone());
            }
        }
        for (name, value) in image.env.into_iter().chain(own) {
            environment::set(&mut env, name, value);
        }
        self.shift_port(&mut env);
        let mounts = volume::mounts(container, &sandbox.volumes);
        let mut env = sandbox
            .edge
            .rewrite(env, &self.node.objects, &self.node.endpoints)
            .await?;
        for (_, value) in &mut env {
            *value = volume::translate(value, &mounts);
        }
        let command = command(container, image.command, &env)
            .iter()
            .map(|arg| volume::translate(arg, &mounts))
            .collect();
        let root = self.folder.join("root").join(&container.name);
        std::fs::create_dir_all(&root).map_err(|source| PrepareError::Folder {
            path: root.clone(),
            source,
        })?;
        let wanted = container.working_dir.as_deref().unwrap_or_default();
        let wanted = PathBuf::from(volume::translate(wanted, &mounts));
        Ok(ProcessSpec {
            command,
            env,
            working_dir: if wanted.is_dir() { wanted } else { root },
            memory_limit: container.memory_limit(),
            cpu_limit: container.cpu_limit(),
        })
    }

    /// `PORT` follows a container port that was shifted.
    fn shift_port(&self, env: &mut Environment) {
        if let Some((_, value)) = env.iter_mut().find(|(name, _)| name == "PORT")
            && let Some(shifted) = value
                .parse()
                .ok()
                .and_then(|port: u16| self.shifts.get(&port))
        {
            *value = shifted.to_string();
        }
    }

    async fn launch(&mut self, unit: usize, process: ProcessSpec, sandbox: &mut Sandbox) {
        let number = self.units[unit].life.attempt(Instant::now());
        let name = self.units[unit].spec.name.clone();
        let id = format!(
            "process://{}{}",
            uuid::Uuid::new_v4().simple(),
            uuid::Uuid::new_v4().simple()
        );
        self.tell(
            unit,
            vec![Note::normal(
                "Created",
                format!("Created container: {name}"),
            )],
        );
        let dir = self.folder.join("logs").join(&name);
        let started = match ContainerLog::create(&dir, number.to_string(), self.node.log_limits) {
            Ok((log, writer)) => {
                self.place.change(&name, |entry| {
                    if let Some(old) = std::mem::replace(&mut entry.previous, entry.log.take()) {
                        old.delete();
                    }
                    entry.log = Some(log);
                    entry.spec = process.clone();
                    entry.peers = sandbox.edge.proxies().clone();
                });
                self.node.runtime.start(process.clone(), writer).await
            }
            Err(error) => Err(StartError::System(format!("cannot write its log: {error}"))),
        };
        match started {
            Ok(running) => {
                self.place
                    .change(&name, |entry| entry.running = Some(running.clone()));
                if unit == self.main {
                    sandbox.edge.main().set(Some(running.clone()));
                }
                let around = Surroundings {
                    unit,
                    ip: sandbox.address.ip(),
                    runtime: &self.node.runtime,
                    events: &self.events,
                };
                let now = Timestamp::now();
                let instance = Instance::new(number, id.clone(), now, running, process, &around);
                let one = &mut self.units[unit];
                one.instance = Some(instance);
                one.kill_at = None;
                let notes = one.life.started(now, id);
                self.tell(unit, notes);
            }
            Err(error) => self.not_started(unit, id, &error),
        }
    }

    fn not_started(&mut self, unit: usize, id: String, error: &StartError) {
        let termination = Termination {
            code: 128,
            reason: "StartError",
            message: Some(error.to_string()),
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::now(),
            container_id: id,
        };
        let mut notes = vec![Note::warning("Failed", format!("Error: {error}"))];
        notes.extend(self.units[unit].life.exited(termination, Instant::now()));
        self.tell(unit, notes);
    }
}

/// `command` replaces the image's program and arguments, `args` alone follows them.
fn command(container: &Container, entry_point: Vec<String>, env: &Environment) -> Vec<String> {
    let own = container
        .command
        .iter()
        .map(|arg| environment::expand(arg, env));
    let own: Vec<String> = own.collect();
    let mut all = if own.is_empty() { entry_point } else { own };
    all.extend(
        container
            .args
            .iter()
            .map(|arg| environment::expand(arg, env)),
    );
    all
}

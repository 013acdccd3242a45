//! One hook: armed with arguments for a lease, and free again by itself.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::arguments::{Arguments, Delay};

/// One hook; clones share it.
#[derive(Clone, Debug)]
pub struct Hook<A: Arguments>(Arc<Inner<A>>);

struct Inner<A> {
    name: &'static str,
    state: Arc<State<A>>,
    effect: Option<Effect<A>>,
    /// The task that runs the effect. Who changes the hook holds the lock.
    task: Mutex<Option<JoinHandle<()>>>,
}

type State<A> = watch::Sender<Option<Armed<A>>>;
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Effect<A> = Box<dyn Fn(A) -> Running + Send + Sync>;

struct Armed<A> {
    args: A,
    until: Instant,
}

impl<A: Arguments> Hook<A> {
    /// A hook that somebody looks at.
    pub fn new(name: &'static str) -> Self {
        Self::made(name, None)
    }

    /// A hook whose effect runs while it is armed. The effect is dropped when the lease ends:
    /// what it holds must end what it did.
    pub fn with_effect<F>(
        name: &'static str,
        effect: impl Fn(A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::made(
            name,
            Some(Box::new(move |args| Box::pin(effect(args)) as Running)),
        )
    }

    fn made(name: &'static str, effect: Option<Effect<A>>) -> Self {
        Self(Arc::new(Inner {
            name,
            state: Arc::new(watch::Sender::new(None)),
            effect,
            task: Mutex::new(None),
        }))
    }

    /// What it is called on the wire.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Arms it for `lease`. The same arguments again renew the lease and leave the effect
    /// alone; others end the effect and begin it anew.
    pub async fn arm(&self, args: A, lease: Duration) {
        let mut task = self.0.task.lock().await;
        let until = Instant::now() + lease;
        if self.renewed(&args, until) {
            return;
        }
        self.end(&mut task).await;
        let effect = self.0.effect.as_ref().map(|effect| effect(args.clone()));
        self.0.state.send_replace(Some(Armed { args, until }));
        *task = effect.map(|effect| tokio::spawn(keep(self.0.state.clone(), effect)));
    }

    /// Ends it at once; its effect is gone when this returns.
    pub async fn disarm(&self) {
        let mut task = self.0.task.lock().await;
        self.end(&mut task).await;
    }

    async fn end(&self, task: &mut Option<JoinHandle<()>>) {
        self.0.state.send_replace(None);
        if let Some(task) = task.take() {
            task.abort();
            // Only a cancelled task is waited for; how it ended says nothing.
            drop(task.await);
        }
    }

    fn renewed(&self, wanted: &A, until: Instant) -> bool {
        self.0.state.send_if_modified(|state| match state {
            Some(armed) if armed.args == *wanted && armed.until > Instant::now() => {
                armed.until = until;
                true
            }
            _ => false,
        })
    }

    /// What it is armed with; `None` when it is not.
    pub fn armed(&self) -> Option<A> {
        let state = self.0.state.borrow();
        let armed = state.as_ref()?;
        (armed.until > Instant::now()).then(|| armed.args.clone())
    }

    /// How much of the lease is left; `None` when it is not armed.
    pub fn left(&self) -> Option<Duration> {
        let until = self.0.state.borrow().as_ref()?.until;
        let left = until.checked_duration_since(Instant::now());
        left.filter(|left| !left.is_zero())
    }

    /// Waits until it is not armed.
    pub async fn released(&self) {
        if self.0.state.borrow().is_none() {
            return;
        }
        lease_end(&mut self.0.state.subscribe()).await;
    }

    /// Waits for `delay`, or until it is no longer armed if that is sooner.
    pub async fn hold(&self, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.released() => {}
        }
    }
}

impl Hook<Delay> {
    /// Waits as long as the hook says; not at all when it is not armed.
    pub async fn wait(&self) {
        if let Some(delay) = self.armed() {
            self.hold(delay.duration()).await;
        }
    }
}

/// Runs an effect until the lease ends.
async fn keep<A>(state: Arc<State<A>>, effect: Running) {
    let mut watched = state.subscribe();
    let lease = async {
        while !is_over(&state) {
            lease_end(&mut watched).await;
        }
    };
    let effect = async {
        effect.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = lease => {}
        () = effect => {}
    }
}

/// Frees a hook whose lease has ended, unless it was renewed just now.
fn is_over<A>(state: &State<A>) -> bool {
    state.send_if_modified(|state| {
        let ended = state
            .as_ref()
            .is_some_and(|armed| armed.until <= Instant::now());
        if ended {
            *state = None;
        }
        ended
    });
    state.borrow().is_none()
}

async fn lease_end<A>(state: &mut watch::Receiver<Option<Armed<A>>>) {
    loop {
        let Some(until) = state.borrow_and_update().as_ref().map(|armed| armed.until) else {
            return;
        };
        tokio::select! {
            () = sleep_until(until) => return,
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

impl<A> Drop for Inner<A> {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().take() {
            task.abort();
        }
    }
}

impl<A> fmt::Debug for Inner<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! What a line does, and what is told of what comes of it. No I/O here.

use engine::ObjectKind;
use model::{Event, Outcome, Response, Timestamp};
use serde_json::json;

use super::answer::filled;
use super::command::{Command, Consent, USAGES, read};
use super::told::Told;
use super::{Mode, answers, ending, events, status};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::{Asker, Message};
use crate::state::{OpenTrace, Source, State};
use crate::story;
use crate::update::{ask, done, update};

/// A session without a screen.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) state: State,
    mode: Mode,
    /// What is done when the next line is `yes`.
    open: Option<Vec<Effect>>,
}

/// What is told now, and what is to be done for the line that was read.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) told: Vec<Told>,
    pub(super) effects: Vec<Effect>,
}

impl Step {
    fn tell(told: Told) -> Self {
        Self {
            told: vec![told],
            effects: Vec::new(),
        }
    }

    fn act(effects: Vec<Effect>) -> Self {
        Self {
            told: Vec::new(),
            effects,
        }
    }
}

impl Console {
    pub(super) fn new(state: State, mode: Mode) -> Self {
        Self {
            state,
            mode,
            open: None,
        }
    }

    /// What a session begins with.
    pub(super) fn briefing(&self) -> Vec<Told> {
        vec![status::briefing(&self.state)]
    }

    /// Time went on; answers what is to be looked at.
    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        update(&mut self.state, Message::Tick(now))
    }

    /// Something happened in the drill.
    pub(super) fn happened(&mut self, event: Event) -> Step {
        let at = event.at;
        let mut told: Vec<Told> = events::event(&event).into_iter().collect();
        update(&mut self.state, Message::Happened(Box::new(event)));
        if let Some(verdict) = &self.state.over {
            told.extend(ending::ending(&self.state, verdict, at));
        }
        Step {
            told,
            effects: Vec::new(),
        }
    }

    /// What was looked at by itself.
    pub(super) fn learn(&mut self, message: Message) -> Step {
        update(&mut self.state, message);
        Step::default()
    }

    /// What a command waited for has come.
    pub(super) fn answered(&mut self, messages: Vec<Message>) -> Step {
        let mut step = Step::default();
        for message in messages {
            step.told.extend(self.tell(&message));
            update(&mut self.state, message);
        }
        step
    }

    /// Does what `line` says.
    pub(super) fn obey(&mut self, line: &str) -> Step {
        let now = self.state.now;
        let command = match read(line, self.mode, &self.state.facts.services) {
            Ok(Some(command)) => command,
            Ok(None) => return Step::default(),
            Err(why) => return Step::tell(Told::error(now, why)),
        };
        match (self.open.take(), command) {
            (Some(effects), Command::Yes) => Step::act(effects),
            (Some(_), Command::No) => Step::tell(Told::new(now, "dropped", "not done")),
            (None, Command::Yes | Command::No) => {
                let why = "nothing was asked; `yes` and `no` answer what a command asks";
                Step::tell(Told::error(now, why))
            }
            (Some(_), command) => {
                let mut step = self.carry_out(command);
                let dropped = "what was asked before is not done: this was no `yes`";
                step.told.insert(0, Told::new(now, "dropped", dropped));
                step
            }
            (None, command) => self.carry_out(command),
        }
    }

    fn carry_out(&mut self, command: Command) -> Step {
        let now = self.state.now;
        let respond = |response| Step::act(vec![Effect::Respond(response)]);
        match command {
            Command::Help => Step::tell(help(now)),
            Command::Status => Step::tell(status::status(&self.state)),
            Command::Acknowledge => respond(Response::Acknowledge),
            Command::Declare(severity) => respond(Response::Declare(severity)),
            Command::Ask(asker, query) => {
                self.state.asking_mut(language(asker)).query = query;
                Step::act(ask(&mut self.state, asker))
            }
            Command::Trace(id) => Step::act(vec![Effect::Trace(id)]),
            Command::Look(tab) => {
                self.state.cluster.tab = tab;
                Step::act(vec![Effect::Look])
            }
            Command::Describe(pod) => {
                Step::act(vec![Effect::Read(Source::Describe(ObjectKind::Pod, pod))])
            }
            Command::PodLogs(pod, instance) => {
                Step::act(vec![Effect::Read(Source::Logs(pod, instance))])
            }
            Command::Act(action, consent) => {
                let kubectl = action.kubectl(self.state.facts.scenario.shop.as_str());
                let touches = self.state.blast_radius(&action);
                let effects = vec![Effect::Respond(Response::Act(action))];
                self.confirm(effects, consent, kubectl, &touches)
            }
            Command::Update(text) => respond(Response::Update(text)),
            Command::Hint => respond(Response::Hint),
            Command::Vocabulary => Step::tell(status::vocabulary(&self.state)),
            Command::Answer(words) => match filled(&self.state.answer, &words) {
                Ok(form) => {
                    self.state.answer = form;
                    Step::act(self.state.answer.submit())
                }
                Err(why) => Step::tell(Told::error(now, why)),
            },
            Command::Resolve(consent) => {
                let means = "Your last diagnosis counts; the drill ends as soon as the shop has held its SLOs for a while.";
                let effects = vec![Effect::Respond(Response::Resolve)];
                self.confirm(effects, consent, "resolve".to_owned(), means)
            }
            Command::Quit(consent) => {
                let means = "The drill ends without a grade; everything is undone and stopped.";
                self.confirm(vec![Effect::Quit], consent, "quit".to_owned(), means)
            }
            // Both were taken as the answer to what was asked.
            Command::Yes | Command::No => Step::default(),
        }
    }

    fn confirm(
        &mut self,
        effects: Vec<Effect>,
        consent: Consent,
        what: String,
        touches: &str,
    ) -> Step {
        match consent {
            Consent::Given => Step::act(effects),
            Consent::Wanted => {
                self.open = Some(effects);
                let text = format!("confirm {what}: {touches} Write `yes` to do it, `no` not to.");
                let told = Told::new(self.state.now, "confirm", text);
                Step::tell(
                    told.with("command", json!(what))
                        .with("touches", json!(touches)),
                )
            }
        }
    }

    /// What is told of an answer.
    fn tell(&self, message: &Message) -> Option<Told> {
        let now = self.state.now;
        Some(match message {
            Message::Answered(asker, answer) => {
                let query = &self.state.asking(language(*asker)).query;
                answers::answer(now, query, answer)
            }
            Message::Traced(Ok(trace)) => answers::trace(now, &OpenTrace::new((**trace).clone())),
            Message::Looked(Ok(seen)) => answers::cluster(now, self.state.cluster.tab, seen),
            Message::Told(source, Ok(lines)) => answers::page(now, source, lines),
            Message::Responded(response, outcome) => responded(now, response, outcome),
            Message::Traced(Err(why)) | Message::Looked(Err(why)) | Message::Told(_, Err(why)) => {
                Told::error(now, why)
            }
            _ => return None,
        })
    }
}

fn responded(now: Timestamp, response: &Response, outcome: &Result<Outcome, String>) -> Told {
    match outcome {
        Ok(Outcome::Refused(why)) | Err(why) => Told::error(now, why),
        Ok(_) => {
            let text =
                done(response).unwrap_or_else(|| story::responded(response, &Outcome::Noted));
            Told::new(now, "done", text).with("response", json!(response))
        }
    }
}

fn language(asker: Asker) -> Language {
    match asker {
        Asker::Metrics => Language::PromQl,
        Asker::Logs => Language::LogQl,
        Asker::Traces => Language::TraceQl,
    }
}

/// All commands.
fn help(now: Timestamp) -> Told {
    let rows = USAGES
        .iter()
        .map(|(usage, means)| format!("{usage}: {means}"));
    let facts: Vec<_> = USAGES
        .iter()
        .map(|(usage, means)| json!({"usage": usage, "means": means}))
        .collect();
    Told::new(now, "help", "help: one command a line")
        .rows(rows)
        .with("commands", json!(facts))
}

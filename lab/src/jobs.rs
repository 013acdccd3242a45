//! What a drill is run for: to be solved, to be watched, or to prove that a
//! wrong way does not win.

use std::path::{Path, PathBuf};

use engine::{Baseline, Limits};
use model::{Action, Move, Period, Recovery, Responder, Scenario, StepAction, Trigger};

use crate::error::LabError;

/// How long the shop takes from nothing to its steady state, about.
const TO_STEADY: Period = Period::from_secs(18);
/// How long a drill takes from the last injection to its end, about.
const TO_END: Period = Period::from_secs(22);
/// How long a baseline waits for a page before it acts all the same, and how
/// long it has from its last move to the recovery: then it is graded as it stands.
const BASELINE: (Period, Period) = (Period::from_secs(30), Period::from_secs(15));
/// Of a scenario in which nothing breaks, no page comes.
const HEALTHY_PATIENCE: Period = Period::from_secs(8);
/// How many customers one lane of a machine carries.
const CUSTOMERS_OF_A_LANE: u64 = 20;
/// How long the platform may take to recover by itself where no time is documented.
const BY_ITSELF: Period = Period::from_secs(120);

/// One drill that is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Its place among the drills of the command.
    pub(crate) slot: usize,
    /// The scenario, with the responder in it.
    pub(crate) scenario: Scenario,
    /// Which of several runs, from 1.
    pub(crate) run: u16,
    /// The seed.
    pub(crate) seed: u64,
    /// Who responds.
    pub(crate) responder: Responder,
    /// What it is run for.
    pub(crate) purpose: Purpose,
    /// Whether a responder's reach is searched meanwhile.
    pub(crate) search: Search,
    /// Timeouts and windows.
    pub(crate) limits: Limits,
    /// The journal to write.
    pub(crate) journal: PathBuf,
}

/// What a drill is run for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// Whoever responds must pass.
    Solve,
    /// Nobody responds; what happens is measured.
    Watch,
    /// This baseline must not pass.
    Baseline(Baseline),
    /// Whoever does this and nothing better must not pass.
    WrongFix(Action),
}

/// The responder of a scenario that does what its author would do.
pub(crate) const EXPERT: &str = "expert";

/// The responder that waits until the platform has recovered by itself.
pub(crate) const WATCH: &str = "watch";

/// Whether all that a responder can reach is searched for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// It is not.
    Off,
    /// It is.
    On,
}

impl Job {
    /// `scenario` with one of its own responders, or a baseline, called `name`.
    pub(crate) fn solve(
        scenario: &Scenario,
        name: &str,
        run: u16,
        seed: u64,
        out: &Path,
    ) -> Result<Self, LabError> {
        let responder = responder(name, scenario)?;
        let suffix = numbered(run);
        Ok(Self {
            run,
            // The seed goes on with each repetition.
            seed: seed.wrapping_add(u64::from(run) - 1),
            ..Self::new(scenario, Purpose::Solve, responder, seed, &suffix, out)
        })
    }

    /// `scenario` with a person called `name` at the console.
    pub(crate) fn trainee(scenario: Scenario, name: &str, seed: u64, journal: PathBuf) -> Self {
        Self {
            slot: 0,
            scenario,
            run: 1,
            seed,
            responder: Responder::Trainee(name.to_owned()),
            purpose: Purpose::Solve,
            search: Search::Off,
            limits: Limits::default(),
            journal,
        }
    }

    /// `kind` in `scenario`.
    pub(crate) fn baseline(scenario: &Scenario, kind: Baseline, seed: u64, out: &Path) -> Self {
        let responder = Responder::Baseline(kind.name().to_owned());
        let suffix = format!("-{}", kind.name());
        let purpose = Purpose::Baseline(kind);
        let mut job = Self::new(scenario, purpose, responder, seed, &suffix, out);
        job.limits.patience = patience(scenario);
        job.limits.after_moves = Some(BASELINE.1);
        job
    }

    /// Somebody who is called as the expert is, and does `wrong`, the
    /// `number`th wrong fix of `scenario`, from 1.
    pub(crate) fn wrong_fix(
        scenario: &Scenario,
        number: usize,
        wrong: &Action,
        seed: u64,
        out: &Path,
    ) -> Self {
        let name = format!("wrong-fix-{number}");
        let mut scenario = scenario.clone();
        let moves = wrong_moves(&scenario, wrong);
        scenario.responders.insert(name.clone(), moves);
        let suffix = format!("-{name}");
        let purpose = Purpose::WrongFix(wrong.clone());
        let responder = Responder::Script(name);
        let mut job = Self::new(&scenario, purpose, responder, seed, &suffix, out);
        job.limits.after_moves = Some(BASELINE.1);
        job
    }

    /// `scenario` with nobody in it, until the platform has recovered by
    /// itself, or for twice as long as `recovery` says.
    pub(crate) fn watch(
        scenario: &Scenario,
        recovery: Recovery,
        run: u16,
        seed: u64,
        out: &Path,
    ) -> Self {
        let mut scenario = scenario.clone();
        let limit = match recovery {
            Recovery::Itself(Some(within)) => Period::from_millis(within.as_millis() * 2 + 30_000),
            _ => BY_ITSELF,
        };
        scenario.time_limit = scenario.time_limit.min(limit);
        let watch = vec![Move::When(Trigger::Recovered)];
        scenario.responders.insert(WATCH.to_owned(), watch);
        let responder = Responder::Script(WATCH.to_owned());
        let suffix = format!("-{WATCH}{}", numbered(run));
        Self {
            run,
            seed: seed.wrapping_add(u64::from(run) - 1),
            ..Self::new(&scenario, Purpose::Watch, responder, seed, &suffix, out)
        }
    }

    fn new(
        scenario: &Scenario,
        purpose: Purpose,
        responder: Responder,
        seed: u64,
        suffix: &str,
        out: &Path,
    ) -> Self {
        let file = format!("{}{suffix}.jsonl", scenario.name);
        Self {
            slot: 0,
            scenario: scenario.clone(),
            run: 1,
            seed,
            responder,
            purpose,
            search: Search::Off,
            limits: Limits::default(),
            journal: out.join("journals").join(file),
        }
    }

    /// The same drill, for another run in its place, with a journal of its own.
    pub(crate) fn once_more(&self) -> Self {
        let mut job = self.clone();
        let name = job.journal.file_stem().unwrap_or_default();
        let name = format!("{}-once-more.jsonl", name.to_string_lossy());
        job.journal.set_file_name(name);
        job
    }

    /// What people call it.
    pub(crate) fn label(&self) -> String {
        let name = &self.scenario.name;
        match (&self.purpose, self.run) {
            (Purpose::Solve, 1) => name.clone(),
            (Purpose::Solve, run) => format!("{name} #{run}"),
            (Purpose::Watch, 1) => format!("{name}, watched"),
            (Purpose::Watch, run) => format!("{name}, watched #{run}"),
            (Purpose::Baseline(kind), _) => format!("{name}, {}", kind.name()),
            (Purpose::WrongFix(action), _) => format!("{name}, {action}"),
        }
    }

    /// Under which name its duration is kept: alike drills take alike long.
    pub(crate) fn kept_as(&self) -> String {
        let who = match &self.responder {
            Responder::Trainee(name)
            | Responder::Script(name)
            | Responder::Agent(name)
            | Responder::Baseline(name) => name,
        };
        format!("{}/{who}", self.scenario.name)
    }

    /// How many lanes of the machine it takes: as many as its customers need when
    /// there are most of them.
    pub(crate) fn lanes(&self) -> u64 {
        let times = self
            .scenario
            .timeline
            .iter()
            .map(|step| match &step.action {
                StepAction::Inject(fault) if fault.kind == "flood" => fault
                    .args
                    .get("times")
                    .and_then(|times| times.as_u64())
                    .unwrap_or(1),
                _ => 1,
            });
        let customers = u64::from(self.scenario.load.users) * times.max().unwrap_or(1);
        customers.div_ceil(CUSTOMERS_OF_A_LANE).max(1)
    }

    /// How long it will take, about, when nothing is known of earlier runs.
    pub(crate) fn guess(&self) -> Period {
        let last = self.scenario.timeline.last();
        let last = last.map_or(Period::ZERO, |step| step.at);
        let waits: u64 = match &self.responder {
            Responder::Script(name) => self
                .scenario
                .responders
                .get(name)
                .into_iter()
                .flatten()
                .map(|step| match step {
                    Move::When(Trigger::Elapsed(period)) => period.as_millis(),
                    _ => 0,
                })
                .sum(),
            _ => 0,
        };
        let window = self.scenario.recovery_window;
        let parts = [TO_STEADY, last, TO_END, window];
        let sum: u64 = parts.iter().map(|part| part.as_millis()).sum();
        Period::from_millis(sum + waits)
    }
}

/// What a file of the `run`th run has in its name.
fn numbered(run: u16) -> String {
    match run {
        1 => String::new(),
        run => format!("-{run}"),
    }
}

fn responder(name: &str, scenario: &Scenario) -> Result<Responder, LabError> {
    if scenario.responders.contains_key(name) {
        return Ok(Responder::Script(name.to_owned()));
    }
    if Baseline::named(name).is_some() {
        return Ok(Responder::Baseline(name.to_owned()));
    }
    let mut known: Vec<&str> = scenario.responders.keys().map(String::as_str).collect();
    known.extend(Baseline::ALL.iter().map(|baseline| baseline.name()));
    Err(LabError::Authored(format!(
        "{} has no responder called `{name}`; there are: {}",
        scenario.name,
        known.join(", ")
    )))
}

/// How long a baseline waits for a page, from the steady state on.
fn patience(scenario: &Scenario) -> Period {
    let injections = scenario.timeline.iter();
    let first = injections
        .filter(|step| step.injects())
        .map(|step| step.at)
        .min();
    let steps = scenario.timeline.iter().map(|step| step.at).max();
    match (first, steps) {
        (Some(first), _) => Period::from_millis(first.as_millis() + BASELINE.0.as_millis()),
        (None, Some(last)) => Period::from_millis(last.as_millis() + HEALTHY_PATIENCE.as_millis()),
        (None, None) => HEALTHY_PATIENCE,
    }
}

/// Waits as the expert does before the first move; takes the page, says the
/// right severity, does `wrong`, and says that it is over.
fn wrong_moves(scenario: &Scenario, wrong: &Action) -> Vec<Move> {
    let expert = scenario.responders.get(EXPERT);
    let expert = expert.map_or(&[][..], Vec::as_slice);
    let waits = expert
        .iter()
        .take_while(|step| matches!(step, Move::When(_)));
    let mut moves: Vec<Move> = waits.cloned().collect();
    if moves.is_empty() {
        moves.push(Move::When(Trigger::Page));
    }
    moves.extend([
        Move::Acknowledge,
        Move::Declare(scenario.answer.severity),
        Move::Act(wrong.clone()),
        Move::Resolve,
    ]);
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::{select, vocabulary};

    fn scenario(name: &str) -> Scenario {
        let assets = Assets::default();
        let vocabulary = vocabulary::read(&assets).expect("built in");
        let asked = [name.to_owned()];
        let mut found = select::scenarios(&asked, &assets, &vocabulary).expect("built in");
        found.remove(0)
    }

    #[test]
    fn whoever_does_the_wrong_thing_is_called_as_the_expert_is() {
        let scenario = scenario("orders-crash-loop");
        let wrong = scenario.answer.wrong[0].clone();
        let job = Job::wrong_fix(&scenario, 1, &wrong, 7, Path::new("out"));
        let moves = &job.scenario.responders["wrong-fix-1"];
        assert_eq!(moves[0], scenario.responders["expert"][0]);
        assert!(moves.contains(&Move::Act(wrong)), "{moves:?}");
        assert!(!moves.iter().any(|step| matches!(step, Move::Diagnose(_))));
        assert_eq!(job.kept_as(), "orders-crash-loop/wrong-fix-1");
        assert!(
            job.journal
                .ends_with("journals/orders-crash-loop-wrong-fix-1.jsonl")
        );
    }

    #[test]
    fn a_drill_that_is_run_once_more_keeps_the_journal_of_the_first_run() {
        let job = Job::solve(&scenario("payment-hangs"), "expert", 2, 1, Path::new("out"));
        let job = job.expect("an expert");
        let other = job.once_more();
        assert_eq!((other.run, other.seed), (job.run, job.seed));
        assert!(
            other
                .journal
                .ends_with("journals/payment-hangs-2-once-more.jsonl"),
            "{}",
            other.journal.display()
        );
    }

    #[test]
    fn who_is_not_there_is_refused_with_those_that_are() {
        let scenario = scenario("payment-hangs");
        let error = Job::solve(&scenario, "nobody", 1, 1, Path::new("out")).expect_err("refused");
        assert!(
            error.to_string().contains("there are: expert, nothing"),
            "{error}"
        );
    }

    #[test]
    fn a_flood_takes_more_of_the_machine_than_a_quiet_day() {
        for (name, lanes) in [("payment-hangs", 1), ("front-end-slow-under-load", 6)] {
            let job = Job::solve(&scenario(name), "expert", 1, 1, Path::new("out"));
            assert_eq!(job.expect("an expert").lanes(), lanes, "{name}");
        }
    }

    #[test]
    fn a_baseline_waits_for_a_page_only_where_one_can_come() {
        let broken = patience(&scenario("payment-hangs"));
        let healthy = patience(&scenario("harmless-deploy"));
        assert!(healthy < broken, "{healthy} {broken}");
    }

    #[test]
    fn the_watch_of_a_recovery_is_not_longer_than_it_needs_to_be() {
        let scenario = scenario("front-end-crashes");
        let documented = Recovery::Itself(Some(Period::from_secs(30)));
        let job = Job::watch(&scenario, documented, 1, 1, Path::new("out"));
        assert_eq!(job.scenario.time_limit, Period::from_secs(90));
    }
}

//! Whole scenarios are read; broken ones tell all that is wrong with them.

use catalog::{Source, scenario};
use model::{Action, Move, Period, StepAction};

use crate::vocabulary::vocabulary;

#[test]
fn a_whole_scenario_is_read_with_its_defaults() {
    let source = Source::new("whole.yaml", include_str!("../whole.yaml"));
    let read = scenario(&source, &vocabulary()).expect("whole");
    assert_eq!(read.pass_mark, 60);
    assert_eq!(read.time_limit, Period::from_secs(600));
    assert_eq!(read.timeline.len(), 2);
    let StepAction::Inject(fault) = &read.timeline[0].action else {
        panic!("an injection");
    };
    assert_eq!(read.timeline[0].lasts, Some(Period::from_secs(120)));
    assert_eq!(fault.kind, "hang");
    assert_eq!(fault.args["service"], "payment");
    assert_eq!(
        read.responders["expert"][5],
        Move::Act(Action::RolloutRestart("payment".into()))
    );
}

#[test]
fn a_fault_takes_the_defaults_of_what_was_left_out() {
    let text = include_str!("../whole.yaml").replace("hang:", "crash:");
    let read = scenario(&Source::new("x.yaml", text), &vocabulary()).expect("whole");
    let StepAction::Inject(fault) = &read.timeline[0].action else {
        panic!("an injection");
    };
    assert_eq!(fault.args["times"], 1);
}

#[test]
fn what_is_left_out_and_has_no_default_stays_out() {
    let text = include_str!("../whole.yaml").replace("hang:", "starve:");
    let read = scenario(&Source::new("x.yaml", text), &vocabulary()).expect("whole");
    let StepAction::Inject(fault) = &read.timeline[0].action else {
        panic!("an injection");
    };
    assert_eq!(fault.args.len(), 1);
}

#[test]
fn warnings_leave_a_scenario_usable() {
    let text = include_str!("../whole.yaml").replace("    - resolve: {}\n", "");
    let source = Source::new("x.yaml", text);
    assert!(scenario(&source, &vocabulary()).is_ok());
    let found = catalog::lint(&[source], &vocabulary(), &|_, _| true);
    assert!(
        found[0]
            .to_string()
            .contains("warning: the expert never says that it is over")
    );
}

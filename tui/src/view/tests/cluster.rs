//! The cluster screen: its lists and its pages.

use engine::ObjectKind;

use super::*;
use crate::state::{Instance, Source, Tab};

const PAYMENT: &str = "payment-7c9d8b6f4-9qwpz";

/// On the cluster screen, at `tab`.
fn at(tab: Tab) -> State {
    let mut state = busy();
    state.screen = Screen::Cluster;
    while state.cluster.tab != tab {
        press(&mut state, KeyCode::Char('l'));
    }
    state
}

fn told(state: &mut State, source: Source, lines: &[&str]) {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    update(state, Message::Told(source, Ok(lines)));
}

fn payment(lines: &[&str]) -> State {
    let mut state = at(Tab::Pods);
    press(&mut state, KeyCode::Char('o'));
    let source = Source::Logs(PAYMENT.into(), Instance::Present);
    told(&mut state, source, lines);
    state
}

#[test]
fn every_tab_says_what_is_in_trouble_and_how_a_shell_lists_it() {
    for tab in [Tab::Deployments, Tab::Services, Tab::Events] {
        for (width, height) in [(80, 24), (120, 40)] {
            let name = format!("cluster-{}-{width}x{height}", tab.title());
            insta::assert_snapshot!(name, shown(&at(tab), width, height));
        }
    }
}

#[test]
fn what_is_selected_is_described_written_as_yaml_and_its_logs_are_read() {
    let pod = || PAYMENT.to_owned();
    for (tab, key, source) in [
        (Tab::Pods, 'd', Source::Describe(ObjectKind::Pod, pod())),
        (Tab::Pods, 'y', Source::Yaml(ObjectKind::Pod, pod())),
        (Tab::Pods, 'o', Source::Logs(pod(), Instance::Present)),
        (Tab::Pods, 'O', Source::Logs(pod(), Instance::Previous)),
        (
            Tab::Deployments,
            'd',
            Source::Describe(ObjectKind::Deployment, "payment".into()),
        ),
        (
            Tab::Services,
            'y',
            Source::Yaml(ObjectKind::Service, "payment".into()),
        ),
        (Tab::Events, 'd', Source::Describe(ObjectKind::Pod, pod())),
    ] {
        let mut state = at(tab);
        let effects = press(&mut state, KeyCode::Char(key));
        assert_eq!(effects, [Effect::Read(source)], "{key}");
    }
    let mut state = at(Tab::Services);
    assert!(press(&mut state, KeyCode::Char('o')).is_empty());
    assert!(shown(&state, 80, 24).contains("logs are those of a pod"));
}

#[test]
fn a_deployment_leads_to_its_pods_and_a_pod_to_the_change_of_its_service() {
    let mut state = at(Tab::Deployments);
    press(&mut state, KeyCode::Enter);
    insta::assert_snapshot!("cluster-pods-of-payment", shown(&state, 80, 24));
    press(&mut state, KeyCode::Char('t'));
    assert_eq!(state.screen, Screen::Act);
    let chosen = state.chosen_action().expect("a change");
    assert_eq!(chosen.service().as_str(), "payment");
    state.screen = Screen::Cluster;
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.cluster.listed().len(), 2);
}

#[test]
fn rows_are_filtered_while_the_text_is_written() {
    let mut state = at(Tab::Pods);
    press(&mut state, KeyCode::Char('/'));
    write(&mut state, "ord");
    insta::assert_snapshot!("cluster-filtered", shown(&state, 80, 24));
    write(&mut state, "nung");
    press(&mut state, KeyCode::Enter);
    assert!(shown(&state, 80, 24).contains("nothing has \"ordnung\" in it"));
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.cluster.listed().len(), 2);
}

#[test]
fn a_page_is_searched_and_closed() {
    let mut state = payment(&["starting", "Error: no gateway", "retry", "an error again"]);
    press(&mut state, KeyCode::Char('/'));
    write(&mut state, "error");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Char('n'));
    insta::assert_snapshot!("cluster-page-searched", shown(&state, 80, 24));
    press(&mut state, KeyCode::Char('N'));
    assert!(shown(&state, 80, 24).contains("line 2 of 2"));
    press(&mut state, KeyCode::Esc);
    assert!(state.cluster.page.is_none());
}

#[test]
fn logs_are_followed_until_somebody_reads_back() {
    let mut state = payment(&["one", "two"]);
    let source = Source::Logs(PAYMENT.into(), Instance::Present);
    let read = Effect::Read(source.clone());
    let begun = press(&mut state, KeyCode::Char('f'));
    assert_eq!(begun, std::slice::from_ref(&read));
    told(&mut state, source.clone(), &["one", "two", "three"]);
    assert!(shown(&state, 80, 24).contains("▶three"));
    let ticks = update(&mut state, Message::Tick(NOW.plus(Period::from_secs(3))));
    assert!(ticks.contains(&read), "{ticks:?}");
    press(&mut state, KeyCode::Char('k'));
    let ticks = update(&mut state, Message::Tick(NOW.plus(Period::from_secs(5))));
    assert!(!ticks.contains(&read), "{ticks:?}");
    // What comes after the page was closed does not open it again.
    press(&mut state, KeyCode::Esc);
    told(&mut state, source, &["four"]);
    assert!(state.cluster.page.is_none());
}

#[test]
fn a_page_that_cannot_be_read_is_no_page() {
    let mut state = at(Tab::Pods);
    press(&mut state, KeyCode::Char('O'));
    let source = Source::Logs(PAYMENT.into(), Instance::Previous);
    let why = "previous terminated container \"payment\" not found".to_owned();
    update(&mut state, Message::Told(source, Err(why)));
    assert!(shown(&state, 80, 24).contains("previous terminated container"));
    assert!(state.cluster.page.is_none());
}

#[test]
fn its_keys_stand_in_the_help_of_the_smallest_terminal() {
    let mut state = at(Tab::Pods);
    press(&mut state, KeyCode::Char('?'));
    insta::assert_snapshot!("cluster-help", shown(&state, 80, 24));
}

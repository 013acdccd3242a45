//! Every key, where it works: help is drawn from here.

use crate::state::Screen;

/// A key and what it does.
pub(crate) struct Binding {
    pub(crate) keys: &'static str,
    pub(crate) does: &'static str,
}

const fn bind(keys: &'static str, does: &'static str) -> Binding {
    Binding { keys, does }
}

/// Keys that work on every screen.
pub(crate) const EVERYWHERE: [Binding; 12] = [
    bind("1-8, Tab, Shift-Tab", "go to a screen"),
    bind("a", "acknowledge the page"),
    bind("u", "write an update to the stakeholders"),
    bind("H", "take a hint, for its price"),
    bind(":", "run a runbook command (Tab completes)"),
    bind("j k, arrows", "move down, up"),
    bind("g G", "to the first, the last"),
    bind("R", "resolve: the incident is over"),
    bind("?", "help"),
    bind("Esc", "close, go back"),
    bind("q", "leave"),
    bind("Ctrl-C", "leave at once: everything is undone"),
];

/// Keys that work on `screen` only.
pub(crate) fn of_screen(screen: Screen) -> &'static [Binding] {
    match screen {
        Screen::Incident => &[],
        Screen::Metrics => {
            const {
                &[
                    bind(
                        "i or /",
                        "write PromQL; Tab completes, arrows, Ctrl-R recall",
                    ),
                    bind("d", "dashboard ([ ] the service, Enter a panel's query)"),
                    bind("h l", "cursor, by a point (Esc takes it away)"),
                    bind("+ - 0", "shorter, longer around the cursor; back to now"),
                    bind(
                        "s or Enter",
                        "the series alone, and back (PgDn PgUp: eight on)",
                    ),
                    bind("n p r", "next, previous ready-made query; ask again"),
                ]
            }
        }
        Screen::Logs => {
            const {
                &[
                    bind("i", "write LogQL; Tab completes, arrows, Ctrl-R recall"),
                    bind("/", "show only lines with a text (! before it: without)"),
                    bind("f", "follow"),
                    bind("n p r", "next, previous ready-made query; ask again"),
                    bind("t or Enter", "go to the line's trace"),
                    bind("c", "what its stream wrote before and after; Esc goes back"),
                ]
            }
        }
        Screen::Traces => {
            const {
                &[
                    bind(
                        "i or /",
                        "write TraceQL; Tab completes, arrows, Ctrl-R recall",
                    ),
                    bind("n p", "next, previous ready-made query"),
                    bind(
                        "Enter",
                        "open a trace as a waterfall; there: the span in full",
                    ),
                    bind("l M", "in a trace: its logs, the metrics of its service"),
                    bind("m", "the map; there Enter: slow or failed calls, e: failed"),
                    bind("r", "ask again"),
                ]
            }
        }
        Screen::Cluster => {
            const {
                &[
                    bind("h l", "pods, deployments, services, events"),
                    bind("/ s", "filter, order of the rows (Esc: all of them)"),
                    bind(
                        "Enter d y",
                        "describe, YAML (Enter on a Deployment: its pods)",
                    ),
                    bind("o O f", "logs, of its previous container; there: follow"),
                    bind("t", "change its service: the screen Act"),
                    bind("/ n N h l", "in a text: search, on, back; to the side"),
                ]
            }
        }
        Screen::Act => {
            const {
                &[
                    bind("h l", "choose what to do"),
                    bind("Enter", "do it, after a look at what it means"),
                ]
            }
        }
        Screen::Answer => {
            const {
                &[
                    bind("h l", "change the field"),
                    bind("Enter", "submit the diagnosis"),
                ]
            }
        }
        Screen::Debrief => &[],
    }
}

/// The hint line at the foot of `screen`.
pub(crate) fn footer(screen: Screen) -> String {
    let own = of_screen(screen)
        .iter()
        .take(3)
        .map(|binding| format!("{} {}", binding.keys, brief(binding.does)));
    let common = ["a acknowledge", ": command", "? help", "q leave"].map(str::to_owned);
    own.chain(common).collect::<Vec<_>>().join("  ")
}

/// The first words, up to a comma or semicolon.
fn brief(does: &str) -> &str {
    let end = does.find([',', ';', '(']).unwrap_or(does.len());
    does[..end].trim_end()
}

//! The keys of authored maps and what they mean: read by the decoder for its
//! help, and written into the JSON Schemas.

/// The keys of a map, each with its meaning in one line.
pub(crate) type Keys = &'static [(&'static str, &'static str)];

pub(crate) const SCENARIO: Keys = &[
    ("name", "its name in kebab case, unique in its folder"),
    (
        "title",
        "what customers complain of, in one line; gives no cause away",
    ),
    ("shop", "the shop that is broken"),
    (
        "matrix",
        "the row of the failure matrix that it stands for; its deadline for detection is enforced",
    ),
    ("level", "how hard it is, from 1 to 5"),
    ("briefing", "what the responder is told at the start"),
    ("load", "the customers, such as `{ steady: { users: 20 } }`"),
    (
        "steady-state",
        "the checks that must hold before anything is broken, at least one",
    ),
    ("timeline", "what happens, step by step"),
    (
        "hypothesis",
        "what you predict: symptoms and alerts, such as `symptoms: [{ slo: checkout-availability, below: 85% }]`",
    ),
    ("answer", "what is right: `cause`, `mode` and `fixes`"),
    ("hints", "help for a price, in order"),
    (
        "responders",
        "scripts of moves by name; `expert` proves that the scenario can be solved",
    ),
    (
        "pass-mark",
        "the points at which it is passed, from 1 to 100; 60 if left out",
    ),
    (
        "time-limit",
        "how long a drill may last after the first step; `10m` if left out",
    ),
    (
        "recovery-window",
        "how long the checks must hold again before it counts as recovered; `10s` if left out",
    ),
];

/// The shapes of load.
pub(crate) const LOADS: Keys = &[("steady", "the same number of customers all the time")];

pub(crate) const LOAD: Keys = &[("users", "how many customers there are at once, 1 to 5000")];

pub(crate) const STEP: Keys = &[
    ("at", "when, counted from the steady state, such as `5s`"),
    (
        "inject",
        "what breaks: a fault, such as `{ hang: { service: payment } }`",
    ),
    (
        "change",
        "what somebody does who means no harm, such as `{ rollout-restart: queue-master }`",
    ),
    (
        "for",
        "with `inject`: how long it stays; to the end if left out",
    ),
];

pub(crate) const HYPOTHESIS: Keys = &[
    (
        "symptoms",
        "what will show that the fault bites: checks that are lost, or alerts",
    ),
    (
        "within",
        "how soon after the last injection the first symptom must show; `30s` if left out",
    ),
    ("alerts", "alerts that must fire"),
    ("silent", "alerts that must stay silent"),
    ("spreads-to", "services that suffer too"),
];

pub(crate) const SYMPTOM: Keys = &[
    ("slo", "a check that will no longer hold"),
    (
        "below",
        "the share below which it counts, such as `50%`; the check's own bound if left out",
    ),
    ("alert", "an alert that will fire"),
];

pub(crate) const ANSWER: Keys = &[
    (
        "cause",
        "the service at fault, or `none` where nothing is wrong",
    ),
    ("mode", "how it fails; `none` goes with `cause: none`"),
    (
        "severity",
        "`info`, `ticket` or `page`; `page` if left out, `info` where the cause is none",
    ),
    (
        "fixes",
        "changes that end it; empty where it recovers alone",
    ),
    ("wrong", "changes that look right and are not"),
];

pub(crate) const HINT: Keys = &[
    ("after", "how long after the page it can be asked for"),
    ("cost", "points that it costs, 0 to 100"),
    ("text", "what it says"),
];

pub(crate) const DIAGNOSIS: Keys = &[
    ("cause", "the service at fault, or `none`"),
    ("mode", "how it fails"),
    (
        "impact",
        "the row of the failure matrix whose impact customers feel",
    ),
];

pub(crate) const SCALE: Keys = &[
    ("service", "the service or store"),
    ("replicas", "how many pods it shall have, 0 to 100"),
];

pub(crate) const SET_IMAGE: Keys = &[
    ("service", "the service or store"),
    ("release", "the image's tag, such as `v1.0.0`"),
];

pub(crate) const SET_RESOURCES: Keys = &[
    ("service", "the service or store"),
    ("cpu", "the CPU limit, such as `200m` or `0.5`"),
    ("memory", "the memory limit, such as `400Mi`"),
];

pub(crate) const AUTOSCALE: Keys = &[
    ("service", "the service"),
    ("min", "the fewest pods, 1 to 100"),
    ("max", "the most pods, 1 to 100"),
    (
        "cpu",
        "the share of the requested CPU that is aimed at, in percent, 1 to 100",
    ),
];

/// What `when` waits for.
pub(crate) const TRIGGERS: Keys = &[
    ("page", "wait for any page"),
    ("alert", "wait until this alert fires"),
    (
        "recovered",
        "wait until the checks hold again for the recovery window",
    ),
    ("elapsed", "let time pass"),
];

/// The moves of a responder that are not changes.
pub(crate) const MOVES: Keys = &[
    ("when", "wait until something is so"),
    ("acknowledge", "take the page"),
    ("declare", "say how bad it is"),
    ("query", "ask a telemetry backend"),
    ("diagnose", "say what is wrong"),
    ("update", "tell the stakeholders"),
    ("resolve", "say that it is over"),
];

/// Changes to a shop: the runbook's commands.
pub(crate) const ACTIONS: Keys = &[
    ("rollout-restart", "replace every pod, one after another"),
    ("rollout-undo", "go back to the revision before"),
    (
        "delete-pod",
        "delete its pods; its Deployment makes new ones",
    ),
    ("scale", "set how many pods there are"),
    ("set-image", "deploy a release"),
    ("set-resources", "set the container's limits"),
    ("autoscale", "scale it by its CPU from now on"),
    (
        "apply",
        "apply its manifests again, as they stand in the repository",
    ),
];

/// The backends of a query.
pub(crate) const BACKENDS: Keys = &[
    ("metrics", "PromQL"),
    ("logs", "LogQL"),
    ("traces", "TraceQL"),
];

pub(crate) const MATRIX: Keys = &[("rows", "the documented failures, in the documents' order")];

pub(crate) const ROW: Keys = &[
    ("id", "a stable id, such as `M06`"),
    ("shop", "the shop it speaks of"),
    ("failed", "the service or store that fails"),
    ("impact", "what stops working"),
    ("experience", "what the user sees, in the shop's own words"),
    ("journeys", "the customers' journeys that fail"),
    ("shows", "texts of the shop that customers meet then"),
    (
        "detect",
        "how soon after the first user impact monitoring must have noticed",
    ),
    (
        "recovery",
        "`itself`, `{ itself: 30s }`, `manual-restart` or `manual-intervention`",
    ),
];

pub(crate) const SLOS: Keys = &[("checks", "what the shop promises its customers")];

pub(crate) const CHECK: Keys = &[
    ("name", "its name, unique in the shop"),
    ("title", "what it promises to a customer, in one line"),
    ("query", "PromQL that gives one number"),
    (
        "bound",
        "when it holds: `{ at-least: 95% }`, `{ within: 1s }` or `{ at-most: 3 }`",
    ),
];

/// The bounds of a check.
pub(crate) const BOUNDS: Keys = &[
    ("at-least", "holds while the share is this large or larger"),
    ("within", "holds while the seconds are this long or shorter"),
    ("at-most", "holds while the number is this or smaller"),
];

pub(crate) const SUITE: Keys = &[
    ("name", "its name"),
    ("title", "what it is for, in one line"),
    (
        "scenarios",
        "paths of scenarios, from the suite's own folder",
    ),
    (
        "with",
        "what is proven of each scenario besides that its expert passes",
    ),
];

/// What can be proven of the scenarios of a suite.
pub(crate) const PROOFS: Keys = &[
    ("baselines", "no baseline passes"),
    ("wrong-fixes", "no declared wrong fix passes"),
    (
        "leaks",
        "nothing that a responder can reach gives the answer away",
    ),
];

/// The names of `keys`.
pub(crate) fn names(keys: Keys) -> Vec<&'static str> {
    keys.iter().map(|(name, _)| *name).collect()
}

/// How a documented failure recovers, as one word.
pub(crate) const RECOVERIES: Keys = &[
    ("itself", "the platform recovers alone"),
    ("manual-restart", "somebody has to restart the service"),
    ("manual-intervention", "somebody has to intervene"),
];
